//! Server-sent events (HTML standard, 9.2) whose data is JSON.

use std::fmt::Write as _;

use serde::Serialize;

/// Of a stream of them.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// A comment.
pub(crate) const HEARTBEAT: Option<&str> = Some(":\n\n");

/// The event by which many clients know the end.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// How much room an event is given at first, in bytes: most need no more.
const ROOM: usize = 256;

/// The event with this data, of strings, numbers, lists and objects.
pub(crate) fn event(data: &impl Serialize) -> String {
    write(String::with_capacity(ROOM), data)
}

/// The same, with an id.
pub(crate) fn numbered(id: u64, data: &impl Serialize) -> String {
    let mut event = String::with_capacity(ROOM);
    // Writing to a text never fails.
    let _ = writeln!(event, "id: {id}");
    write(event, data)
}

/// Writes the data behind the other fields.
fn write(fields: String, data: &impl Serialize) -> String {
    let mut event = fields.into_bytes();
    event.extend_from_slice(b"data: ");
    // Such data always serialises, and JSON is UTF-8 and has no line breaks.
    let _ = serde_json::to_writer(&mut event, data);
    event.extend_from_slice(b"\n\n");
    String::from_utf8(event).unwrap_or_default()
}
