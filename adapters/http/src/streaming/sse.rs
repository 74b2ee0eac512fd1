//! Server-sent events (HTML standard, 9.2) whose data is JSON.

use serde::Serialize;

/// Of a stream of them.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// A comment.
pub(crate) const HEARTBEAT: Option<&str> = Some(":\n\n");

/// The event by which many clients know the end.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// The event with this data, of strings, numbers, lists and objects.
pub(crate) fn event(data: &impl Serialize) -> String {
    // Such data always serialises, and JSON has no line breaks.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("data: {data}\n\n")
}
