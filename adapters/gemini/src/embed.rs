use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use async_trait::async_trait;

use crate::client::{Client, Model};
use crate::outage::LatestCall;
use crate::wire::{BatchEmbedRequest, BatchEmbedResponse, Content, EmbedRequest};

/// More are refused.
const BATCH: usize = 100;
/// The lengths of vector that Gemini makes.
const DIMENSIONS: RangeInclusive<usize> = 128..=3072;
/// Loses little against the full 3072 (MTEB 67.99 against 68.17 at 1536).
const DEFAULT_DIMENSION: Option<NonZeroUsize> = NonZeroUsize::new(768);

/// What questions are embedded as. Passages are found by either, so that a change needs no new
/// index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryTask {
    /// `RETRIEVAL_QUERY`: for search in general.
    #[default]
    RetrievalQuery,
    /// `QUESTION_ANSWERING`: for questions in sentences.
    QuestionAnswering,
}

/// What a text can be embedded as: the names are those of the field `taskType`, which a model of
/// the second generation is told in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `RETRIEVAL_DOCUMENT`: a passage to be found. What askbook indexes.
    Document,
    /// `RETRIEVAL_QUERY`: a search.
    Query,
    /// `QUESTION_ANSWERING`: a question.
    Question,
    /// `SEMANTIC_SIMILARITY`: a text to compare with its like.
    Similarity,
    /// Nothing is said about it.
    Unsaid,
}

/// How texts are embedded.
#[derive(Clone, Debug)]
pub struct EmbedderConfig {
    /// The model's id, such as `gemini-embedding-001` (setting `EMBEDDING_MODEL`).
    pub model: String,
    /// The length that vectors must have (setting `EMBEDDING_DIMENSIONS`); without one, that of
    /// the index, and 768 for a new index.
    pub dimension: Option<NonZeroUsize>,
    /// What questions are embedded as.
    pub query_task: QueryTask,
}

/// Embeds with a Gemini model: dense vectors of 128 to 3072 components.
#[derive(Clone, Debug)]
pub struct GeminiEmbedder {
    client: Client,
    model: Model,
    dimension: Option<NonZeroUsize>,
    tasks: Tasks,
    query_task: QueryTask,
    space: String,
    latest: LatestCall,
}

impl GeminiEmbedder {
    /// An embedder over this client.
    ///
    /// # Errors
    /// `Misconfigured` when Gemini makes no vectors of the configured dimension.
    pub fn new(client: Client, config: EmbedderConfig) -> Result<Self, PortError> {
        if let Some(dimension) = config.dimension
            && !DIMENSIONS.contains(&dimension.get())
        {
            return Err(misconfigured(format!(
                "EMBEDDING_DIMENSIONS is {dimension}, but gemini makes vectors of {} to {}",
                DIMENSIONS.start(),
                DIMENSIONS.end()
            )));
        }
        let model = Model::new(config.model, "EMBEDDING_MODEL");
        let tasks = Tasks::of(&model);
        let space = format!("{}, {}", model.id, tasks.name());
        let (dimension, query_task) = (config.dimension, config.query_task);
        let latest = LatestCall::default();
        Ok(Self { client, model, dimension, tasks, query_task, space, latest })
    }

    /// Makes a vector of each text, embedded as this: for finding out what the vectors of a
    /// collection were made as.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub async fn embed_as(
        &self,
        texts: &[String],
        task: Task,
        shape: VectorShape,
    ) -> Result<Vec<Vec<f32>>, PortError> {
        let dimension = self.dimension(shape)?;
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.embed_batch(batch, task, dimension).await?);
        }
        Ok(vectors)
    }

    /// The length of vector to ask for.
    fn dimension(&self, shape: VectorShape) -> Result<usize, PortError> {
        let VectorShape { dense: Some(wanted), sparse: false } = shape else {
            return Err(misconfigured(format!(
                "the index wants {shape}, but gemini makes dense vectors alone: choose another \
                 embedder, or index the book again"
            )));
        };
        if let Some(configured) = self.dimension
            && configured != wanted
        {
            return Err(misconfigured(format!(
                "the index has vectors of {wanted}, but EMBEDDING_DIMENSIONS is {configured}: \
                 unset it, or index the book again"
            )));
        }
        if !DIMENSIONS.contains(&wanted.get()) {
            return Err(misconfigured(format!(
                "the index has vectors of {wanted}, but gemini makes vectors of {} to {}: index \
                 the book again",
                DIMENSIONS.start(),
                DIMENSIONS.end()
            )));
        }
        Ok(wanted.get())
    }

    async fn embed_batch(
        &self,
        texts: &[String],
        task: Task,
        dimension: usize,
    ) -> Result<Vec<Vec<f32>>, PortError> {
        let model = format!("models/{}", self.model.id);
        let request = |text| EmbedRequest {
            model: &model,
            // One text for each content: of several, gemini-embedding-2 makes one vector.
            content: Content::text(None, self.tasks.form(text, task)),
            task_type: self.tasks.task_type(task),
            output_dimensionality: dimension,
        };
        // Gemini refuses texts in which there is nothing.
        let requests: Vec<_> =
            texts.iter().filter(|text| !is_blank(text)).map(|text| request(text)).collect();
        let asked = requests.len();
        let mut vectors = Vec::new();
        if asked > 0 {
            let batch = BatchEmbedRequest { requests };
            let made = self.client.call(&self.model, "batchEmbedContents", &batch).await;
            self.latest.note(&made);
            let BatchEmbedResponse { embeddings } = made?;
            vectors = embeddings;
        }
        if vectors.len() != asked {
            let found = vectors.len();
            return Err(malformed(format!("gemini made {found} vectors of {asked} texts")));
        }
        let mut vectors = vectors.into_iter().peekable();
        let vector_of = |text: &String| match vectors.next_if(|_| !is_blank(text)) {
            Some(vector) => unit_vector(vector.values, dimension),
            None => Ok(vec![0.0; dimension]),
        };
        texts.iter().map(vector_of).collect()
    }
}

