//! The switch by which the owner pauses all calls that cost money.

use std::fs;
use std::io::{self, ErrorKind as IoErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::Ledger;
use askbook::spend::{Charge, Reservation};
use async_trait::async_trait;

/// A file that pauses all calls for as long as it is there. It may hold a reason.
#[derive(Clone, Debug)]
pub struct PauseSwitch {
    path: PathBuf,
}

impl PauseSwitch {
    /// The switch of whoever keeps their data in this folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("paused") }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pauses, for this reason; also when it is paused already.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn pause(&self, reason: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.path, format!("{}\n", reason.trim()))
    }

    /// Goes on; `false` when it was not paused.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn resume(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The reason why it is paused, which may be empty; `None` when it is not paused. Cheap: one
    /// look for a file that is not there.
    pub fn reason(&self) -> Option<String> {
        match fs::read(&self.path) {
            Ok(reason) => Some(String::from_utf8_lossy(&reason).trim().to_owned()),
            Err(error) if error.kind() == IoErrorKind::NotFound => None,
            // What is there and cannot be read pauses as well.
            Err(_) => self.path.exists().then(String::new),
        }
    }
}

/// A ledger that lets no call through while the owner has paused them.
pub struct PausableLedger {
    ledger: Arc<dyn Ledger>,
    switch: PauseSwitch,
}

impl PausableLedger {
    /// This ledger, with a switch.
    pub fn new(ledger: Arc<dyn Ledger>, switch: PauseSwitch) -> Self {
        Self { ledger, switch }
    }

    fn check(&self) -> Result<(), PortError> {
        let Some(reason) = self.switch.reason() else { return Ok(()) };
        let mut message = "all calls that cost money are paused".to_owned();
        if !reason.is_empty() {
            message += &format!(" ({reason})");
        }
        message += ": `askbook resume` ends that";
        Err(PortError::new(ErrorKind::Exhausted, message))
    }
}

#[async_trait]
impl Ledger for PausableLedger {
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError> {
        self.check()?;
        self.ledger.reserve(charge).await
    }

    async fn settle(&self, reservation: Reservation, cost: Charge) -> Result<(), PortError> {
        self.ledger.settle(reservation, cost).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.check()?;
        self.ledger.ready().await
    }
}
