//! The generator without a model: quotes the sentences that answer, and cites them.
