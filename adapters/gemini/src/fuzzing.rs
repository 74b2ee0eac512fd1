//! What the fuzz targets reach of the parsers of this crate.

use askbook::error::PortError;
use askbook::ports::Generated;
use reqwest::header::HeaderMap;

use crate::client::{Model, unreadable};
use crate::embed::unit_vector;
use crate::failure::Failure;
use crate::generate::GeminiGenerator;
use crate::models::ListedModel;
use crate::reply::Reply;
use crate::sse::Events;
use crate::wire::{BatchEmbedResponse, ModelsResponse};

/// The data of the events in a body that comes in these pieces, and the lines outside of them.
///
/// # Errors
/// An event is too long.
pub fn events<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), PortError> {
    let mut reader = Events::default();
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(reader.feed(piece)?);
    }
    events.extend(reader.end());
    Ok((events, reader.stray().to_vec()))
}

/// What is written in a body of events, and its end; none where the model is to be asked again.
///
/// # Errors
/// The body is not that of a whole answer.
pub fn answer(
    generator: &GeminiGenerator,
    body: &[u8],
) -> Result<(String, Option<Generated>), PortError> {
    let (events, stray) = events([body])?;
    let mut reply = Reply::new(generator);
    let mut text = String::new();
    for event in events {
        let event = serde_json::from_slice(&event).map_err(|error| unreadable(&error))?;
        text += &reply.read(event)?;
    }
    Ok((text, reply.finish(&stray)?))
}

/// The vectors of this length in a body.
///
/// # Errors
/// There is one that cannot be compared with others.
pub fn vectors(body: &[u8], dimension: usize) -> Result<Vec<Vec<f32>>, PortError> {
    let response: BatchEmbedResponse =
        serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let vectors = response.embeddings.into_iter();
    vectors.map(|vector| unit_vector(vector.values, dimension)).collect()
}

/// The models in a page of the list.
///
/// # Errors
/// It is no such page.
pub fn models(body: &[u8]) -> Result<Vec<ListedModel>, PortError> {
    let page: ModelsResponse = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    Ok(page.models.into_iter().map(ListedModel::from).collect())
}

/// What a response other than 200 means, and whether the same call may succeed in a moment.
pub fn failure(code: u16, headers: &HeaderMap, body: &[u8]) -> (PortError, bool) {
    let model = Model::new("gemini-flash".to_owned(), "GEMINI_MODEL");
    let failure = Failure::from_response(code, headers, body, &model);
    (failure.error, failure.transient)
}
