use std::num::NonZeroUsize;

use super::*;
use crate::embedding::SparseVector;
use crate::ports::Ranked;

fn both() -> VectorShape {
    VectorShape { dense: NonZeroUsize::new(5), sparse: true }
}

fn dense() -> VectorShape {
    VectorShape { sparse: false, ..both() }
}

fn embedding(shape: VectorShape) -> Embedding {
    Embedding {
        dense: shape.dense.map(|dimension| vec![0.5; dimension.get()]),
        sparse: shape.sparse.then(SparseVector::default),
    }
}

/// An embedder, or a retriever, of one shape, that may fail in one way.
struct Part {
    shape: VectorShape,
    fails: Option<ErrorKind>,
}

impl Part {
    fn new(shape: VectorShape, fails: Option<ErrorKind>) -> Arc<Self> {
        Arc::new(Self { shape, fails })
    }

    fn works(&self) -> Result<(), PortError> {
        match self.fails {
            Some(kind) => Err(PortError::new(kind, "scripted")),
            None => Ok(()),
        }
    }

    fn passage(&self) -> Passage {
        Passage {
            id: PassageId(self.shape.to_string()),
            title: String::new(),
            headings: Vec::new(),
            url: None,
            text: "text".to_owned(),
            edition: None,
        }
    }
}

#[async_trait]
impl Embedder for Part {
    fn space(&self) -> &'static str {
        if self.shape.sparse { "sparse" } else { "dense" }
    }

    fn preferred_shape(&self) -> VectorShape {
        self.shape
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        assert_eq!(shape, self.shape, "a part makes its own kind alone");
        self.works()?;
        Ok(texts.iter().map(|_| embedding(shape)).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.works()
    }
}

#[async_trait]
impl Retriever for Part {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        self.works().map(|()| self.shape)
    }

    async fn retrieve(&self, near: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.works()?;
        let ranking = || vec![Ranked { passage: self.passage(), score: 0.5 }];
        Ok(Rankings {
            dense: near.dense.as_ref().map(|_| ranking()),
            lexical: near.sparse.as_ref().map(|_| ranking()),
        })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.works().map(|()| vec![self.passage()])
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.works()
    }
}

fn embedder(dense_fails: Option<ErrorKind>) -> HybridEmbedder {
    HybridEmbedder::new(Part::new(dense(), dense_fails), Part::new(VectorShape::sparse(), None))
}

async fn embed(
    embedder: &HybridEmbedder,
    purpose: Purpose,
    shape: VectorShape,
) -> Result<Vec<VectorShape>, ErrorKind> {
    let embeddings = embedder.embed(&["text".to_owned()], purpose, shape).await;
    let embeddings = embeddings.map_err(|error| error.kind())?;
    Ok(embeddings.iter().map(Embedding::shape).collect())
}

#[tokio::test]
async fn each_kind_of_vector_comes_from_its_part() {
    let embedder = embedder(None);
    assert_eq!((embedder.space(), embedder.preferred_shape()), ("dense + sparse", both()));
    for shape in [both(), dense(), VectorShape::sparse()] {
        for purpose in [Purpose::Query, Purpose::Passage] {
            assert_eq!(embed(&embedder, purpose, shape).await, Ok(vec![shape]));
        }
    }
}

#[tokio::test]
async fn a_query_does_without_the_dense_vector_during_an_outage_and_a_passage_does_not() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::Exhausted,
        ErrorKind::Unauthorized,
    ] {
        let embedder = embedder(Some(kind));
        let terms = Ok(vec![VectorShape::sparse()]);
        assert_eq!(embed(&embedder, Purpose::Query, both()).await, terms);
        assert_eq!(embed(&embedder, Purpose::Passage, both()).await, Err(kind));
        assert_eq!(embed(&embedder, Purpose::Query, dense()).await, Err(kind));
    }
    let misconfigured = embedder(Some(ErrorKind::Misconfigured));
    let failed = embed(&misconfigured, Purpose::Query, both()).await;
    assert_eq!(failed, Err(ErrorKind::Misconfigured));
}

