//! The contract of the journal, kept in files.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::sync::Arc;

use askbook::ports::Journal;
use askbook_journal::{FileJournal, LEAST_BYTES};

async fn fixture() -> (Arc<dyn Journal>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(FileJournal::open(folder.path(), LEAST_BYTES).unwrap()), folder)
}

askbook::journal_contract!(fixture);
