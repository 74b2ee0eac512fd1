//! Run with `--nocapture`, each test prints what the reader and the owner see of its loss.

use std::sync::{Arc, Mutex};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Reply, TestApp};
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::qdrant_server::QdrantServer;
use crate::support::scripted_gemini::{
    Act, Call, Ending, INTERNAL_WORDS, ScriptedGemini, Verb, error, event, text_event,
};
use crate::support::sse;
use crate::support::wire::Wire;

/// How Gemini answers a call in place of as it should.
type Fault = fn(&Call) -> Option<Act>;

/// What askbook is told beside where its parts are.
type Settings = &'static [(&'static str, &'static str)];

/// An askbook with all of its parts, any of which may be lost.
struct Scene {
    app: TestApp,
    gemini: ScriptedGemini,
    fault: Arc<Mutex<Fault>>,
    wire: Option<Wire>,
    _qdrant: QdrantServer,
}

/// What a question is told, both ways, and what the owner is told.
struct Told {
    whole: Reply,
    events: Vec<Value>,
    ready: Reply,
}

impl Scene {
    /// An askbook that lacks nothing, with these settings.
    async fn start(settings: &[(&str, &str)]) -> Self {
        let fault: Arc<Mutex<Fault>> = Arc::new(Mutex::new(|_| None));
        let script = {
            let fault = Arc::clone(&fault);
            move |call: &Call| {
                let fault = *fault.lock().unwrap();
                fault(call).unwrap_or_else(|| call.done(QUESTION, ANSWER))
            }
        };
        let (gemini, qdrant) = (ScriptedGemini::start(script).await, harbour().await);
        let wire = Wire::to(&qdrant.url()).await;
        let (gemini_url, qdrant_url) = (gemini.url(), wire.url());
        let defaults = [
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &gemini_url),
            ("QDRANT_URL", &qdrant_url),
            ("QDRANT_COLLECTION_NAME", COLLECTION),
            ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "5000"),
        ];
        let given = |name: &str| settings.iter().any(|setting| setting.0 == name);
        let defaults = defaults.into_iter().filter(|default| !given(default.0));
        let settings: Vec<_> = defaults.chain(settings.iter().copied()).collect();
        let app = TestApp::start(&settings).await;
        Self { app, gemini, fault, wire: Some(wire), _qdrant: qdrant }
    }

    /// An askbook that lacks nothing and whose copy of the collection is made.
    async fn complete(settings: &[(&str, &str)]) -> Self {
        let scene = Self::start(settings).await;
        let body = json!({ "query": QUESTION });
        loop {
            let search = scene.app.request(Method::POST, "/search").json(&body).send().await;
            let found = Reply::read(search.unwrap()).await.json();
            if found["results"][0]["scores"]["lexical"].is_number() {
                return scene;
            }
            tokio::task::yield_now().await;
        }
    }

    fn gemini_fails(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn qdrant_fails(&mut self) {
        self.wire = None;
    }

    async fn stream(&self, body: &Value) -> Vec<Value> {
        let asked = self.app.request(Method::POST, "/chat/stream").json(body).send().await;
        let reply = Reply::read(asked.unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        sse::events(&reply.text)
    }

    /// Asks in both ways, and for the readiness; tells it all under this headline.
    async fn told(&self, headline: &str) -> Told {
        self.told_of(headline, &json!({ "message": QUESTION })).await
    }

    /// Stops askbook, so that nothing of it outlives its folder.
    async fn end(self) {
        self.app.stop().await;
    }

    async fn told_of(&self, headline: &str, question: &Value) -> Told {
        let whole = self.app.chat(question).await;
        let events = self.stream(question).await;
        let ready = self.app.get("/ready").await;
        let told = Told { whole, events, ready };
        told.print(headline, question);
        told.check_form();
        told
    }
}

impl Told {
    #[expect(clippy::print_stdout, reason = "the transcript of the loss")]
    fn print(&self, headline: &str, question: &Value) {
        let mut transcript = format!("\n=== {headline} ===\n> POST /chat {question}\n");
        transcript += &format!("{} {}\n", self.whole.status.as_u16(), brief(&self.whole.json()));
        transcript += &format!("> POST /chat/stream {question}\n");
        for event in &self.events {
            transcript += &format!("{:<8} {}\n", event["type"].as_str().unwrap(), brief(event));
        }
        let ready = self.ready.json();
        transcript += &format!(
            "> GET /ready\n{} ready: {}, degraded: {}\n",
            self.ready.status.as_u16(),
            ready["ready"],
            ready["degraded"]
        );
        for part in ready["dependencies"].as_array().unwrap() {
            let state = part["error"].as_str().unwrap_or("ready");
            transcript += &format!("  {}: {state}\n", part["name"].as_str().unwrap());
        }
        println!("{transcript}");
    }

    /// What holds of every stream: its order, its one end, and that the deltas are the answer;
    /// and of everything: that no secret and none of an upstream's words are in it.
    fn check_form(&self) {
        for leak in [KEY, INTERNAL_WORDS] {
            assert!(!self.whole.text.contains(leak), "{}", self.whole.text);
            assert!(!self.events.iter().any(|event| event.to_string().contains(leak)));
        }
        let kinds: Vec<&str> =
            self.events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[0], "accepted", "{kinds:?}");
        let is_end = |kind: &&str| matches!(*kind, "done" | "error");
        assert_eq!(kinds.iter().position(is_end), Some(kinds.len() - 1), "{kinds:?}");
        if kinds.last() == Some(&"done") {
            assert_eq!(self.streamed_text(), self.end()["answer"].as_str().unwrap());
        }
    }

    fn streamed_text(&self) -> String {
        self.events.iter().filter_map(|event| event["text"].as_str()).collect()
    }

    /// The last event of the stream.
    fn end(&self) -> &Value {
        self.events.last().unwrap()
    }

    /// Checks that both ways end in an answer from the right page, of this mode, which lacked
    /// these parts.
    #[track_caller]
    fn is_answered(&self, mode: &str, degraded: &Value) {
        assert_eq!(self.whole.status, StatusCode::OK, "{}", self.whole.text);
        for reply in [&self.whole.json(), self.end()] {
            assert_eq!(reply["outcome"], "answered", "{reply}");
            assert_eq!(reply["mode"], mode, "{reply}");
            assert_eq!(reply["degraded"], *degraded, "{reply}");
            assert_eq!(reply["sources"][0]["url"], "/docs/tides", "{reply}");
            let text = reply["answer"].as_str().unwrap();
            assert!(text.contains("high tide") && text.contains("[1]"), "{text}");
        }
    }

    /// Checks that both ways end in this problem, before any text.
    #[track_caller]
    fn is_problem(&self, status: u16, code: &str, stage: &str) {
        self.whole.is_problem(status, code);
        assert_eq!(self.whole.json()["stage"], stage);
        let end = self.end();
        assert_eq!((&end["type"], &end["incomplete"]), (&json!("error"), &json!(false)), "{end}");
        let problem = &end["problem"];
        assert_eq!((&problem["code"], &problem["stage"]), (&json!(code), &json!(stage)), "{end}");
        assert_eq!(self.streamed_text(), "");
    }

    /// Checks that the owner is told that questions are answered, but that these parts are gone.
    #[track_caller]
    fn is_ready_without(&self, gone: &[(&str, &str)]) {
        let ready = self.ready.json();
        assert_eq!(self.ready.status, StatusCode::OK, "{ready}");
        let lost = |part: &Value| {
            let error = part["error"].as_str()?.to_owned();
            Some((part["name"].as_str()?.to_owned(), error))
        };
        let lost: Vec<_> =
            ready["dependencies"].as_array().unwrap().iter().filter_map(lost).collect();
        let lost: Vec<(&str, &str)> =
            lost.iter().map(|(name, error)| (name.as_str(), error.as_str())).collect();
        assert_eq!(lost, gone, "{ready}");
        assert_eq!((&ready["ready"], &ready["degraded"]), (&json!(true), &json!(!gone.is_empty())));
    }
}