fn mirrored(
    primary: VectorShape,
    primary_fails: Option<ErrorKind>,
    mirror_fails: Option<ErrorKind>,
) -> MirroredRetriever {
    MirroredRetriever::new(
        Part::new(primary, primary_fails),
        Part::new(VectorShape::sparse(), mirror_fails),
    )
}

/// What was found by each vector, and in which shape of index.
async fn found(retriever: &MirroredRetriever, near: VectorShape) -> [Option<String>; 2] {
    let found = retriever.retrieve(&embedding(near), NonZeroUsize::MIN).await.unwrap();
    let first = |ranking: Option<Vec<Ranked>>| Some(ranking?[0].passage.id.0.clone());
    [first(found.dense), first(found.lexical)]
}

#[tokio::test]
async fn meaning_is_searched_in_the_primary_and_terms_in_the_mirror() {
    let retriever = mirrored(dense(), None, None);
    assert_eq!(retriever.shape().await.unwrap(), both());
    let [primary, mirror] = [dense(), VectorShape::sparse()].map(|shape| Some(shape.to_string()));
    assert_eq!(found(&retriever, both()).await, [primary, mirror]);
}

#[tokio::test]
async fn a_primary_with_both_vectors_is_searched_alone() {
    let retriever = mirrored(both(), None, None);
    assert_eq!(retriever.shape().await.unwrap(), both());
    let primary = Some(both().to_string());
    assert_eq!(found(&retriever, both()).await, [primary.clone(), primary]);
}

#[tokio::test]
async fn without_a_mirror_the_primary_is_as_it_was() {
    let retriever = mirrored(dense(), None, Some(ErrorKind::Misconfigured));
    assert_eq!(retriever.shape().await.unwrap(), dense());
    assert_eq!(found(&retriever, dense()).await, [Some(dense().to_string()), None]);
    assert_eq!(retriever.passages(&[]).await.unwrap()[0].id.0, dense().to_string());
}

#[tokio::test]
async fn while_the_primary_is_down_the_mirror_goes_on() {
    let retriever = mirrored(dense(), Some(ErrorKind::Timeout), None);
    assert_eq!(retriever.shape().await.unwrap(), VectorShape::sparse());
    assert_eq!(retriever.ready().await.map_err(|error| error.kind()), Err(ErrorKind::Timeout));
    retriever.serves().await.unwrap();
    let mirror = Some(VectorShape::sparse().to_string());
    // It may go down after the question was embedded for it.
    for near in [VectorShape::sparse(), both()] {
        assert_eq!(found(&retriever, near).await, [None, mirror.clone()]);
    }
}

#[tokio::test]
async fn a_misconfigured_primary_is_not_covered_up() {
    let retriever = mirrored(dense(), Some(ErrorKind::Misconfigured), None);
    let kind = |error: PortError| error.kind();
    assert_eq!(retriever.shape().await.map_err(kind), Err(ErrorKind::Misconfigured));
    assert_eq!(retriever.ready().await.map_err(kind), Err(ErrorKind::Misconfigured));
    assert_eq!(retriever.serves().await.map_err(kind), Err(ErrorKind::Misconfigured));
    let found = retriever.retrieve(&embedding(both()), NonZeroUsize::MIN).await;
    assert_eq!(found.map_err(kind), Err(ErrorKind::Misconfigured));
}

#[tokio::test]
async fn an_embedder_serves_while_terms_are_enough() {
    let down = embedder(Some(ErrorKind::RateLimited));
    assert_eq!(down.ready().await.map_err(|error| error.kind()), Err(ErrorKind::RateLimited));
    down.serves().await.unwrap();
    let wrong = embedder(Some(ErrorKind::Misconfigured));
    assert_eq!(wrong.serves().await.map_err(|error| error.kind()), Err(ErrorKind::Misconfigured));
}
