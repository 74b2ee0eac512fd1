//! What the fuzz targets reach of the parsers of this crate.

use askbook::feedback::Miss;

use crate::record::{self, Record};

/// What these lines come to.
pub fn misses(lines: &[u8]) -> Vec<Miss> {
    record::misses(lines)
}

/// Those of these lines that are records, as they are written.
pub fn written(lines: &[u8]) -> Vec<u8> {
    let records = lines.split(|byte| *byte == b'\n');
    let records = records.filter_map(|line| serde_json::from_slice::<Record>(line).ok());
    records.flat_map(|record| record.line().unwrap_or_default()).collect()
}
