//! The statements of MDX.

use super::Import;

/// The imports of pages among import statements.
pub(super) fn imports(statement: &str) -> Vec<Import> {
    let import = |line: &str| {
        let (clause, rest) = line.trim().strip_prefix("import ")?.split_once(" from ")?;
        let file = rest.trim_start().get(1..)?.split(['"', '\'']).next()?;
        let name = clause.split(',').next()?.trim();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let is_page = [".md", ".mdx"].iter().any(|extension| file.ends_with(extension));
        (is_name && is_page).then(|| Import { name: name.to_owned(), file: file.to_owned() })
    };
    statement.lines().filter_map(import).collect()
}

/// Whether a line begins an ECMAScript `import` or `export` and not a sentence.
pub(super) fn begins_statement(line: &str) -> bool {
    if let Some(rest) = line.strip_prefix("import") {
        let clause = rest.trim_start();
        let is_named = clause.len() < rest.len() && clause.contains(" from ");
        return clause.starts_with(['"', '\'', '{', '*'])
            || is_named && clause.contains(['"', '\'']);
    }
    let Some(rest) = line.strip_prefix("export ") else { return false };
    let word = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let keywords = [
        "",
        "async",
        "class",
        "const",
        "default",
        "enum",
        "function",
        "interface",
        "let",
        "type",
        "var",
    ];
    keywords.contains(&word) && (!word.is_empty() || rest.trim_start().starts_with(['{', '*']))
}

/// The length of the statement that a text begins with, in whole lines: it ends where its
/// brackets are closed and nothing is left open. When that never happens, it ends at an empty
/// line.
pub(super) fn statement_length(text: &str) -> usize {
    let is_import = text.starts_with("import");
    let mut named = !is_import;
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    let mut end = 0;
    for line in text.split('\n') {
        let mut before = ' ';
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(_), '\\') => {
                    chars.next();
                }
                (Some(open), _) if c == open => quote = None,
                (None, '/') if chars.peek() == Some(&'/') => break,
                // The apostrophe of a word in JSX opens nothing.
                (None, '\'') if before.is_alphanumeric() => {}
                (None, '\'' | '"' | '`') => {
                    quote = Some(c);
                    named = true;
                }
                (None, '(' | '[' | '{') => depth += 1,
                (None, ')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            before = c;
        }
        if quote != Some('`') {
            quote = None;
        }
        end += line.len();
        let line = line.trim_end();
        let goes_on =
            line.ends_with(['=', ',', '+', '&', '|', '?', ':', '.']) || line.ends_with("=>");
        if depth <= 0 && quote.is_none() && named && !goes_on {
            return end;
        }
        end += 1;
    }
    text.find("\n\n").unwrap_or(text.len())
}
