//! What a collection is, for its owner: `askbook check`.

use std::collections::{HashMap, HashSet};

use askbook::error::PortError;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{CollectionParams, Modifier, RetrievedPoint, VectorParams};

use crate::payload::{self, Reading};
use crate::point;
use crate::schema::{Schema, Vectors};
use crate::store::{QdrantStore, object};

/// How many points are looked at: 3 MB with vectors of 3,072.
const SAMPLE: usize = 256;

/// How many examples are given of a field, and of how many characters.
const EXAMPLES: usize = 2;
const EXAMPLE_LENGTH: usize = 80;

/// A collection, as its configuration and some of its points tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name, or the alias, that the settings give.
    pub collection: String,
    /// The collection that the alias stands for; `None` for a name that is no alias.
    pub target: Option<String>,
    /// Whether askbook made it.
    pub own: bool,
    /// How many points it has.
    pub points: usize,
    /// All its vectors: dense ones first, each kind in the order of the names.
    pub vectors: Vec<VectorDescription>,
    /// Why no vector is chosen, and what to do about it; `None` when one is.
    pub unclear: Option<String>,
    /// What its points hold.
    pub sample: Sample,
}

/// A vector of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorDescription {
    /// `None` for the one that has no name.
    pub name: Option<String>,
    /// What it is.
    pub kind: VectorKind,
    /// Whether it is searched by.
    pub chosen: bool,
}

/// What a vector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorKind {
    /// One vector for a point.
    Dense {
        /// The number of its components.
        size: u64,
        /// How two of them are compared, in Qdrant's words (`Cosine`).
        distance: &'static str,
    },
    /// Many vectors for a point, for example one for each of its words.
    Multi {
        /// The number of components of each.
        size: u64,
    },
    /// Components by their numbers.
    Sparse {
        /// Whether the server weighs rare components more.
        idf: bool,
    },
}

/// What some points of a collection hold: those with the lowest ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many points were looked at.
    pub points: usize,
    /// How many of them have no text.
    pub without_text: usize,
    /// How many of them have the same words as another one before them.
    pub duplicates: usize,
    /// How many of them lack the dense vector that is searched by.
    pub without_vector: usize,
    /// In how many of them it is nothing but zeros.
    pub zero_vectors: usize,
    /// The keys of their payloads, nested ones with a dot, in alphabetical order.
    pub keys: Vec<String>,
    /// Where the texts are.
    pub text: Vec<Field>,
    /// Where the links are; the examples are what becomes of them.
    pub url: Vec<Field>,
    /// Where the titles are.
    pub title: Vec<Field>,
    /// Where the headings are.
    pub section: Vec<Field>,
}

/// A key of payloads that something is read from. The one of most points comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key, nested ones with a dot.
    pub key: String,
    /// How many points of the sample it is read from.
    pub points: usize,
    /// At most two different values, shortened.
    pub examples: Vec<String>,
}

impl QdrantStore {
    /// What the collection is. Also for one that cannot be searched, and says why.
    ///
    /// # Errors
    /// `Misconfigured` when there is no such collection, with those that there are; whatever the
    /// server fails with.
    pub async fn describe(&self) -> Result<Description, PortError> {
        let collection = &self.settings.collection;
        let params = self.params().await?;
        let own = self.mark().await?.is_some();
        let mut names = self.told(self.names().await).await?;
        let points = self.told(self.count(collection).await).await?;
        let chosen = self.choose(Vectors::read(&params), own);
        let schema = chosen.as_ref().ok();
        let sample = self.told(self.scroll(collection, None, SAMPLE, schema).await).await?;
        Ok(Description {
            collection: collection.clone(),
            target: names.aliases.remove(collection),
            own,
            points,
            vectors: vectors(&params, schema),
            sample: self.sample(sample.result, schema),
            unclear: chosen.err().map(|error| error.to_string()),
        })
    }

