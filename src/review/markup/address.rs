//! Addresses: where a link may lead, and what renderers make a link of by themselves.

use std::sync::Arc;

use super::super::reading::Reading;
use super::super::words::Words;
use crate::passage::Passage;
use crate::plain::{is_invisible, plain};

/// The longest address that is allowed, in bytes.
const LONGEST: usize = 1_000;

/// Behind an address, renderers take these for the sentence's and not for its own.
const TRAILING: &[char] = &['?', '!', '.', ',', ':', ';', '*', '_', '\'', '"', '~', ')'];

/// The addresses that a text may hold: those of the passages that it is written from, and those
/// in their text, verbatim.
#[derive(Clone, Debug)]
pub(super) struct Addresses(Vec<Arc<Reading>>);

/// The addresses that a passage allows.
pub(in super::super) fn addresses(passage: &Passage) -> Words {
    let mut allowed = Allowed(Vec::new());
    if let Some(url) = &passage.url {
        allowed.add(url);
        allowed.add(url.split('#').next().unwrap_or(url));
    }
    allowed.add_written(&plain(&passage.text));
    allowed.0.into_iter().collect()
}

struct Allowed(Vec<String>);

impl Allowed {
    fn add(&mut self, address: &str) {
        if is_harmless(address) {
            self.0.push(address.to_owned());
        }
    }

    /// Adds what is written as the destination of a link, and what is an address by its form.
    fn add_written(&mut self, text: &str) {
        for start in ["](", "]: ", "](<", "]: <"] {
            for (at, _) in text.match_indices(start) {
                let rest = &text[at + start.len()..];
                self.add(&rest[..end_of(rest)]);
            }
        }
        for word in text.split(|c: char| c.is_whitespace() || "<>`\"|".contains(c)) {
            let mut rest = word;
            while let Some(found) = find(rest) {
                let start = &rest[found.start..];
                let end = match found.kind {
                    Kind::Email => found.end - found.start,
                    Kind::Url | Kind::Script => end_of(start),
                };
                for address in
                    [&start[..end], &start[..start[..end].find(['*', '\'']).unwrap_or(end)]]
                {
                    self.add(trimmed(address));
                }
                rest = &rest[found.end.max(found.start + end)..];
            }
        }
    }
}

impl Addresses {
    pub(super) fn of(passages: Vec<Arc<Reading>>) -> Self {
        Self(passages)
    }

    /// Whether a link may lead there.
    pub(super) fn allows(&self, destination: &str) -> bool {
        self.0.iter().any(|reading| reading.addresses.contains(destination))
    }

    /// Whether it may stand in the text by itself, where a renderer puts the scheme before it.
    pub(super) fn allows_bare(&self, address: &str) -> bool {
        self.allows(address)
            || ["https://", "http://", "mailto:"]
                .iter()
                .any(|scheme| self.allows(&format!("{scheme}{address}")))
    }

    /// Whether it may stand in angle brackets.
    pub(super) fn allows_in_brackets(&self, address: &str) -> bool {
        let has_scheme = scheme(address).is_some();
        (has_scheme && self.allows(address))
            || (!has_scheme && address.contains('@') && self.allows_bare(address))
    }
}

/// What is before the first colon, if that is a scheme's place.
fn scheme(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once(':')?;
    (!scheme.contains(['/', '?', '#'])).then_some(scheme)
}

/// Whether an address of the book is one that leads to a page or a letter, and is read as the
/// same by everyone.
fn is_harmless(address: &str) -> bool {
    let is_plain = !address.is_empty()
        && address.len() <= LONGEST
        && !address.contains(|c: char| {
            c.is_control() || c.is_whitespace() || is_invisible(c) || "<>`\"|\\[]{}^".contains(c)
        })
        // An entity could be read as any of these.
        && (!address.contains('&') || !address.contains(';'));
    is_plain
        && match scheme(address) {
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto") => true,
            Some(scheme)
                if ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web)) =>
            {
                address[scheme.len() + 1..].strip_prefix("//").is_some_and(|rest| {
                    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
                    !authority.is_empty() && !authority.contains('@')
                })
            }
            Some(_) => false,
            None => {
                find(address).is_none_or(|found| {
                    found.start == 0 && found.kind == Kind::Email || has_www(address)
                }) && !address.starts_with("//")
            }
        }
}

