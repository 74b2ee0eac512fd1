//! Spending: what calls to upstreams cost the owner, and how it is kept below their ceilings.
//!
//! Before a call, as much as it may cost is set aside in a [`Ledger`](crate::ports::Ledger), by
//! [`MeteredEmbedder`] and [`MeteredGenerator`]; after it, what it has cost takes that place. A
//! call that was given up half-way counts as much as was set aside for it: nobody says what it has
//! cost. So no ceiling is passed, however many ask at the same time, as far as what is set aside
//! is enough: tokens are estimated, see [`MeteredGenerator`].
//!
//! The same is counted in metrics, with the labels `upstream` and `stage` (`condense`, `embed`,
//! `generate`), when a call is over: `askbook_spend_calls_total`, `askbook_spend_tokens_total` and
//! `askbook_spend_millionths_total`; and in `askbook_spend_refusals_total`, which calls were not
//! made.

mod account;
mod meter;

pub use account::{Account, Ceiling, Ceilings, Snapshot};
pub use meter::{MeteredEmbedder, MeteredGenerator, Most};

use std::ops::{Add, Sub};

use uuid::Uuid;

/// What a call costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Requests.
    pub calls: u64,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Money, in millionths of the owner's currency.
    pub money: u64,
}

impl Add for Charge {
    type Output = Self;

    /// Saturates: more than can be counted is too much in any case.
    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            tokens: self.tokens.saturating_add(other.tokens),
            money: self.money.saturating_add(other.money),
        }
    }
}

impl Sub for Charge {
    type Output = Self;

    /// Never below nothing.
    fn sub(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            tokens: self.tokens.saturating_sub(other.tokens),
            money: self.money.saturating_sub(other.money),
        }
    }
}

/// A charge that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Names it.
    pub id: Uuid,
    /// How much.
    pub charge: Charge,
    /// When, in seconds since the beginning of 1970, UTC.
    pub at: u64,
}

/// What tokens of a model cost, in millionths of the owner's currency for a million of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Tokens that it reads.
    pub input: u64,
    /// Tokens that it writes, thoughts included.
    pub output: u64,
}

impl Price {
    /// One call with so many tokens.
    #[must_use]
    pub fn of(self, input: u64, output: u64) -> Charge {
        let cost = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let money = (cost(input, self.input) + cost(output, self.output)).div_ceil(1_000_000);
        Charge {
            calls: 1,
            tokens: input.saturating_add(output),
            money: u64::try_from(money).unwrap_or(u64::MAX),
        }
    }
}
