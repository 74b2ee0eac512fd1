//! What OpenTelemetry's own variables say: those are read as they are, by their standard names,
//! and are no settings of askbook. The SDK reads all others of them itself.

use std::env;
use std::ffi::OsString;

/// Whether the environment names a collector that spans are to be sent to, and does not turn that
/// off. The SDK would take one on this machine for granted.
pub(crate) fn is_named() -> bool {
    is_named_by(|name| env::var_os(name))
}

fn is_named_by(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is = |name, value: &str| variable(name).is_some_and(|v| v.eq_ignore_ascii_case(value));
    let endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    let named = endpoints.into_iter().filter_map(&variable).any(|value| !value.is_empty());
    named && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sent_where_a_collector_is_named_and_nothing_turns_that_off() {
        const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://here:4318");
        const OF_TRACES: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://here/t");
        for (set, named) in [
            (&[][..], false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], false),
            (&[("OTEL_SERVICE_NAME", "book")], false),
            (&[ENDPOINT], true),
            (&[OF_TRACES], true),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")], true),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")], false),
            (&[OF_TRACES, ("OTEL_TRACES_EXPORTER", "otlp")], true),
            (&[OF_TRACES, ("OTEL_TRACES_EXPORTER", "none")], false),
        ] {
            let variable = |name: &str| {
                let found = set.iter().find(|variable| variable.0 == name)?;
                Some(OsString::from(found.1))
            };
            assert_eq!(is_named_by(variable), named, "{set:?}");
        }
    }
}
