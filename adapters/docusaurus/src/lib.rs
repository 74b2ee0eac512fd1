//! Reads a Docusaurus docs folder into passages with their URLs and anchors.
