use pulldown_cmark::{Event, Options, Parser, Tag};
use uuid::Uuid;

use super::*;
use crate::passage::{Hit, Passage, PassageId, Scores};
use crate::prompt::{CANARY, Prompt};
use crate::question::{Question, QuestionLimits};
use crate::review::Readings;

const PAGE: &str = "https://book.example.com/docs/a";
const MARK: u128 = 0x1234_5678_9abc_4def_8123_4567_89ab_cdef;

fn prompt() -> Prompt {
    let text = "See [b](/docs/b), https://book.example.com, <https://allowed.example.com/x?a=1>,\n\
                http://localhost:3000/ or mail help@book.org. [t](./t.md \"T\") \
                [bad](javascript&colon;alert(1)) [bad](data:text/html,x) [bad](//evil.com)";
    let passage = Passage {
        id: PassageId("a".to_owned()),
        title: "A".to_owned(),
        headings: Vec::new(),
        url: Some(format!("{PAGE}#here")),
        text: text.to_owned(),
        edition: None,
    };
    let question = "What of https://asked.example.net/x?";
    Prompt {
        mark: MessageId(Uuid::from_u128(MARK)),
        question: Question::new(question, None, None, QuestionLimits::default()).unwrap(),
        standalone: None,
        passages: vec![Hit { passage, scores: Scores::default() }],
        history: Vec::new(),
    }
}

/// The pieces of a text that comes in these parts, neighbours of a kind joined.
fn pieces<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<Piece> {
    let mut markup = markup();
    let mut all: Vec<Piece> = Vec::new();
    for part in parts {
        all.extend(markup.add(part));
    }
    all.extend(markup.finish());
    let mut joined: Vec<Piece> = Vec::new();
    for piece in all {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more))
            | (Some(Piece::Code(text)), Piece::Code(more)) => text.push_str(&more),
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

fn text_of(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) | Piece::Code(text) | Piece::Marker { text, .. } => text.clone(),
    };
    pieces.iter().map(text).collect()
}

fn shown(text: &str) -> String {
    text_of(&pieces([text]))
}

fn chars(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])
}

/// A small generator of numbers, the same ones in every run (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn text(&mut self, of: &[&str], most: usize) -> String {
        (0..=self.below(most)).map(|_| of[self.below(of.len())]).collect()
    }

    fn parts<'a>(&mut self, text: &'a str) -> Vec<&'a str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.ceil_char_boundary(1 + self.below(12)));
            parts.push(part);
            rest = after;
        }
        parts
    }
}

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_GFM);

fn markup() -> Markup {
    let prompt = prompt();
    Markup::new(prompt.mark, Readings::new().of(&prompt.passages))
}

/// What a page that shows the text would hold and should not.
fn harm(text: &str) -> Option<String> {
    let allowed = Addresses::of(Readings::new().of(&prompt().passages));
    [Options::empty(), OPTIONS].into_iter().find_map(|options| {
        Parser::new_ext(text, options).find_map(|event| match &event {
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. }) => {
                Some(format!("{event:?}"))
            }
            Event::Start(Tag::Link { dest_url, .. })
                if !allowed.allows(dest_url) && !allowed.allows_bare(dest_url) =>
            {
                Some(format!("{event:?}"))
            }
            _ => None,
        })
    })
}

/// The lines of the file: `{"name": "…", "text": "…"}`, in this order and with these spaces.
fn payloads() -> Vec<(String, String)> {
    let payload = |line: &str| {
        let fields = line.strip_prefix("{\"name\": \"")?.strip_suffix("\"}")?;
        let (name, text) = fields.split_once("\", \"text\": \"")?;
        Some((name.to_owned(), unescaped(text)))
    };
    include_str!("payloads.jsonl").lines().map(|line| payload(line).expect(line)).collect()
}

