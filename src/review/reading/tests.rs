use super::*;
use crate::concept::concepts;
use crate::passage::{PassageId, Scores};

fn hit(id: &str, text: &str) -> Hit {
    let passage = Passage {
        id: PassageId(id.to_owned()),
        title: "Port".to_owned(),
        headings: Vec::new(),
        url: Some("/docs/port".to_owned()),
        text: text.to_owned(),
        edition: None,
    };
    Hit { passage, scores: Scores::default() }
}

#[test]
fn a_passage_is_read_once_for_as_long_as_it_says_the_same() {
    let readings = Readings::new();
    let of = |hit| readings.of(&[hit]).remove(0);
    let first = of(hit("a", "The port is 80."));
    assert!(Arc::ptr_eq(&first, &of(hit("b", "The port is 80."))), "another name");
    assert!(!Arc::ptr_eq(&first, &of(hit("a", "The port is 81."))), "another text");
    let mut moved = hit("a", "The port is 80.");
    moved.passage.url = Some("/docs/moved".to_owned());
    assert!(!Arc::ptr_eq(&first, &of(moved)), "another address");
    assert!(Arc::ptr_eq(&first, &of(hit("a", "The port is 80."))));
}

#[test]
fn the_longest_unused_are_forgotten_when_they_are_too_much() {
    let readings = Readings::new();
    let text = |number: usize| format!("Passage {number}. {}", "The port is open. ".repeat(500));
    let of = |number| readings.of(&[hit("a", &text(number))]).remove(0);
    let (first, second) = (of(0), of(1));
    let room = BYTES / first.bytes();
    for number in 2..room {
        of(number);
    }
    assert!(Arc::ptr_eq(&first, &of(0)), "used again");
    of(room);
    of(room + 1);
    assert!(!Arc::ptr_eq(&second, &of(1)));
    assert!(Arc::ptr_eq(&first, &of(0)));
    let (bytes, sum) = readings.with_kept(|kept| {
        (kept.bytes, kept.readings.iter().map(|(_, reading)| reading.bytes()).sum::<usize>())
    });
    assert!(bytes == sum && bytes <= BYTES, "{bytes} of {sum}");
}

#[test]
fn related_words_are_found_as_by_looking_at_each() {
    let reading = Reading::of(&hit("a", "Asynchronous port portable configuration conf").passage);
    let terms: HashSet<String> =
        terms("Port docs Asynchronous port portable configuration conf").into_iter().collect();
    for word in ["async", "asynchronously", "port", "portability", "conf", "config", "configured"] {
        for concept in concepts(word) {
            let (packed, each) = (reading.share_of(&concept), concept.share_in(&terms));
            assert!((packed - each).abs() < 1e-9, "{word}: {packed} or {each}");
        }
    }
}
