use crate::ports::ChatSession;
use crate::session::{Exchange, SessionId, Turn};

/// The contract of a [`ChatSession`]: `session_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn ChatSession>, impl Sized)`.
#[macro_export]
macro_rules! session_contract {
    ($fixture:path) => {
        $crate::__clauses!(session, (fixture $fixture):
            a_new_conversation_is_known_and_empty,
            ids_are_new_and_well_formed,
            turns_come_back_oldest_first,
            conversations_do_not_mix,
            an_id_that_was_not_issued_is_not_adopted,
            exchanges_recorded_side_by_side_stay_whole,
            a_ready_store_is_ready,
        );
    };
}

fn exchange(number: usize) -> Exchange {
    Exchange { question: format!("question {number}"), answer: format!("answer {number}") }
}

async fn turns(subject: &dyn ChatSession, id: &SessionId) -> Option<Vec<Turn>> {
    subject.turns(id).await.expect("the turns")
}

pub async fn a_new_conversation_is_known_and_empty(subject: &dyn ChatSession) {
    let id = subject.open().await.expect("an id");
    assert_eq!(turns(subject, &id).await, Some(Vec::new()));
}

pub async fn ids_are_new_and_well_formed(subject: &dyn ChatSession) {
    let mut ids = std::collections::HashSet::new();
    for _ in 0..64 {
        let id = subject.open().await.expect("an id");
        assert_eq!(SessionId::parse(id.as_str()).as_ref(), Ok(&id));
        assert!(ids.insert(id), "an id came twice");
    }
}

pub async fn turns_come_back_oldest_first(subject: &dyn ChatSession) {
    let id = subject.open().await.expect("an id");
    for number in 0..3 {
        subject.record(&id, exchange(number)).await.expect("a record");
    }
    let expected: Vec<Turn> = (0..3).flat_map(|number| exchange(number).into_turns()).collect();
    assert_eq!(turns(subject, &id).await, Some(expected));
}

pub async fn conversations_do_not_mix(subject: &dyn ChatSession) {
    let one = subject.open().await.expect("an id");
    let other = subject.open().await.expect("an id");
    subject.record(&one, exchange(1)).await.expect("a record");
    assert_eq!(turns(subject, &other).await, Some(Vec::new()));
    assert_eq!(turns(subject, &one).await, Some(exchange(1).into_turns().into()));
}

pub async fn an_id_that_was_not_issued_is_not_adopted(subject: &dyn ChatSession) {
    let foreign = SessionId::from_random([7; 16]);
    assert_eq!(turns(subject, &foreign).await, None);
    subject.record(&foreign, exchange(1)).await.expect("nothing happens");
    assert_eq!(turns(subject, &foreign).await, None);
}

pub async fn a_ready_store_is_ready(subject: &dyn ChatSession) {
    subject.ready().await.expect("readiness");
}

pub async fn exchanges_recorded_side_by_side_stay_whole(subject: &dyn ChatSession) {
    let id = subject.open().await.expect("an id");
    let records = (0..8).map(|number| subject.record(&id, exchange(number)));
    for record in futures_util::future::join_all(records).await {
        record.expect("a record");
    }
    let turns = turns(subject, &id).await.expect("the conversation");
    assert_eq!(turns.len(), 16);
    for pair in turns.chunks(2) {
        let number = pair[0].text.strip_prefix("question ").expect("a question first");
        assert_eq!(pair[1].text, format!("answer {number}"));
    }
}
