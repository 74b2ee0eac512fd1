//! Citations as Markdown links: `[1]` becomes `[1](/docs/sessions#ttl)`, for clients that show a
//! text and nothing beside it.

use std::collections::HashMap;
use std::ops::Range;

use askbook::event::{ChatEvent, Citation};

use super::held::{Held, Marker, Part};

/// The text of an answer with its citations as links, made while it is told.
#[derive(Debug, Default)]
pub(super) struct LinkedText {
    held: Held,
    /// Where a citation leads, by its number, if it can be opened.
    urls: HashMap<usize, String>,
    /// How much was handed on, in characters.
    length: usize,
    links: Vec<Link>,
}

/// A citation that is a link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The number of the source.
    pub(super) number: usize,
    /// Where it stands in the linked text, in characters (Unicode code points).
    pub(super) at: Range<usize>,
}

impl LinkedText {
    /// Takes a step of the chat in. Gives what can be shown now; it may be empty.
    pub(super) fn see(&mut self, event: &ChatEvent) -> String {
        let parts = match event {
            ChatEvent::Citation(citation) => {
                let Citation { number, passage, .. } = citation;
                if let Some(url) = passage.url.as_deref().and_then(destination) {
                    self.urls.insert(*number, url);
                }
                self.held.cite(citation);
                return String::new();
            }
            ChatEvent::Delta(text) => self.held.add(text),
            _ => self.held.rest(),
        };
        let mut shown = String::new();
        for part in parts {
            match part {
                Part::Words(words) => self.show(&words, &mut shown),
                Part::Citation { written, numbers } => {
                    let urls = numbers.iter().map(|number| self.urls.get(number).cloned());
                    match urls.collect::<Option<Vec<_>>>() {
                        Some(urls) => self.link(&numbers, &urls, &mut shown),
                        None => self.show(&written, &mut shown),
                    }
                }
            }
        }
        shown
    }

    /// All links so far.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    fn show(&mut self, text: &str, shown: &mut String) {
        self.length += text.chars().count();
        shown.push_str(text);
    }

    fn link(&mut self, numbers: &[usize], urls: &[String], shown: &mut String) {
        for (index, (number, url)) in numbers.iter().zip(urls).enumerate() {
            if index > 0 {
                self.show(" ", shown);
            }
            let start = self.length;
            self.show(&format!("[{number}]({url})"), shown);
            self.links.push(Link { number: *number, at: start..self.length });
        }
    }
}

/// Citations in the text of a client, as [`LinkedText`] wrote them, without their links: for a
/// model they are long and say nothing.
pub(super) fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let marker = Marker::at(&rest[at..]).map(|marker| at + marker.length);
        let end = marker.unwrap_or(at + 1);
        plain += &rest[..end];
        rest = &rest[end..];
        if marker.is_some()
            && let Some(link) = rest.strip_prefix('(')
            && let Some(end) = link.find(|c: char| "()".contains(c) || c.is_whitespace())
            && let Some(behind) = link[end..].strip_prefix(')')
        {
            rest = behind;
        }
    }
    plain + rest
}

/// An address as the destination of a link (CommonMark, 6.3), with nothing in it that could end it,
/// or that means more than a link does: a back-tick, or a pipe in a table; `None` for one that
/// leads to no page.
fn destination(url: &str) -> Option<String> {
    let scheme = url.split(['/', '?', '#']).next()?.split_once(':').map(|(scheme, _)| scheme);
    let is_page = match scheme {
        None => !url.is_empty(),
        Some(scheme) => ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)),
    };
    let mut destination = String::new();
    for c in url.chars() {
        match c {
            '(' => destination += "%28",
            ')' => destination += "%29",
            '<' => destination += "%3C",
            '>' => destination += "%3E",
            '\\' => destination += "%5C",
            '`' => destination += "%60",
            '|' => destination += "%7C",
            c if c.is_whitespace() || c.is_control() => destination += "%20",
            c => destination.push(c),
        }
    }
    is_page.then_some(destination)
}

#[cfg(test)]
mod tests {
    use askbook::passage::{Passage, PassageId};

    use super::*;

