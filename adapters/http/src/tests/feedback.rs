use askbook::feedback::{Asked, Feedback, Miss, Rating};
use askbook::session::MessageId;
use uuid::Uuid;

use super::*;

/// Remembers what it is told, or fails.
#[derive(Default)]
struct Book {
    fails: bool,
    told: Mutex<Vec<Feedback>>,
}

#[async_trait]
impl Journal for Book {
    async fn asked(&self, _: Asked) -> Result<(), PortError> {
        Ok(())
    }

    async fn rated(&self, feedback: Feedback) -> Result<(), PortError> {
        if self.fails {
            return Err(PortError::new(ErrorKind::Unavailable, SECRET));
        }
        self.told.lock().unwrap().push(feedback);
        Ok(())
    }

    async fn misses(&self) -> Result<Vec<Miss>, PortError> {
        Ok(Vec::new())
    }
}

fn app_with(journal: Option<Arc<Book>>) -> impl Endpoint<Output = Response> {
    let generators: Vec<Arc<dyn Generator>> = vec![Stub::new(Conduct::Works)];
    let journal = journal.map(|journal| journal as Arc<dyn Journal>);
    app(chat_over(Stub::new(Conduct::Works), generators, journal), &settings())
}

const ID: Uuid = Uuid::from_u128(7);

#[tokio::test]
async fn a_rating_goes_to_the_journal() {
    let journal = Arc::new(Book::default());
    let app = app_with(Some(Arc::clone(&journal)));
    let native = json!({"message_id": ID, "rating": "bad", "reason": " old ", "comment": "No.\n"});
    // As the original's widget sends it.
    let original = json!({
        "message_id": ID, "query": "When?", "response": "Now.", "sources": null, "rating": "good",
        "context": null,
    });
    let up = json!({"message_id": ID, "rating": "up", "comment": " ", "reason": null});
    let own = json!({"message_id": "bubble-3", "rating": "down", "query": "When?"});
    for body in [native, original, up, own.clone(), own] {
        let reply = send(&app, post("/feedback", body.to_string())).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""), "{body}");
        assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    }
    let told = journal.told.lock().unwrap();
    let text = |text: &str| Some(text.to_owned());
    let feedback = |rating, reason, comment, question| Feedback {
        message: MessageId(ID),
        rating,
        reason,
        comment,
        question,
    };
    assert_eq!(told[0], feedback(Rating::Bad, text("old"), text("No."), None));
    assert_eq!(told[1], feedback(Rating::Good, None, None, text("When?")));
    assert_eq!(told[2], feedback(Rating::Good, None, None, None));
    assert_eq!((told[3].rating, &told[3].question), (Rating::Bad, &text("When?")));
    assert_eq!(
        told[3].message, told[4].message,
        "a name of the front end's own is always the same"
    );
}

#[tokio::test]
async fn without_a_journal_a_rating_is_taken_all_the_same() {
    let body = json!({"message_id": ID, "rating": "good"}).to_string();
    let reply = send(&app_with(None), post("/feedback", body)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_journal_that_fails_is_a_problem_that_tells_nothing_inner() {
    let journal = Arc::new(Book { fails: true, ..Book::default() });
    let body = json!({"message_id": ID, "rating": "good"}).to_string();
    let reply = send(&app_with(Some(journal)), post("/feedback", body)).await;
    reply.assert_problem(503, "upstream_unavailable");
}

#[tokio::test]
async fn a_bad_rating_is_refused_with_what_is_expected() {
    let journal = Arc::new(Book::default());
    let app = app_with(Some(Arc::clone(&journal)));
    let names = "`rating` must be `good` or `bad`";
    for (body, code, detail) in [
        (json!({"message_id": ID, "rating": "private"}), "invalid_field", names),
        (json!({"message_id": ID, "rating": 1}), "invalid_field", "`rating` must be a string"),
        (json!({"message_id": ID}), "invalid_field", "missing field `rating`"),
        (json!({"rating": "good"}), "invalid_field", "missing field `message_id`"),
        (json!({"message_id": " ", "rating": "good"}), "invalid_field", "`message_id` is empty"),
        (
            json!({"message_id": ID, "rating": "bad", "reason": "x".repeat(101)}),
            "too_long",
            "`reason` has 101 characters; at most 100 are allowed",
        ),
        (
            json!({"message_id": "x".repeat(201), "rating": "bad"}),
            "too_long",
            "`message_id` has 201 characters; at most 200 are allowed",
        ),
        (
            json!({"message_id": ID, "rating": "bad", "query": "x".repeat(101)}),
            "too_long",
            "`query` has 101 characters; at most 100 are allowed",
        ),
    ] {
        let reply = send(&app, post("/feedback", body.to_string())).await;
        reply.assert_problem(400, code);
        assert_eq!(reply.json()["detail"], detail);
    }
    assert!(journal.told.lock().unwrap().is_empty());
}
