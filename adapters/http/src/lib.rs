//! The HTTP API: poem, poem-openapi, Swagger UI.