/// What a string of JSON says.
fn unescaped(json: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match chars.next().unwrap() {
            'n' => u16::from(b'\n'),
            'r' => u16::from(b'\r'),
            't' => u16::from(b'\t'),
            'u' => u16::from_str_radix(&chars.by_ref().take(4).collect::<String>(), 16).unwrap(),
            '"' => u16::from(b'"'),
            '\\' => u16::from(b'\\'),
            other => panic!("an escape that the file has not: {other}"),
        });
    }
    String::from_utf16(&units).unwrap()
}

#[test]
fn no_payload_survives_however_it_is_cut() {
    let payloads = payloads();
    assert!(payloads.len() >= 150);
    for (name, text) in payloads {
        let whole = pieces([text.as_str()]);
        let out = text_of(&whole);
        assert_eq!(harm(&out), None, "{name}: {out:?}");
        assert_eq!(pieces(chars(&text)), whole, "{name} by characters");
        if text.len() < 400 {
            for (at, _) in text.char_indices() {
                assert_eq!(pieces([&text[..at], &text[at..]]), whole, "{name} cut at {at}");
            }
        }
    }
}

/// What the generated texts are made of: everything that means something.
const HOSTILE: &[&str] = &[
    "`",
    "`",
    "``",
    "```",
    "~~~",
    "~~",
    "\n",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    " ",
    "  ",
    "    ",
    "\t",
    ">",
    "> ",
    "- ",
    "* ",
    "1. ",
    "14. ",
    "|",
    "|-|-|\n",
    "---",
    "[",
    "]",
    "(",
    ")",
    "](",
    "]:",
    "[x]: ",
    "![",
    "!",
    "\\",
    "<",
    ">",
    "<b>",
    "<img src=x onerror=alert(1)>",
    "</b>",
    "<!--",
    "\"",
    "'",
    "*",
    "_",
    "#",
    "a",
    "b c",
    "é",
    "[1]",
    "[2, 3]",
    "https://evil.com/",
    "www.evil.com",
    "x@evil.com",
    "javascript:alert(1)",
    "https://book.example.com",
    "https://book.example.com/docs/a",
    "(https://book.example.com/docs/a)",
    "/docs/b",
    "<https://book.example.com>",
    "@",
    ":",
    "&#58;",
    "&lt;",
    "//",
    "…",
    "日本",
    "\u{2028}",
    "\0",
];

#[test]
fn no_generated_text_does_harm_or_depends_on_its_cuts() {
    let mut dice = Dice(7);
    for _ in 0..4_000 {
        let text = dice.text(HOSTILE, 30);
        let whole = pieces([text.as_str()]);
        let out = text_of(&whole);
        assert_eq!(harm(&out), None, "{text:?} became {out:?}");
        assert_eq!(pieces(dice.parts(&text)), whole, "{text:?}");
        assert_eq!(pieces(chars(&text)), whole, "{text:?}");
    }
}