/// What a reader would look at of a reply or an event.
fn brief(json: &Value) -> Value {
    let told = [
        "text",
        "answer",
        "mode",
        "model",
        "degraded",
        "code",
        "detail",
        "stage",
        "incomplete",
        "problem",
        "retry_after",
        "number",
        "quote",
        "passages",
    ];
    let mut brief = json.clone();
    if let Some(fields) = brief.as_object_mut() {
        fields.retain(|name, _| told.contains(&name.as_str()));
        for field in fields.values_mut().filter(|field| field.is_object()) {
            *field = self::brief(field);
        }
    }
    brief
}

fn lost(leg: &str, reason: &str) -> Value {
    json!({"leg": leg, "reason": reason})
}

/// The model is overloaded, and for longer than a reader would wait: it is not tried again.
fn overloaded() -> Act {
    error(503, "UNAVAILABLE", &json!([{"retryDelay": "60s"}]))
}

/// A stream of this text that ends so.
fn cut(text: &str, ending: Ending) -> Act {
    Act::Stream(vec![text_event(text)], ending)
}

#[tokio::test]
async fn nothing_is_lost() {
    let scene = Scene::complete(&[]).await;
    let told = scene.told("Nothing is lost").await;
    told.is_answered("generated", &json!([]));
    told.is_ready_without(&[]);
    scene.end().await;
}

