//! A running askbook.

use std::path::Path;

use askbook_server::{App, Config};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A part of the manual, for tests that want any book and start many times.
pub(crate) const SMALL_BOOK: (&str, &str) =
    ("ASKBOOK_BOOK", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/concepts"));

/// No memory of what upstreams have said: tests ask the same question again, to see what becomes of
/// it in another way or at another time. Those of the memory itself set it otherwise.
pub(crate) const FORGETFUL: [(&str, &str); 2] =
    [("ASKBOOK_EMBEDDING_CACHE_BYTES", "0"), ("ASKBOOK_ANSWER_CACHE_BYTES", "0")];

/// An askbook on a port of its own, in this process, stopped when it is dropped.
pub(crate) struct TestApp {
    pub(crate) url: String,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A reply, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl TestApp {
    /// An askbook that answers from its manual, with these settings.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let defaults = [
            FORGETFUL[0],
            FORGETFUL[1],
            ("PORT", "0"),
            // All of them come from one address.
            ("ASKBOOK_ADDRESS_PER_MINUTE", "0"),
            ("ASKBOOK_SESSION_PER_MINUTE", "0"),
            ("ASKBOOK_BOOK", manual.to_str().unwrap()),
            ("ASKBOOK_DATA_DIR", data.path().to_str().unwrap()),
        ];
        let given = |name: &str| settings.iter().any(|setting| setting.0 == name);
        let defaults = defaults.into_iter().filter(|default| !given(default.0));
        let config = Config::from_values(defaults.chain(settings.iter().copied())).unwrap();
        let app = App::build(config).await.unwrap();
        let url = format!("http://{}", app.addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            app.run(async {
                let _ = stopped.await;
            })
            .await;
            // Not before: the engine writes into it when its index is closed.
            drop(data);
        });
        // Only to satisfy the client, which is built for TLS: everything here is on loopback.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, client, stop: Some(stop), running }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Posts to `/chat`.
    pub(crate) async fn chat(&self, body: &Value) -> Reply {
        Reply::read(self.request(Method::POST, "/chat").json(body).send().await.unwrap()).await
    }

    /// The answer to a question.
    pub(crate) async fn ask(&self, message: &str) -> Value {
        let reply = self.chat(&json!({ "message": message })).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        reply.json()
    }

    /// Stops it and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.running.await.unwrap();
    }
}

impl Reply {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that this is a problem of the one form that all have.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
    }
}
