use async_trait::async_trait;

use crate::client::Allowance;
use crate::error::PortError;

/// Counts what each client asks for.
#[async_trait]
pub trait Limiter: Send + Sync + 'static {
    /// Takes one request out of the bucket of this client, if one is left; says what is left.
    ///
    /// MUST be atomic: of requests at the same time, as many get through as there is left for.
    /// MUST be bounded in memory, whoever asks: a client that nothing is known of (any more) has
    /// a full bucket.
    async fn take(&self, client: &str) -> Result<Allowance, PortError>;
}

const _: fn(&dyn Limiter) = |_| ();
