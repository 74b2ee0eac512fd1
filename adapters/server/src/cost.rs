//! What indexing would cost.

use std::fmt;

use crate::config::{Config, EmbedderChoice};

/// What one million tokens cost, in dollars, by the models' price list of October 2026
/// (<https://ai.google.dev/gemini-api/docs/pricing>).
const PRICES: &[(&str, f64)] = &[("gemini-embedding-001", 0.15), ("gemini-embedding-2", 0.20)];

/// How many texts a free key may embed a day, as the service's own messages say: each text of a
/// batch counts.
const FREE_A_DAY: usize = 1_000;

/// Of UTF-8 text a token takes about this many bytes.
const BYTES_PER_TOKEN: usize = 4;

/// The estimated cost of embedding texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Estimate {
    texts: usize,
    tokens: usize,
    paid: Option<Paid>,
}

/// What a service takes for it.
#[derive(Clone, Debug, PartialEq)]
struct Paid {
    model: String,
    /// `None` when the price of the model is not known.
    dollars: Option<f64>,
    /// How many days a free key takes.
    days: usize,
}

impl Estimate {
    /// The cost of embedding these many texts of this many bytes in all.
    pub(crate) fn new(config: &Config, texts: usize, bytes: usize) -> Self {
        let model = match &config.embedder {
            EmbedderChoice::Gemini(_) => Some(&config.settings.embedding_model),
            #[cfg(feature = "edge")]
            EmbedderChoice::Hybrid(_) => Some(&config.settings.embedding_model),
            #[cfg(feature = "edge")]
            EmbedderChoice::Bm25 => None,
            EmbedderChoice::Memory => None,
        };
        let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
        Self { texts, tokens, paid: model.map(|model| Paid::new(model, texts, tokens)) }
    }
}

impl Paid {
    fn new(model: &str, texts: usize, tokens: usize) -> Self {
        let price = PRICES.iter().find(|(name, _)| *name == model).map(|(_, price)| price);
        #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
        let dollars = price.map(|price| price * tokens as f64 / 1e6);
        Self { model: model.to_owned(), dollars, days: texts.div_ceil(FREE_A_DAY) }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { texts, tokens, paid } = self;
        write!(f, "{texts} to embed, about {tokens} tokens: ")?;
        let Some(Paid { model, dollars, days }) = paid else { return f.write_str("free") };
        match dollars {
            Some(dollars) => write!(f, "about ${dollars:.4} with {model}")?,
            None => write!(f, "the price of {model} is not known")?,
        }
        match days {
            0 => Ok(()),
            1 => f.write_str(", or a free key's quota of one day"),
            days => write!(f, ", or a free key's quota of {days} days ({FREE_A_DAY} texts a day)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(given: &[(&str, &str)], texts: usize, bytes: usize) -> String {
        let given = given.iter().copied().chain([("ASKBOOK_DATA_DIR", "/nonexistent/askbook")]);
        Estimate::new(&Config::from_values(given).unwrap(), texts, bytes).to_string()
    }

    const GEMINI: &[(&str, &str)] = &[("GEMINI_API_KEY", "k3y"), ("ASKBOOK_EMBEDDER", "gemini")];

    #[test]
    fn tokens_are_paid_by_the_price_of_the_model() {
        let first = estimate(GEMINI, 1_000, 4_000_000);
        assert_eq!(
            first,
            "1000 to embed, about 1000000 tokens: about $0.1500 with gemini-embedding-001, or a \
             free key's quota of one day"
        );
        let second = [GEMINI, &[("EMBEDDING_MODEL", "gemini-embedding-2")]].concat();
        assert!(estimate(&second, 1_001, 4_000_000).contains("$0.2000"));
        assert!(estimate(&second, 1_001, 4_000_000).contains("2 days"));
        let unknown = [GEMINI, &[("EMBEDDING_MODEL", "gemini-embedding-9")]].concat();
        assert!(estimate(&unknown, 1, 4).contains("gemini-embedding-9 is not known"));
    }

    #[test]
    fn what_is_made_here_is_free() {
        let local = estimate(&[("ASKBOOK_EMBEDDER", "memory")], 7, 10);
        assert_eq!(local, "7 to embed, about 3 tokens: free");
    }
}
