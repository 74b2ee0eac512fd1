//! What the journal does beyond its contract.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use askbook::answer::Outcome;
use askbook::error::ErrorKind;
use askbook::feedback::{Asked, Feedback, Miss, Rating};
use askbook::ports::Journal;
use askbook::session::MessageId;
use askbook_journal::{FileJournal, LEAST_BYTES, misses};
use uuid::Uuid;

fn open(folder: &Path) -> FileJournal {
    FileJournal::open(folder, LEAST_BYTES).unwrap()
}

fn asked(number: u128, question: &str, outcome: Outcome) -> Asked {
    let message = MessageId(Uuid::from_u128(number));
    Asked { message, question: question.to_owned(), page: Some("/docs".to_owned()), outcome }
}

fn rated(number: u128, rating: Rating) -> Feedback {
    let message = MessageId(Uuid::from_u128(number));
    Feedback { message, rating, reason: None, comment: None, question: None }
}

/// Everything in a folder, as text.
fn text(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[tokio::test]
async fn of_answered_questions_only_those_that_are_rated_bad_reach_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for (number, question) in (1..).zip(["secret", "liked", "disliked"]) {
        journal.asked(asked(number, question, Outcome::Answered)).await.unwrap();
    }
    journal.rated(rated(2, Rating::Good)).await.unwrap();
    journal.rated(rated(3, Rating::Bad)).await.unwrap();
    journal.flush().await;
    let kept = text(folder.path());
    assert!(kept.contains("disliked"), "{kept}");
    assert!(!kept.contains("secret") && !kept.contains("\"liked"), "{kept}");
    assert_eq!(kept.lines().count(), 1, "{kept}");
}

#[tokio::test]
async fn it_outlives_the_process_and_a_line_that_was_cut_by_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let questions = |misses: Vec<Miss>| -> Vec<String> {
        misses.into_iter().map(|miss| miss.question).collect()
    };
    let journal = open(folder.path());
    journal.asked(asked(1, "before", Outcome::NotInBook)).await.unwrap();
    journal.asked(asked(2, "disliked", Outcome::Answered)).await.unwrap();
    journal.rated(rated(2, Rating::Bad)).await.unwrap();
    journal.flush().await;
    drop(journal);
    let newer = folder.path().join("journal.jsonl");
    let mut file = OpenOptions::new().append(true).open(newer).unwrap();
    file.write_all(b"{\"at\":\"2026-").unwrap();

    let journal = open(folder.path());
    journal.asked(asked(3, "after", Outcome::NotInBook)).await.unwrap();
    assert_eq!(questions(journal.misses().await.unwrap()), ["before", "disliked", "after"]);
    // What was rated by the process before can be taken back in this one.
    journal.rated(rated(2, Rating::Good)).await.unwrap();
    journal.flush().await;
    assert_eq!(questions(misses(folder.path()).unwrap()), ["before", "after"]);
}

#[tokio::test]
async fn it_does_not_grow_and_keeps_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let question = "question ".repeat(400);
    for number in 1..=200 {
        let question = format!("{number} {question}");
        journal.asked(asked(number, &question, Outcome::NotInBook)).await.unwrap();
        if number % 50 == 0 {
            journal.flush().await;
        }
    }
    journal.flush().await;
    let bytes = text(folder.path()).len() as u64;
    assert!((LEAST_BYTES / 2..=LEAST_BYTES).contains(&bytes), "{bytes}");
    let misses = misses(folder.path()).unwrap();
    assert!(misses.last().unwrap().question.starts_with("200 "));
    assert!(misses.first().unwrap().question.starts_with(&format!("{} ", 201 - misses.len())));
}

#[tokio::test]
async fn a_folder_without_a_journal_has_no_misses_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(misses(&folder.path().join("none")).unwrap(), []);
    let journal = open(&folder.path().join("made when needed"));
    journal.asked(asked(1, "answered", Outcome::Answered)).await.unwrap();
    journal.flush().await;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Whoever asks or rates does not wait for the disk: here for another one's lock.
#[tokio::test]
async fn when_the_disk_does_not_keep_up_nobody_waits_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(folder.path(), 1 << 20).unwrap();
    journal.asked(asked(0, "first", Outcome::NotInBook)).await.unwrap();
    journal.flush().await;
    let lock = fs::File::open(folder.path().join("journal.lock")).unwrap();
    lock.lock().unwrap();
    let mut taken = 1;
    let error = loop {
        match journal.asked(asked(taken, "q", Outcome::NotInBook)).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(taken > 1_000, "{taken}");
    lock.unlock().unwrap();
    assert_eq!(journal.misses().await.unwrap().len() as u128, taken);
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The only test here that logs, because the log is that of the whole process.
#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_told_once_and_stops_nothing() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || sink.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let journal = open(&file.path().join("journal"));
    for number in 1..=10 {
        journal.asked(asked(number, "s3cret", Outcome::NotInBook)).await.unwrap();
        journal.rated(rated(number, Rating::Bad)).await.unwrap();
    }
    journal.flush().await;
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(said.matches("is not written down").count(), 1, "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    let error = journal.misses().await.unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}
