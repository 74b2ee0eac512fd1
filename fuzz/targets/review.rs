//! What a model writes, cut anywhere: what is shown does not depend on the cuts, is never taken
//! back, and the citations stand where they say.
#![no_main]

use std::sync::LazyLock;

use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::prompt::{CANARY, NOT_IN_BOOK, Prompt};
use askbook::question::{Question, QuestionLimits};
use askbook::review::{Checked, Readings, Review, Reviewed};
use askbook::session::MessageId;
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

/// Reading the passages takes longer than the rest.
static BEGUN: LazyLock<Review> = LazyLock::new(|| {
    let hit = |number: usize, text: &str| Hit {
        passage: Passage {
            id: PassageId(number.to_string()),
            title: "Port".to_owned(),
            headings: Vec::new(),
            url: Some(format!("/docs/{number}")),
            text: text.to_owned(),
            edition: None,
        },
        scores: Scores::default(),
    };
    let limits = QuestionLimits::default();
    let prompt = Prompt {
        mark: MessageId(Uuid::from_u128(7)),
        question: Question::new("Which port is open?", None, None, limits).expect("a question"),
        standalone: None,
        passages: vec![
            hit(1, "The port 8080 is open. See [more](https://book.example.org/a)."),
            hit(2, "Set `SERVER_PORT` to change the port."),
        ],
        history: Vec::new(),
    };
    Review::new(&prompt, &Readings::new())
});

fn review<'a>(pieces: impl Iterator<Item = &'a str>) -> (String, Option<Checked>) {
    let mut review = BEGUN.clone();
    let mut shown = String::new();
    let mut show = |reviewed: Vec<Reviewed>| {
        for step in reviewed {
            match step {
                Reviewed::Text(text) => {
                    assert!(!text.is_empty());
                    shown += &text;
                }
                Reviewed::Citation(citation) => {
                    assert!(shown.get(citation.supports).is_some(), "a claim that is not shown");
                }
            }
        }
    };
    for piece in pieces {
        show(review.add(piece));
    }
    let (rest, checked) = review.finish();
    show(rest);
    (shown, checked)
}

fuzz_target!(|input: (&str, u8)| {
    let (text, size) = input;
    let (whole, checked) = review([text].into_iter());
    match &checked {
        Some(checked) => {
            assert_eq!(checked.text, whole);
            assert!(!checked.sources.is_empty());
            for source in &checked.sources {
                assert!(source.supports.iter().all(|at| whole.get(at.clone()).is_some()));
            }
            for unsupported in &checked.unsupported {
                assert_eq!(whole.get(unsupported.at.clone()), Some(unsupported.text.as_str()));
            }
        }
        None => assert!(whole.is_empty(), "shown and taken back: {whole:?}"),
    }
    assert!(!whole.contains(CANARY) && !whole.contains(NOT_IN_BOOK));

    let size = usize::from(size) + 1;
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let pieces = characters.chunks(size).map(|piece| {
        let (start, (last, c)) = (piece[0].0, piece[piece.len() - 1]);
        &text[start..last + c.len_utf8()]
    });
    assert_eq!(review(pieces), (whole, checked), "cut by {size}");
});
