//! A collection on a Qdrant server: what it holds, and what of that is used.

use askbook_qdrant::{Description, Field, VectorDescription, VectorKind};

use super::Finding;

/// How many keys are listed.
const LISTED: usize = 30;

pub(super) fn findings(description: &Description) -> Vec<Finding> {
    let mut findings = vec![name(description)];
    findings.push(vectors(description));
    findings.extend(payload(description));
    findings
}

fn name(description: &Description) -> Finding {
    const CODE: &str = "collection";
    let Description { collection, target, own, points, .. } = description;
    let alias = target.as_ref().map(|target| format!(", an alias of {target}"));
    let maker = if *own { "made by askbook" } else { "made by somebody else" };
    let what = format!("{collection}{} has {points} points, {maker}", alias.unwrap_or_default());
    match points {
        0 => Finding::error(CODE, what, "fill it, or make it with `askbook index`"),
        _ => Finding::ok(CODE, what),
    }
}

fn vectors(Description { vectors, unclear, .. }: &Description) -> Finding {
    const CODE: &str = "vectors";
    if let Some(unclear) = unclear {
        return Finding::error(CODE, unclear, "set it as it says");
    }
    let all: Vec<String> = vectors.iter().map(vector).collect();
    let what = all.join("; ");
    let is_weighted = |vector: &VectorDescription| match vector.kind {
        VectorKind::Sparse { idf } => idf,
        VectorKind::Dense { .. } | VectorKind::Multi { .. } => true,
    };
    if vectors.iter().any(|vector| vector.chosen && !is_weighted(vector)) {
        let advice = "give the sparse vector the modifier `idf`, or index the book again";
        let what = format!("{what}; rare terms count no more than common ones");
        return Finding::warning(CODE, what, advice);
    }
    Finding::ok(CODE, what)
}

fn vector(VectorDescription { name, kind, chosen }: &VectorDescription) -> String {
    let name = name.as_deref().unwrap_or("(unnamed)");
    let kind = match kind {
        VectorKind::Dense { size, distance } => format!("dense, {size}, {distance}"),
        VectorKind::Multi { size } => format!("many for each point, {size}"),
        VectorKind::Sparse { .. } => "sparse".to_owned(),
    };
    let use_ = if *chosen { "searched by" } else { "not used" };
    format!("{name}: {kind}, {use_}")
}