/// What kind of thing a renderer could make a link of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `scheme://…`, `www.…` or `//host.…`.
    Url,
    /// `a@b.example`, with or without `mailto:`.
    Email,
    /// `javascript:…` and the like.
    Script,
}

/// Something in a word that may be an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins.
    pub start: usize,
    /// Where it ends at the earliest; an e-mail address ends there.
    pub end: usize,
    pub kind: Kind,
    /// Whether it stands there as it is read: without backslashes and entities.
    pub verbatim: bool,
}

/// The first address of a word, which is read as a renderer may read it: backslashes before
/// punctuation taken away and entities replaced (`remark-gfm` looks for addresses only then).
pub(super) fn find(word: &str) -> Option<Found> {
    if !word.contains([':', '@', '&', '\\']) && !word.contains("//") && !has_www(word) {
        return None;
    }
    let read = read(word);
    (0..read.len()).find_map(|at| {
        let (start, end, kind) = found_at(&read, at)?;
        let raw_end = read.get(end).map_or(word.len(), |(_, raw)| *raw);
        Some(Found {
            start: read[start].1,
            end: raw_end,
            kind,
            verbatim: raw_end - read[start].1 == end - start,
        })
    })
}

fn has_www(word: &str) -> bool {
    word.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"www."))
}

/// The bytes of a word as they are read, each with its place.
fn read(word: &str) -> Vec<(u8, usize)> {
    let bytes = word.as_bytes();
    let mut read = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = match bytes[at] {
            b'\\' if bytes.get(at + 1).is_some_and(u8::is_ascii_punctuation) => (bytes[at + 1], 2),
            b'&' => entity(&word[at..]).unwrap_or((b'&', 1)),
            byte => (byte, 1),
        };
        read.push((byte, at));
        at += length;
    }
    read
}

/// The character that an entity stands for, when it can be of an address, and its length.
fn entity(text: &str) -> Option<(u8, usize)> {
    let end = text.bytes().take(40).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let byte = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            u8::try_from(code.ok()?).ok().filter(u8::is_ascii)?
        }
        None => match name {
            "colon" => b':',
            "sol" => b'/',
            "period" => b'.',
            "commat" => b'@',
            "lowbar" | "UnderBar" => b'_',
            "plus" => b'+',
            "amp" | "AMP" => b'&',
            _ => return None,
        },
    };
    Some((byte, end + 1))
}

