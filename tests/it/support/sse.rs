//! Server-sent events, read as strictly as a browser does
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use serde_json::Value;

/// The data of the events of a body, whose ids are their numbers.
pub(crate) fn events(body: &str) -> Vec<Value> {
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let (mut id, mut data) = (None, Vec::new());
    let mut events = Vec::new();
    for line in body.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => data.push(value),
            "id" => id = Some(value),
            "" if line.is_empty() && !data.is_empty() => {
                let data = std::mem::take(&mut data).join("\n");
                events.push(serde_json::from_str(&data).unwrap());
                assert_eq!(id.take(), Some(events.len().to_string().as_str()), "{data}");
            }
            "" => {}
            other => panic!("no event of askbook has the field {other}"),
        }
    }
    assert!(data.is_empty(), "the last event is not complete: {data:?}");
    events
}