#[tokio::test]
async fn whatever_the_model_fails_with_the_book_is_quoted() {
    const HASTY: Settings = &[("ASKBOOK_UPSTREAM_TIMEOUT_MS", "500")];
    let rows: [(&str, Settings, Fault, &str, bool); 8] = [
        (
            "The model is overloaded",
            &[],
            |call| call.on(Verb::Write, overloaded),
            "unavailable",
            true,
        ),
        (
            "The day's quota of the model is used up",
            &[],
            |call| {
                let quota = json!([{"violations": [{
                    "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                }]}]);
                call.on(Verb::Write, || error(429, "RESOURCE_EXHAUSTED", &quota))
            },
            "rate_limited",
            true,
        ),
        (
            "The minute's quota of the model is used up",
            &[],
            |call| {
                let wait = json!([{"retryDelay": "36.4s"}]);
                call.on(Verb::Write, || error(429, "RESOURCE_EXHAUSTED", &wait))
            },
            "rate_limited",
            true,
        ),
        (
            "The model does not begin to answer",
            HASTY,
            |call| call.on(Verb::Write, || Act::Hang),
            "timeout",
            true,
        ),
        (
            "The model is retired",
            &[],
            |call| {
                let is_gone = call.model == "gemini-3.5-flash-lite";
                is_gone.then(|| error(404, "NOT_FOUND", &json!([])))
            },
            "misconfigured",
            true,
        ),
        (
            "The model breaks off before anything can be shown",
            &[],
            |call| call.on(Verb::Write, || cut("Ships", Ending::BreaksOff)),
            "unavailable",
            true,
        ),
        (
            "The connection to the model is reset",
            &[],
            |call| call.on(Verb::Write, || cut("Ships", Ending::Resets)),
            "unavailable",
            true,
        ),
        (
            "The model is cut short",
            &[],
            |call| {
                let cut = json!({"candidates": [{"finishReason": "MAX_TOKENS"}]});
                let event = event(&cut);
                call.on(Verb::Write, || Act::Stream(vec![event], Ending::Complete))
            },
            "malformed",
            false,
        ),
    ];
    for (headline, settings, fault, reason, is_down) in rows {
        let scene = Scene::complete(settings).await;
        scene.gemini_fails(fault);
        let told = scene.told(headline).await;
        told.is_answered("extractive", &json!([lost("generator", reason)]));
        assert_eq!(told.end()["model"], "quote");
        let gone = [("generator", reason)];
        told.is_ready_without(if is_down { &gone } else { &[] });
        scene.end().await;
    }
}

#[tokio::test]
async fn with_a_wrong_key_the_book_is_searched_by_terms_and_quoted() {
    let scene = Scene::complete(&[("GEMINI_API_KEY", "another-key")]).await;
    let told = scene.told("The key is wrong").await;
    told.is_answered(
        "extractive",
        &json!([{"leg": "embedder"}, lost("generator", "unauthorized")]),
    );
    told.is_ready_without(&[("embedder", "unauthorized"), ("generator", "unauthorized")]);
    scene.end().await;
}

#[tokio::test]
async fn a_second_model_answers_for_the_first() {
    let scene = Scene::complete(&[("GEMINI_FALLBACK_MODEL", "gemini-second")]).await;
    scene.gemini_fails(|call| {
        let is_first = call.verb == Verb::Write && call.model == "gemini-3.5-flash-lite";
        is_first.then(overloaded)
    });
    let told = scene.told("The first of two models is overloaded").await;
    told.is_answered("generated", &json!([lost("generator", "unavailable")]));
    assert_eq!(told.end()["model"], "gemini-second-001");
    told.is_ready_without(&[("generator", "unavailable")]);
    scene.end().await;
}

/// The beginning of an answer of which the first sentence can be shown.
const BEGUN: &str = "Ships find the harbour open at high tide [1]. At low tide they wait ";

#[tokio::test]
async fn a_model_that_is_lost_midway_is_replaced_unless_its_words_were_shown() {
    let rows: [(&str, Settings, Fault, &str); 3] = [
        (
            "The connection to the model breaks in the middle of the answer",
            &[],
            |call| call.on(Verb::Write, || cut(BEGUN, Ending::BreaksOff)),
            "unavailable",
        ),
        (
            "The model falls silent in the middle of the answer",
            &[("ASKBOOK_UPSTREAM_TIMEOUT_MS", "500")],
            |call| call.on(Verb::Write, || cut(BEGUN, Ending::Hangs)),
            "timeout",
        ),
        (
            "The model is over its time in the middle of the answer",
            &[("ASKBOOK_ANSWER_MS", "500")],
            |call| call.on(Verb::Write, || cut(BEGUN, Ending::Hangs)),
            "timeout",
        ),
    ];
    for (headline, settings, fault, reason) in rows {
        let scene = Scene::complete(settings).await;
        scene.gemini_fails(fault);
        let told = scene.told(headline).await;
        let reply = told.whole.json();
        assert_eq!((&reply["outcome"], &reply["mode"]), (&json!("answered"), &json!("extractive")));
        assert_eq!(reply["degraded"], json!([lost("generator", reason)]));
        assert!(!reply["answer"].as_str().unwrap().contains("low tide"), "{reply}");

        assert!(told.streamed_text().starts_with("Ships find the harbour open at high tide [1]."));
        let end = told.end();
        assert_eq!((&end["type"], &end["incomplete"]), (&json!("error"), &json!(true)), "{end}");
        assert_eq!(end["problem"]["code"], format!("upstream_{reason}"));

        // What was lost is no part of the conversation: there is nothing to follow up.
        scene.gemini_fails(|_| None);
        let session = &told.events[0]["session_id"];
        assert!(session.is_string());
        let next = json!({"message": "And when is it open to ships?", "session_id": session});
        let end = scene.stream(&next).await.pop().unwrap();
        assert_eq!((&end["type"], &end["session_id"]), (&json!("done"), session), "{end}");
        assert!(!scene.gemini.paid_calls().contains(&Verb::Condense));
        scene.end().await;
    }
}

#[tokio::test]
async fn without_the_embedder_the_model_answers_from_what_terms_find() {
    let scene = Scene::complete(&[]).await;
    scene.gemini_fails(|call| call.on(Verb::Embed, overloaded));
    let told = scene.told("The embedder is overloaded").await;
    told.is_answered("generated", &json!([{"leg": "embedder"}]));
    told.is_ready_without(&[("embedder", "unavailable")]);
    scene.end().await;
}

#[tokio::test]
async fn without_qdrant_the_model_answers_from_the_copy() {
    let mut scene = Scene::complete(&[]).await;
    scene.qdrant_fails();
    let told = scene.told("Qdrant is out of reach").await;
    told.is_answered("generated", &json!([{"leg": "retriever"}]));
    told.is_ready_without(&[("retriever", "unavailable")]);
    scene.end().await;
}

#[tokio::test]
async fn without_all_of_them_the_copy_is_quoted() {
    let mut scene = Scene::complete(&[]).await;
    scene.gemini_fails(|_| Some(overloaded()));
    scene.qdrant_fails();
    let told = scene.told("Gemini and Qdrant are out of reach").await;
    // Without a vector to search it by, Qdrant is not missed.
    let lost = json!([{"leg": "embedder"}, lost("generator", "unavailable")]);
    told.is_answered("extractive", &lost);
    let gone = ["embedder", "retriever", "generator"].map(|name| (name, "unavailable"));
    told.is_ready_without(&gone);
    scene.end().await;
}

#[tokio::test]
async fn without_a_stand_in_a_lost_model_is_a_problem() {
    let scene = Scene::complete(&[("ASKBOOK_FALLBACK", "none")]).await;
    scene.gemini_fails(|call| call.on(Verb::Write, overloaded));
    let told = scene.told("The model is overloaded, and nothing stands in").await;
    told.is_problem(503, "upstream_unavailable", "generate");
    assert_eq!(told.ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told.ready.json()["ready"], false);
    scene.end().await;
}

#[tokio::test]
async fn without_a_copy_a_lost_qdrant_is_a_problem() {
    let mut scene = Scene::start(&[("ASKBOOK_MIRROR_REFRESH_S", "0")]).await;
    scene.qdrant_fails();
    let told = scene.told("Qdrant is out of reach, and there is no copy").await;
    told.is_problem(503, "upstream_unavailable", "retrieve");
    assert!(!scene.gemini.paid_calls().contains(&Verb::Write));
    assert_eq!(told.ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told.ready.json()["ready"], false);
    scene.end().await;
}

#[tokio::test]
async fn a_follow_up_that_is_not_condensed_in_time_is_searched_for_as_it_is() {
    let scene = Scene::complete(&[("ASKBOOK_CONDENSE_MS", "200")]).await;
    scene.gemini_fails(|call| call.on(Verb::Condense, || Act::Hang));
    let question = json!({
        "message": "And when is it open to ships?",
        "history": [
            {"role": "user", "content": "Is there a harbour?"},
            {"role": "assistant", "content": "Yes [1]."},
        ],
    });
    let told = scene.told_of("The follow-up is not condensed", &question).await;
    told.is_answered("generated", &json!([{"leg": "generator", "reason": "timeout"}]));
    assert_eq!(scene.gemini.client_gone_mid_stream().await.verb, Verb::Condense);
    told.is_ready_without(&[]);
    scene.end().await;
}
