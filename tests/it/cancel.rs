//! How long a departure takes to be noticed upstream is printed with `--nocapture`.

use std::time::Instant;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::app::TestApp;
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::scripted_gemini::{Act, Ending, ScriptedGemini, Verb, text_event};
use crate::support::stalling_wire::{Frame, StallingWire};

/// A way to ask.
#[derive(Clone, Copy, Debug)]
enum Way {
    Json,
    Sse,
    Ndjson,
}

const WAYS: [Way; 3] = [Way::Json, Way::Sse, Way::Ndjson];

impl Way {
    /// Asks a follow-up, until the answer is there or the task is aborted.
    fn ask(self, app: &TestApp) -> JoinHandle<()> {
        let (path, question) = match self {
            Self::Json => ("/chat", "message"),
            Self::Sse => ("/chat/stream", "message"),
            Self::Ndjson => ("/chat", "query"),
        };
        let mut body: Value = json!({"history": [
            {"role": "user", "content": "Is there a harbour?"},
            {"role": "assistant", "content": "Yes [1]."},
        ]});
        body[question] = json!("And when is it open to ships?");
        let mut request = app.request(Method::POST, path).json(&body);
        if let Self::Ndjson = self {
            request = request.header("x-stream-response", "true");
        }
        tokio::spawn(async move {
            let mut response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            while response.chunk().await.unwrap().is_some() {}
        })
    }
}

/// A Gemini that does not answer this, but all else.
async fn silent_at(verb: Verb) -> ScriptedGemini {
    ScriptedGemini::start(move |call| {
        if call.verb != verb {
            return call.done(QUESTION, ANSWER);
        }
        match verb {
            Verb::Write => Act::Stream(vec![text_event(ANSWER)], Ending::Hangs),
            _ => Act::Hang,
        }
    })
    .await
}

/// An askbook over the collection at this address. It has no copy of it, so that it cannot do
/// without.
async fn app(gemini: &ScriptedGemini, qdrant: &str) -> TestApp {
    TestApp::start(&[
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.url()),
        ("QDRANT_URL", qdrant),
        ("QDRANT_COLLECTION_NAME", COLLECTION),
        ("ASKBOOK_MIRROR_REFRESH_S", "0"),
        ("ASKBOOK_CONDENSE_MS", "9000"),
    ])
    .await
}

#[expect(clippy::print_stdout, reason = "the figure is a result")]
fn print(way: Way, stage: &str, left: Instant, noticed: Instant) {
    let delay = noticed.saturating_duration_since(left);
    println!("{way:?}: a client that leaves during {stage} is noticed upstream after {delay:?}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_that_is_under_way_and_no_other_begins() {
    use Verb::{Condense, Embed, Write};
    for way in WAYS {
        for paid in [&[Condense][..], &[Condense, Embed], &[Condense, Embed, Write]] {
            let stage = *paid.last().unwrap();
            let (gemini, qdrant) = (silent_at(stage).await, harbour().await);
            let app = app(&gemini, &qdrant.url()).await;
            let asking = way.ask(&app);
            gemini.called(stage).await;
            let left = Instant::now();
            asking.abort();
            let departure = gemini.client_gone_mid_stream().await;
            assert_eq!(departure.verb, stage);
            print(way, &format!("{stage:?}"), left, departure.at);
            // Stopping waits for all that is under way.
            app.stop().await;
            assert_eq!(gemini.paid_calls(), paid, "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_search_and_nothing_is_written() {
    for way in WAYS {
        let gemini = silent_at(Verb::LookUp).await;
        let qdrant = harbour().await;
        let wire = StallingWire::to(&qdrant.url()).await;
        let app = app(&gemini, &wire.url()).await;
        way.ask(&app).await.unwrap();
        assert_eq!(gemini.paid_calls(), [Verb::Condense, Verb::Embed, Verb::Write]);

        wire.stall();
        let asking = way.ask(&app);
        wire.sent(Frame::Headers).await;
        let left = Instant::now();
        asking.abort();
        print(way, "the search", left, wire.sent(Frame::Reset).await);
        app.stop().await;
        let paid = [Verb::Condense, Verb::Embed, Verb::Write, Verb::Condense, Verb::Embed];
        assert_eq!(gemini.paid_calls(), paid, "{way:?}");
    }
}
