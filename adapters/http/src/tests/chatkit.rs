//! `POST /chatkit`.

use askbook::client::Quota;
use askbook::feedback::{Asked, Feedback, Miss, Rating};
use askbook::ports::Threads;
use askbook::session::{MessageId, Role, SessionId};
use askbook::thread::{Head, Item, Owner, Thread, Visitor};
use askbook_memory::MemoryLimiter;
use futures_util::stream;

use super::*;

const TOKEN: &str = "visitor-0123456789";
const QUESTION: &str = "When does a session end?";

/// An app and what is behind it.
struct Kit<E> {
    app: E,
    threads: Arc<MemorySessions>,
    generator: Arc<Scripted>,
    journal: Arc<Ratings>,
}

#[derive(Default)]
struct Ratings(Mutex<Vec<Feedback>>);

#[async_trait]
impl Journal for Ratings {
    async fn asked(&self, _: Asked) -> Result<(), PortError> {
        Ok(())
    }

    async fn rated(&self, feedback: Feedback) -> Result<(), PortError> {
        self.0.lock().unwrap().push(feedback);
        Ok(())
    }

    async fn misses(&self) -> Result<Vec<Miss>, PortError> {
        Ok(Vec::new())
    }
}

fn kit_over(
    retriever: Arc<dyn Retriever>,
    steps: impl Into<Vec<Step>>,
    settings: HttpSettings,
) -> Kit<impl Endpoint<Output = Response>> {
    let (threads, journal) = (Arc::new(sessions()), Arc::new(Ratings::default()));
    let generator = Arc::new(Scripted::new(steps));
    let generators: Vec<Arc<dyn Generator>> = vec![Arc::clone(&generator) as _];
    let chat = chat_over(retriever, generators, Some(Arc::clone(&journal) as _));
    let store = ThreadStore(Arc::clone(&threads) as _);
    let app = app(chat, &HttpSettings { threads: store, body_limit: 2_000, ..settings });
    Kit { app, threads, generator, journal }
}

fn kit() -> Kit<impl Endpoint<Output = Response>> {
    let steps = [
        Step::Text("An idle session ends after one hour [1]. "),
        Step::Text("Then it is gone. [1]"),
    ];
    kit_over(Stub::new(Conduct::Works), steps, settings())
}

/// A request of the visitor with this token, if any.
fn request_of(token: Option<&str>, kind: &str, params: &Value) -> Request {
    let mut request = post("/chatkit", json!({"type": kind, "params": params}).to_string());
    if let Some(token) = token {
        let token = HeaderValue::from_str(token).unwrap();
        request.headers_mut().insert("askbook-visitor", token);
    }
    request
}

fn input(text: &str) -> Value {
    json!({
        "content": [{"type": "input_text", "text": text}], "attachments": [],
        "inference_options": {},
    })
}

impl<E: Endpoint<Output = Response>> Kit<E> {
    async fn send(&self, kind: &str, params: Value) -> Reply {
        send(&self.app, request_of(Some(TOKEN), kind, &params)).await
    }

    async fn json(&self, kind: &str, params: Value) -> Value {
        let reply = self.send(kind, params).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        reply.json()
    }

    async fn stream(&self, kind: &str, params: Value) -> Vec<Value> {
        told(&self.send(kind, params).await)
    }

    /// The id of a new thread in which this was asked.
    async fn create(&self, text: &str) -> String {
        let told = self.stream("threads.create", json!({"input": input(text)})).await;
        told[0]["thread"]["id"].as_str().unwrap().to_owned()
    }

    async fn items(&self, thread: &str) -> Vec<Value> {
        let items = json!({"thread_id": thread, "order": "asc"});
        self.json("items.list", items).await["data"].as_array().unwrap().clone()
    }

    /// What the generator was told of the conversation.
    fn history(&self) -> Vec<(Role, String)> {
        let history = self.generator.prompt().history;
        history.into_iter().map(|turn| (turn.role, turn.text)).collect()
    }

    /// Makes a thread one of long ago.
    async fn age(&self, thread: &str) {
        let id = SessionId::parse(thread.strip_prefix("thr_").unwrap()).unwrap();
        let visitor = Visitor::Known(Owner::of(TOKEN));
        let Thread { head, items } = self.threads.get(&visitor, &id).await.unwrap().unwrap();
        self.threads.begin(Head { begun: 0, ..head }).await.unwrap();
        for item in items {
            let mut content: Value = serde_json::from_str(&item.content).unwrap();
            content["created_at"] = json!("2020-01-01T00:00:00Z");
            let item = Item { content: content.to_string(), ..item };
            self.threads.put(&visitor, &id, item).await.unwrap();
        }
    }
}

