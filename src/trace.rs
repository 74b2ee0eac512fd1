//! Which distributed trace the work under way belongs to, so that the call to a model can be found
//! beside the click that caused it.
//!
//! askbook records no spans of its own: it hands what it is given to its upstreams as it is, which
//! the specification has for those who take no part
//! (W3C Trace Context, <https://www.w3.org/TR/trace-context/>, section 3.2 and 3.4).

use std::fmt;
use std::future::{Future, poll_fn};

use crate::request::Context;

/// A place in a trace: the value of the header `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// Names the trace; never 0.
    trace: u128,
    /// The span of the caller; never 0.
    parent: u64,
    flags: u8,
}

impl TraceParent {
    /// Reads the header; `None` for anything that the specification calls invalid. Of a later
    /// version, what this one knows is read.
    pub fn parse(header: &str) -> Option<Self> {
        let (known, rest) = header.split_at_checked(55)?;
        let [version, trace, parent, flags] = parts(known)?;
        let fits = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let lengths = [version, trace, parent, flags].map(str::len) == [2, 32, 16, 2];
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f' | b'-');
        if !fits || !lengths || !known.bytes().all(hex) {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let parent = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
        Some(Self { trace, parent, flags: u8::from_str_radix(flags, 16).ok()? })
    }

    /// The id of the trace, for a log.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// That of the work that calls this; `None` when it belongs to none, or was handed to a task of
    /// its own.
    pub fn current() -> Option<Self> {
        Context::current().trace
    }
}

fn parts(header: &str) -> Option<[&str; 4]> {
    let mut parts = header.split('-');
    let four = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(four)
}

impl fmt::Display for TraceParent {
    /// As the header has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

/// Works as part of this trace, or of none; else the request stays what it is.
pub fn within<T>(trace: Option<TraceParent>, work: impl FnOnce() -> T) -> T {
    Context { trace, ..Context::current() }.within(work)
}

/// The future, as part of this trace, or of none.
pub async fn traced<T>(trace: Option<TraceParent>, work: impl Future<Output = T>) -> T {
    let mut work = Box::pin(work);
    poll_fn(|cx| within(trace, || work.as_mut().poll(cx))).await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// The example of the specification.
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_handed_on_as_it_was_given() {
        let given = TraceParent::parse(GIVEN).unwrap();
        assert_eq!(given.to_string(), GIVEN);
        assert_eq!(given.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let later = GIVEN.replacen("00", "cc", 1);
        for later in [later.clone(), later + "-what-is-to-come"] {
            assert_eq!(TraceParent::parse(&later), Some(given), "{later}");
        }
    }

    #[test]
    fn a_header_against_the_specification_is_none() {
        let cut = (0..GIVEN.len()).map(|end| GIVEN[..end].to_owned());
        let others = [
            GIVEN.to_uppercase(),
            format!("{GIVEN}-"),
            format!("{GIVEN}0"),
            format!(" {GIVEN}"),
            GIVEN.replacen("00", "ff", 1),
            GIVEN.replacen("00", "0g", 1),
            GIVEN.replace('-', "_"),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GIVEN.replace("-00f067aa0ba902b7", "00f067aa0ba902b7-"),
            GIVEN.replace("4bf9", "+bf9"),
            GIVEN.replace("4bf9", "äb"),
            "ä".repeat(28),
        ];
        for header in cut.chain(others) {
            assert_eq!(TraceParent::parse(&header), None, "{header}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_types, reason = "any instant will do for a deadline")]
    fn work_knows_its_trace_and_what_else_its_request_is() {
        let trace = TraceParent::parse(GIVEN);
        let work = || {
            assert_eq!(TraceParent::current(), trace);
            Context::current()
        };
        let mut request = Context::default().until(std::time::Instant::now());
        let within = request.within(|| within(trace, work));
        let traced = request.within(|| traced(trace, async { work() }).now_or_never());
        request.trace = trace;
        assert_eq!((within, traced), (request, Some(request)));
        assert_eq!(TraceParent::current(), None);
    }
}
