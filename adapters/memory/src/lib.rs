//! Every port kept in memory: deterministic, bounded, usable from configuration.
