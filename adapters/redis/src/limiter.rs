use std::sync::Arc;
use std::time::Duration;

use askbook::client::{Allowance, Quota};
use askbook::error::PortError;
use askbook::ports::Limiter;
use async_trait::async_trait;
use redis::Script;
use sha2::{Digest as _, Sha256};

use crate::RedisLink;

/// Counts what each client asks for in Redis, so that it may ask as much as it may, however many
/// askbook processes answer it.
///
/// A client is one number, the time at which its bucket is full again by Redis's clock (the rule is
/// that of [`Quota::take`]), under `askbook:client:` and a hash of its name, so that long names take
/// no more room. It expires at that time: what is kept is bounded by how many clients ask within
/// the time in which a bucket fills.
///
/// While Redis is away, the stand-in counts in this process: what a client may ask for is then
/// multiplied by the number of processes.
pub struct RedisLimiter {
    link: RedisLink,
    quota: Quota,
    take: Script,
    local: Arc<dyn Limiter>,
}

/// Takes one request, of which each takes `ARGV[1]` microseconds to come back, out of a bucket of
/// `ARGV[2]`. Whether it got through, and when the bucket is full again, in microseconds from now.
const TAKE: &str = "
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if full + each - now > each * burst then return {0, full - now} end
full = full + each
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {1, full - now}
";

impl RedisLimiter {
    /// Counts at the other end of this link, and by the stand-in while it is away. Of several
    /// quotas, each needs its own names of clients.
    pub fn new(link: RedisLink, quota: Quota, local: Arc<dyn Limiter>) -> Self {
        Self { link, quota, take: Script::new(TAKE), local }
    }

    /// How long it takes until one more request may come, in microseconds.
    fn each(&self) -> u64 {
        60_000_000_u64.div_ceil(u64::from(self.quota.per_minute.get()))
    }

    /// What the answer of the script says.
    fn allowance(&self, through: bool, full: u64) -> Allowance {
        let (each, burst) = (self.each(), u64::from(self.quota.burst.get()));
        let left = (each * burst).saturating_sub(full);
        Allowance {
            limit: self.quota.burst.get(),
            remaining: u32::try_from(left / each).unwrap_or(u32::MAX),
            reset: Duration::from_micros(full),
            retry_after: (!through).then(|| Duration::from_micros(each.saturating_sub(left))),
        }
    }
}

fn key(client: &str) -> String {
    let hash = Sha256::digest(client);
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("askbook:client:{digits}")
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, client: &str) -> Result<Allowance, PortError> {
        let mut call = self.take.prepare_invoke();
        call.key(key(client)).arg(self.each()).arg(self.quota.burst.get());
        let call = |mut connection| async move { call.invoke_async(&mut connection).await };
        match self.link.call(call).await {
            Some((through, full)) => Ok(self.allowance(through, full)),
            None => self.local.take(client).await,
        }
    }
}