    fn delta(text: &str) -> ChatEvent {
        ChatEvent::Delta(text.to_owned())
    }

    /// A citation of this claim.
    fn cited(text: &str, claim: &str, number: usize, url: Option<&str>) -> ChatEvent {
        let at = text.find(claim).unwrap();
        ChatEvent::Citation(Citation {
            number,
            passage: Passage {
                id: PassageId(number.to_string()),
                title: String::new(),
                headings: Vec::new(),
                url: url.map(str::to_owned),
                text: String::new(),
                edition: None,
            },
            quote: String::new(),
            supports: at..at + claim.len(),
        })
    }

    /// What is shown after each of these events and the end.
    fn shown(events: &[ChatEvent]) -> (Vec<String>, LinkedText) {
        let mut linked = LinkedText::default();
        let end = ChatEvent::Sources(Vec::new());
        let shown = events.iter().chain([&end]).map(|event| linked.see(event)).collect();
        (shown, linked)
    }

    #[test]
    fn a_citation_becomes_a_link_when_it_is_checked() {
        let text = "Grün is open [1].";
        let events = [delta(text), cited(text, "Grün is open", 1, Some("/a#b")), delta(" Red.")];
        let (shown, linked) = shown(&events);
        assert_eq!(shown, ["Grün is open ", "", "[1](/a#b). Red.", ""]);
        assert_eq!(linked.links(), [Link { number: 1, at: 13..22 }]);
    }

    #[test]
    fn citations_side_by_side_are_links_each() {
        let text = "A, it says. [1][2, 3]";
        let claim = "A, it says.";
        let events = [
            delta(text),
            cited(text, claim, 1, Some("https://b.example/x")),
            cited(text, claim, 2, Some("/two (2)`|")),
            cited(text, claim, 3, Some("/three")),
        ];
        let (shown, linked) = shown(&events);
        let whole = shown.concat();
        assert_eq!(
            whole,
            "A, it says. [1](https://b.example/x)[2](/two%20%282%29%60%7C) [3](/three)"
        );
        let chars: Vec<char> = whole.chars().collect();
        for Link { number, at } in linked.links() {
            let link: String = chars[at.clone()].iter().collect();
            assert!(link.starts_with(&format!("[{number}](")) && link.ends_with(')'), "{link}");
        }
        assert_eq!(linked.links().len(), 3);
    }

    #[test]
    fn what_cannot_be_opened_and_what_is_no_citation_stay_as_they_are() {
        let text = "Take `row[1]` first [1], then `row[2]` [2]. See [x] and [3].";
        let events = [
            delta(text),
            cited(text, "Take `row[1]` first", 1, None),
            cited(text, ", then `row[2]`", 2, Some("javascript:alert(1)")),
        ];
        assert_eq!(shown(&events).0.concat(), text);

        let events = [
            delta(text),
            cited(text, "Take `row[1]` first", 1, Some("/1")),
            cited(text, ", then `row[2]`", 2, Some("/2")),
        ];
        let expected = "Take `row[1]` first [1](/1), then `row[2]` [2](/2). See [x] and [3].";
        assert_eq!(shown(&events).0.concat(), expected);
    }

    #[test]
    fn a_citation_that_stands_alone_is_for_the_sentence_before() {
        let first = "It is so. [1]\n";
        let second = format!("{first}[2]");
        let events = [
            delta(first),
            cited(first, "It is so.", 1, Some("/1")),
            delta("[2]"),
            cited(&second, "It is so.", 2, Some("/2")),
        ];
        assert_eq!(shown(&events).0.concat(), "It is so. [1](/1)\n[2](/2)");
    }

    #[test]
    fn links_are_taken_out_again_and_other_text_is_not() {
        for (text, plain) in [
            ("So [1](/a#b)[2](https://x.example/c%29), and [3].", "So [1][2], and [3]."),
            ("See [the page](/a) or [1] (there).", "See [the page](/a) or [1] (there)."),
            ("[1](not a link)", "[1](not a link)"),
            ("[1](/never", "[1](/never"),
            ("[", "["),
        ] {
            assert_eq!(unlinked(text), plain);
        }
    }
}
