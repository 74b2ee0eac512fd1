//! What holds of the passages of any page.

use std::collections::HashSet;

use askbook::passage::Passage;
use askbook_docusaurus::Page;

/// Each is of this page, at an anchor that is there, and says something; together they are not
/// much longer than what they were made of.
pub fn passages(page: &Page, passages: &[Passage], source: &str) {
    let mut ids = HashSet::new();
    for passage in passages {
        assert!(ids.insert(&passage.id), "{:?} twice", passage.id);
        assert!(!passage.text.trim().is_empty(), "{passage:?}");
        let id = passage.id.0.strip_prefix(&page.file).and_then(|id| id.strip_prefix('#'));
        let (anchor, _) = id.and_then(|id| id.rsplit_once('/')).expect("file#anchor/part");
        assert!(anchor.is_empty() || page.anchors.iter().any(|one| one == anchor), "{anchor:?}");
        let url = passage.url.as_deref().expect("a URL");
        let fragment = url.strip_prefix(&page.url).expect("the page's URL");
        assert_eq!(fragment.is_empty(), anchor.is_empty(), "{url:?} for {anchor:?}");
    }
    let bytes: usize = passages.iter().map(|passage| passage.text.len()).sum();
    assert!(bytes <= 8 * source.len() + 1_000, "{bytes} bytes of {}", source.len());
}

/// Whether a text has neither marks nor statements in it.
pub fn is_plain(text: &str) -> bool {
    let is_plain = |line: &str| {
        line.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !["import", "export", "www", "http"].iter().any(|word| line.contains(word))
            && line.bytes().all(|byte| byte == b' ' || byte.is_ascii_alphanumeric())
    };
    text.lines().all(|line| line.is_empty() || is_plain(line))
}

/// The words of a plain text are those of its passages, in their order.
pub fn text_is_kept(passages: &[Passage], text: &str) {
    let kept = passages.iter().flat_map(|passage| passage.text.split_whitespace());
    assert!(kept.eq(text.split_whitespace()), "{text:?} became {passages:?}");
}