#[test]
fn harmless_text_stays_as_it_is() {
    const HARMLESS: &[&str] = &[
        "word",
        " ",
        "\n",
        "\n\n",
        "\r\n",
        "**bold**",
        "- item",
        "1. ",
        "> ",
        "# ",
        "`code`",
        "`<div>`",
        "`a || b`",
        "日本語。",
        "é",
        "🙂",
        "\u{2028}",
        "\0",
        "\u{85}",
        "[1]",
        "[2, 3]",
        "[1][2]",
        "list[0]",
        "a < b",
        "1 <2",
        "!",
        "wow![1]",
        "vec![1, 2]",
        "(see)",
        "&lt;b&gt;",
        "&amp;",
        "\\*",
        "\\_",
        "a_b_c",
        "| a | b |",
        ":",
        "x: y",
        "a@b",
        "react@18.2.0",
        "@scope/name",
        "~5",
        "[link](/docs/b)",
        "[link](https://book.example.com/docs/a)",
        "https://book.example.com/docs/a ",
        "https://book.example.com. ",
        "<https://book.example.com>",
        "[text]",
        "[ ]",
        "\"q\"",
        "$x$",
        "JavaScript: good",
        "C:\\dir",
        "a/b//c",
    ];
    let mut dice = Dice(11);
    for _ in 0..3_000 {
        let text: Vec<&str> =
            (0..=dice.below(12)).map(|_| HARMLESS[dice.below(HARMLESS.len())]).collect();
        let text = text.join(" ");
        assert_eq!(text_of(&pieces(dice.parts(&text))), text);
    }
    for text in [
        "See [docs](https://book.example.com/docs/a \"The docs\").",
        "[https://book.example.com](https://book.example.com)",
        "Mail help@book.org or <help@book.org>.",
        "[x]: https://book.example.com/docs/a\n\nSee [x].",
        "- a\n\n  ```html\n  <div>\n  ```\n- b `<b>`",
        "1. a\n\n    ```html\n    <div>\n    ```\n",
        "> ```html\n> <div>\n> ```\n",
        "~~~\n<div>\n~~~\n",
        "````md\n```html\n<div>\n```\n````\n",
        "```mermaid\nA --> B\n```",
        "Use `Promise<string | null>` here.\nNext.",
        "| a |\n|---|\n| `x` and `<b>` |",
        "`Array<string \\| null>`",
        "a\rb\r\rc `d`\r",
        "",
    ] {
        assert_eq!(shown(text), text);
        assert_eq!(text_of(&pieces(chars(text))), text);
    }
}

