//! What may become of a call that embeds, condenses or writes.

use std::sync::Arc;

use askbook::error::ErrorKind::{self, Blocked, Malformed, Timeout, Unavailable};
use serde_json::{Value, json};

use super::Case;
use super::gemini::{bodies, connections, errors, json_body, protocols};
use super::subject::{End, Harbour, Subject, Wire};
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::scripted_gemini::{Act, Call, Ending, Verb, event, text_event};

/// A wrong way to answer a call.
pub(super) struct Fault {
    name: &'static str,
    act: fn(&Call) -> Act,
    /// What the reader is told; `None` when nothing is lost.
    loss: Option<ErrorKind>,
    /// How often the call is made.
    calls: usize,
    /// Whether it is noticed by the time that it takes.
    hangs: bool,
    /// Whether Gemini is left alone then.
    closes: bool,
    /// Whether a reader of a stream has seen a part of the answer.
    shown: bool,
}

impl Fault {
    /// One by which something is lost, for this reason.
    pub(super) fn new(name: &'static str, loss: ErrorKind, act: fn(&Call) -> Act) -> Self {
        let loss = Some(loss);
        Self { name, act, loss, calls: 1, hangs: false, closes: false, shown: false }
    }

    /// One that nobody notices.
    pub(super) fn harmless(name: &'static str, act: fn(&Call) -> Act) -> Self {
        Self { loss: None, ..Self::new(name, Malformed, act) }
    }

    /// One that may pass: the call is made again, as often as calls are.
    pub(super) fn tried(self) -> Self {
        Self { calls: 3, ..self }
    }

    /// One after which the call is made once more.
    fn doubted(self) -> Self {
        Self { calls: 2, ..self }
    }

    pub(super) fn hanging(self) -> Self {
        Self { hangs: true, ..self }
    }

    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    fn shown(self) -> Self {
        Self { shown: true, ..self }
    }

    /// How a reply ends when this becomes of a call for this.
    fn end(&self, verb: Verb, wire: Wire) -> End {
        let Some(loss) = self.loss else { return End::answered() };
        let code = format!("upstream_{loss}");
        match verb {
            Verb::Condense if self.closes => End::without_model("extractive", loss),
            Verb::Condense => End::without_model("generated", loss),
            Verb::Write if self.shown && wire == Wire::Streamed => {
                End::Problem { code, incomplete: true }
            }
            Verb::Write if loss != Blocked => End::without_model("extractive", loss),
            Verb::Write | Verb::Embed | Verb::LookUp => End::problem(code),
        }
    }

    /// What a question is paid for, by the time when it may have been left alone.
    fn paid(&self, verb: Verb, is_first: bool) -> Vec<Verb> {
        // Whoever condenses has no time to try again.
        let calls = if verb == Verb::Condense { 1 } else { self.calls };
        let calls = vec![verb; if is_first || !self.closes { calls } else { 0 }];
        match verb {
            Verb::Embed if self.loss.is_none() => [calls, vec![Verb::Write]].concat(),
            Verb::Condense if self.closes => [calls, vec![Verb::Embed]].concat(),
            Verb::Condense => [calls, vec![Verb::Embed, Verb::Write]].concat(),
            Verb::Write => [vec![Verb::Embed], calls].concat(),
            Verb::Embed | Verb::LookUp => calls,
        }
    }

    /// Lets it happen, by each wire.
    async fn play(self, verb: Verb, harbour: Arc<Harbour>) {
        const SHORT: &str = "3000";
        let short = [("ASKBOOK_UPSTREAM_TIMEOUT_MS", SHORT), ("ASKBOOK_CONDENSE_MS", SHORT)];
        let settings: &[_] = if self.hangs { &short } else { &[] };
        let subject = Subject::start(&harbour.url().await, settings).await;
        let act = self.act;
        for wire in Wire::ALL {
            let before = subject.gemini.paid_calls().len();
            subject.strike(move |call| call.on(verb, || act(call)));
            let end = subject.ask(wire, &question(verb)).await;
            subject.mend();
            assert_eq!(end, self.end(verb, wire), "{wire:?}");
            let paid = subject.gemini.paid_calls().split_off(before);
            assert_eq!(paid, self.paid(verb, wire == Wire::Whole), "{wire:?}");
            if self.closes {
                subject.lives().await;
            } else {
                subject.is_well().await;
            }
        }
        subject.end().await;
    }
}

/// One that is answered by such a call.
fn question(verb: Verb) -> Value {
    if verb != Verb::Condense {
        return json!({ "message": QUESTION });
    }
    let history = json!([
        {"role": "user", "content": "Is there a harbour?"},
        {"role": "assistant", "content": "Yes."},
    ]);
    json!({"message": "And when is it open to ships?", "history": history})
}

