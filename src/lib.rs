//! The core of askbook: a reader's question, answered from the book.
pub mod answer;
pub mod chat;
pub mod citation;

// pub mod contract;
pub mod embedding;
pub mod error;
pub mod event;
pub mod indexing;
pub mod passage;
pub mod ports;
pub mod prompt;
pub mod question;
pub mod session;
pub mod text;