/// The events of a stream.
fn told(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(reply.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(reply.header("x-accel-buffering"), Some("no"));
    let blocks = reply.text.strip_suffix("\n\n").expect("the last event is complete");
    let data = |block: &str| {
        // Comments have no block of their own.
        let lines = block.split('\n').filter(|line| !line.starts_with(':'));
        let [data] = lines.collect::<Vec<_>>()[..] else { panic!("{block:?}") };
        serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()
    };
    blocks.split("\n\n").map(data).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["update"]["type"].as_str().or(event["type"].as_str()).unwrap())
        .collect()
}

/// Checks that this is a refusal in the form that the client reads.
#[track_caller]
fn is_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    let refusal = reply.json();
    let message = refusal["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
    assert!(refusal.get("detail").is_none() && reply.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_question_is_answered_in_the_order_of_the_protocol() {
    let kit = kit();
    let told = kit.stream("threads.create", json!({"input": input(QUESTION)})).await;
    let part = |part: &str| format!("assistant_message.content_part.{part}");
    let mut expected: Vec<String> = [
        "thread.created",
        "thread.item.done",
        "stream_options",
        "thread.updated",
        "progress_update",
        "progress_update",
        "thread.item.added",
    ]
    .map(str::to_owned)
    .into();
    expected.push(part("added"));
    let all = kinds(&told);
    assert_eq!(all[..8], expected);
    let rest = &all[8..];
    assert_eq!(rest[rest.len() - 2..], [&part("done"), "thread.item.done"]);
    let between = &rest[..rest.len() - 2];
    assert!(between.contains(&&*part("annotation_added")));
    assert!(between.iter().all(|kind| {
        [part("text_delta"), part("annotation_added")].iter().any(|known| known == kind)
    }));

    let thread = &told[0]["thread"];
    assert_eq!(
        (&thread["items"], thread.get("title")),
        (&json!({"data": [], "has_more": false}), None)
    );
    assert_eq!((&thread["status"], &thread["metadata"]), (&json!({"type": "active"}), &json!({})));
    assert_eq!(told[3]["thread"]["title"], QUESTION);
    let user = &told[1]["item"];
    assert_eq!((&user["type"], &user["thread_id"]), (&json!("user_message"), &thread["id"]));
    assert_eq!(user["content"], input(QUESTION)["content"]);
    assert_eq!(told[2]["stream_options"]["allow_cancel"], true);

    let deltas: String =
        told.iter().filter_map(|event| event["update"]["delta"].as_str()).collect();
    let answer = &told.last().unwrap()["item"];
    let content = &answer["content"][0];
    assert_eq!(content["text"], "An idle session ends after one hour. Then it is gone.");
    assert_eq!(content["text"], deltas);
    let expected = |index: usize| {
        json!({"type": "annotation", "index": index, "source": {
            "type": "url", "title": "Sessions > Time to live",
            "url": format!("{BOOK}/docs/sessions#time-to-live"),
            "description": content["annotations"][usize::from(index > 40)]["source"]["description"],
        }})
    };
    assert_eq!(content["annotations"], json!([expected(35), expected(53)]));
    let added: Vec<_> =
        told.iter().filter(|event| event["update"]["annotation"].is_object()).collect();
    for (index, event) in added.iter().enumerate() {
        assert_eq!(event["update"]["annotation_index"], index);
        assert_eq!(event["update"]["annotation"], content["annotations"][index]);
    }
    // What was told is what is kept.
    assert_eq!(kit.items(thread["id"].as_str().unwrap()).await, [user.clone(), answer.clone()]);
}

#[tokio::test]
async fn a_thread_goes_on_with_what_was_said_in_it() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    let mut more = input("And then?");
    more["quoted_text"] = json!("one hour");
    more["content"].as_array_mut().unwrap().push(json!(
        {"type": "input_tag", "id": "t", "text": "ttl", "data": {"a": null}, "new": 1}
    ));
    let told =
        kit.stream("threads.add_user_message", json!({"thread_id": thread, "input": more})).await;
    assert_eq!(kinds(&told)[..2], ["thread.item.done", "stream_options"]);
    assert!(!kinds(&told).contains(&"thread.updated"));
    let answer = "An idle session ends after one hour. Then it is gone.";
    assert_eq!(
        kit.history(),
        [(Role::Reader, QUESTION.to_owned()), (Role::Book, answer.to_owned())]
    );
    let question = kit.generator.prompt().question;
    assert_eq!((question.text(), question.selected_text()), ("And then?@ttl", Some("one hour")));
    let user = &told[0]["item"];
    assert_eq!(
        user["content"][1],
        json!(
            {"type": "input_tag", "id": "t", "text": "ttl", "data": {"a": null}, "interactive": false}
        )
    );
    assert_eq!(kit.items(&thread).await.len(), 4);
}

#[tokio::test]
async fn threads_are_listed_named_and_deleted() {
    let kit = kit();
    let threads = [kit.create("What is a session?").await, kit.create(QUESTION).await];
    let list = kit.json("threads.list", json!({"limit": 9999, "order": "desc"})).await;
    let ids = |list: &Value| -> Vec<String> {
        let data = list["data"].as_array().unwrap().iter();
        data.map(|thread| thread["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&list), [threads[1].clone(), threads[0].clone()]);
    assert_eq!(list["data"][0]["items"], json!({"data": [], "has_more": false}));
    assert_eq!((list["has_more"].as_bool(), list.get("after")), (Some(false), None));

    let first = kit.json("threads.list", json!({"limit": 1, "order": "asc"})).await;
    assert_eq!((ids(&first), &first["has_more"]), (vec![threads[0].clone()], &json!(true)));
    let after = json!({"limit": 1, "order": "asc", "after": first["after"]});
    let second = kit.json("threads.list", after).await;
    assert_eq!((ids(&second), &second["has_more"]), (vec![threads[1].clone()], &json!(false)));

    let rename = json!({"thread_id": threads[0], "title": " Größer "});
    let renamed = kit.json("threads.update", rename).await;
    assert_eq!((&renamed["title"], &renamed["id"]), (&json!("Größer"), &json!(threads[0])));
    let got = kit.json("threads.get_by_id", json!({"thread_id": threads[0]})).await;
    assert_eq!(got["title"], "Größer");
    assert_eq!(got["items"]["data"].as_array().unwrap().len(), 2);

    assert_eq!(kit.json("threads.delete", json!({"thread_id": threads[0]})).await, json!({}));
    let gone = kit.send("threads.get_by_id", json!({"thread_id": threads[0]})).await;
    is_refused(&gone, 404, "begin a new one");
    assert_eq!(ids(&kit.json("threads.list", json!({})).await), threads[1..]);
}

#[tokio::test]
async fn items_come_in_pages_that_add_up() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    for more in ["What is a session?", "And then?"] {
        let params = json!({"thread_id": thread, "input": input(more)});
        kit.stream("threads.add_user_message", params).await;
    }
    let all = kit.items(&thread).await;
    assert_eq!(all.len(), 6);
    for (order, expected) in [("asc", all.clone()), ("desc", all.iter().rev().cloned().collect())] {
        let (mut paged, mut after) = (Vec::new(), Value::Null);
        loop {
            let params = json!({"thread_id": thread, "limit": "4", "order": order, "after": after});
            let page = kit.json("items.list", params).await;
            paged.extend(page["data"].as_array().unwrap().clone());
            if page["has_more"] == false {
                break;
            }
            after = page["after"].clone();
        }
        assert_eq!(paged, expected);
    }
    let params = json!({"thread_id": thread, "after": "msg_0"});
    is_refused(&kit.send("items.list", params).await, 400, "`params.after` is not in this list");
}

#[tokio::test]
async fn a_retry_answers_the_question_anew_and_drops_what_came_after() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    let params = json!({"thread_id": thread, "input": input("And then?")});
    kit.stream("threads.add_user_message", params).await;
    let before = kit.items(&thread).await;

    let retry = |item: &Value| json!({"thread_id": thread, "item_id": item});
    let told = kit.stream("threads.retry_after_item", retry(&before[0]["id"])).await;
    assert_eq!(kinds(&told)[0], "stream_options");
    assert!(kit.history().is_empty());
    assert!(kit.generator.prompt().question.is_anew());
    let after = kit.items(&thread).await;
    assert_eq!((after.len(), &after[0]), (2, &before[0]));
    assert_eq!(after[1], told.last().unwrap()["item"]);
    assert_ne!(after[1]["id"], before[1]["id"]);
    for wrong in [&after[1]["id"], &json!("msg_1")] {
        let refused = kit.send("threads.retry_after_item", retry(wrong)).await;
        is_refused(&refused, 404, "no such question");
    }
    assert_eq!(kit.items(&thread).await, after);
}

#[tokio::test]
async fn a_rating_goes_to_the_journal_with_its_question() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    let items = kit.items(&thread).await;
    for kind in ["positive", "negative"] {
        let ids = [&items[0]["id"], &items[1]["id"], &json!("msg_of somebody else")];
        let params = json!({"thread_id": thread, "item_ids": ids, "kind": kind});
        assert_eq!(kit.json("items.feedback", params).await, json!({}));
    }
    let rated = kit.journal.0.lock().unwrap();
    let name = items[1]["id"].as_str().unwrap().strip_prefix("msg_").unwrap();
    let message = MessageId(name.parse().unwrap());
    let feedback = |rating| Feedback {
        message,
        rating,
        reason: None,
        comment: None,
        question: Some(QUESTION.to_owned()),
    };
    assert_eq!(*rated, [feedback(Rating::Good), feedback(Rating::Bad)]);
}

#[tokio::test]
async fn a_thread_of_somebody_else_is_not_there() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    let items = kit.items(&thread).await;
    for token in [Some("visitor-of-another"), None] {
        for (kind, params) in [
            ("threads.get_by_id", json!({"thread_id": thread})),
            ("items.list", json!({"thread_id": thread})),
            ("threads.update", json!({"thread_id": thread, "title": "Taken"})),
            ("threads.delete", json!({"thread_id": thread})),
            ("items.feedback", json!({"thread_id": thread, "item_ids": [], "kind": "positive"})),
            ("threads.add_user_message", json!({"thread_id": thread, "input": input("More?")})),
            ("threads.retry_after_item", json!({"thread_id": thread, "item_id": items[0]["id"]})),
            ("threads.custom_action", json!({"thread_id": thread, "action": {"type": "a"}})),
        ] {
            let reply = send(&kit.app, request_of(token, kind, &params)).await;
            is_refused(&reply, 404, "this conversation is not known");
        }
        let list = send(&kit.app, request_of(token, "threads.list", &json!({}))).await;
        assert_eq!(list.json()["data"], json!([]));
    }
    assert_eq!(kit.items(&thread).await, items);
}

