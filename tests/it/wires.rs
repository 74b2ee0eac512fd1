//! Questions over the protocols of other clients: the same answers, under the same bounds.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Reply, SMALL_BOOK, TestApp};
use crate::support::gemini::KEY;
use crate::support::scripted_gemini::{Call, ScriptedGemini, Verb};

const QUESTION: &str = "How long is a session kept?";

/// A question over one of these protocols.
async fn ask(app: &TestApp, path: &str, body: &Value) -> Reply {
    let mut body = body.clone();
    body["messages"] = json!([{"role": "user", "content": QUESTION}]);
    Reply::read(app.request(Method::POST, path).json(&body).send().await.unwrap()).await
}

async fn ai_sdk(app: &TestApp) -> Vec<Value> {
    chunks(&ask(app, "/ai-sdk/chat", &json!({})).await)
}

async fn openai(app: &TestApp) -> Reply {
    ask(app, "/v1/chat/completions", &json!({})).await
}

fn chunks(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let data = reply.text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn deltas<'a>(chunks: &'a [Value], delta: impl Fn(&'a Value) -> &'a Value) -> String {
    chunks.iter().filter_map(|chunk| delta(chunk).as_str()).collect()
}

#[tokio::test]
async fn an_answer_is_the_same_on_every_wire_but_for_its_links() {
    let app = TestApp::start(&[]).await;
    let answer = app.ask(QUESTION).await;
    let sources = answer["sources"].as_array().unwrap();
    let mut linked = answer["answer"].as_str().unwrap().to_owned();
    for source in sources {
        let (number, url) = (&source["number"], source["url"].as_str().unwrap());
        assert!(url.starts_with("/docs/"), "{url}");
        linked = linked.replace(&format!("[{number}]"), &format!("[{number}]({url})"));
    }
    assert!(linked.contains("]("), "{linked}");

    let told = ai_sdk(&app).await;
    assert_eq!(deltas(&told, |chunk| &chunk["delta"]), linked);
    let urls: Vec<&Value> = told.iter().filter_map(|chunk| chunk.get("url")).collect();
    assert_eq!(urls, sources.iter().map(|source| &source["url"]).collect::<Vec<_>>());

    let message = openai(&app).await.json()["choices"][0]["message"].take();
    assert_eq!(message["content"], linked);
    let quotes = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|source| source["quote"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(quotes(&message["citations"]), quotes(&answer["sources"]));
    let streamed = ask(&app, "/v1/chat/completions", &json!({"stream": true})).await;
    let streamed = chunks(&streamed);
    assert_eq!(deltas(&streamed, |chunk| &chunk["choices"][0]["delta"]["content"]), linked);
    app.stop().await;
}

#[tokio::test]
async fn a_client_may_ask_so_much_on_all_wires_together_and_is_told_in_the_form_of_each() {
    let app = TestApp::start(&[SMALL_BOOK, ("ASKBOOK_ADDRESS_PER_MINUTE", "2")]).await;
    assert_eq!(ai_sdk(&app).await.last().unwrap()["type"], "finish");
    assert_eq!(openai(&app).await.status, StatusCode::OK);

    let refused = openai(&app).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit").is_some());
    let refused = ask(&app, "/ai-sdk/chat", &json!({})).await;
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit").is_some());
    let refused = chunks(&refused);
    assert!(refused[0]["errorText"].as_str().unwrap().starts_with("too many requests"));
    app.chat(&json!({ "message": QUESTION })).await.is_problem(429, "rate_limited");
    app.stop().await;
}

#[tokio::test]
async fn what_they_cost_is_under_the_same_ceiling() {
    let answer = "A session is kept for an hour [1].";
    let gemini = ScriptedGemini::start(move |call: &Call| call.done(QUESTION, answer)).await;
    let app = TestApp::start(&[
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.url()),
        ("ASKBOOK_EMBEDDER", "bm25"),
        ("ASKBOOK_SPEND_CALLS_PER_DAY", "2"),
    ])
    .await;
    let written = || gemini.paid_calls().into_iter().filter(|verb| *verb == Verb::Write).count();
    let first = openai(&app).await.json();
    assert!(first["usage"]["total_tokens"].as_u64().unwrap() > 0, "{first}");
    ai_sdk(&app).await;
    assert_eq!(written(), 2);
    let last = openai(&app).await.json();
    assert_eq!(last["usage"]["total_tokens"], 0, "quoted: {last}");
    ai_sdk(&app).await;
    assert_eq!(written(), 2);
    app.stop().await;
}

#[tokio::test]
async fn without_wires_there_are_none() {
    let app = TestApp::start(&[SMALL_BOOK, ("ASKBOOK_WIRES", "none")]).await;
    assert_eq!(ask(&app, "/ai-sdk/chat", &json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(openai(&app).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/v1/models").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.chat(&json!({ "message": QUESTION })).await.status, StatusCode::OK);
    app.stop().await;
}
