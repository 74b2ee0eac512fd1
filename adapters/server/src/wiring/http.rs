//! The HTTP layer: who may ask, how much, and how connections are kept.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use askbook::client::Quota;
use askbook::ports::Threads;
use askbook_http::{
    ClientSettings, ConnectionSettings, HttpSettings, Limit, Limits, ReadinessSettings, ThreadStore,
};
use askbook_redis::RedisLink;

use super::question_limits;
use super::shared::limiter;
use crate::config::{Config, Switch};
use crate::descriptors;

/// What is not a setting here is what suits any owner: no client needs longer to send what it may
/// send, and no proxy keeps an idle connection for longer.
pub(crate) fn http(
    config: &Config,
    connections: ConnectionSettings,
    threads: Arc<dyn Threads>,
    redis: Option<&RedisLink>,
) -> HttpSettings {
    let settings = &config.settings;
    let origins = settings.allowed_origins.as_ref();
    HttpSettings {
        origins: origins.map(|origins| origins.allowed.clone()).unwrap_or_default(),
        clients: clients(config, redis),
        questions: settings.max_questions.get(),
        question: question_limits(config),
        body_limit: settings.body_bytes.get(),
        body_timeout: SLOWEST,
        deadline: settings.deadline,
        heartbeat: SLOWEST / 2,
        wires: settings.wires.clone(),
        threads: ThreadStore(threads),
        readiness: ReadinessSettings { ttl: SLOWEST, timeout: settings.upstream_timeout },
        connections,
    }
}

/// How connections are kept.
pub(crate) fn connections(config: &Config) -> ConnectionSettings {
    let settings = &config.settings;
    ConnectionSettings {
        limit: descriptors::connections(settings.max_connections.get()),
        proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        head_timeout: SLOWEST,
        idle_timeout: Duration::from_secs(75),
        write_timeout: 2 * SLOWEST,
        drain: settings.drain,
        shutdown_timeout: settings.shutdown,
    }
}

/// Who may ask, and how much.
fn clients(config: &Config, redis: Option<&RedisLink>) -> ClientSettings {
    let settings = &config.settings;
    let limit = |requests: Option<NonZeroU32>| {
        let quota = Quota::per_minute(requests?);
        Some(Limit { quota, limiter: limiter(quota, redis) })
    };
    ClientSettings {
        proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        keys: settings.api_keys.clone().unwrap_or_default(),
        key_required: settings.require_key == Switch::On,
        limits: Limits {
            address: limit(settings.address_limit),
            session: limit(settings.session_limit),
            key: limit(settings.key_limit),
        },
    }
}

/// How long a client may take for what it sends.
const SLOWEST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_limited_unless_their_owner_sets_no_limit() {
        let quotas = |given: &[(&str, &str)]| {
            let nowhere = ("ASKBOOK_DATA_DIR", "/nonexistent/askbook");
            let config = Config::from_values([&[nowhere], given].concat()).unwrap();
            let Limits { address, session, key } = clients(&config, None).limits;
            [address, session, key].map(|limit| limit.map(|limit| limit.quota.burst.get()))
        };
        assert_eq!(quotas(&[]), [Some(30), Some(15), Some(600)]);
        let numbers = [("ASKBOOK_ADDRESS_PER_MINUTE", "5"), ("ASKBOOK_SESSION_PER_MINUTE", "0")];
        assert_eq!(quotas(&numbers), [Some(5), None, Some(600)]);
    }
}
