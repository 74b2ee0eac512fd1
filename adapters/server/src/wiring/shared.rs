//! What servers keep alone, or share through Redis: conversations, counts and accounts.

use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::client::Quota;
use askbook::error::ErrorKind;
use askbook::ports::{ChatSession, Ledger, Limiter, Threads};
use askbook_ledger::{FileLedger, PausableLedger, PauseSwitch};
use askbook_memory::{MemoryLedger, MemoryLimiter, MemorySessions, SessionLimits};
use askbook_redis::{
    RedisAddress, RedisLedger, RedisLimiter, RedisLink, RedisSessions, RedisThreads, SessionBounds,
};
use tracing::warn;

use crate::config::{Config, SessionsPlace};

/// What several servers share, if they do. It is connected to in the background.
pub(crate) fn redis(config: &Config) -> anyhow::Result<Option<RedisLink>> {
    let settings = &config.settings;
    Ok(match &settings.sessions {
        Some(SessionsPlace::Redis(address)) => {
            Some(RedisLink::new(RedisAddress::clone(address), settings.redis_timeout)?)
        }
        None | Some(SessionsPlace::Memory) => None,
    })
}

/// What keeps conversations, in one place.
pub(crate) struct Conversations {
    pub(crate) sessions: Arc<dyn ChatSession>,
    pub(crate) threads: Arc<dyn Threads>,
}

/// What keeps conversations.
pub(crate) fn conversations(config: &Config, redis: Option<&RedisLink>) -> Conversations {
    /// Many times what is read of a conversation, and enough for the longest exchange.
    const CONVERSATION: NonZeroUsize = NonZeroUsize::new(128 << 10).unwrap();
    let settings = &config.settings;
    let (ttl, exchanges) = (settings.session_ttl, settings.session_turns);
    let bytes = settings.session_bytes;
    let memory = MemorySessions::new(SessionLimits { ttl, exchanges, bytes: bytes.get() });
    let memory = Arc::new(memory);
    let here = Conversations { sessions: Arc::clone(&memory) as _, threads: memory };
    match redis {
        Some(redis) => {
            let Conversations { sessions, threads } = here;
            let bounds = SessionBounds { ttl, exchanges, bytes: bytes.min(CONVERSATION) };
            Conversations {
                sessions: Arc::new(RedisSessions::new(redis.clone(), bounds, sessions)),
                threads: Arc::new(RedisThreads::new(redis.clone(), bounds, threads)),
            }
        }
        None => here,
    }
}

/// What counts the requests of each client.
pub(super) fn limiter(quota: Quota, redis: Option<&RedisLink>) -> Arc<dyn Limiter> {
    /// As many as ask within a minute; they take 10 MB.
    const CLIENTS: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();
    let memory: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(quota, CLIENTS));
    match redis {
        Some(redis) => Arc::new(RedisLimiter::new(redis.clone(), quota, memory)),
        None => memory,
    }
}

/// What keeps account of what readers' questions cost, where they cost anything. An account that
/// cannot be kept on disk is no reason not to answer; one that another process keeps is.
pub(crate) fn ledger(
    config: &Config,
    redis: Option<&RedisLink>,
) -> anyhow::Result<Option<Arc<dyn Ledger>>> {
    if config.embedder.is_local() && config.generator.key().is_none() {
        return Ok(None);
    }
    let ceilings = config.spending.ceilings;
    let in_memory = || Arc::new(MemoryLedger::new(ceilings));
    let ledger: Arc<dyn Ledger> = if ceilings.is_none() {
        in_memory()
    } else {
        match FileLedger::open(&config.settings.data_dir.join("spend"), ceilings) {
            Ok(ledger) => Arc::new(ledger),
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let error = format!("{:#}", anyhow::Error::new(error));
                warn!(error, "spending is counted from nothing at each start");
                in_memory()
            }
            Err(error) => return Err(error.into()),
        }
    };
    let ledger = match redis {
        Some(redis) if !ceilings.is_none() => {
            // A model takes longer by far, and what is not counted must not be spent.
            let patient = redis.within(10 * config.settings.redis_timeout);
            Arc::new(RedisLedger::new(patient, ceilings, ledger))
        }
        _ => ledger,
    };
    Ok(Some(Arc::new(PausableLedger::new(ledger, pause_switch(config)))))
}

/// What pauses all calls that cost money.
pub(crate) fn pause_switch(config: &Config) -> PauseSwitch {
    PauseSwitch::new(&config.settings.data_dir)
}
