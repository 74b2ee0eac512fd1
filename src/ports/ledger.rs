use async_trait::async_trait;

use crate::error::PortError;
use crate::spend::{Charge, Reservation};

/// Keeps account of what calls to upstreams cost the owner, and lets none pass their ceiling.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Sets a charge aside, before a call that may cost as much. `Exhausted`, with the time until
    /// there is something left again where that is known, when less is left or the owner has
    /// paused all calls.
    ///
    /// MUST be atomic: of calls at the same time, as many get through as there is left for. MUST
    /// outlive the process: what was set aside and never settled counts as spent.
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError>;

    /// Puts what a call has cost in the place of what was set aside for it. MUST count each
    /// reservation once, however often it is settled.
    async fn settle(&self, reservation: Reservation, cost: Charge) -> Result<(), PortError>;

    /// Whether calls may be made now: `Exhausted` at the ceiling. Cheap: for readiness probes.
    async fn ready(&self) -> Result<(), PortError>;
}

const _: fn(&dyn Ledger) = |_| ();