#[async_trait]
impl Embedder for GeminiEmbedder {
    fn space(&self) -> &str {
        &self.space
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape { dense: self.dimension.or(DEFAULT_DIMENSION), sparse: false }
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        let task = match (purpose, self.query_task) {
            (Purpose::Passage, _) => Task::Document,
            (Purpose::Query, QueryTask::RetrievalQuery) => Task::Query,
            (Purpose::Query, QueryTask::QuestionAnswering) => Task::Question,
        };
        let vectors = self.embed_as(texts, task, shape).await?;
        let embedding = |dense| Embedding { dense: Some(dense), sparse: None };
        Ok(vectors.into_iter().map(embedding).collect())
    }

    /// Tells how the latest call failed, or looks the model up, which is free.
    async fn ready(&self) -> Result<(), PortError> {
        self.latest.check()?;
        self.client.look_up(&self.model).await
    }
}

/// How a model is told what a text is embedded for.
#[derive(Clone, Copy, Debug)]
enum Tasks {
    /// By the field `taskType`.
    Field,
    /// By words around the text.
    Words,
}

impl Tasks {
    fn of(model: &Model) -> Self {
        if model.id.starts_with("gemini-embedding-2") { Self::Words } else { Self::Field }
    }

    /// Names the scheme, for the name of the space. It does not depend on the task of questions.
    fn name(self) -> &'static str {
        match self {
            Self::Field => "RETRIEVAL_DOCUMENT",
            Self::Words => "title and text",
        }
    }

    fn task_type(self, task: Task) -> Option<&'static str> {
        match (self, task) {
            (Self::Words, _) | (Self::Field, Task::Unsaid) => None,
            (Self::Field, Task::Document) => Some("RETRIEVAL_DOCUMENT"),
            (Self::Field, Task::Query) => Some("RETRIEVAL_QUERY"),
            (Self::Field, Task::Question) => Some("QUESTION_ANSWERING"),
            (Self::Field, Task::Similarity) => Some("SEMANTIC_SIMILARITY"),
        }
    }

    /// The text as the model wants it
    /// (<https://ai.google.dev/gemini-api/docs/embeddings#task-types>).
    fn form(self, text: &str, task: Task) -> Cow<'_, str> {
        match (self, task) {
            (Self::Field, _) | (Self::Words, Task::Unsaid) => text.into(),
            (Self::Words, Task::Document) => format!("title: none | text: {text}").into(),
            (Self::Words, Task::Query) => format!("task: search result | query: {text}").into(),
            (Self::Words, Task::Question) => {
                format!("task: question answering | query: {text}").into()
            }
            (Self::Words, Task::Similarity) => {
                format!("task: sentence similarity | query: {text}").into()
            }
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Checks a vector and gives it unit length, which Gemini does for all of 3072 components only.
pub(crate) fn unit_vector(mut vector: Vec<f32>, dimension: usize) -> Result<Vec<f32>, PortError> {
    if vector.len() != dimension {
        let found = vector.len();
        return Err(malformed(format!("gemini made a vector of {found} and not of {dimension}")));
    }
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(malformed(format!("gemini made a vector of length {length}")));
    }
    for x in &mut vector {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
        let unit = (f64::from(*x) / length) as f32;
        *x = unit;
    }
    Ok(vector)
}

fn misconfigured(message: String) -> PortError {
    PortError::new(ErrorKind::Misconfigured, message)
}

fn malformed(message: String) -> PortError {
    PortError::new(ErrorKind::Malformed, message)
}
