//! Google's Gemini API over HTTP: embedder and generator.
