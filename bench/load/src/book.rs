//! What is asked, and what the stand-ins know: a book about a harbour.

/// The passage that answers every question, and what is written from it: 280 bytes, as a short
/// answer has.
const FACTS: &str = "The harbour is open to ships at high tide, and the pilot boards them at the \
                     outer buoy. A ship that arrives early waits in the roads and keeps watch on \
                     channel twelve. The harbour master assigns a berth when the anchor is down.";
const FILLER: &str = "The quay was built of granite and has been repaired with oak. Nets are dried \
                      on the mole, and bread is baked before dawn for the crews that leave first. ";

/// How long a passage is, in bytes.
const PASSAGE: usize = 900;

/// How long a piece of an answer is at least, in bytes.
const PIECE: usize = 32;

/// The text of a passage, each another one.
pub(crate) fn passage(number: usize) -> String {
    let beginning = if number == 0 { FACTS.to_owned() } else { format!("Chapter {number}.") };
    let mut text = format!("{beginning} {}", FILLER.repeat(PASSAGE / FILLER.len() + 1));
    text.truncate(PASSAGE);
    text
}

/// Whether a prompt holds passages.
pub(crate) fn is_read_from(prompt: &[u8]) -> bool {
    let beginning = &FILLER.as_bytes()[..16];
    prompt.windows(beginning.len()).any(|bytes| bytes == beginning)
}

/// The answer, in so many pieces; said again until each of them has some words.
pub(crate) fn answer(pieces: u32) -> Vec<String> {
    let facts = FACTS.replace(". ", " [1]. ").trim_end_matches('.').to_owned() + " [1].";
    let pieces = pieces.max(1) as usize;
    let times = (pieces * PIECE).div_ceil(facts.len()).max(1);
    let answer = vec![facts; times].join(" ");
    // All of it is ASCII.
    (0..pieces)
        .map(|at| answer[at * answer.len() / pieces..(at + 1) * answer.len() / pieces].to_owned())
        .collect()
}

/// A question, each another one, so that no cache answers it.
pub(crate) fn question(number: u64) -> String {
    format!("When is the harbour open to ship {number}?")
}

/// A question that means nothing without the one before...
pub(crate) const FOLLOW_UP: &str = "And why is that?";
/// ...and what it means.
pub(crate) const CONDENSED: &str = "Why is the harbour open to ships at high tide?";