#[tokio::test]
async fn who_has_no_token_gets_one_and_can_go_on_without_it() {
    let kit = kit();
    let create = json!({"input": input(QUESTION)});
    let reply = send(&kit.app, request_of(None, "threads.create", &create)).await;
    let issued = reply.header("askbook-visitor").unwrap().to_owned();
    assert_eq!(issued.len(), 32);
    assert!(reply.header("access-control-expose-headers").unwrap().contains("askbook-visitor"));
    let thread = told(&reply)[0]["thread"]["id"].clone();
    let more = json!({"thread_id": thread, "input": input("And then?")});
    for token in [None, Some(&*issued)] {
        let reply = send(&kit.app, request_of(token, "threads.add_user_message", &more)).await;
        told(&reply);
        // Whoever has a token is issued none.
        assert_eq!(reply.header("askbook-visitor").is_some(), token.is_none());
        assert_ne!(reply.header("askbook-visitor"), Some(&*issued));
    }
    let list = send(&kit.app, request_of(Some(&issued), "threads.list", &json!({}))).await;
    assert_eq!(list.json()["data"][0]["id"], thread);
    for token in ["too short", "with a blank in it"] {
        let reply = send(&kit.app, request_of(Some(token), "threads.list", &json!({}))).await;
        is_refused(&reply, 400, "askbook-visitor");
    }
}

