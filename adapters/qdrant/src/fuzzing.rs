//! What the fuzz targets reach of the parsers of this crate.

use askbook::manifest::{Digest, Recipe};
use askbook::passage::{Passage, PassageId};
use qdrant_client::Payload;
use serde_json::{Map, Value};

use crate::link;
use crate::payload::{self, Fields, MARK};
use crate::store::object;

/// A passage, and the keys that its text, URL, title and headings stand under.
pub type Read = (Passage, [Option<String>; 4]);

/// The passage that a payload holds, read as it comes over the wire.
pub fn passage(payload: Map<String, Value>, fields: &Fields) -> Option<Read> {
    let payload = object(Payload::from(payload).into());
    payload::keys([&payload].into_iter());
    let payload::Reading { passage, text, url, title, section } =
        payload::read("point".to_owned(), &payload, fields)?;
    let keys = [Some(text), url, title, section].map(|key| key.map(|key| key.into_owned()));
    Some((passage, keys))
}

/// The payload that askbook writes for a passage.
pub fn written(passage: &Passage, recipe: &Recipe) -> Map<String, Value> {
    payload::written(passage, recipe)
}

/// How askbook made the index that a payload of its own is in, and which passage it holds.
pub fn mark(payload: &Map<String, Value>) -> (Option<Recipe>, Option<(PassageId, Digest)>) {
    (payload.get(MARK).and_then(payload::recipe), payload::held(payload))
}

/// The links that a text may stand for: an address, a file, either by its look, and a slug.
pub fn links(text: &str) -> [Option<String>; 4] {
    let slug = link::with_slug("/docs/part/page", text);
    [link::from_address(text), link::from_file(text), link::from_look(text), slug]
}
