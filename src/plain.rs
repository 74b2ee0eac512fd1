//! Plain text: what a reader sees of a text, without what only a machine reads.

/// The text without characters that take no ink, in which instructions can be hidden: control
/// characters but for tabs, and those of [`is_invisible`]. Every end of a line becomes a line
/// feed (Unicode Standard, 5.8: carriage return, vertical tab, form feed, next line, line and
/// paragraph separator are ends as well), so that nobody sees more or fewer lines than another.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        // Most of a text is copied as it is, a run at a time.
        let (kept, other) = rest.split_at(kept(rest.as_bytes()));
        plain.push_str(kept);
        let mut others = other.chars();
        let Some(c) = others.next() else { return plain };
        rest = others.as_str();
        match c {
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                plain.push('\n');
            }
            '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => plain.push('\n'),
            c if c.is_control() || is_invisible(c) => {}
            c => plain.push(c),
        }
    }
}

/// How much of a text stays as it is, up to the first byte of which that is not sure.
fn kept(text: &[u8]) -> usize {
    let is_kept = |byte: &u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    // Whole chunks first, each looked at to its end: that takes vector instructions.
    let is_all = |chunk: &&[u8]| chunk.iter().fold(true, |all, byte| all & is_kept(byte));
    let chunks: usize = text.chunks(64).take_while(is_all).map(<[u8]>::len).sum();
    chunks + text[chunks..].iter().take_while(|byte| is_kept(byte)).count()
}

/// Characters that take no ink and are no space: the default-ignorable code points of Unicode
/// (`DerivedCoreProperties.txt`, `Default_Ignorable_Code_Point`), the other format characters
/// that only act on their neighbours (annotation, hieroglyph joiners), the empty Braille pattern,
/// and the code points that will never be characters.
pub(crate) fn is_invisible(c: char) -> bool {
    !c.is_ascii() && is_ignorable(c)
}

fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}'
        | '\u{3164}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{13440}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_goes() {
        let hidden = |c: char| char::from_u32(0xE0000 + u32::from(c)).unwrap();
        let hidden: String = "ignore".chars().map(hidden).collect();
        let text = format!("a\0\u{200B}b\u{202E}\u{FFF9}c\u{FE0F}{hidden}\td\u{9F}\u{7}\u{1FFFE}");
        assert_eq!(plain(&text), "abc\td");
    }

    #[test]
    fn every_end_of_a_line_is_a_line_feed() {
        assert_eq!(plain("a\r\nb\rc\u{B}d\u{C}e\u{85}f\u{2028}g\u{2029}h\n\ri"), {
            "a\nb\nc\nd\ne\nf\ng\nh\n\ni"
        });
    }

    #[test]
    fn what_can_be_seen_stays() {
        for text in [
            "",
            " a\tb\n",
            "naïve — „ünïcode“",
            "日本語、한국어",
            "٣٫٥ \u{600}",
            "e\u{301}",
            "👍 🇵🇰",
        ] {
            assert_eq!(plain(text), text);
        }
    }
}