#[tokio::test]
async fn the_same_message_again_is_not_asked_twice() {
    let kit = kit();
    let create = json!({"input": input(QUESTION)});
    let first = kit.stream("threads.create", create.clone()).await;
    *kit.generator.prompt.lock().unwrap() = None;
    let again = kit.stream("threads.create", create.clone()).await;
    assert_eq!(again[0]["thread"]["id"], first[0]["thread"]["id"]);
    assert_eq!((&again[1], again.last()), (&first[1], first.last()));
    assert_eq!(
        kinds(&again),
        [
            "thread.created",
            "thread.item.done",
            "stream_options",
            "thread.updated",
            "thread.item.done"
        ]
    );
    let thread = first[0]["thread"]["id"].clone();
    let same = json!({"thread_id": thread, "input": input(QUESTION)});
    let again = kit.stream("threads.add_user_message", same.clone()).await;
    assert_eq!(again.last(), first.last());
    assert!(kit.generator.prompt.lock().unwrap().is_none(), "nothing was asked");
    assert_eq!(kit.items(thread.as_str().unwrap()).await.len(), 2);

    // Something else is, and the same later on.
    let other = json!({"thread_id": thread, "input": input("And then?")});
    kit.stream("threads.add_user_message", other).await;
    assert_eq!(kit.items(thread.as_str().unwrap()).await.len(), 4);
    kit.stream("threads.add_user_message", same.clone()).await;
    assert_eq!(kit.items(thread.as_str().unwrap()).await.len(), 6);
    kit.age(thread.as_str().unwrap()).await;
    kit.stream("threads.add_user_message", same).await;
    assert_eq!(kit.items(thread.as_str().unwrap()).await.len(), 8);
    let anew = kit.stream("threads.create", create).await;
    assert_ne!(anew[0]["thread"]["id"], thread);
}

