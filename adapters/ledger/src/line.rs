//! A line of the file: one JSON object.
//!
//! ```text
//! {"total":{"at":1800000030,"minute":[2,900,7],"day":[40,80000,310],"open":[]}}
//! {"reserved":{"id":"8f1c…","at":1800000031,"charge":[1,5300,4]}}
//! {"settled":{"id":"8f1c…","at":1800000031,"charge":[1,1210,1]}}
//! ```
//!
//! A charge is its calls, tokens and money; `at` is when it was set aside.

use askbook::spend::{Account, Charge, Reservation, Snapshot};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    /// What everything before comes to.
    Total { at: u64, minute: Amounts, day: Amounts, open: Vec<Entry> },
    /// A charge was set aside.
    Reserved(Entry),
    /// This is what it cost.
    Settled(Entry),
}

type Amounts = [u64; 3];

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Entry {
    id: Uuid,
    at: u64,
    charge: Amounts,
}

impl Line {
    pub(crate) fn total(snapshot: &Snapshot) -> Self {
        let Snapshot { at, minute, day, open } = snapshot;
        let open = open.iter().copied().map(Entry::from).collect();
        Self::Total { at: *at, minute: amounts(*minute), day: amounts(*day), open }
    }

    pub(crate) fn reserved(reservation: Reservation) -> Self {
        Self::Reserved(reservation.into())
    }

    pub(crate) fn settled(reservation: Reservation, cost: Charge) -> Self {
        Self::Settled(Reservation { charge: cost, ..reservation }.into())
    }

    /// Does to the account what the line says was done to it.
    pub(crate) fn apply(self, account: &mut Account) {
        match self {
            Self::Total { at, minute, day, open } => {
                let [minute, day] = [minute, day].map(charge);
                let open = open.into_iter().map(Reservation::from).collect();
                account.resume(Snapshot { at, minute, day, open });
            }
            Self::Reserved(entry) => account.add(entry.into()),
            Self::Settled(entry) => {
                let settled = Reservation::from(entry);
                account.settle(settled, settled.charge);
            }
        }
    }
}

impl From<Reservation> for Entry {
    fn from(Reservation { id, charge, at }: Reservation) -> Self {
        Self { id, at, charge: amounts(charge) }
    }
}

impl From<Entry> for Reservation {
    fn from(Entry { id, at, charge: amounts }: Entry) -> Self {
        Self { id, at, charge: charge(amounts) }
    }
}

fn amounts(Charge { calls, tokens, money }: Charge) -> Amounts {
    [calls, tokens, money]
}

fn charge([calls, tokens, money]: Amounts) -> Charge {
    Charge { calls, tokens, money }
}
