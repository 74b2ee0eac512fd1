use std::sync::LazyLock;

use regex::Regex;

/// The material of a request as a model that knows the template takes it apart.
pub(super) struct Material {
    /// The mark that all its headlines have.
    pub(super) mark: String,
    /// Names and texts, in order.
    pub(super) pieces: Vec<(String, String)>,
}

impl Material {
    /// Reads it. The first line says what the mark is: nobody but askbook writes it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let first = text.lines().next().unwrap_or_default();
        let mark = first.strip_prefix("=== ").and_then(|rest| rest.get(..32)).unwrap_or_default();
        if mark.len() != 32 || !mark.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("the first line has no mark: {first:?}"));
        }
        let mut pieces: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            let named = line.strip_prefix("=== ").and_then(|rest| rest.strip_prefix(mark));
            match (named.and_then(|name| name.strip_suffix(" ===")), pieces.last_mut()) {
                (Some(name), _) => pieces.push((name.trim().to_owned(), String::new())),
                (None, Some((_, piece))) => *piece += &format!("{line}\n"),
                (None, None) => return Err("a line before the first headline".to_owned()),
            }
        }
        for (_, piece) in &mut pieces {
            piece.truncate(piece.trim_end().len());
        }
        Ok(Self { mark: mark.to_owned(), pieces })
    }

    /// The number of the first passage that says this.
    pub(super) fn number_of(&self, saying: &str) -> Option<usize> {
        let number = |name: &str| name.strip_prefix("passage [")?.strip_suffix(']')?.parse().ok();
        let says = |(_, text): &&(String, String)| text.contains(saying);
        self.pieces.iter().filter(says).find_map(|(name, _)| number(name))
    }
}

/// The first character that takes no ink or ends a line in a way that not everybody sees.
pub(super) fn invisible(text: &str) -> Option<char> {
    static INVISIBLE: LazyLock<Regex> = LazyLock::new(|| {
        // Of the format characters, those that Unicode says to show by default are seen.
        let pattern = r"[\p{Cc}&&[^\n\t]]|\p{Default_Ignorable_Code_Point}|[\p{Zl}\p{Zp}\x{FFF9}-\x{FFFB}]|\p{Noncharacter_Code_Point}|\x{2800}";
        Regex::new(pattern).unwrap()
    });
    INVISIBLE.find(text)?.as_str().chars().next()
}
