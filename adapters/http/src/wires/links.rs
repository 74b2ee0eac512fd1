//! Citations as Markdown links: `[1]` becomes `[1](/docs/sessions#ttl)`, for clients that show a
//! text and nothing beside it.

use std::ops::Range;

use askbook::event::{ChatEvent, Citation};

/// The text of an answer with its citations as links, made while it is told.
///
/// The core tells the sentence that a citation stands in, and then the citation; so what is held
/// back, from the first citation of a piece on, is held until the next event that is none.
#[derive(Debug, Default)]
pub(super) struct LinkedText {
    /// What the core has told.
    text: String,
    /// Up to where it was handed on.
    told: usize,
    /// The citations in what was not.
    citations: Vec<(usize, Range<usize>, Option<String>)>,
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
        match event {
            ChatEvent::Citation(Citation { number, passage, supports, .. }) => {
                let url = passage.url.as_deref().and_then(destination);
                self.citations.push((*number, supports.clone(), url));
                String::new()
            }
            ChatEvent::Delta(text) => {
                let mut shown = self.rest();
                let begun = self.text.len();
                self.text.push_str(text);
                let marker = |at: &usize| Marker::at(&self.text[*at..]).is_some();
                let held = self.text[begun..].match_indices('[').map(|(at, _)| begun + at);
                let end = held.into_iter().find(marker).unwrap_or(self.text.len());
                shown += &self.hand_on(end);
                shown
            }
            _ => self.rest(),
        }
    }

    /// All links so far.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    fn rest(&mut self) -> String {
        let shown = self.hand_on(self.text.len());
        self.citations.clear();
        shown
    }

    fn hand_on(&mut self, end: usize) -> String {
        let mut shown = String::new();
        while self.told < end {
            let at = self.told;
            let marker = Marker::at(&self.text[at..end]);
            let linked = marker.and_then(|marker| Some((self.linked(at, &marker)?, marker)));
            if let Some((links, marker)) = linked {
                for (index, (number, text)) in links.into_iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    let start = self.length + space.len();
                    self.length = start + text.chars().count();
                    self.links.push(Link { number, at: start..self.length });
                    shown += space;
                    shown += &text;
                }
                self.told += marker.length;
            } else {
                let rest = &self.text[at..end];
                let next = rest.char_indices().skip(1).find(|(_, c)| *c == '[');
                let plain = &rest[..next.map_or(rest.len(), |(at, _)| at)];
                self.length += plain.chars().count();
                shown += plain;
                self.told += plain.len();
            }
        }
        shown
    }

    /// The links in place of a marker here; `None` when it is not a citation that can be opened,
    /// but for example an index in code.
    fn linked(&self, at: usize, marker: &Marker) -> Option<Vec<(usize, String)>> {
        let link = |number: &usize| {
            let cites = |(cited, claim, _): &&(usize, Range<usize>, Option<String>)| {
                cited == number && self.text.get(claim.end..at).is_some_and(is_gap)
            };
            let url = self.citations.iter().find(cites)?.2.as_deref()?;
            Some((*number, format!("[{number}]({url})")))
        };
        marker.numbers.iter().map(link).collect()
    }
}

/// Whether this may stand between a claim and a citation of it: other citations, and what has no
/// words.
pub(super) fn is_gap(text: &str) -> bool {
    !text.contains(|c: char| c.is_alphabetic() || c == '`')
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

/// `[2]` or `[1, 3]` at the beginning of a text.
pub(super) struct Marker {
    /// In bytes.
    pub(super) length: usize,
    pub(super) numbers: Vec<usize>,
}

impl Marker {
    pub(super) fn at(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('[')?;
        let end = inside.find(|c: char| !c.is_ascii_digit() && !", ".contains(c))?;
        let inside = inside[end..].starts_with(']').then_some(&inside[..end])?;
        let number = |number: &str| number.trim().parse().ok();
        let numbers = inside.split(',').map(number).collect::<Option<_>>()?;
        Some(Self { length: inside.len() + 2, numbers })
    }
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