/// The address whose telling character is at this place.
fn found_at(read: &[(u8, usize)], at: usize) -> Option<(usize, usize, Kind)> {
    let byte = |at: usize| read.get(at).map_or(0, |(byte, _)| byte.to_ascii_lowercase());
    let run = |from: usize, of: fn(u8) -> bool| {
        from + (from..read.len()).take_while(|at| of(byte(*at))).count()
    };
    let back =
        |to: usize, of: fn(u8) -> bool| to - (0..to).rev().take_while(|at| of(byte(*at))).count();
    let of_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    match byte(at) {
        b':' => {
            let start = back(at, of_scheme);
            let start = (start..at).find(|start| byte(*start).is_ascii_alphabetic())?;
            let scheme: Vec<u8> = (start..at).map(byte).collect();
            let follows = at + 1 < read.len();
            if byte(at + 1) == b'/' && byte(at + 2) == b'/' {
                return Some((start, at + 3, Kind::Url));
            }
            let is_script = match scheme.as_slice() {
                b"javascript" | b"vbscript" => follows,
                b"file" => byte(at + 1) == b'/',
                b"data" => {
                    let slash = run(at + 1, |b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
                    slash > at + 1 && byte(slash) == b'/' && byte(slash + 1).is_ascii_alphanumeric()
                }
                _ => false,
            };
            is_script.then_some((start, at + 1, Kind::Script))
        }
        b'/' if byte(at + 1) == b'/' && (at == 0 || !b":/".contains(&byte(at - 1))) => {
            let end = run(at + 2, |b| b.is_ascii_alphanumeric() || b"-.@_".contains(&b));
            let host = at + 2..end;
            let dotted =
                host.clone().any(|at| byte(at) == b'.' && byte(at + 1).is_ascii_alphabetic());
            (dotted && byte(at + 2).is_ascii_alphanumeric()).then_some((at, at + 2, Kind::Url))
        }
        b'w' if (at..at + 4).map(byte).eq(*b"www.") && !b". \0".contains(&byte(at + 4)) => {
            Some((at, at + 4, Kind::Url))
        }
        b'@' => {
            let mut start = back(at, |b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
            if start == at {
                start = back(at, |b| b"!#$%&'*/=?^{|}~;,\"".contains(&b));
            }
            let end = run(at + 1, |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let end = (at + 1..end).rev().find(|at| byte(*at).is_ascii_alphanumeric())? + 1;
            let domain: Vec<u8> = (at + 1..end).map(byte).collect();
            let last = domain.rsplit(|b| *b == b'.').next()?;
            let is_domain = last.len() < domain.len() && last.iter().any(u8::is_ascii_alphabetic);
            if start == at || !is_domain {
                return None;
            }
            for scheme in [b"mailto:".as_slice(), b"xmpp:"] {
                if start >= scheme.len()
                    && (start - scheme.len()..start).map(byte).eq(scheme.iter().copied())
                {
                    start -= scheme.len();
                    break;
                }
            }
            Some((start, end, Kind::Email))
        }
        _ => None,
    }
}

/// Where an address ends that begins here: before white space, before what no address holds, and
/// before a parenthesis that it did not open.
pub(super) fn end_of(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ if c.is_ascii()
                && !c.is_ascii_alphanumeric()
                && !"-._~:/?#@!$&'*+,;=%".contains(c) =>
            {
                return at;
            }
            _ if !c.is_ascii() && !c.is_alphanumeric() => return at,
            _ => {}
        }
    }
    text.len()
}

/// The address without what a renderer takes for the sentence's.
pub(super) fn trimmed(address: &str) -> &str {
    let mut address = address;
    while let Some(shorter) = address.strip_suffix(TRAILING) {
        let balanced = shorter.matches('(').count() > shorter.matches(')').count();
        if address.ends_with(')') && balanced {
            break;
        }
        address = shorter;
    }
    address
}

/// The first address of a word of code, as byte range.
pub(super) fn find_in_code(word: &str) -> Option<(usize, usize)> {
    let bytes = word.as_bytes();
    (0..bytes.len()).find_map(|at| {
        let start = if word[at..].starts_with("://") {
            let run = bytes[..at]
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
                .count();
            (at - run..at).find(|at| bytes[*at].is_ascii_alphabetic())?
        } else if bytes[at..].get(..4).is_some_and(|four| four.eq_ignore_ascii_case(b"www."))
            && bytes.get(at + 4).is_some_and(u8::is_ascii_alphanumeric)
            && (at == 0
                || !bytes[at - 1].is_ascii_alphanumeric() && !b".-_".contains(&bytes[at - 1]))
        {
            at
        } else {
            return None;
        };
        let after = word[start..].find("://").map_or(start, |scheme| start + scheme + 3);
        let host = &word[after..];
        let host = match host.strip_prefix('[') {
            Some(rest) => after + 1 + rest.find(']')? + 1,
            None if host.starts_with(|c: char| c.is_ascii_alphanumeric()) => after,
            // `https://$HOST`, `https://{host}`, `https://<host>`: leads nowhere yet.
            None => return None,
        };
        let rest = &word[host..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~:/?#@!$&+,;=%".contains(c)));
        let address = word[start..host + end.unwrap_or(rest.len())]
            .trim_end_matches([',', '.', ';', ':', '!', '?', '$', '&']);
        Some((start, start + address.len().max(host - start)))
    })
}

/// Whether an address is one of those that are set aside for examples and one's own machine
/// (RFC 2606, RFC 6761).
pub(super) fn leads_nowhere(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    if host.strip_prefix("[::1]").is_some_and(|port| port.is_empty() || port.starts_with(':')) {
        return true;
    }
    let host = host.split(':').next().unwrap_or("").to_ascii_lowercase();
    let is_below = |name: &str| {
        host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    host == "127.0.0.1"
        || ["localhost", "example", "test", "invalid", "example.com", "example.org", "example.net"]
            .into_iter()
            .any(is_below)
}
