//! Front matter: what a page says of itself, in YAML between two lines of `---`.

use serde_yaml_ng::{Mapping, Value};

use crate::markdown::Problem;
use crate::site::config::Format;

/// The keys that reading needs. Others are ignored, and so are values of a wrong type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    /// The page's title; wins over its first heading.
    pub(crate) title: Option<String>,
    /// The last part of the page's id, and of its URL.
    pub(crate) id: Option<String>,
    /// The page's URL below the docs, or below its folder.
    pub(crate) slug: Option<String>,
    /// Absent from the published site.
    pub(crate) draft: bool,
    /// Published, but to be found by nobody.
    pub(crate) unlisted: bool,
    /// The numbers before names of the file and its folders belong to the URL.
    pub(crate) keeps_number_prefixes: bool,
    /// How it is written, when that is not the site's way.
    pub(crate) format: Option<Format>,
}

impl FrontMatter {
    /// Reads the front matter of a page, and its body with an empty line for every line of front
    /// matter, so that line numbers stay.
    ///
    /// # Errors
    /// The line and the reason, when it is not YAML with keys and values. Docusaurus builds no
    /// such page either.
    pub(crate) fn split(text: &str) -> Result<(Self, String), Problem> {
        let Some((yaml, body)) = fenced(text) else {
            return Ok((Self::default(), text.to_owned()));
        };
        let blank = "\n".repeat(yaml.matches('\n').count() + 2);
        let body = format!("{blank}{body}");
        match serde_yaml_ng::from_str(yaml) {
            Ok(Value::Mapping(keys)) => Ok((Self::from_keys(&keys), body)),
            Ok(Value::Null) => Ok((Self::default(), body)),
            Ok(_) => Err((Some(2), "the front matter has no keys: left out".to_owned())),
            Err(error) => {
                // The opening line comes before the first line of YAML.
                let line = error.location().map(|location| location.line() + 1);
                Err((line, "the front matter is not valid YAML: left out".to_owned()))
            }
        }
    }

    /// Reads the keys of a front matter.
    pub(crate) fn from_keys(keys: &Mapping) -> Self {
        let format = keys.get("mdx").and_then(|mdx| mdx.get("format")).and_then(text_of);
        Self {
            title: keys.get("title").and_then(text_of),
            id: keys.get("id").and_then(text_of),
            slug: keys.get("slug").and_then(text_of),
            draft: is(keys, "draft", true),
            unlisted: is(keys, "unlisted", true),
            keeps_number_prefixes: is(keys, "parse_number_prefixes", false),
            format: match format.as_deref() {
                Some("md") => Some(Format::CommonMark),
                Some("mdx") => Some(Format::Mdx),
                Some("detect") => Some(Format::Detect),
                _ => None,
            },
        }
    }
}

/// The YAML and the text after it.
fn fenced(text: &str) -> Option<(&str, &str)> {
    let (opening, rest) = text.split_once('\n')?;
    if opening.trim_end() != "---" {
        return None;
    }
    let mut start = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&rest[..start], &rest[start + line.len()..]));
        }
        start += line.len();
    }
    None
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

fn is(keys: &Mapping, key: &str, wanted: bool) -> bool {
    keys.get(key).and_then(text_of).is_some_and(|value| value.trim() == wanted.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (FrontMatter, String) {
        FrontMatter::split(text).unwrap()
    }

    #[test]
    fn the_body_keeps_its_line_numbers() {
        let (front_matter, body) = split("---\ntitle: 'A: b'\n---\n\n# H\n");
        assert_eq!(front_matter.title.as_deref(), Some("A: b"));
        assert_eq!(body, "\n\n\n\n# H\n");
    }

    #[test]
    fn a_page_without_front_matter_is_all_body() {
        for text in ["# H\n", "", "---\nnever closed\n", "\n---\ntitle: late\n---\n"] {
            assert_eq!(split(text), (FrontMatter::default(), text.to_owned()));
        }
        assert_eq!(split("---\n---\nx").1, "\n\nx");
    }

    #[test]
    fn unknown_keys_and_odd_types_do_not_matter() {
        let text = "---\ntitle: 2024\nid: [a]\ndraft: 'true'\ntags: {a: [b]}\nunlisted: 1\n---\n";
        let expected =
            FrontMatter { title: Some("2024".to_owned()), draft: true, ..FrontMatter::default() };
        assert_eq!(split(text).0, expected);
    }

    #[test]
    fn broken_yaml_is_refused_with_its_line() {
        let lines = |text| FrontMatter::split(text).map_err(|(line, _)| line);
        assert_eq!(lines("---\na: b\ntitle: a: b\n---\n"), Err(Some(3)));
        assert_eq!(lines("---\na: 1\na: 2\n---\n"), Err(Some(2)));
        assert_eq!(lines("---\n- a\n---\n"), Err(Some(2)));
    }

    #[test]
    fn a_page_may_say_how_it_is_written() {
        assert_eq!(split("x").0.format, None);
        for (says, format) in
            [("md", Format::CommonMark), ("mdx", Format::Mdx), ("detect", Format::Detect)]
        {
            let page = format!("---\nmdx:\n  format: {says}\n---\n");
            assert_eq!(split(&page).0.format, Some(format));
        }
    }
}
