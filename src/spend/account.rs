use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::{Charge, Reservation};
use crate::error::{ErrorKind, PortError};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// How much may be spent in a while; `None` for as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Requests.
    pub calls: Option<u64>,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Money, in millionths of the owner's currency.
    pub money: Option<u64>,
}

impl Ceiling {
    /// Of what this charge would be too much.
    fn passed_by(self, charge: Charge) -> Option<&'static str> {
        let passes = |ceiling: Option<u64>, spent| ceiling.is_some_and(|ceiling| spent > ceiling);
        [
            ("calls", passes(self.calls, charge.calls)),
            ("tokens", passes(self.tokens, charge.tokens)),
            ("money", passes(self.money, charge.money)),
        ]
        .into_iter()
        .find_map(|(name, passed)| passed.then_some(name))
    }
}

/// How much may be spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceilings {
    /// In each minute of the clock.
    pub minute: Ceiling,
    /// In each day, UTC.
    pub day: Ceiling,
}

impl Ceilings {
    /// Whether as much may be spent as there is.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The rule of a [`Ledger`](crate::ports::Ledger), without a clock and a place to be kept in:
/// times are seconds since the beginning of 1970, UTC.
///
/// A cost counts where it was set aside, in the minute and the day of the reservation: what is
/// settled later is taken off, or put on top, there.
#[derive(Clone, Debug)]
pub struct Account {
    ceilings: Ceilings,
    /// The latest time that was told.
    now: u64,
    minute: Charge,
    day: Charge,
    /// What may still be settled, by time and name.
    open: BTreeMap<(u64, Uuid), Charge>,
    /// What was refused last: readiness is to have that much left.
    refused: Option<Charge>,
}

/// What an [`Account`] comes to, to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When.
    pub at: u64,
    /// Spent or set aside in the minute of that time...
    pub minute: Charge,
    /// ...and in its day.
    pub day: Charge,
    /// What of it may still be settled.
    pub open: Vec<Reservation>,
}

/// No call takes as long: what is not settled then stays as it was set aside.
const LONGEST_CALL: u64 = HOUR;

/// A clock that is set back by less goes on as if it stood, so that no ceiling is renewed twice.
const SET_BACK: u64 = HOUR;

impl Account {
    /// An account of which nothing is spent.
    pub fn new(ceilings: Ceilings) -> Self {
        let [minute, day] = [Charge::default(); 2];
        Self { ceilings, now: 0, minute, day, open: BTreeMap::new(), refused: None }
    }

    /// Goes on where this snapshot was taken.
    pub fn resume(&mut self, snapshot: Snapshot) {
        let Snapshot { at, minute, day, open } = snapshot;
        (self.now, self.minute, self.day) = (at, minute, day);
        self.open = open.into_iter().map(|kept| ((kept.at, kept.id), kept.charge)).collect();
    }

    /// What it comes to.
    pub fn snapshot(&self) -> Snapshot {
        let open = self.open.iter();
        let open = open.map(|(&(at, id), &charge)| Reservation { id, charge, at });
        Snapshot { at: self.now, minute: self.minute, day: self.day, open: open.collect() }
    }

    /// A reservation of this charge, by this name, if as much is left at this time. It counts when
    /// it is [added](Self::add).
    ///
    /// # Errors
    /// `Exhausted`, with the time until there is something left, unless one such charge alone is
    /// too much.
    pub fn check(&mut self, id: Uuid, charge: Charge, now: u64) -> Result<Reservation, PortError> {
        self.advance(now);
        match self.left_for(charge) {
            Ok(()) => Ok(Reservation { id, charge, at: self.now }),
            Err(error) => {
                self.refused = Some(charge);
                Err(error)
            }
        }
    }

    /// Whether calls like those before may be made at this time.
    ///
    /// # Errors
    /// As of [`Self::check`].
    pub fn ready(&mut self, now: u64) -> Result<(), PortError> {
        self.advance(now);
        self.left_for(self.refused.unwrap_or(Charge { calls: 1, tokens: 1, money: 0 }))
    }

    /// Counts a charge as set aside, whether as much is left or not.
    pub fn add(&mut self, reservation: Reservation) {
        let Reservation { id, charge, at } = reservation;
        self.advance(at);
        self.minute = self.minute + charge;
        self.day = self.day + charge;
        self.open.insert((at, id), charge);
        while let Some(oldest) = self.open.first_entry()
            && oldest.key().0.saturating_add(LONGEST_CALL) < self.now
        {
            oldest.remove();
        }
    }

    /// Puts what a call has cost in the place of what was set aside for it; `false` when that was
    /// done before, or is too long ago.
    pub fn settle(&mut self, reservation: Reservation, cost: Charge) -> bool {
        let Reservation { id, at, .. } = reservation;
        let Some(charge) = self.open.remove(&(at, id)) else { return false };
        for (spent, length) in [(&mut self.minute, MINUTE), (&mut self.day, DAY)] {
            if at / length == self.now / length {
                *spent = *spent - charge + cost;
            }
        }
        true
    }

    /// Begins the minute and the day of this time.
    fn advance(&mut self, now: u64) {
        if now < self.now && self.now - now < SET_BACK {
            return;
        }
        if now / MINUTE != self.now / MINUTE {
            self.minute = Charge::default();
        }
        if now / DAY != self.now / DAY {
            self.day = Charge::default();
        }
        self.now = now;
    }

    fn left_for(&self, charge: Charge) -> Result<(), PortError> {
        let Ceilings { minute, day } = self.ceilings;
        for (ceiling, spent, length, name) in
            [(day, self.day, DAY, "day"), (minute, self.minute, MINUTE, "minute")]
        {
            let Some(what) = ceiling.passed_by(spent + charge) else { continue };
            let setting =
                format!("ASKBOOK_SPEND_{}_PER_{}", what.to_uppercase(), name.to_uppercase());
            if ceiling.passed_by(charge).is_some() {
                let message = format!("one call may cost more {what} than {setting}: raise it");
                return Err(PortError::new(ErrorKind::Exhausted, message));
            }
            let message = format!("the {what} of this {name} are spent that {setting} allows");
            let wait = Duration::from_secs(length - self.now % length);
            return Err(PortError::new(ErrorKind::Exhausted, message).with_retry_after(wait));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
