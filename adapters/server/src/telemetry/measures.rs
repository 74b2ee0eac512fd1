//! What is measured, for Prometheus to read.
//!
//! The parts count by the names of this list through the `metrics` facade, wherever something
//! happens; nothing is kept unless [`measure`] was called. The names are an interface: dashboards
//! and alarms stand on them. They hold the base unit, and no label is ever what somebody sent.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_process::Collector;
use tokio::time::{MissedTickBehavior, interval};

/// The upper bounds of the buckets of every histogram, in seconds: from a search in the embedded
/// index to the longest answer.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// How often the process itself is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Something that is measured.
struct Measure {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

/// How it is measured.
#[derive(Clone, Copy)]
enum Kind {
    /// Grows.
    Counter,
    /// Is what it is now.
    Gauge,
    /// A duration, by the buckets.
    Histogram,
}

/// What all of askbook measures, but for the process itself, by name.
const MEASURES: &[Measure] = &[
    Measure {
        name: "askbook_answers_total",
        kind: Kind::Counter,
        about: "Questions that came to an end, by outcome and by how the text came about",
    },
    Measure {
        name: "askbook_build_info",
        kind: Kind::Gauge,
        about: "Always 1; the label says which askbook runs",
    },
    Measure {
        name: "askbook_cache_bytes",
        kind: Kind::Gauge,
        about: "Memory of what is kept so that no upstream is asked for it again",
    },
    Measure {
        name: "askbook_cache_lookups_total",
        kind: Kind::Counter,
        about: "Questions to upstreams that were looked for among what is kept, by what came of it",
    },
    Measure { name: "askbook_connections", kind: Kind::Gauge, about: "Connections that are open" },
    Measure {
        name: "askbook_connections_evicted_total",
        kind: Kind::Counter,
        about: "Connections that waited for their clients and were closed to make room for others",
    },
    Measure { name: "askbook_feedback_total", kind: Kind::Counter, about: "Ratings by readers" },
    Measure {
        name: "askbook_first_token_seconds",
        kind: Kind::Histogram,
        about: "From a question to the first piece of its answer in a stream",
    },
    Measure {
        name: "askbook_losses_total",
        kind: Kind::Counter,
        about: "Parts that answers had to do without, and why",
    },
    Measure {
        name: "askbook_problems_total",
        kind: Kind::Counter,
        about: "Problems that clients were told of, by code and by the stage that failed",
    },
    Measure { name: "askbook_redis_up", kind: Kind::Gauge, about: "Whether Redis is in reach" },
    Measure {
        name: "askbook_refused_total",
        kind: Kind::Counter,
        about: "Requests that were refused before any work, by what refused them",
    },
    Measure {
        name: "askbook_request_duration_seconds",
        kind: Kind::Histogram,
        about: "From the head of a request to the end of its reply",
    },
    Measure {
        name: "askbook_requests_in_flight",
        kind: Kind::Gauge,
        about: "Requests whose reply has not ended",
    },
    Measure {
        name: "askbook_requests_total",
        kind: Kind::Counter,
        about: "Requests by the status of their reply; 499 when the client left before its end",
    },
    Measure {
        name: "askbook_retries_total",
        kind: Kind::Counter,
        about: "Calls to upstreams that were made again",
    },
    Measure {
        name: "askbook_spend_calls_total",
        kind: Kind::Counter,
        about: "Calls to models that are paid for, as the ceiling counts them",
    },
    Measure {
        name: "askbook_spend_millionths_total",
        kind: Kind::Counter,
        about: "What these calls cost by the prices set, in millionths of their currency",
    },
    Measure {
        name: "askbook_spend_refusals_total",
        kind: Kind::Counter,
        about: "Calls that were not made: a ceiling was reached, they were paused, or not countable",
    },
    Measure {
        name: "askbook_spend_tokens_total",
        kind: Kind::Counter,
        about: "Tokens that these calls read and wrote, estimated where the model does not tell",
    },
    Measure {
        name: "askbook_stage_duration_seconds",
        kind: Kind::Histogram,
        about: "The stages of a chat or a search",
    },
    Measure {
        name: "askbook_tokens_total",
        kind: Kind::Counter,
        about: "Tokens of finished answers, as the model that wrote them counts them",
    },
    Measure {
        name: "askbook_upstream_hedges_total",
        kind: Kind::Counter,
        about: "Calls to an upstream that were made once more because they took long",
    },
    Measure {
        name: "askbook_upstream_in_flight",
        kind: Kind::Gauge,
        about: "Calls to an upstream that have not ended",
    },
    Measure {
        name: "askbook_upstream_limit",
        kind: Kind::Gauge,
        about: "How many calls to an upstream may be made at a time, for now",
    },
    Measure {
        name: "askbook_upstream_open",
        kind: Kind::Gauge,
        about: "Whether an upstream is left alone because it fails: 1 or 0",
    },
    Measure {
        name: "askbook_upstream_refusals_total",
        kind: Kind::Counter,
        about: "Calls that were not made: the upstream was left alone or busy, or nobody waited",
    },
];

impl Measure {
    fn describe(&self) {
        let &Self { name, kind, about } = self;
        match kind {
            Kind::Counter => describe_counter!(name, about),
            Kind::Gauge => describe_gauge!(name, about),
            Kind::Histogram => describe_histogram!(name, Unit::Seconds, about),
        }
    }
}

/// Measures from now on what the parts measure, for Prometheus to read at this address, and the
/// process itself. Must be called within the runtime, and once in a process.
///
/// # Errors
/// The address cannot be listened on; somebody measures already.
pub(crate) fn measure(address: SocketAddr) -> anyhow::Result<()> {
    let builder = PrometheusBuilder::new().with_http_listener(address).set_buckets(&BUCKETS);
    builder.and_then(PrometheusBuilder::install).with_context(|| {
        format!(
            "cannot serve metrics on {address}: set ASKBOOK_METRICS to an address that is free \
             and yours"
        )
    })?;
    MEASURES.iter().for_each(Measure::describe);
    begin();
    let process = Collector::default();
    process.describe();
    tokio::spawn(async move {
        let mut turns = interval(EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            process.collect();
        }
    });
    Ok(())
}

/// Shows what has labels that are known beforehand from the start, as 0: who watches for a rise
/// from nothing would not see the first one.
fn begin() {
    gauge!("askbook_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    gauge!("askbook_connections").set(0);
    counter!("askbook_connections_evicted_total").absolute(0);
    gauge!("askbook_requests_in_flight").set(0);
    for rating in ["good", "bad"] {
        counter!("askbook_feedback_total", "rating" => rating).absolute(0);
    }
    for kind in ["input", "output"] {
        counter!("askbook_tokens_total", "kind" => kind).absolute(0);
    }
    counter!("askbook_retries_total", "upstream" => "gemini").absolute(0);
}

#[cfg(test)]
mod tests;
