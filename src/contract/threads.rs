use uuid::Uuid;

use crate::ports::Threads;
use crate::session::{MessageId, SessionId};
use crate::thread::{Head, Item, MOST_THREADS, Owner, Thread, Visitor};

/// The contract of [`Threads`]: `threads_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn Threads>, impl Sized)`. The subject has room for 8 items in a
/// thread, and for [`MOST_THREADS`] threads.
#[macro_export]
macro_rules! threads_contract {
    ($fixture:path) => {
        $crate::__clauses!(threads, (fixture $fixture):
            a_thread_comes_back_as_it_was_kept,
            an_item_that_is_put_again_stays_in_its_place,
            what_comes_after_an_item_can_be_taken_out,
            the_threads_of_an_owner_are_listed_newest_first,
            of_the_threads_of_an_owner_the_oldest_go,
            a_thread_has_the_title_that_it_was_given_last,
            a_thread_that_was_removed_is_gone,
            a_thread_of_somebody_else_is_not_there,
            a_thread_that_was_begun_without_a_token_is_reached_without_one,
            a_thread_that_is_not_known_takes_nothing,
            items_put_side_by_side_are_all_kept,
        );
    };
}

/// A thread of the number, of the owner with this token.
fn head(number: u8, token: &str) -> Head {
    Head {
        id: SessionId::from_random([number; 16]),
        owner: Owner::of(token),
        open: false,
        begun: 1_700_000_000_123 + u64::from(number),
        title: format!("thread {number} \"of\" {token}, größer"),
    }
}

fn item(number: u8) -> Item {
    // What is kept is anything that a front end can write.
    let content = format!("{{\"text\": \"item {number}\\n — \u{1F600} 'x' [] {{}}\"}}");
    Item { id: MessageId(Uuid::from_bytes([number; 16])), content }
}

fn known(token: &str) -> Visitor {
    Visitor::Known(Owner::of(token))
}

async fn begun(subject: &dyn Threads, number: u8, token: &str, items: &[u8]) -> Head {
    let head = head(number, token);
    subject.begin(head.clone()).await.expect("a thread");
    for number in items {
        let put = subject.put(&known(token), &head.id, item(*number)).await;
        assert!(put.expect("an item"), "the thread is not known");
    }
    head
}

async fn thread(subject: &dyn Threads, by: &Visitor, head: &Head) -> Option<Thread> {
    subject.get(by, &head.id).await.expect("a thread")
}

async fn numbers(subject: &dyn Threads, by: &Visitor, head: &Head) -> Vec<u8> {
    let thread = thread(subject, by, head).await.expect("a thread that is known");
    thread.items.iter().map(|item| item.id.0.as_bytes()[0]).collect()
}

pub async fn a_thread_comes_back_as_it_was_kept(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[]).await;
    let empty = Thread { head: head.clone(), items: Vec::new() };
    assert_eq!(thread(subject, &known("anna"), &head).await, Some(empty));
    for number in [3, 1, 2] {
        subject.put(&known("anna"), &head.id, item(number)).await.expect("an item");
    }
    let full = Thread { head: head.clone(), items: [3, 1, 2].map(item).into() };
    assert_eq!(thread(subject, &known("anna"), &head).await, Some(full));
}

pub async fn an_item_that_is_put_again_stays_in_its_place(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[1, 2, 3]).await;
    let changed = Item { content: "changed".to_owned(), ..item(2) };
    assert!(subject.put(&known("anna"), &head.id, changed.clone()).await.expect("an item"));
    let thread = thread(subject, &known("anna"), &head).await.expect("the thread");
    assert_eq!(thread.items, [item(1), changed, item(3)]);
}

pub async fn what_comes_after_an_item_can_be_taken_out(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[1, 2, 3, 4]).await;
    for (after, done, left) in
        [(9, false, vec![1, 2, 3, 4]), (2, true, vec![1, 2]), (2, true, vec![1, 2])]
    {
        let cut = subject.truncate(&known("anna"), &head.id, item(after).id).await;
        assert_eq!(cut.expect("an outcome"), done);
        assert_eq!(numbers(subject, &known("anna"), &head).await, left);
    }
    assert!(subject.put(&known("anna"), &head.id, item(5)).await.expect("an item"));
    assert_eq!(numbers(subject, &known("anna"), &head).await, [1, 2, 5]);
}

pub async fn the_threads_of_an_owner_are_listed_newest_first(subject: &dyn Threads) {
    assert_eq!(subject.list(&Owner::of("anna")).await.expect("a list"), []);
    let one = begun(subject, 1, "anna", &[]).await;
    begun(subject, 2, "bert", &[]).await;
    let three = begun(subject, 3, "anna", &[]).await;
    // Use does not change the order.
    subject.put(&known("anna"), &one.id, item(1)).await.expect("an item");
    let list = subject.list(&Owner::of("anna")).await.expect("a list");
    assert_eq!(list, [three, one]);
}