/// What is read of the points that were looked at.
fn payload(description: &Description) -> Vec<Finding> {
    let sample = &description.sample;
    if sample.points == 0 {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let keys = listed(&sample.keys);
    for (code, what, fields, setting) in [
        ("text-field", "text", &sample.text, "ASKBOOK_QDRANT_TEXT_FIELD"),
        ("url-field", "link", &sample.url, "ASKBOOK_QDRANT_URL_FIELD"),
        ("title-field", "title", &sample.title, "ASKBOOK_QDRANT_TITLE_FIELD"),
        ("section-field", "heading", &sample.section, "ASKBOOK_QDRANT_SECTION_FIELD"),
    ] {
        let advice = format!("set {setting} if one of these holds it: {keys}");
        findings.push(match (fields.is_empty(), code) {
            (false, _) => Finding::ok(code, format!("the {what} is in {}", places(fields))),
            (true, "text-field") => {
                Finding::error(code, "no point has a text where one is looked for", advice)
            }
            (true, "url-field") => {
                Finding::warning(code, "no link is found: sources cannot be opened", advice)
            }
            (true, _) => Finding::note(code, format!("no {what} is found"), advice),
        });
    }
    let of = |count: usize| format!("{count} of {} points looked at", sample.points);
    if sample.without_text > 0 && !sample.text.is_empty() {
        let what = format!("{} have no text and are never found", of(sample.without_text));
        findings.push(Finding::warning("without-text", what, "delete them, or fill in their text"));
    }
    if sample.duplicates > 0 {
        let what = format!("{} repeat the text of another one", of(sample.duplicates));
        let advice = "duplicates are left out of answers, but crowd out others: give points the \
                      same ids at every run, and index anew into an empty collection";
        findings.push(Finding::warning("duplicates", what, advice));
    }
    if sample.without_vector > 0 {
        let what = format!("{} lack the vector that is searched by", of(sample.without_vector));
        findings.push(Finding::warning("without-vector", what, "index the book again"));
    }
    findings
}

/// Fields with examples of what is in them.
fn places(fields: &[Field]) -> String {
    let place = |field: &Field| match field.examples.first() {
        Some(example) => format!("{} ({example:?})", field.key),
        None => field.key.clone(),
    };
    fields.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn listed(keys: &[String]) -> String {
    let more = if keys.len() > LISTED { ", ..." } else { "" };
    let shown: Vec<&str> = keys.iter().take(LISTED).map(String::as_str).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use askbook_qdrant::Sample;

    use super::super::Level;
    use super::*;

    fn field(key: &str, example: &str) -> Field {
        Field { key: key.to_owned(), points: 2, examples: vec![example.to_owned()] }
    }

    fn description() -> Description {
        let dense = VectorKind::Dense { size: 768, distance: "Cosine" };
        Description {
            collection: "book".to_owned(),
            target: None,
            own: false,
            points: 2,
            vectors: vec![VectorDescription { name: None, kind: dense, chosen: true }],
            unclear: None,
            sample: Sample {
                points: 2,
                keys: vec!["source".to_owned(), "text".to_owned()],
                text: vec![field("text", "Whales sing.")],
                url: vec![field("source", "/docs/whales")],
                title: vec![field("title", "Whales")],
                section: vec![field("section", "Song")],
                ..Sample::default()
            },
        }
    }

    #[track_caller]
    fn has(findings: &[Finding], code: &str, level: Level, says: &str) {
        let found = findings.iter().find(|finding| finding.code == code);
        let found = found.unwrap_or_else(|| panic!("no {code} in {findings:#?}"));
        assert_eq!(found.level, level, "{found}");
        assert!(found.to_string().contains(says), "{found}");
    }

    #[test]
    fn a_sound_collection_is_described_with_examples() {
        let findings = findings(&description());
        assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:#?}");
        has(&findings, "collection", Level::Ok, "book has 2 points, made by somebody else");
        has(&findings, "vectors", Level::Ok, "(unnamed): dense, 768, Cosine, searched by");
        has(&findings, "text-field", Level::Ok, "text (\"Whales sing.\")");
    }

    #[test]
    fn what_is_missing_is_told_with_the_keys_that_there_are() {
        let mut lacking = description();
        lacking.sample.text.clear();
        lacking.sample.url.clear();
        lacking.sample.section.clear();
        let findings = findings(&lacking);
        has(&findings, "text-field", Level::Error, "ASKBOOK_QDRANT_TEXT_FIELD");
        has(&findings, "url-field", Level::Warning, "holds it: source, text");
        has(&findings, "section-field", Level::Note, "no heading");
    }

    #[test]
    fn points_that_are_of_no_use_are_counted() {
        let mut odd = description();
        odd.sample.without_text = 1;
        odd.sample.duplicates = 1;
        odd.sample.without_vector = 2;
        let findings = findings(&odd);
        has(&findings, "without-text", Level::Warning, "1 of 2 points");
        has(&findings, "duplicates", Level::Warning, "1 of 2 points");
        has(&findings, "without-vector", Level::Warning, "2 of 2 points");
    }

    #[test]
    fn a_collection_that_cannot_be_searched_is_an_error() {
        let empty = Description { points: 0, sample: Sample::default(), ..description() };
        has(&findings(&empty), "collection", Level::Error, "askbook index");
        let unclear = Some("set ASKBOOK_QDRANT_VECTOR to one of: a, b".to_owned());
        let unclear = Description { unclear, ..description() };
        has(&findings(&unclear), "vectors", Level::Error, "ASKBOOK_QDRANT_VECTOR");
        let terms = VectorDescription {
            name: Some("terms".to_owned()),
            kind: VectorKind::Sparse { idf: false },
            chosen: true,
        };
        let unweighted = Description { vectors: vec![terms], ..description() };
        has(&findings(&unweighted), "vectors", Level::Warning, "idf");
    }
}