    fn sample(&self, points: Vec<RetrievedPoint>, schema: Option<&Schema>) -> Sample {
        let mut sample = Sample { points: points.len(), ..Sample::default() };
        let mut payloads = Vec::with_capacity(points.len());
        for point in points {
            if let Some(schema) = schema.filter(|schema| schema.dense.is_some()) {
                let vectors = point.vectors.map(|vectors| point::embedding(&vectors, schema));
                match vectors.and_then(|vectors| vectors.dense) {
                    None => sample.without_vector += 1,
                    Some(dense) if dense.iter().all(|&value| value == 0.0) => {
                        sample.zero_vectors += 1;
                    }
                    Some(_) => {}
                }
            }
            payloads.push(object(point.payload));
        }
        sample.keys = payload::keys(payloads.iter()).into_iter().collect();

        let [mut text, mut url, mut title, mut section] = [const { Vec::new() }; 4];
        let mut texts = HashSet::new();
        for payload in &payloads {
            let name = String::new();
            let Some(reading) = payload::read(name, payload, &self.settings.fields) else {
                sample.without_text += 1;
                continue;
            };
            let Reading { passage, .. } = reading;
            let words: Vec<&str> = passage.text.split_whitespace().collect();
            sample.duplicates += usize::from(!texts.insert(words.join(" ")));
            text.push((reading.text, passage.text));
            url.extend(reading.url.zip(passage.url));
            title.extend(reading.title.map(|key| (key, passage.title)));
            section.extend(reading.section.map(|key| (key, passage.headings.join(" > "))));
        }
        Sample {
            text: fields(text),
            url: fields(url),
            title: fields(title),
            section: fields(section),
            ..sample
        }
    }
}

/// The keys that values were read from.
fn fields(values: Vec<(impl Into<String>, String)>) -> Vec<Field> {
    let mut fields: HashMap<String, Field> = HashMap::new();
    for (key, value) in values {
        let key = key.into();
        let field = fields.entry(key.clone()).or_insert_with(|| Field {
            key,
            points: 0,
            examples: Vec::with_capacity(EXAMPLES),
        });
        field.points += 1;
        let example = shortened(&value);
        if field.examples.len() < EXAMPLES && !field.examples.contains(&example) {
            field.examples.push(example);
        }
    }
    let mut fields: Vec<Field> = fields.into_values().collect();
    fields.sort_by(|a, b| b.points.cmp(&a.points).then_with(|| a.key.cmp(&b.key)));
    fields
}

/// The beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXAMPLE_LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn vectors(params: &CollectionParams, schema: Option<&Schema>) -> Vec<VectorDescription> {
    let chosen = schema.and_then(|schema| schema.dense.as_ref()).map(|dense| dense.name.as_deref());
    let dense = |name: Option<&String>, vector: &VectorParams| {
        let (size, distance) = (vector.size, vector.distance().as_str_name());
        let kind = match vector.multivector_config {
            Some(_) => VectorKind::Multi { size },
            None => VectorKind::Dense { size, distance },
        };
        let chosen = chosen == Some(name.map(String::as_str));
        VectorDescription { name: name.cloned(), kind, chosen }
    };
    let config = params.vectors_config.as_ref().and_then(|vectors| vectors.config.as_ref());
    let mut all: Vec<VectorDescription> = match config {
        Some(Config::Params(vector)) => vec![dense(None, vector)],
        Some(Config::ParamsMap(named)) => {
            named.map.iter().map(|(name, vector)| dense(Some(name), vector)).collect()
        }
        None => Vec::new(),
    };
    let sparse = params.sparse_vectors_config.iter().flat_map(|sparse| &sparse.map);
    let chosen = schema.and_then(|schema| schema.sparse.as_ref());
    all.extend(sparse.map(|(name, vector)| VectorDescription {
        name: Some(name.clone()),
        kind: VectorKind::Sparse { idf: vector.modifier() == Modifier::Idf },
        chosen: chosen == Some(name),
    }));
    all.sort_by(|a, b| {
        let is_sparse =
            |vector: &VectorDescription| matches!(vector.kind, VectorKind::Sparse { .. });
        is_sparse(a).cmp(&is_sparse(b)).then_with(|| a.name.cmp(&b.name))
    });
    all
}