#[test]
fn what_is_dangerous_is_taken_out_and_the_rest_stays() {
    for (text, expected) in [
        ("a <b>x</b> <!-- c --> <?x a</", "a &lt;b>x&lt;/b> &lt;!-- c --> &lt;?x a&lt;/"),
        ("[the docs](https://evil.com/x), yes", "[the docs], yes"),
        ("[the docs](javascript:alert(1))[1]", "[the docs][1]"),
        ("![alt](https://evil.com/x.png) b", "[alt] b"),
        ("![alt](https://book.example.com/docs/a)", "[alt](https://book.example.com/docs/a)"),
        ("see https://evil.com/x.", "see …."),
        ("(www.evil.com)", "(…)"),
        ("<https://evil.com>", "&lt;…>"),
        ("what of https://asked.example.net/x?", "what of …?"),
        ("run javascript:alert(1) now", "run … now"),
        ("[x]: javascript:alert(1)", "[x]\\: …"),
        ("f(a)[0](see there)", "f(a)[0]\\(see there)"),
        ("https://book.example.com/docs/a[1]", "<https://book.example.com/docs/a>[1]"),
        ("`curl https://evil.com/x` ok", "`curl …` ok"),
        ("`curl http://localhost:8080/x` ok", "`curl http://localhost:8080/x` ok"),
        ("```\nfetch('https://evil.com/x')\n```", "```\nfetch('…')\n```"),
        (
            "```\nfetch('https://api.example.com/x', 'https://$HOST')\n```",
            "```\nfetch('https://api.example.com/x', 'https://$HOST')\n```",
        ),
        ("\\<b>", "&lt;b>"),
        ("~~~ a|<b>\n|-|-|\n", "~~~ a|&lt;b>\n|-|-|\n"),
        ("https://book.example.com/docs/a~~~", "<https://book.example.com/docs/a>~~~"),
        ("awww.evil.com b", "a… b"),
        ("a ` b <i>\n`<i>`\n\n`<i>`", "a ` b &lt;i>\n`&lt;i>`\n\n`<i>`"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_citation_outside_of_code_is_a_marker() {
    let markers = |text| -> Vec<Vec<usize>> {
        let numbers = |piece| match piece {
            Piece::Marker { numbers, .. } => Some(numbers),
            _ => None,
        };
        pieces(chars(text)).into_iter().filter_map(numbers).collect()
    };
    assert_eq!(markers("a [2], b [1, 3] and list[0][1]."), [vec![2], vec![1, 3], vec![0], vec![1]]);
    assert_eq!(markers("[1](https://evil.com)"), [vec![1]]);
    assert_eq!(markers("of no passage [1000000000000000000000]"), [vec![usize::MAX]]);
    for text in
        ["`[1]`", "```\n[1]\n```", "\\[1]", "[1](/docs/b)", "[1]: x", "[a]", "[]", "[1,]", "[-1]"]
    {
        assert_eq!(markers(text), Vec::<Vec<usize>>::new(), "{text}");
    }
}

#[test]
fn the_canary_and_the_mark_never_leave() {
    let simple = format!("{MARK:032x}");
    let hyphenated = Uuid::from_u128(MARK).to_string().to_uppercase();
    for secret in [CANARY, &simple, &hyphenated, &CANARY.to_uppercase()] {
        let text = format!("a {secret} b `{secret}`{secret}");
        for parts in [vec![text.as_str()], chars(&text).collect()] {
            assert_eq!(text_of(&pieces(parts)), "a  b ``");
        }
        let spaced: String = secret.chars().flat_map(|c| [c, '\u{200B}']).collect();
        let out = shown(&format!("a {spaced}b"));
        assert!(!out.contains(&secret[2..4]) && out.ends_with('b'), "{out}");
        let (start, end) = secret.split_at(9);
        let nested = format!("{start}{secret}{end}");
        let out = shown(&nested).to_lowercase();
        assert!(!out.contains(&secret.to_lowercase()), "{out}");
    }
    let beginning = &CANARY[..10];
    assert_eq!(shown(beginning), beginning);
}

#[test]
fn code_for_a_renderer_is_what_is_shown_as_code() {
    let mut dice = Dice(13);
    let mut blocks = 0;
    for _ in 0..4_000 {
        let text = dice.text(HOSTILE, 25);
        let mut out = String::new();
        let mut code = Vec::new();
        for piece in pieces([text.as_str()]) {
            let start = out.len();
            out += &text_of(std::slice::from_ref(&piece));
            if matches!(piece, Piece::Code(_)) {
                code.push(start..out.len());
            }
        }
        blocks += code.len();
        let mut in_block = false;
        for (event, range) in Parser::new_ext(&out, OPTIONS).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_block = true,
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_block = false,
                Event::Text(shown) if !in_block && !shown.trim().is_empty() => {
                    let inside =
                        code.iter().find(|code| code.start < range.end && range.start < code.end);
                    assert_eq!(inside, None, "{out:?}: {shown:?} at {range:?}");
                }
                _ => {}
            }
        }
    }
    assert!(blocks > 200, "{blocks}");
}

#[test]
fn plain_words_go_out_as_they_come() {
    let mut markup = markup();
    assert_eq!(markup.add("Sessions last an ho"), [Piece::Text("Sessions last an ".to_owned())]);
    assert_eq!(markup.add("ur. "), [Piece::Text("hour. ".to_owned())]);
    assert_eq!(markup.add("日本語は"), [Piece::Text("日本語は".to_owned())]);
}

#[test]
fn a_million_of_anything_takes_no_more_than_its_share() {
    let million = ["[", "`", "<", "]("].map(|unit| (unit, 1_000_000));
    let others = ["![", "!", "a", "é", " ", "> ", "\\", "&", "@", "` ", "~", "www.", "a://", "]: "];
    for (unit, size) in million.into_iter().chain(others.map(|unit| (unit, 50_000))) {
        let text = unit.repeat(size / unit.len());
        let mut markup = markup();
        let mut length = 0;
        let mut held = 0;

        for part in chars(&text) {
            length += text_of(&markup.add(part)).len();
            held = held.max(markup.ahead.text.len());
        }
        length += text_of(&markup.finish()).len();
        assert!(held <= AHEAD, "{unit}: {held}");
        assert!(length > 0, "{unit}");
    }
}
