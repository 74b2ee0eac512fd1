//! The binary `askbook`: command line, configuration, wiring.