#[tokio::test]
async fn a_refusal_is_an_answer_with_the_pages_that_may_help() {
    let kit = kit_over(Arc::new(Unsuited), [], settings());
    let told = kit.stream("threads.create", json!({"input": input("Whales?")})).await;
    let text = told.last().unwrap()["item"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(text, format!("The book does not say.\n\n- [Sessions]({BOOK}/docs/sessions)"));
    let deltas: String =
        told.iter().filter_map(|event| event["update"]["delta"].as_str()).collect();
    assert_eq!(deltas, text);
    assert_eq!(told.last().unwrap()["item"]["content"][0]["annotations"], json!([]));
}

/// Finds what does not answer.
struct Unsuited;

#[async_trait]
impl Retriever for Unsuited {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        let found = ranking().into_iter().map(|ranked| Ranked { score: 0.001, ..ranked });
        Ok(Rankings { dense: None, lexical: Some(found.collect()) })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failure_is_an_event_and_the_question_stays() {
    let steps = [
        Step::Text("An idle session ends after one hour [1]. "),
        Step::Text("Then it is gone [1]. "),
        Step::Fails(ErrorKind::Unavailable),
    ];
    let kit = kit_over(Stub::new(Conduct::Works), steps, settings());
    let told = kit.stream("threads.create", json!({"input": input(QUESTION)})).await;
    let error = told.last().unwrap();
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("custom")));
    assert_eq!(error["allow_retry"], true);
    assert!(error["message"].as_str().unwrap().contains("writes answers"));
    let errors = kinds(&told).into_iter().filter(|kind| *kind == "error").count();
    assert_eq!(errors, 1);
    let thread = told[0]["thread"]["id"].as_str().unwrap();
    let items = kit.items(thread).await;
    assert_eq!((items.len(), &items[0]["type"]), (1, &json!("user_message")));
    // The question is asked again, and not kept again.
    let same = json!({"thread_id": thread, "input": input(QUESTION)});
    let told = kit.stream("threads.add_user_message", same).await;
    assert_eq!(kinds(&told)[0], "stream_options");
    assert_eq!(kit.items(thread).await, items);
}

/// Writes a sentence and a half, and then nothing more.
struct Stalling;

#[async_trait]
impl Generator for Stalling {
    fn model(&self) -> &'static str {
        "stalling"
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        let text = "An idle session ends after one hour [1]. Then it is gone. [1] And so";
        let said = stream::iter([Ok(Generated::Text(text.to_owned()))]);
        Ok(Box::pin(said.chain(stream::pending())))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test]
