//! The fields of spans in the log.

use std::fmt;

use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FormatFields, FormattedFields};

/// The fields of a span as a JSON object, to whose end later ones are written. Those of
/// `tracing-subscriber` read the whole object for each field, and write it anew.
///
/// A field that is recorded twice is there twice; who reads the object takes the later one.
#[derive(Default)]
pub(super) struct AppendedFields(JsonFields);

impl<'a> FormatFields<'a> for AppendedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'a>, fields: R) -> fmt::Result {
        self.0.format_fields(writer, fields)
    }

    fn add_fields(
        &self,
        current: &'a mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut added = String::new();
        self.0.format_fields(Writer::new(&mut added), fields)?;
        let (Some(before), Some(after)) = (current.strip_suffix('}'), added.strip_prefix('{'))
        else {
            current.fields = added;
            return Ok(());
        };
        if after != "}" {
            let before = before.len();
            current.fields.truncate(before);
            if before > "{".len() {
                current.fields.push(',');
            }
            current.fields.push_str(after);
        }
        Ok(())
    }
}
