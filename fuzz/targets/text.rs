//! What readers and pages say: read without a panic, into what its documentation promises.
#![no_main]

use askbook::concept::concepts;
use askbook::follow_up::FollowUp;
use askbook::plain::plain;
use askbook::question::{Question, QuestionLimits};
use askbook::session::{MessageId, Role, SessionId, Turn};
use askbook::text::{terms, units};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

fuzz_target!(|input: (&str, &str)| {
    let (text, other) = input;
    assert_eq!(plain(&plain(text)), plain(text), "what is plain stays");
    for unit in units(text) {
        assert!(!unit.text.is_empty());
    }
    assert!(terms(text).iter().all(|term| !term.is_empty()));
    for concept in concepts(text) {
        assert!(concept.salience() > 0.0);
    }
    if let Ok(id) = SessionId::parse(text) {
        assert_eq!(id.as_str(), text);
    }
    if let Ok(question) = Question::new(text, Some(other), Some(other), QuestionLimits::default()) {
        let said = Turn { role: Role::Reader, text: other.to_owned() };
        if let Some(follow_up) = FollowUp::of(MessageId(Uuid::nil()), &question, &[said]) {
            assert!(!follow_up.standalone(None).is_empty());
            assert!(!follow_up.standalone(Some(other.to_owned())).is_empty());
        }
    }
});
