use askbook::error::{ErrorKind, PortError};

use crate::client::Client;
use crate::wire::{ModelEntry, ModelsResponse};

/// More pages than the list can have, at up to 1,000 models a page.
const PAGES: usize = 10;

/// A model that the key may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// Its id, without the `models/` before it.
    pub id: String,
    /// Whether it makes vectors of texts.
    pub embeds: bool,
    /// Whether it writes texts.
    pub writes: bool,
}

impl Client {
    /// All models that the key may use, in the order of their ids. Costs nothing.
    ///
    /// # Errors
    /// The key is refused; Gemini is not reached, or not at this address; the list has no end.
    pub async fn models(&self) -> Result<Vec<ListedModel>, PortError> {
        let mut models = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let page: ModelsResponse = self.list(&token).await?;
            models.extend(page.models.into_iter().map(ListedModel::from));
            token = page.next_page_token;
            if token.is_empty() {
                models.sort_by(|one: &ListedModel, other| one.id.cmp(&other.id));
                return Ok(models);
            }
        }
        Err(PortError::new(ErrorKind::Malformed, "gemini's list of models has no end"))
    }
}

impl From<ModelEntry> for ListedModel {
    fn from(ModelEntry { name, supported_generation_methods: methods }: ModelEntry) -> Self {
        let can = |method: &str| methods.iter().any(|listed| listed == method);
        Self {
            id: name.strip_prefix("models/").map(str::to_owned).unwrap_or(name),
            embeds: can("embedContent") || can("batchEmbedContents"),
            writes: can("generateContent"),
        }
    }
}
