use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::book::Attempt;
use crate::support::app::{self, TestApp};

/// A way to ask.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// `POST /chat`.
    Json,
    /// `POST /chat/stream`.
    Events,
    /// `POST /chat` as the original site asks.
    Lines,
}

/// A source as it is told.
#[derive(Debug)]
pub(super) struct Source {
    /// `None` where the wire does not tell.
    pub(super) number: Option<usize>,
    pub(super) url: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    /// Everything.
    pub(super) body: String,
    /// The answer, put together from what was streamed.
    pub(super) text: String,
    pub(super) sources: Vec<Source>,
}

impl Wire {
    pub(super) const ALL: [Self; 3] = [Self::Json, Self::Events, Self::Lines];

    pub(super) async fn ask(self, app: &TestApp, attempt: &Attempt) -> Reply {
        let history = attempt.history().map_or_else(Vec::new, |text| {
            vec![
                json!({"sender": "You", "text": text}),
                json!({"sender": "Book Assistant", "text": text}),
            ]
        });
        let (path, body) = match self {
            Self::Json | Self::Events => (
                if matches!(self, Self::Json) { "/chat" } else { "/chat/stream" },
                json!({
                    "message": attempt.question(),
                    "selected_text": attempt.selection(),
                    "page": attempt.page(),
                    "history": history,
                    "debug": true,
                }),
            ),
            Self::Lines => (
                "/chat",
                json!({
                    "query": attempt.question(),
                    "context": attempt.selection(),
                    "current_page": attempt.page(),
                    "history": history,
                }),
            ),
        };
        let mut request = app.request(Method::POST, path).json(&body);
        if matches!(self, Self::Lines) {
            request = request.header("X-Stream-Response", "true");
        }
        let reply = app::Reply::read(request.send().await.unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK, "{} {self:?}: {}", attempt.name, reply.text);
        match self {
            Self::Json => Reply::whole(reply.text),
            Self::Events => Reply::of_events(reply.text),
            Self::Lines => Reply::of_lines(reply.text),
        }
    }
}

impl Reply {
    /// An answer as a model wrote it.
    pub(super) fn unreviewed(text: &str) -> Self {
        let source = Source { number: Some(1), url: Some("/docs/valves".to_owned()) };
        Self { body: text.to_owned(), text: text.to_owned(), sources: vec![source] }
    }

    fn whole(body: String) -> Self {
        let reply: Value = serde_json::from_str(&body).unwrap();
        let text = reply["answer"].as_str().unwrap().to_owned();
        let sources = sources(&reply["sources"]);
        Self { body, text, sources }
    }

    fn of_events(body: String) -> Self {
        let datas = body.lines().filter_map(|line| line.strip_prefix("data:"));
        let events: Vec<Value> = datas.map(|data| serde_json::from_str(data).unwrap()).collect();
        let of = |kind| events.iter().filter(move |event| event["type"] == kind);
        let deltas: String = of("delta").map(|event| event["text"].as_str().unwrap()).collect();
        let done = of("done").next().unwrap_or_else(|| panic!("no end: {body}"));
        let text = done["answer"].as_str().unwrap();
        // What refuses has nothing to show before its end.
        assert!(deltas.is_empty() || deltas == text, "{deltas:?} is not {text:?}");
        let (text, sources) = (text.to_owned(), sources(&done["sources"]));
        Self { body, text, sources }
    }

    fn of_lines(body: String) -> Self {
        let lines: Vec<Value> =
            body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind| lines.iter().filter(move |line| line["type"] == kind);
        assert_eq!(of("error").count(), 0, "{body}");
        let text = of("chunk").map(|line| line["content"].as_str().unwrap()).collect();
        let sources = of("sources").flat_map(|line| sources(&line["content"])).collect();
        Self { body, text, sources }
    }
}

fn sources(list: &Value) -> Vec<Source> {
    let source = |source: &Value| Source {
        number: source["number"].as_u64().and_then(|number| number.try_into().ok()),
        url: source["url"].as_str().map(str::to_owned),
    };
    list.as_array().into_iter().flatten().map(source).collect()
}
