use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use askbook::error::PortError;
use askbook::ports::Ledger;
use askbook::spend::{Account, Ceilings, Charge, Reservation};
use async_trait::async_trait;
use uuid::Uuid;

/// Tells the seconds since the beginning of 1970, UTC.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Keeps account of spending until the process ends: a restart begins anew.
pub struct MemoryLedger {
    account: Mutex<Account>,
    clock: Clock,
}

impl MemoryLedger {
    /// Nothing is spent yet.
    pub fn new(ceilings: Ceilings) -> Self {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self::with_clock(ceilings, Arc::new(now))
    }

    /// The same by another clock, which tells the seconds since the beginning of 1970, UTC.
    pub fn with_clock(ceilings: Ceilings, clock: Clock) -> Self {
        Self { account: Mutex::new(Account::new(ceilings)), clock }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError> {
        let mut account = self.account();
        let reservation = account.check(Uuid::new_v4(), charge, (self.clock)())?;
        account.add(reservation);
        Ok(reservation)
    }

    async fn settle(&self, reservation: Reservation, cost: Charge) -> Result<(), PortError> {
        self.account().settle(reservation, cost);
        Ok(())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.account().ready((self.clock)())
    }
}