async fn when_the_reader_stops_it_what_there_is_of_an_answer_is_kept() {
    let threads = Arc::new(sessions());
    let store = ThreadStore(Arc::clone(&threads) as _);
    let chat = chat(Stub::new(Conduct::Works), vec![Arc::new(Stalling)]);
    let kit = Kit {
        app: app(chat, &HttpSettings { threads: store, ..settings() }),
        threads,
        generator: Arc::default(),
        journal: Arc::default(),
    };
    let create = request_of(Some(TOKEN), "threads.create", &json!({"input": input(QUESTION)}));
    let response = Box::pin(kit.app.call(create)).await.unwrap();
    let mut body = response.into_body().into_bytes_stream();
    let mut read = String::new();
    while !read.contains("text_delta") {
        let chunk = body.next().await.unwrap().unwrap();
        read += std::str::from_utf8(&chunk).unwrap();
    }
    let first = read.split("\n\n").next().unwrap().strip_prefix("data: ").unwrap();
    let first: Value = serde_json::from_str(first).unwrap();
    drop(body);

    let id = first["thread"]["id"].as_str().unwrap();
    let thread = SessionId::parse(id.strip_prefix("thr_").unwrap()).unwrap();
    let visitor = Visitor::Known(Owner::of(TOKEN));
    let kept = loop {
        let kept = kit.threads.get(&visitor, &thread).await.unwrap().unwrap().items;
        if kept.len() == 3 {
            break kept;
        }
        tokio::task::yield_now().await;
    };
    let note: Value = serde_json::from_str(&kept[2].content).unwrap();
    assert_eq!(note["type"], "sdk_hidden_context");
    // The note is shown to nobody.
    let items = kit.items(id).await;
    assert_eq!(items.len(), 2);
    let text = items[1]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("An idle session ends after one hour"), "{text}");
    assert!(read.contains(&items[1]["id"].as_str().unwrap().to_owned()));
    // It is no answer that could be told again.
    let same = json!({"thread_id": id, "input": input(QUESTION)});
    let request = request_of(Some(TOKEN), "threads.add_user_message", &same);
    let again = Box::pin(kit.app.call(request)).await.unwrap();
    assert_eq!(kit.items(id).await.len(), 1);
    drop(again);
}

