//! The journal of what readers asked in vain, in files that do not grow.
//!
//! It holds the questions that the book did not answer and those whose answer was rated bad, with
//! time, page and what was said about it; nothing that says who asked, and no question that was
//! answered well: these are in memory only, for a while, in case they are rated bad.
//!
//! * `record`: a line of the files, and what the lines come to;
//! * `files`: where they are kept, and how they stay whole and small;
//! * `replies`: the answered questions in memory.

mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod record;
mod replies;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use askbook::answer::Outcome;
use askbook::error::{ErrorKind, PortError};
use askbook::feedback::{Asked, Feedback, Miss, Rating};
use askbook::ports::Journal;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tracing::warn;

use files::Files;
use record::{Record, What};
use replies::{Replies, Reply};

/// How many lines may wait to be written: far more than come while a disk is slow.
const WAITING: usize = 1024;

/// The fewest bytes that a journal may have: each of its two files holds the longest line.
pub const LEAST_BYTES: u64 = 128 << 10;

/// Keeps the journal in a folder. Other processes may write to the same one and read it.
///
/// Lines are written by a thread of its own, so that nobody waits for the disk; when that cannot
/// write, the log says so once and the lines are lost. Dropping the journal does not wait for what
/// is still to be written: [`Self::flush`] does.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    queue: SyncSender<Job>,
    replies: Mutex<Replies>,
}

/// What the thread has to do.
#[derive(Debug)]
enum Job {
    Write(Box<Record>),
    /// Say when everything before this is written.
    Flush(oneshot::Sender<()>),
}

impl FileJournal {
    /// A journal in this folder, which is made when there is something to write, of at most so
    /// many bytes, and not less than [`LEAST_BYTES`].
    ///
    /// # Errors
    /// `Unavailable`: the system gives no thread.
    pub fn open(folder: impl Into<PathBuf>, bytes: u64) -> Result<Self, PortError> {
        let folder = folder.into();
        let (queue, jobs) = sync_channel(WAITING);
        let files = Files::new(&folder, bytes.max(LEAST_BYTES));
        let thread = thread::Builder::new().name("askbook-journal".to_owned());
        thread.spawn(move || write(&files, &jobs)).map_err(|error| {
            PortError::new(ErrorKind::Unavailable, "the journal gets no thread").with_source(error)
        })?;
        Ok(Self { folder, queue, replies: Mutex::new(Replies::new()) })
    }

    /// Resolves when everything that was taken so far is written, or lost for good.
    pub async fn flush(&self) {
        let (written, wait) = oneshot::channel();
        let queue = self.queue.clone();
        // There may be no room for one more now. Without the thread there is nothing to wait for.
        let sent = spawn_blocking(move || queue.send(Job::Flush(written)).is_ok());
        if sent.await.unwrap_or(false) {
            let _ = wait.await;
        }
    }

    fn write(&self, what: What, message: askbook::session::MessageId) -> Result<(), PortError> {
        let record = Record::now(message.0, what);
        self.queue.try_send(Job::Write(Box::new(record))).map_err(|error| {
            let message = match error {
                TrySendError::Full(_) => {
                    "the disk of the journal does not keep up: it is not written"
                }
                TrySendError::Disconnected(_) => "the journal has ended: see the log",
            };
            PortError::new(ErrorKind::Unavailable, message)
        })
    }
}

/// Does the jobs until the journal is dropped.
fn write(files: &Files, jobs: &Receiver<Job>) {
    let mut failing = false;
    for job in jobs {
        match job {
            Job::Write(record) => {
                let written = record.line().and_then(|line| files.append(&line));
                if let (Err(error), false) = (&written, failing) {
                    warn!(
                        folder = %files.folder().display(), %error,
                        "what readers asked in vain is not written down: see that there is room, \
                         and that this user may write there, or set ASKBOOK_JOURNAL=off"
                    );
                }
                failing = written.is_err();
            }
            // Whoever waited may have left.
            Job::Flush(written) => drop(written.send(())),
        }
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn asked(&self, asked: Asked) -> Result<(), PortError> {
        let Asked { message, question, page, outcome } = asked.to_keep();
        match outcome {
            Outcome::NotInBook => self.write(What::NotInBook { question, page }, message),
            Outcome::Answered => {
                let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
                replies.remember(message, Reply { question, page, rated_bad: false });
                Ok(())
            }
        }
    }

    async fn rated(&self, feedback: Feedback) -> Result<(), PortError> {
        let Feedback { message, rating, reason, comment, question } = feedback.to_keep();
        let bad = rating == Rating::Bad;
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let (question, page) = match replies.get(message) {
            // There is nothing to take back.
            Some(reply) if !bad && !reply.rated_bad => return Ok(()),
            Some(reply) => {
                reply.rated_bad = bad;
                (Some(reply.question.clone()), reply.page.clone())
            }
            None => (question, None),
        };
        drop(replies);
        let (question, page) = if bad { (question, page) } else { (None, None) };
        let rating = rating.into();
        self.write(What::Rated { rating, question, page, reason, comment }, message)
    }

    async fn misses(&self) -> Result<Vec<Miss>, PortError> {
        self.flush().await;
        let folder = self.folder.clone();
        spawn_blocking(move || misses(&folder)).await.map_err(|error| {
            PortError::new(ErrorKind::Unavailable, "the journal was not read").with_source(error)
        })?
    }
}

/// The misses in the journal of this folder, oldest first; none where there is no journal. For who
/// only reads: a server may be writing to it.
///
/// # Errors
/// `Unavailable`: there is a journal that cannot be read.
pub fn misses(folder: &Path) -> Result<Vec<Miss>, PortError> {
    let lines = Files::new(folder, LEAST_BYTES).read().map_err(|error| {
        let message =
            format!("the journal in {} cannot be read: see that this user may", folder.display());
        PortError::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(record::misses(&lines))
}
