//! Addresses: links that are made of what a payload calls its source, the URLs of pages, where
//! servers are, and the configuration of a site, which says where it is served.
#![no_main]

use askbook_docusaurus::fuzzing::{configuration, url};
use askbook_qdrant::Address;
use askbook_qdrant::fuzzing::links;
use libfuzzer_sys::fuzz_target;

#[path = "../hook.rs"]
mod hook;

fuzz_target!(
    init: hook::leave(&["/oxc_"]),
    |input: (u8, &str, &str)| {
        let (kind, text, other) = input;
        match kind % 3 {
            0 => {
                links(text).iter().flatten().for_each(|link| check(link));
                server(other);
            }
            1 => served(kind, text, other),
            _ => {
                configuration(text);
            }
        }
    }
);

/// The URL of a file, with or without words of its own on where it is.
fn served(kind: u8, file: &str, word: &str) {
    let slug = (kind & 2 != 0).then_some(word);
    let id = (kind & 4 != 0).then_some(word);
    let (base, anchor) = if kind & 8 == 0 { (word, "anchor") } else { ("/", word) };
    let served = url(base, file, slug, id, anchor);
    let path = served.strip_prefix("https://book.example").expect("the origin");
    let (path, fragment) = path.split_once('#').expect("a fragment");
    assert!(path.starts_with('/') && !path.contains("//"), "{served:?}");
    for part in [path, fragment] {
        let is_plain = |byte| b"-._~!$&'*+,;=:@/%".contains(&byte) || byte.is_ascii_alphanumeric();
        assert!(part.bytes().all(is_plain), "{served:?}");
    }
}

/// The address of a server can be shown, and is the same when it is read again.
fn server(text: &str) {
    if let Ok(address) = Address::parse(text) {
        let told = address.to_string();
        assert!(told.starts_with("http://") || told.starts_with("https://"), "{told:?}");
        assert!(!told.contains('@'), "{told:?}");
        let again = Address::parse(&told).map(|address| address.to_string());
        assert_eq!(again.as_ref(), Ok(&told));
    }
}

/// A link opens a page of the site, or one of the web without anybody's credentials.
fn check(link: &str) {
    assert!(!link.contains(char::is_control), "{link:?}");
    if let Some((scheme, rest)) = link.split_once("://")
        && !scheme.contains('/')
    {
        assert!(matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https"), "{link:?}");
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        assert!(!authority.is_empty() && !authority.contains('@'), "{link:?}");
    } else {
        assert!(link.starts_with('/') && !link.starts_with("//"), "{link:?}");
    }
}
