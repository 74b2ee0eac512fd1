//! How the page and the selection steer a search, in a small book that is searched by terms.

use super::*;
use crate::text::terms;

/// A book that is searched by terms, which count the more the fewer passages hold them.
#[derive(Default)]
struct Book {
    passages: Vec<Passage>,
    /// The place of a term is its component.
    vocabulary: Mutex<Vec<String>>,
}

impl Book {
    fn vector(&self, text: &str) -> SparseVector {
        let mut vocabulary = self.vocabulary.lock().unwrap();
        let mut indices = Vec::new();
        for term in terms(text) {
            let at = vocabulary.iter().position(|known| *known == term).unwrap_or_else(|| {
                vocabulary.push(term);
                vocabulary.len() - 1
            });
            let at = u32::try_from(at).unwrap();
            if !indices.contains(&at) {
                indices.push(at);
            }
        }
        SparseVector { values: vec![1.0; indices.len()], indices }
    }
}

#[async_trait]
impl Embedder for Book {
    fn space(&self) -> &'static str {
        "book"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        _: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        let embedding = |text: &String| Embedding { dense: None, sparse: Some(self.vector(text)) };
        Ok(texts.iter().map(embedding).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Book {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let asked = &near.sparse.as_ref().unwrap().indices;
        let texts: Vec<SparseVector> =
            self.passages.iter().map(|passage| self.vector(&passage.indexed_text())).collect();
        let rarity = |term: &u32| {
            let holders = texts.iter().filter(|text| text.indices.contains(term));
            1.0 / holders.map(|_| 1.0).sum::<f32>()
        };
        let score = |text: &SparseVector| -> f32 {
            asked.iter().filter(|term| text.indices.contains(term)).map(rarity).sum()
        };
        let mut lexical: Vec<Ranked> = self
            .passages
            .iter()
            .zip(&texts)
            .map(|(passage, text)| Ranked { passage: passage.clone(), score: score(text) })
            .filter(|ranked| ranked.score > 0.0)
            .collect();
        lexical.sort_by(|one, other| other.score.total_cmp(&one.score));
        lexical.truncate(limit.get());
        Ok(Rankings { dense: None, lexical: Some(lexical) })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn passage(url: &str, title: &str, heading: &str, text: &str) -> Passage {
    Passage {
        id: PassageId(url.to_owned()),
        title: title.to_owned(),
        headings: vec![heading.to_owned()],
        url: Some(format!("https://book.example/docs/{url}")),
        text: text.to_owned(),
        edition: None,
    }
}

/// Four guides that each say how their part is set up, and a page of its own for something else.
fn book() -> Vec<Passage> {
    let guide = |slug: &str, title: &str, text: &str| {
        [
            passage(&format!("{slug}#configure"), title, "Configure", text),
            passage(
                &format!("{slug}#timeout"),
                title,
                "Timeout",
                &format!("{title}: what takes longer than the timeout is given up."),
            ),
        ]
    };
    let mut book = vec![
        passage(
            "sessions#lifetime",
            "Sessions",
            "Lifetime",
            "A conversation is forgotten an hour after its last turn. Its identifier is drawn at \
             random, and whoever knows it continues the conversation.",
        ),
        passage(
            "deploy#container",
            "Deployment",
            "Container",
            "Build the image, mount the manuscript and publish the port.",
        ),
    ];
    book.extend(guide("cors", "Cross-origin calls", "Configure the origins by `ORIGINS`."));
    book.extend(guide("qdrant", "Vector store", "Configure the address by `QDRANT_URL`."));
    book.extend(guide("gemini", "Language model", "Configure the key by `GEMINI_KEY`."));
    book.extend(guide("journal", "Question journal", "Configure the size by `JOURNAL_BYTES`."));
    book
}

async fn find(question: &str, selected: Option<&str>, page: Option<&str>) -> Found {
    let book = Arc::new(Book { passages: book(), vocabulary: Mutex::default() });
    let number = |number| NonZeroUsize::new(number).unwrap();
    let settings = SearchSettings { passages: number(5), per_page: number(3), tokens: 2_000 };
    let question = Question::new(question, selected, page, QuestionLimits::default()).unwrap();
    let search = Search::new(book.clone(), book, settings);
    search.find(Query::from(&question), None).await.unwrap()
}

fn best(found: &Found) -> &str {
    found.passages.first().map_or("nothing", |hit| &hit.passage.id.0)
}

#[tokio::test]
async fn of_passages_that_fit_alike_the_one_of_the_readers_page_comes_before_the_next() {
    for (page, expected) in [
        (None, ["journal#timeout", "gemini#timeout", "qdrant#timeout", "cors#timeout"]),
        (
            Some("https://book.example/docs/cors/"),
            ["journal#timeout", "gemini#timeout", "cors#timeout", "qdrant#timeout"],
        ),
    ] {
        let found = find("Which timeout is there?", None, page).await;
        let ids: Vec<&str> = found.passages.iter().map(|hit| hit.passage.id.0.as_str()).collect();
        assert_eq!(ids[..4], expected, "on {page:?}");
        assert!(found.evidence.sufficient, "{:?}", found.evidence);
    }
}

#[tokio::test]
async fn a_question_about_something_else_finds_it_from_any_page() {
    for page in ["cors", "qdrant", "gemini", "unknown"] {
        let address = format!("https://book.example/docs/{page}");
        let found = find("When is a conversation forgotten?", None, Some(&address)).await;
        assert_eq!(best(&found), "sessions#lifetime", "on {page}");
    }
}

#[tokio::test]
async fn a_question_without_a_subject_is_about_the_page() {
    for question in ["What is this page about?", "summarise this", "how do I configure it?"] {
        for page in ["cors", "qdrant", "gemini", "journal"] {
            let address = format!("/docs/{page}");
            let found = find(question, None, Some(&address)).await;
            assert!(best(&found).starts_with(page), "{question} on {page}: {}", best(&found));
            assert!(found.evidence.sufficient, "{question} on {page}: {:?}", found.evidence);
        }
    }
}

#[tokio::test]
async fn a_question_about_the_selection_finds_where_it_was_selected() {
    let selected = "drawn at random, and whoever knows it continues the conversation.";
    for question in ["explain this", "what does this do?", "?", "why?", "and what does that mean"] {
        let found = find(question, Some(selected), Some("/docs/cors")).await;
        assert_eq!(best(&found), "sessions#lifetime", "{question}");
        assert!(found.evidence.sufficient, "{question}: {:?}", found.evidence);
    }
}

#[tokio::test]
async fn a_long_selection_finds_a_passage_that_it_holds() {
    let passages = book();
    let whole: String = passages.iter().map(|passage| format!("{}\n\n", passage.text)).collect();
    let filler = "Words of the page that the index does not hold, by and by. ".repeat(80);
    let selected = format!("{}\n\n{filler}", passages[0].text);
    for (selected, expected) in [(selected, "sessions#lifetime"), (whole, "sessions#lifetime")] {
        let found = find("explain this", Some(&selected), None).await;
        assert_eq!(best(&found), expected);
        assert!(found.evidence.sufficient, "{:?}", found.evidence);
    }
}

#[tokio::test]
async fn a_question_with_a_subject_of_its_own_is_not_drowned_by_the_selection() {
    let selected = book()[0].text.repeat(4);
    let found = find("How do I publish the port of the container?", Some(&selected), None).await;
    assert_eq!(best(&found), "deploy#container");
    assert!(found.evidence.sufficient, "{:?}", found.evidence);
}

#[tokio::test]
async fn what_is_selected_elsewhere_is_no_evidence() {
    let found = find("explain this", Some("Sourdough needs patience and warm flour."), None).await;
    assert!(!found.evidence.sufficient, "{:?}", found.evidence);
}
