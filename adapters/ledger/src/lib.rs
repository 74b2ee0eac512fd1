//! The account of what calls cost, in a file that outlives the process, and the switch that pauses
//! them.
//!
//! * `line`: a line of the file, and what the lines come to;
//! * `file`: where they are kept, by one process at a time, and how the file stays short;
//! * `pause`: the switch.

mod file;
#[cfg(fuzzing)]
pub mod fuzzing;
mod line;
mod pause;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use askbook::error::{ErrorKind, PortError};
use askbook::ports::Ledger;
use askbook::spend::{Account, Ceilings, Charge, Reservation};
use async_trait::async_trait;
use tracing::warn;
use uuid::Uuid;

use file::{File, OpenError};
use line::Line;

pub use pause::{PausableLedger, PauseSwitch};

/// Tells the seconds since the beginning of 1970, UTC.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How much is written until the file is made short again, in bytes: some 4,000 calls.
const LONG: u64 = 1 << 20;

/// Keeps account of spending in a folder, for one process at a time.
///
/// What is set aside is written before the call begins, so that it counts however the process
/// ends. When it cannot be written, as on a full disk, the call is refused. The system writes the
/// file to the disk when it likes, within about half a minute on Linux: what was spent in that
/// time may be forgotten when the machine, and not only the process, ends by force. It is synced
/// when it is made short.
pub struct FileLedger {
    books: Mutex<Books>,
    clock: Clock,
}

/// The account, and the file that it is kept in.
struct Books {
    account: Account,
    file: File,
    /// At which length the file is made short again.
    long: u64,
}

impl FileLedger {
    /// Goes on with the account in this folder, which is made where there is none.
    ///
    /// # Errors
    /// `Misconfigured`: another process keeps it. `Unavailable`: the folder or a file in it cannot
    /// be read or written.
    pub fn open(folder: &Path, ceilings: Ceilings) -> Result<Self, PortError> {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self::with_clock(folder, ceilings, Arc::new(now))
    }

    /// The same by another clock, which tells the seconds since the beginning of 1970, UTC.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub fn with_clock(folder: &Path, ceilings: Ceilings, clock: Clock) -> Result<Self, PortError> {
        let file = File::open(folder).map_err(|error| not_open(folder, error))?;
        let mut account = Account::new(ceilings);
        let unreadable = file
            .replay(|line| line.apply(&mut account))
            .map_err(|error| not_open(folder, error.into()))?;
        if unreadable > 0 {
            warn!(
                folder = %folder.display(),
                lines = unreadable,
                "what was spent is written in lines that cannot be read, and not counted: a \
                 process that was killed, or a full disk, leaves one"
            );
        }
        let mut books = Books { account, file, long: 0 };
        books.make_short();
        Ok(Self { books: Mutex::new(books), clock })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Writes a line, and makes the file short when it is long.
    fn write(&mut self, line: &Line) -> Result<(), PortError> {
        self.file.append(line).map_err(|error| {
            let folder = self.file.folder().display();
            let message = format!(
                "spending cannot be written down in {folder}, so nothing is spent: see that there \
                 is room, and that this user may write there"
            );
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        })
    }

    /// Writes what the account comes to in the place of how it came about. The file may stay as it
    /// is as well.
    fn make_short(&mut self) {
        let line = Line::total(&self.account.snapshot());
        if let Err(error) = self.file.replace(&line) {
            warn!(folder = %self.file.folder().display(), %error, "the account stays long");
        }
        self.long = self.file.length() + LONG;
    }
}

fn not_open(folder: &Path, error: OpenError) -> PortError {
    let folder = folder.display();
    match error {
        OpenError::Locked => {
            let message = format!(
                "another askbook process keeps the account of its spending in {folder}: stop it, \
                 or give each server an ASKBOOK_DATA_DIR of its own"
            );
            PortError::new(ErrorKind::Misconfigured, message)
        }
        OpenError::Io(error) => {
            let message = format!(
                "the account of spending in {folder} cannot be opened: see that there is room, and \
                 that this user may read and write there"
            );
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        }
    }
}

#[async_trait]
impl Ledger for FileLedger {
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError> {
        let mut books = self.books();
        let reservation = books.account.check(Uuid::new_v4(), charge, (self.clock)())?;
        books.write(&Line::reserved(reservation))?;
        books.account.add(reservation);
        // Not before it is counted: the short file would lack it.
        if books.file.length() >= books.long {
            books.make_short();
        }
        Ok(reservation)
    }

    async fn settle(&self, reservation: Reservation, cost: Charge) -> Result<(), PortError> {
        let mut books = self.books();
        if books.account.settle(reservation, cost) {
            books.write(&Line::settled(reservation, cost))?;
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.books().account.ready((self.clock)())
    }
}