pub async fn of_the_threads_of_an_owner_the_oldest_go(subject: &dyn Threads) {
    let other = begun(subject, 250, "bert", &[1]).await;
    let count = u8::try_from(MOST_THREADS).expect("a number of threads") + 2;
    for number in 0..count {
        begun(subject, number, "anna", &[]).await;
    }
    let list = subject.list(&Owner::of("anna")).await.expect("a list");
    let ids: Vec<_> = list.into_iter().map(|head| head.id).collect();
    let expected: Vec<_> = (2..count).rev().map(|number| head(number, "anna").id).collect();
    assert_eq!(ids, expected);
    assert_eq!(thread(subject, &known("anna"), &head(1, "anna")).await, None);
    assert_eq!(numbers(subject, &known("bert"), &other).await, [1]);
}

pub async fn a_thread_has_the_title_that_it_was_given_last(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[1]).await;
    let title = "It's \"new\": größer";
    assert!(subject.rename(&known("anna"), &head.id, title).await.expect("an outcome"));
    let renamed = Head { title: title.to_owned(), ..head.clone() };
    let thread = thread(subject, &known("anna"), &head).await.expect("the thread");
    assert_eq!((thread.head, thread.items), (renamed.clone(), vec![item(1)]));
    assert_eq!(subject.list(&Owner::of("anna")).await.expect("a list"), [renamed]);
}

pub async fn a_thread_that_was_removed_is_gone(subject: &dyn Threads) {
    let one = begun(subject, 1, "anna", &[1]).await;
    let two = begun(subject, 2, "anna", &[2]).await;
    assert!(subject.remove(&known("anna"), &one.id).await.expect("an outcome"));
    assert!(!subject.remove(&known("anna"), &one.id).await.expect("an outcome"));
    assert_eq!(thread(subject, &known("anna"), &one).await, None);
    assert_eq!(subject.list(&Owner::of("anna")).await.expect("a list"), [two]);
}

/// Checks that the visitor can do nothing with a thread.
async fn is_closed_to(subject: &dyn Threads, by: &Visitor, head: &Head) {
    assert_eq!(thread(subject, by, head).await, None, "{by:?}");
    let done = [
        subject.put(by, &head.id, item(9)).await.expect("an outcome"),
        subject.rename(by, &head.id, "taken").await.expect("an outcome"),
        subject.truncate(by, &head.id, item(1).id).await.expect("an outcome"),
        subject.remove(by, &head.id).await.expect("an outcome"),
    ];
    assert_eq!(done, [false; 4], "{by:?}");
}

pub async fn a_thread_of_somebody_else_is_not_there(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[1, 2]).await;
    for other in [known("bert"), Visitor::Unknown] {
        is_closed_to(subject, &other, &head).await;
    }
    assert_eq!(subject.list(&Owner::of("bert")).await.expect("a list"), []);
    let thread = thread(subject, &known("anna"), &head).await.expect("the thread");
    assert_eq!((thread.head, thread.items), (head, vec![item(1), item(2)]));
}

pub async fn a_thread_that_was_begun_without_a_token_is_reached_without_one(subject: &dyn Threads) {
    let head = Head { open: true, ..head(1, "issued") };
    subject.begin(head.clone()).await.expect("a thread");
    for (visitor, number) in [(Visitor::Unknown, 1), (known("issued"), 2)] {
        assert!(subject.put(&visitor, &head.id, item(number)).await.expect("an item"));
    }
    assert_eq!(numbers(subject, &Visitor::Unknown, &head).await, [1, 2]);
    is_closed_to(subject, &known("anna"), &head).await;
    let list = subject.list(&Owner::of("issued")).await.expect("a list");
    assert_eq!(list, std::slice::from_ref(&head));
    assert!(subject.remove(&Visitor::Unknown, &head.id).await.expect("an outcome"));
}

pub async fn a_thread_that_is_not_known_takes_nothing(subject: &dyn Threads) {
    let head = head(1, "anna");
    for visitor in [known("anna"), Visitor::Unknown] {
        is_closed_to(subject, &visitor, &head).await;
    }
    assert_eq!(subject.list(&Owner::of("anna")).await.expect("a list"), []);
}

pub async fn items_put_side_by_side_are_all_kept(subject: &dyn Threads) {
    let head = begun(subject, 1, "anna", &[]).await;
    let visitor = known("anna");
    let puts = (1..=8).map(|number| subject.put(&visitor, &head.id, item(number)));
    for put in futures_util::future::join_all(puts).await {
        assert!(put.expect("an item"));
    }
    let mut numbers = numbers(subject, &visitor, &head).await;
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}