#[tokio::test]
async fn what_there_is_no_occasion_for_is_refused_in_words() {
    let kit = kit();
    let thread = kit.create(QUESTION).await;
    for (kind, params) in [
        ("threads.add_client_tool_output", json!({"thread_id": thread, "result": null})),
        (
            "threads.add_structured_input",
            json!({"thread_id": thread, "item_id": "msg_1", "input": {}}),
        ),
        ("threads.custom_action", json!({"thread_id": thread, "action": {"type": "a"}})),
    ] {
        let told = kit.stream(kind, params).await;
        let expected = json!([{"type": "error", "code": "custom", "allow_retry": false,
                               "message": "this server has asked for nothing"}]);
        assert_eq!(json!(told), expected, "{kind}");
    }
    let mut attached = input(QUESTION);
    attached["attachments"] = json!(["atc_1"]);
    for (kind, params, words) in [
        ("attachments.create", json!({"name": "a", "size": 1, "mime_type": "b"}), "no files"),
        ("attachments.delete", json!({"attachment_id": "a"}), "no files"),
        ("input.transcribe", json!({"audio_base64": "", "mime_type": "a"}), "write the question"),
        ("threads.sync_custom_action", json!({"thread_id": thread}), "nothing to act on"),
        ("threads.create", json!({"input": attached}), "no files"),
    ] {
        is_refused(&kit.send(kind, params).await, 400, words);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_is_kept() {
    let full = HttpSettings { questions: 0, ..settings() };
    let long = "x".repeat(101);
    let kit = kit_over(Stub::new(Conduct::Works), [], full);
    let reply = kit.send("threads.create", json!({"input": input(&long)})).await;
    is_refused(&reply, 400, "101 characters");
    let reply = kit.send("threads.create", json!({"input": input(" ")})).await;
    is_refused(&reply, 400, "write a question");
    let reply = kit.send("threads.create", json!({"input": input(QUESTION)})).await;
    is_refused(&reply, 503, "too many questions");
    assert_eq!(kit.json("threads.list", json!({})).await["data"], json!([]));

    let mut untyped = request_of(Some(TOKEN), "threads.list", &json!({}));
    untyped.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    is_refused(&send(&kit.app, untyped).await, 415, "content-type");
    for (body, status, words) in [
        (String::new(), 400, "empty"),
        ("{".to_owned(), 400, "not valid JSON"),
        (json!({"type": "threads.share", "params": {}}).to_string(), 400, "ChatKit protocol"),
        (json!({"params": {}}).to_string(), 400, "missing field `type`"),
        (json!({"type": "threads.list"}).to_string(), 400, "missing field `params`"),
        (json!({"type": "x".repeat(2_000)}).to_string(), 413, "2000 bytes"),
    ] {
        is_refused(&send(&kit.app, post("/chatkit", body)).await, status, words);
    }
    is_refused(&send(&kit.app, look("/chatkit")).await, 405, "method");
}

#[tokio::test]
async fn a_conversation_that_goes_too_fast_is_refused_in_words() {
    let quota = Quota::per_minute(1.try_into().unwrap());
    let limiter = Arc::new(MemoryLimiter::new(quota, NonZeroUsize::new(9).unwrap()));
    let session = Some(Limit { quota, limiter });
    let clients =
        ClientSettings { limits: Limits { session, ..Limits::default() }, ..Default::default() };
    let steps = [Step::Text("An idle session ends after one hour. [1]")];
    let kit = kit_over(Stub::new(Conduct::Works), steps, HttpSettings { clients, ..settings() });
    let thread = kit.create(QUESTION).await;
    let more = |text: &str| json!({"thread_id": thread, "input": input(text)});
    kit.stream("threads.add_user_message", more("And then?")).await;
    let reply = kit.send("threads.add_user_message", more("And now?")).await;
    is_refused(&reply, 429, "too fast");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(kit.items(&thread).await.len(), 4);
}

#[tokio::test]
async fn threads_that_cannot_be_kept_are_a_problem_before_anything_is_asked() {
    struct Full;

    #[async_trait]
    impl Threads for Full {
        async fn begin(&self, _: Head) -> Result<(), PortError> {
            Err(PortError::new(ErrorKind::Unavailable, SECRET))
        }

        async fn get(&self, _: &Visitor, _: &SessionId) -> Result<Option<Thread>, PortError> {
            Err(PortError::new(ErrorKind::Unavailable, SECRET))
        }

        async fn list(&self, _: &Owner) -> Result<Vec<Head>, PortError> {
            Ok(Vec::new())
        }

        async fn rename(&self, _: &Visitor, _: &SessionId, _: &str) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn remove(&self, _: &Visitor, _: &SessionId) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn put(&self, _: &Visitor, _: &SessionId, _: Item) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn truncate(
            &self,
            _: &Visitor,
            _: &SessionId,
            _: MessageId,
        ) -> Result<bool, PortError> {
            Ok(false)
        }
    }

    let generator = Stub::new(Conduct::Works);
    let chat = chat(Stub::new(Conduct::Works), vec![generator.clone()]);
    let app = app(chat, &HttpSettings { threads: ThreadStore(Arc::new(Full)), ..settings() });
    let more = json!({"thread_id": format!("thr_{}", "0".repeat(32)), "input": input(QUESTION)});
    for (kind, params) in
        [("threads.create", json!({"input": input(QUESTION)})), ("threads.add_user_message", more)]
    {
        let reply = send(&app, request_of(Some(TOKEN), kind, &params)).await;
        is_refused(&reply, 503, "the memory of conversations cannot be reached");
        assert!(!reply.text.contains("secret"), "{}", reply.text);
    }
    assert_eq!(generator.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_with_comments_that_are_no_events() {
    let chat = chat(Stub::new(Conduct::Works), vec![Stub::new(Conduct::Hangs)]);
    let app = app(chat, &settings());
    let create = request_of(Some(TOKEN), "threads.create", &json!({"input": input(QUESTION)}));
    let reply = send(&app, create).await;
    assert!(reply.text.matches(": \n").count() >= 5, "{}", reply.text);
    assert!(!reply.text.contains("\n\n:\n\n") && !reply.text.contains(": \n\n"));
    let told = told_with_comments(&reply.text);
    assert_eq!(told.last().unwrap()["type"], "error");
}

fn told_with_comments(text: &str) -> Vec<Value> {
    let data = text.split('\n').filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn a_server_that_does_not_speak_it_has_nothing_there() {
    let wires = vec![Protocol::AiSdk];
    let kit = kit_over(Stub::new(Conduct::Works), [], HttpSettings { wires, ..settings() });
    let reply = kit.send("threads.list", json!({})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
