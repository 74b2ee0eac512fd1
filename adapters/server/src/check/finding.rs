use std::fmt;

use askbook::error::{ErrorKind, PortError};
use serde::Serialize;

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// Names what was checked, for programs.
    pub(crate) code: &'static str,
    /// What was found.
    pub(crate) what: String,
    /// What to do about it; `None` when nothing has to be done.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It works, but not as well as it could, or not for everyone.
    Warning,
    /// Questions are not answered, or wrongly.
    Error,
}

impl Finding {
    pub(crate) fn ok(code: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, code, what: what.into(), advice: None }
    }

    pub(crate) fn note(
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { level: Level::Note, code, what: what.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn warning(
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::note(code, what, advice) }
    }

    pub(crate) fn error(
        code: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { level: Level::Error, ..Self::note(code, what, advice) }
    }

    /// A part that cannot be had.
    pub(crate) fn misconfiguration(code: &'static str, error: &anyhow::Error) -> Self {
        Self::error(code, format!("{error:#}"), "change the settings as it says")
    }

    /// A part that failed.
    pub(crate) fn failure(code: &'static str, error: PortError) -> Self {
        let advice = match error.kind() {
            ErrorKind::Unavailable => "see that the service is up and its address right",
            ErrorKind::Timeout => {
                "try again; where the way to the service is slow, raise ASKBOOK_UPSTREAM_TIMEOUT_MS"
            }
            ErrorKind::RateLimited => "wait until the quota is renewed, or use a key with more",
            ErrorKind::Exhausted => "wait until the ceiling is renewed, raise it, or resume",
            ErrorKind::Unauthorized => "copy the key again, and see what it may do",
            ErrorKind::Misconfigured => "change the settings as it says",
            ErrorKind::Rejected | ErrorKind::Blocked => "see what is special about this book",
            ErrorKind::Malformed => "see that the address is that of the service, not of a proxy",
        };
        Self::error(code, format!("{:#}", anyhow::Error::new(error)), advice)
    }
}

impl fmt::Display for Finding {
    /// A line, and one more for what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, code, what, advice } = self;
        write!(f, "{:<8} {code:<15} {what}", level.to_string())?;
        match advice {
            Some(advice) => write!(f, "\n{:<25}-> {advice}", ""),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_read_by_people_and_by_programs() {
        let finding = Finding::warning("origins", "`*` lets every page ask", "list your site");
        let text = "warning  origins         `*` lets every page ask\n                         \
                    -> list your site";
        assert_eq!(finding.to_string(), text);
        let json = serde_json::to_value([finding, Finding::ok("key", "it works")]).unwrap();
        let expected = serde_json::json!([
            {"level": "warning", "code": "origins", "what": "`*` lets every page ask",
             "do": "list your site"},
            {"level": "ok", "code": "key", "what": "it works"},
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn a_failure_is_told_with_its_causes() {
        let error = PortError::new(ErrorKind::Unavailable, "qdrant cannot be reached")
            .with_source("connection refused");
        let finding = Finding::failure("collection", error);
        assert_eq!(finding.what, "qdrant cannot be reached: connection refused");
        assert_eq!(finding.level, Level::Error);
    }
}
