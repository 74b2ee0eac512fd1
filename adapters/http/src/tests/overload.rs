//! More questions at once than are answered at once.

use futures_util::future::join_all;

use super::cancel::{Place, follow_up, hanging};
use super::*;

#[tokio::test]
async fn who_asks_while_all_places_are_taken_is_refused_at_once_and_costs_nothing() {
    let (ports, hanging) = hanging(Place::Writing);
    let settings = HttpSettings { questions: 3, ..settings() };
    let app = app(Chat::new(ports, chat_settings()), &settings);
    let ask = |path| send(&app, post(path, follow_up()));
    for path in ["/chat", "/chat/stream"] {
        let mut asking = Box::pin(join_all([ask(path), ask(path), ask(path)]));
        tokio::select! {
            _ = &mut asking => panic!("the model hangs"),
            () = hanging.until_reached(3) => {}
        }
        let paid = hanging.generations.load(Ordering::Relaxed);
        let refused = [
            ask("/chat").await,
            ask("/chat/stream").await,
            send(&app, post("/search", r#"{"query": "sessions"}"#)).await,
        ];
        for reply in refused {
            reply.assert_problem(503, "overloaded");
            assert_eq!(reply.header("retry-after"), Some("1"));
        }
        assert_eq!(hanging.generations.load(Ordering::Relaxed), paid);
        assert_eq!(send(&app, look("/health")).await.status, StatusCode::OK);
        drop(asking);
        let found = send(&app, post("/search", r#"{"query": "sessions"}"#)).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    }
}