/// What may become of a call of this kind.
pub(super) fn cases(verb: Verb) -> Vec<Case> {
    let harbour = Harbour::new();
    let own = match verb {
        Verb::Embed => of_embedding(),
        Verb::Condense => of_condensing(),
        Verb::Write => of_writing(),
        Verb::LookUp => Vec::new(),
    };
    let all = [connections(), protocols(), bodies(), errors(), own].into_iter().flatten();
    let case = |fault: Fault| {
        let name = format!("{verb:?}: {}", fault.name);
        Case::new(name, fault.play(verb, Arc::clone(&harbour)))
    };
    all.map(case).collect()
}

fn embedding(values: &Value) -> Act {
    Act::Say(200, json!({"embeddings": [{ "values": values }]}))
}

/// A vector of the right size that ends in this.
fn numbers(last: &str) -> String {
    format!("{{\"embeddings\": [{{\"values\": [{}{last}]}}]}}", "0.5,".repeat(767))
}

fn of_embedding() -> Vec<Fault> {
    vec![
        Fault::new("a vector that is too short", Malformed, |_| embedding(&json!(vec![0.5; 767]))),
        Fault::new("a vector that is too long", Malformed, |_| embedding(&json!(vec![0.5; 769]))),
        Fault::new("a vector of no size", Malformed, |_| embedding(&json!([]))),
        Fault::new("no vector", Malformed, |_| Act::Say(200, json!({"embeddings": []}))),
        Fault::new("two vectors", Malformed, |_| {
            let one = json!({"values": vec![0.5; 768]});
            Act::Say(200, json!({"embeddings": [one, one]}))
        }),
        Fault::new("a vector without values", Malformed, |_| {
            Act::Say(200, json!({"embeddings": [{}]}))
        }),
        Fault::new("a vector of zeroes", Malformed, |_| embedding(&json!(vec![0.0; 768]))),
        Fault::new("words for numbers", Malformed, |_| embedding(&json!(vec!["a"; 768]))),
        Fault::new("null for a number", Malformed, |call| json_body(call, &numbers("null"))),
        Fault::new("a number beyond all", Malformed, |call| json_body(call, &numbers("1e999"))),
        Fault::new("a number beyond those of a vector", Malformed, |call| {
            json_body(call, &numbers("1e300"))
        }),
        Fault::new("NaN", Malformed, |call| json_body(call, &numbers("NaN"))),
        Fault::new("100,000 numbers", Malformed, |_| embedding(&json!(vec![0.5; 100_000]))),
        Fault::harmless("more about the vector than was asked for", |call| {
            let Act::Say(code, mut body) = call.done(QUESTION, ANSWER) else { unreachable!() };
            body["embeddings"][0]["statistics"] = json!({"tokenCount": 8});
            body["usageMetadata"] = json!(null);
            Act::Say(code, body)
        }),
    ]
}

fn candidate(text: &str, finish: &str) -> Value {
    json!({"candidates": [{
        "content": {"role": "model", "parts": [{"text": text}]},
        "finishReason": finish,
    }]})
}

fn of_condensing() -> Vec<Fault> {
    vec![
        Fault::new("no words", Malformed, |_| Act::Say(200, candidate(" \n", "STOP"))),
        Fault::new("cut short", Malformed, |_| Act::Say(200, candidate("When is", "MAX_TOKENS"))),
        Fault::new("declined in the end", Blocked, |_| Act::Say(200, candidate("", "SAFETY"))),
        Fault::new("declined before it began", Blocked, |_| {
            Act::Say(200, json!({"promptFeedback": {"blockReason": "OTHER"}}))
        }),
        Fault::new("no reason to end", Malformed, |_| Act::Say(200, candidate(QUESTION, ""))),
        Fault::new("an error with success", Unavailable, |_| {
            Act::Say(200, json!({"error": {"code": 503, "status": "UNAVAILABLE"}}))
        }),
        Fault::harmless("an essay", |_| {
            let essay = "When is the harbour open to ships? ".repeat(4_000);
            Act::Say(200, candidate(&essay, "STOP"))
        }),
        Fault::harmless("several lines", |_| {
            Act::Say(200, candidate("When is the harbour open to ships?\nOr closed?", "STOP"))
        }),
        Fault::harmless("control characters", |_| {
            Act::Say(200, candidate("When is the harbour\u{0}\u{7} open to ships?", "STOP"))
        }),
    ]
}

fn stream(pieces: &[Vec<u8>], ending: Ending) -> Act {
    Act::Stream(pieces.to_vec(), ending)
}

/// A stream whose events are all there.
fn events(all: &[Value]) -> Act {
    stream(&all.iter().map(event).collect::<Vec<_>>(), Ending::Complete)
}

/// Enough of an answer to be shown.
const BEGINNING: &str = "Ships find the harbour open at high tide [1]. And ";

