//! The values of a thread: a conversation whose reader can see it again, and others of theirs.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::session::{MessageId, SessionId};

/// How many threads an owner has at most; beyond that, the oldest go.
pub const MOST_THREADS: usize = 200;

/// Whose a thread is: what a visitor's token is known by here. The token cannot be read back from
/// it, and it is hidden from `Debug` all the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(String);

impl Owner {
    /// The owner that a visitor with this token is: the first 128 bits of its SHA-256.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        let mut name = String::with_capacity(32);
        for byte in &digest[..16] {
            // Writing to a string never fails.
            let _ = write!(name, "{byte:02x}");
        }
        Self(name)
    }

    /// As a store names it: 32 lowercase hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The owner that a store has named so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        SessionId::parse(name).ok().map(|name| Self(name.as_str().to_owned()))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}

/// Who wants a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// One who has sent a token: they reach their own threads.
    Known(Owner),
    /// One who has sent none: they reach, by its id alone, what was begun by one who sent none.
    Unknown,
}

/// What is known of a thread without its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Names the thread. Drawn by whoever begins it, new, with 128 random bits.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it was begun by one who sent no token, so that its id is enough for others who
    /// send none.
    pub open: bool,
    /// When it was begun: in milliseconds since the beginning of 1970, UTC.
    pub begun: u64,
    /// What it is about.
    pub title: String,
}

impl Head {
    /// Whether this visitor may see and change the thread.
    #[must_use]
    pub fn admits(&self, visitor: &Visitor) -> bool {
        match visitor {
            Visitor::Known(owner) => *owner == self.owner,
            Visitor::Unknown => self.open,
        }
    }
}

/// One thing in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Names it within its thread. That of an answer is the name of the reply.
    pub id: MessageId,
    /// What there is to see of it, in the words of the front end that it is for.
    pub content: String,
}

/// A thread as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// What it is.
    pub head: Head,
    /// What is in it, in the order in which it was put there.
    pub items: Vec<Item>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_tells_nothing_of_the_token() {
        let owner = Owner::of("visitor-1");
        assert_eq!(owner.as_str().len(), 32);
        assert_ne!(owner, Owner::of("visitor-2"));
        assert_eq!(Owner::from_name(owner.as_str()), Some(owner.clone()));
        assert_eq!(Owner::from_name("visitor-1"), None);
        assert_eq!(format!("{owner:?}"), "Owner(..)");
    }

    #[test]
    fn a_thread_is_open_to_those_who_may_see_it() {
        let [own, other] = ["own", "other"].map(Owner::of);
        let head = |open| Head {
            id: SessionId::from_random([1; 16]),
            owner: own.clone(),
            open,
            begun: 0,
            title: String::new(),
        };
        for (open, visitor, admitted) in [
            (false, Visitor::Known(own.clone()), true),
            (false, Visitor::Known(other.clone()), false),
            (false, Visitor::Unknown, false),
            (true, Visitor::Known(own.clone()), true),
            (true, Visitor::Known(other), false),
            (true, Visitor::Unknown, true),
        ] {
            assert_eq!(head(open).admits(&visitor), admitted, "{open} {visitor:?}");
        }
    }
}
