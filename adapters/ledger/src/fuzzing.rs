//! What the fuzz targets reach of the parsers of this crate.

use askbook::spend::{Account, Ceilings, Reservation};

use crate::file;
use crate::line::Line;

/// What these lines come to.
pub fn account(lines: &[u8], ceilings: Ceilings) -> Account {
    let mut account = Account::new(ceilings);
    // Bytes in memory can always be read.
    let _ = file::replay(lines, |line| line.apply(&mut account));
    account
}

/// The line that an account comes to.
pub fn total(account: &Account) -> Vec<u8> {
    serde_json::to_vec(&Line::total(&account.snapshot())).unwrap_or_default()
}

/// The line of a reservation.
pub fn reserved(reservation: Reservation) -> Vec<u8> {
    serde_json::to_vec(&Line::reserved(reservation)).unwrap_or_default()
}