fn of_writing() -> Vec<Fault> {
    vec![
        Fault::new("no end", Malformed, |_| stream(&[text_event("Ships")], Ending::Complete)),
        Fault::new("closed in the first sentence", Unavailable, |_| {
            stream(&[text_event("Ships")], Ending::BreaksOff)
        }),
        Fault::new("reset in the first sentence", Unavailable, |_| {
            stream(&[text_event("Ships")], Ending::Resets)
        }),
        Fault::new("hangs in the first sentence", Timeout, |_| {
            stream(&[text_event("Ships")], Ending::Hangs)
        })
        .hanging(),
        Fault::new("no end behind a sentence", Malformed, |_| {
            stream(&[text_event(BEGINNING)], Ending::Complete)
        })
        .shown(),
        Fault::new("closed behind a sentence", Unavailable, |_| {
            stream(&[text_event(BEGINNING)], Ending::BreaksOff)
        })
        .shown(),
        Fault::new("hangs behind a sentence", Timeout, |_| {
            stream(&[text_event(BEGINNING)], Ending::Hangs)
        })
        .shown()
        .hanging(),
        Fault::new("closed inside of an event behind a sentence", Unavailable, |_| {
            let cut = b"data: {\"candidates\": [{\"content\": \xE6".to_vec();
            stream(&[text_event(BEGINNING), cut], Ending::BreaksOff)
        })
        .shown(),
        Fault::new("an event of no JSON behind a sentence", Malformed, |_| {
            stream(&[text_event(BEGINNING), b"data: {\r\n\r\n".to_vec()], Ending::Complete)
        })
        .shown(),
        Fault::new("an error behind a sentence", Unavailable, |_| {
            let error = json!({"error": {"code": 503, "status": "UNAVAILABLE"}});
            stream(&[text_event(BEGINNING), event(&error)], Ending::Complete)
        })
        .shown(),
        Fault::new("a bare error at the end", Unavailable, |_| {
            let error = b"{\"error\": {\"code\": 500, \"status\": \"INTERNAL\"}}\n".to_vec();
            stream(&[text_event(BEGINNING), error], Ending::Complete)
        })
        .shown(),
        Fault::new("declined behind a sentence", Blocked, |_| {
            stream(&[text_event(BEGINNING), event(&candidate("", "SAFETY"))], Ending::Complete)
        })
        .shown(),
        Fault::new("no words", Malformed, |_| events(&[candidate("", "STOP")])).doubted(),
        Fault::new("blank words", Malformed, |_| events(&[candidate(" \n", "STOP")])).doubted(),
        Fault::new("nothing but thoughts", Malformed, |_| {
            let thought = json!([{"text": ANSWER, "thought": true}]);
            let content = json!({"parts": thought});
            events(&[json!({"candidates": [{"content": content, "finishReason": "STOP"}]})])
        })
        .doubted(),
        Fault::new("no event", Malformed, |_| {
            stream(&[b": nothing\r\n\r\n".to_vec()], Ending::Complete)
        }),
        Fault::new("an event of no JSON", Malformed, |_| {
            stream(&[b"data: hello\r\n\r\n".to_vec()], Ending::Complete)
        }),
        Fault::new("an event of 5 MB", Malformed, |_| {
            stream(&[b"data: ".to_vec(), b"a".repeat(5 << 20)], Ending::Complete)
        }),
        Fault::new("an answer of 1 MB", Malformed, |_| {
            events(&[candidate(&"Ships ".repeat(200_000), "STOP")])
        }),
        Fault::new("an error with success", Unavailable, |_| {
            events(&[json!({"error": {"code": 503, "status": "UNAVAILABLE"}})])
        }),
        Fault::new("cut short", Malformed, |_| events(&[candidate("Ships", "MAX_TOKENS")])),
        Fault::new("declined", Blocked, |_| events(&[candidate("", "SAFETY")])),
        Fault::new("declined before it began", Blocked, |_| {
            events(&[json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})])
        }),
        Fault::new("recited", Blocked, |_| events(&[candidate("", "RECITATION")])),
        Fault::new("a call of a function", Malformed, |_| {
            events(&[candidate("", "MALFORMED_FUNCTION_CALL")])
        }),
        Fault::new("a reason of tomorrow", Malformed, |_| events(&[candidate("Ships", "TIRED")])),
        Fault::new("a reason that is none of a name", Malformed, |_| {
            events(&[candidate("Ships", crate::support::gemini::KEY)])
        }),
        Fault::harmless("no blank line at the end", |_| {
            let mut last = event(&candidate(ANSWER, "STOP"));
            last.truncate(last.len() - 4);
            stream(&[last], Ending::Complete)
        }),
        Fault::harmless("comments, and fields that nobody reads", |_| {
            let noise = b": beat\r\nevent: x\r\nid: 4\r\nretry: 1\r\n\r\n".to_vec();
            stream(&[noise, event(&candidate(ANSWER, "STOP"))], Ending::Complete)
        }),
        Fault::harmless("more than was asked for", |_| {
            let mut event = candidate(ANSWER, "STOP");
            event["candidates"][0]["groundingMetadata"] = json!({"x": [[]]});
            event["usageMetadata"] = json!({"promptTokenCount": u64::MAX});
            events(&[event])
        }),
    ]
}
