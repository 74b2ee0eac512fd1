//! Making an index: each in a collection of its own, put into service by moving an alias.

use askbook::error::{ErrorKind, PortError};
use askbook::manifest::Manifest;
use askbook::ports::{Draft, Index};
use async_trait::async_trait;

use crate::draft::QdrantDraft;
use crate::store::{Names, QdrantStore};

/// What follows the digits in the name of the second collection of one corpus.
const AGAIN: &str = "-again";

/// The collections behind an alias: `book` stands for one of `book-<corpus>`, where the corpus
/// has 32 hexadecimal digits ([`Manifest::corpus`]), or `book-<corpus>-again`, which is for
/// making the index anew that is in service.
///
/// So whoever makes the same index writes to the same collection: a run that was interrupted
/// goes on in it, and two that run side by side are not in each other's way.
fn names(alias: &str, corpus: &str) -> [String; 2] {
    ["", AGAIN].map(|again| format!("{alias}-{corpus}{again}"))
}

/// The corpus that a collection behind this alias holds; `None` when askbook did not make it.
pub(crate) fn corpus<'a>(alias: &str, collection: &'a str) -> Option<&'a str> {
    let digits = collection.strip_prefix(alias)?.strip_prefix('-')?;
    let digits = digits.strip_suffix(AGAIN).unwrap_or(digits);
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (digits.len() == 32 && digits.bytes().all(is_digit)).then_some(digits)
}

/// The collections that askbook made for an alias.
pub(crate) struct OwnCollections {
    /// The one that the alias stands for.
    pub(crate) in_service: Option<String>,
    /// The others.
    pub(crate) idle: Vec<String>,
}

impl QdrantStore {
    /// # Errors
    /// `Misconfigured` when the name is that of a collection, or of an alias of one, that askbook
    /// did not make.
    pub(crate) async fn own_collections(&self) -> Result<OwnCollections, PortError> {
        let alias = &self.settings.collection;
        let Names { mut collections, mut aliases } = self.told(self.names().await).await?;
        let in_service = aliases.remove(alias);
        let is_foreign = in_service.as_ref().is_some_and(|name| corpus(alias, name).is_none());
        if is_foreign || collections.contains(alias) {
            let message = format!(
                "the collection {alias:?} was not made by askbook and is left alone: set \
                 QDRANT_COLLECTION_NAME to a new name for the index"
            );
            return Err(PortError::new(ErrorKind::Misconfigured, message));
        }
        collections
            .retain(|name| corpus(alias, name).is_some() && in_service.as_ref() != Some(name));
        Ok(OwnCollections { in_service, idle: collections })
    }
}

#[async_trait]
impl Index for QdrantStore {
    /// `None` also for a collection that askbook did not make, or made before it said how.
    async fn manifest(&self) -> Result<Option<Manifest>, PortError> {
        let alias = &self.settings.collection;
        let aliases = self.told(self.names().await).await?.aliases;
        let Some(collection) = aliases.get(alias) else { return Ok(None) };
        let Some(corpus) = corpus(alias, collection) else { return Ok(None) };
        let Some(recipe) = self.recipe(collection).await? else { return Ok(None) };
        let passages = self.told(self.count(collection).await).await?;
        Ok(Some(Manifest { recipe, corpus: corpus.to_owned(), passages }))
    }

    async fn begin(&self, manifest: &Manifest) -> Result<Box<dyn Draft>, PortError> {
        let OwnCollections { in_service, idle } = self.own_collections().await?;
        let [first, second] = names(&self.settings.collection, &manifest.corpus);
        let collection = if in_service.as_ref() == Some(&first) { second } else { first };
        let source = match in_service {
            Some(name) if self.recipe(&name).await?.as_ref() == Some(&manifest.recipe) => {
                Some(name)
            }
            _ => None,
        };
        let exists = idle.contains(&collection);
        let draft =
            QdrantDraft::new(self.clone(), manifest.clone(), collection, exists, source).await?;
        Ok(Box::new(draft))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_scheme_are_askbooks_own() {
        let digits = "0123456789abcdef0123456789abcdef";
        for name in names("book", digits) {
            assert_eq!(corpus("book", &name), Some(digits), "{name}");
            assert_eq!(corpus("other", &name), None, "{name}");
        }
        let longer = format!("book-{digits}0");
        let renamed = format!("book-{digits}-old");
        let shouted = format!("book-{}", digits.to_uppercase());
        for foreign in ["book", "book-", "book-v2", "bookish-0123", &longer, &renamed, &shouted] {
            assert_eq!(corpus("book", foreign), None, "{foreign}");
        }
    }
}
