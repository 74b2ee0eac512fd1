//! Payloads that other programs wrote into Qdrant: what is taken for a passage can be shown and
//! its link opened; and what askbook writes comes back as it was.
#![no_main]

use std::num::NonZeroUsize;

use askbook::embedding::VectorShape;
use askbook::manifest::Recipe;
use askbook::passage::Passage;
use askbook_qdrant::Fields;
use askbook_qdrant::fuzzing::{mark, passage, written};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|input: (u8, &[u8])| {
    let (given, payload) = input;
    let Ok(payload) = serde_json::from_slice::<Map<String, Value>>(payload) else { return };
    let path = |bit: u8, path: &str| (given & bit != 0).then(|| path.to_owned());
    let fields = Fields {
        text: path(1, "a.b"),
        url: path(2, "metadata.url"),
        title: path(4, "a.b.c"),
        section: path(8, "headings"),
    };
    let (recipe, held) = mark(&payload);
    let Some(read) = passage(payload.clone(), &fields) else { return };
    assert_eq!(passage(payload.clone(), &fields).as_ref(), Some(&read));

    let (found, [_, url, title, section]) = read;
    if payload.contains_key("askbook") {
        assert!(held.is_none_or(|(id, _)| id == found.id));
    } else {
        check(&found);
        assert_eq!(found.url.is_some(), url.is_some());
        assert_eq!(found.title.is_empty(), title.is_none());
        assert_eq!(found.headings.is_empty(), section.is_none());
    }

    let recipe = recipe.unwrap_or_else(|| Recipe {
        space: found.title.clone(),
        shape: VectorShape { dense: NonZeroUsize::new(given.into()), sparse: given & 1 == 0 },
        chunker: found.text.clone(),
    });
    let own = written(&found, &recipe);
    let (told, held) = mark(&own);
    assert_eq!(told, Some(recipe));
    assert_eq!(held, Some((found.id.clone(), found.digest())));
    assert_eq!(passage(own, &fields).map(|(passage, _)| passage), Some(found));
});

fn check(passage: &Passage) {
    assert!(!passage.text.trim().is_empty());
    for label in passage.headings.iter().chain([&passage.title]) {
        assert_eq!(label.trim(), label);
        assert!(!label.contains('\n'), "{label:?}");
    }
    assert!(passage.headings.iter().all(|heading| !heading.is_empty()));
    if let Some(url) = &passage.url {
        let is_of_the_site = url.starts_with('/') && !url.starts_with("//");
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        assert!(is_of_the_site || scheme == "http" || scheme == "https", "{url:?}");
        assert!(!url.contains(char::is_control), "{url:?}");
    }
}
