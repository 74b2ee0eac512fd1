//! The contract of a generator, run on this one.

use std::sync::Arc;

use askbook::ports::Generator;
use askbook_quote::QuoteGenerator;

async fn fixture() -> (Arc<dyn Generator>, ()) {
    (Arc::new(QuoteGenerator::new()), ())
}

askbook::generator_contract!(fixture);
