//! A book of any size, as ready passages: [what answers every question](book::passage), and
//! entries of a log whose words are as unevenly common as those of a language (Zipf's law).

use std::io::Write;

use serde_json::json;

use crate::book;

/// How many words there are.
const WORDS: usize = 20_000;

/// Words of the question, at the places that such words have among those of a book about a
/// harbour: the first is in a fifth of the entries, the last in a thirtieth.
const ASKED: [(usize, &str); 3] = [(60, "open"), (200, "ship"), (400, "harbour")];

const SYLLABLES: [&str; 16] = [
    "ba", "ke", "li", "mo", "ru", "ta", "ne", "so", "vi", "du", "gra", "pel", "tor", "min", "sal",
    "fen",
];

/// The question that the book answers, by its number.
pub(crate) const ASKED_OF: u64 = 0;

/// How many passages a page has.
const PAGE: usize = 10;

/// What an entry begins with, before its number.
const ENTRY: &str = "Log entry ";

/// How long a passage is at least, in bytes.
const PASSAGE: usize = 900;

/// Writes so many passages, one JSON object a line.
pub(crate) fn write(passages: usize, to: &mut impl Write) -> anyhow::Result<()> {
    let mut random = fastrand::Rng::with_seed(11);
    let words = words();
    let common: Vec<f64> = (1..=WORDS)
        .scan(0.0, |sum, place| {
            *sum += 1.0 / f64::from(u32::try_from(place).unwrap_or(u32::MAX));
            Some(*sum)
        })
        .collect();
    let all = common.last().copied().unwrap_or_default();
    let [_, (_, ship), (_, harbour)] = ASKED;
    let apart = [ship, harbour];
    for number in 0..passages {
        let text = if number == 0 {
            // The number, too: a rare word that the book does not have may be what was asked for.
            format!("{} For ship {ASKED_OF}.", book::passage(0))
        } else {
            let mut text = format!("{ENTRY}{number}.");
            while text.len() < PASSAGE {
                let drawn = random.f64() * all;
                let word = &words[common.partition_point(|sum| *sum < drawn).min(WORDS - 1)];
                // With both it might be closer to the question than what answers it.
                if apart.contains(&word.as_str()) && apart.iter().any(|word| text.contains(word)) {
                    continue;
                }
                text.push(' ');
                text += word;
                if random.u8(..12) == 0 {
                    text.push('.');
                }
            }
            text
        };
        let (page, part) = (number / PAGE, number % PAGE);
        let passage = json!({
            "id": format!("page-{page}#{part}"),
            "title": format!("Page {page}"),
            "url": format!("/docs/page-{page}#{part}"),
            "text": text,
        });
        writeln!(to, "{passage}")?;
    }
    Ok(())
}

/// The number of the entry that a text holds, if it holds one.
pub(crate) fn entry(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(ENTRY)?;
    rest.split_once('.')?.0.parse().ok()
}

/// The words, the commonest first: their numbers in syllables.
fn words() -> Vec<String> {
    let mut words: Vec<String> = (0..WORDS)
        .map(|mut number| {
            let mut word = SYLLABLES[number % SYLLABLES.len()].to_owned();
            number /= SYLLABLES.len();
            while number > 0 {
                word += SYLLABLES[number % SYLLABLES.len()];
                number /= SYLLABLES.len();
            }
            word
        })
        .collect();
    for (place, word) in ASKED {
        word.clone_into(&mut words[place - 1]);
    }
    words
}
