//! Server-sent events, as Gemini sends them.
//!
//! Bytes, not text, are split, because a piece may end inside of a character; and at `\n` alone,
//! because JSON may hold the other line ends of Unicode.

use askbook::error::{ErrorKind, PortError};

/// How much of an unfinished event is kept, in bytes.
const LIMIT: usize = 4 << 20;

/// Puts the pieces of a body together and takes its events out.
#[derive(Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    stray: Vec<u8>,
}

impl Events {
    /// The data of each event that this piece completes.
    ///
    /// # Errors
    /// `Malformed` when an event outgrows 4 MiB.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, PortError> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + self.data.len() + self.stray.len() + part.len() > LIMIT {
                let message = "gemini sent an event of more than 4 MiB";
                return Err(PortError::new(ErrorKind::Malformed, message));
            }
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") {
                events.extend(self.end_line());
            }
        }
        Ok(events)
    }

    /// The data of the event that the body ended with, if no blank line ended it.
    pub(crate) fn end(&mut self) -> Option<Vec<u8>> {
        let last = self.end_line().unwrap_or_else(|| std::mem::take(&mut self.data));
        (!last.is_empty()).then_some(last)
    }

    /// The lines that are no part of any event. Gemini may end a stream with a bare JSON error.
    pub(crate) fn stray(&self) -> &[u8] {
        &self.stray
    }

    /// Takes the line in, and an event out if the line ends one.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then_some(data);
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        } else if !is_ignored(line) {
            self.stray.extend_from_slice(line);
            self.stray.push(b'\n');
        }
        None
    }
}

/// Comments, and the fields that carry no data.
fn is_ignored(line: &[u8]) -> bool {
    [":", "event:", "id:", "retry:"].iter().any(|start| line.starts_with(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(events.feed(piece).unwrap());
        }
        found.extend(events.end());
        (found.into_iter().map(text).collect(), text(events.stray().to_vec()))
    }

    #[test]
    fn events_are_the_same_wherever_the_body_is_cut() {
        let body =
            "data: {\"a\":\"ü\u{2028}😀\"}\r\n\r\n: beat\nevent: x\ndata:{\ndata: }\n\ndata: z";
        let expected = ["{\"a\":\"ü\u{2028}😀\"}", "{\n}", "z"];
        for first in 0..=body.len() {
            for second in first..=body.len() {
                let bytes = body.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let (events, stray) = read(&pieces);
                assert_eq!((&events[..], &*stray), (&expected.map(str::to_owned)[..], ""));
            }
        }
    }

    #[test]
    fn lines_outside_of_events_are_kept_apart() {
        let (events, stray) = read(&[b"data: 1\n\n{\n  \"error\": 1\n\n}"]);
        assert_eq!((events.as_slice(), &*stray), (&["1".to_owned()][..], "{\n  \"error\": 1\n}\n"));
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        for start in ["data: ", "", "stray"] {
            let mut events = Events::default();
            events.feed(start.as_bytes()).unwrap();
            let piece = vec![b'x'; 64 << 10];
            let fed = (0..=LIMIT / piece.len()).find_map(|_| events.feed(&piece).err());
            assert_eq!(fed.expect("a refusal").kind(), ErrorKind::Malformed);
            assert!(events.line.len() <= LIMIT);
        }
    }
}
