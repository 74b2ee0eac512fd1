//! Whose threads they are: an anonymous visitor, known by a token.

use std::fmt::Write as _;

use askbook::error::{ErrorKind, PortError};
use askbook::session::SessionId;
use askbook::thread::{Owner, Visitor};
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::{Code, Problem};

/// The token, in requests; in replies, one that was issued.
pub(super) const VISITOR: HeaderName = HeaderName::from_static("askbook-visitor");

/// How long a token is, in characters: long enough not to be guessed.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=128;

/// Who sent a request.
pub(super) struct Caller {
    pub(super) visitor: Visitor,
    /// Whose a thread is that they begin.
    pub(super) owner: Owner,
    /// Their token, when it is new to them.
    issued: Option<HeaderValue>,
}

impl Caller {
    /// Who sent a request with these headers. Who has no token gets one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(token) = headers.get(VISITOR) {
            let fit =
                LENGTH.contains(&token.len()) && token.as_bytes().iter().all(u8::is_ascii_graphic);
            let Some(token) = token.to_str().ok().filter(|_| fit) else {
                let detail = "the header askbook-visitor must have from 16 to 128 visible ASCII \
                              characters that nobody can guess";
                return Err(Problem::new(Code::InvalidRequest, detail));
            };
            let owner = Owner::of(token);
            return Ok(Self { visitor: Visitor::Known(owner.clone()), owner, issued: None });
        }
        let mut token = String::with_capacity(32);
        for byte in random()? {
            // Writing to a string never fails.
            let _ = write!(token, "{byte:02x}");
        }
        let owner = Owner::of(&token);
        let issued = HeaderValue::try_from(token).ok().map(|mut issued| {
            issued.set_sensitive(true);
            issued
        });
        Ok(Self { visitor: Visitor::Unknown, owner, issued })
    }

    /// Whether they sent no token.
    pub(super) fn is_new(&self) -> bool {
        self.visitor == Visitor::Unknown
    }

    /// Tells them the token that they were issued.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        if let Some(issued) = self.issued {
            headers.insert(VISITOR, issued);
        }
    }
}

/// The name of a new thread.
pub(super) fn thread_id() -> Result<SessionId, Problem> {
    random().map(SessionId::from_random)
}

fn random() -> Result<[u8; 16], Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Problem::internal(
            PortError::new(ErrorKind::Unavailable, "the system gave no random bytes")
                .with_source(error),
        )
    })?;
    Ok(bytes)
}
