//! Keys of other servers.

use std::fmt;

use poem::http::HeaderMap;
use poem::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The keys by which other servers may ask.
///
/// Only their digests are kept: they tell nothing of a key, and are of one length, so that the time
/// of a comparison tells nothing either.
#[derive(Clone, Default)]
pub struct ApiKeys(Vec<[u8; 32]>);

/// A text that is too easily guessed to be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "key number {position} is not of at least {least} visible ASCII characters: make one with \
     `openssl rand -hex 32`",
    least = ApiKeys::LEAST
)]
pub struct ApiKeysError {
    position: usize,
}

/// What a request says about its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Nothing.
    #[default]
    Absent,
    /// The key with this number, from 1.
    Valid(usize),
    /// None of the keys.
    Wrong,
}

impl ApiKeys {
    /// The least length of a key, in characters.
    pub const LEAST: usize = 16;

    /// Takes these keys. Messages name their position, from 1.
    ///
    /// # Errors
    /// One is too short, or cannot stand in a header.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, ApiKeysError> {
        let digest = |(position, key): (usize, &str)| {
            let fits = key.len() >= Self::LEAST && key.bytes().all(|byte| byte.is_ascii_graphic());
            if fits { Ok(Sha256::digest(key).into()) } else { Err(ApiKeysError { position }) }
        };
        (1..).zip(keys).map(digest).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the header `Authorization` says (RFC 6750, 2.1). Where there are no keys, and in other
    /// schemes than `Bearer`, it is about something else.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Credentials {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let Some(line) = lines.next().filter(|_| !self.is_empty()) else {
            return Credentials::Absent;
        };
        let line = line.as_bytes();
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (scheme, sent) = line.split_at(end);
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Credentials::Absent;
        }
        match self.position(sent.trim_ascii()) {
            Some(number) if lines.next().is_none() => Credentials::Valid(number),
            _ => Credentials::Wrong,
        }
    }

    /// Looks at all of them, whichever it is.
    fn position(&self, sent: &[u8]) -> Option<usize> {
        let sent: [u8; 32] = Sha256::digest(sent).into();
        let same = |key: &[u8; 32]| bool::from(key.ct_eq(&sent));
        (1..).zip(&self.0).fold(None, |found, (number, key)| found.or(same(key).then_some(number)))
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    const KEYS: [&str; 2] = ["first-key-0123456789", "second-key-0123456789"];

    fn check(line: &[u8]) -> Credentials {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
        ApiKeys::new(KEYS).unwrap().check(&headers)
    }

    #[test]
    fn a_key_is_known_by_its_number() {
        assert_eq!(check(b"Bearer first-key-0123456789"), Credentials::Valid(1));
        assert_eq!(check(b"bearer  second-key-0123456789 "), Credentials::Valid(2));
    }

    #[test]
    fn anything_else_is_wrong() {
        for line in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer first-key-012345678",
            b"Bearer first-key-01234567890",
            b"Bearer FIRST-KEY-0123456789",
            b"Bearer first-key-0123456789, second-key-0123456789",
            b"Bearer \xff\xfe",
        ] {
            assert_eq!(check(line), Credentials::Wrong, "{line:?}");
        }
    }

    #[test]
    fn two_headers_are_wrong_even_with_a_key() {
        let mut headers = HeaderMap::new();
        for key in KEYS {
            headers.append(AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        }
        assert_eq!(ApiKeys::new(KEYS).unwrap().check(&headers), Credentials::Wrong);
    }

    #[test]
    fn other_schemes_and_headers_without_keys_are_about_something_else() {
        assert_eq!(check(b"Basic Zmlyc3Qta2V5"), Credentials::Absent);
        assert_eq!(check(b""), Credentials::Absent);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer of-someone-else"));
        assert_eq!(ApiKeys::default().check(&headers), Credentials::Absent);
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_position_and_without_its_text() {
        for wrong in ["", "short", "fifteen-bytes-x", "with a space in it", "sch\u{f6}n-0123456789"]
        {
            let error = ApiKeys::new([KEYS[0], wrong]).unwrap_err();
            assert_eq!(error, ApiKeysError { position: 2 }, "{wrong}");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", ApiKeys::new(KEYS).unwrap()), "ApiKeys(2)");
    }
}
