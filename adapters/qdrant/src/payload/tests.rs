use super::*;

fn object(payload: Value) -> Object {
    match payload {
        Value::Object(object) => object,
        other => panic!("{other} is no payload"),
    }
}

fn found(payload: Value) -> Option<Passage> {
    passage("7".to_owned(), &object(payload), &Fields::default())
}

/// `text | title | headings > ... | url`
fn summary(payload: Value) -> String {
    let Some(passage) = found(payload) else { return "none".to_owned() };
    let url = passage.url.unwrap_or_default();
    format!("{} | {} | {} | {url}", passage.text, passage.title, passage.headings.join(" > "))
}

#[test]
fn every_writer_is_read() {
    for (writer, payload, expected) in [
        (
            "the original backend",
            json!({
                "text": "T", "chunk_id": "c1", "page_title": "Nodes", "file_path": "part-1\\nodes.md",
                "url": "/docs/part-1\\nodes", "chapter_dir": "part-1", "chapter_title": "Part 1",
                "subchapter_title": "Topics", "sidebar_position": 3, "description": null
            }),
            "T | Nodes | Topics | /docs/part-1/nodes",
        ),
        (
            "LangChain",
            json!({"page_content": "T", "metadata": {"source": "docs/intro.md", "title": "Intro"}}),
            "T | Intro |  | /docs/intro",
        ),
        (
            "LangChain.js, Flowise, n8n, Genkit",
            json!({"content": "T", "metadata": {"source": "https://b.example/x", "loc": {"lines": {}}}}),
            "T |  |  | https://b.example/x",
        ),
        (
            "LlamaIndex, recent",
            json!({
                "_node_content": "{\"text_resource\": {\"text\": \"T\"}, \"metadata\": {}}",
                "_node_type": "TextNode", "document_id": "d", "file_name": "intro.md",
                "file_path": "/home/me/book/docs/intro.md"
            }),
            "T |  |  | /docs/intro",
        ),
        (
            "LlamaIndex, legacy",
            json!({"_node_content": "{\"text\": \"T\"}", "title": "Intro"}),
            "T | Intro |  | ",
        ),
        (
            "Haystack",
            json!({"content": "T", "meta": {"url": "https://b.example/x", "title": "X"}}),
            "T | X |  | https://b.example/x",
        ),
        (
            "qdrant-client add()",
            json!({"document": "T", "source": "intro.md"}),
            "T |  |  | /docs/intro",
        ),
        (
            "Qdrant's MCP server",
            json!({"document": "T", "metadata": {"path": "part/intro"}}),
            "T |  |  | /docs/part/intro",
        ),
        (
            "AnythingLLM",
            json!({"text": "T", "title": "x.md", "url": "file:///x/x.md"}),
            "T | x.md |  | ",
        ),
        ("swiftide", json!({"content": "T", "path": "docs/a.md"}), "T |  |  | /docs/a"),
        (
            "LangChain4j",
            json!({"text_segment": "T", "file_name": "intro.md", "index": "0"}),
            "T |  |  | /docs/intro",
        ),
        ("Spring AI", json!({"doc_content": "T", "source": "book.pdf"}), "T |  |  | "),
    ] {
        assert_eq!(summary(payload), expected, "{writer}");
    }
}

#[test]
fn every_name_of_the_text_is_known_also_below_metadata() {
    for key in TEXT {
        assert_eq!(summary(json!({key: "T", "x": 1})), "T |  |  | ", "{key}");
        assert_eq!(summary(json!({"metadata": {key: "T"}})), "T |  |  | ", "metadata.{key}");
        assert_eq!(summary(json!({"meta": {key: "T"}})), "T |  |  | ", "meta.{key}");
    }
}

#[test]
fn a_text_is_taken_as_it_stands() {
    let text = "  Indented.\n\n```rust\nlet x = 1;\n```\n";
    assert_eq!(found(json!({"text": text})).map(|passage| passage.text), Some(text.to_owned()));
}

#[test]
fn the_first_text_that_says_something_counts() {
    assert_eq!(
        summary(json!({"text": " \n", "content": null, "body": "B", "passage": "P"})),
        "B |  |  | "
    );
    assert_eq!(
        summary(json!({"chunk": 3, "document": {"a": 1}, "body": ["B", "C"]})),
        "B\nC |  |  | "
    );
    for nothing in [json!({}), json!({"text": 5, "content": true}), json!({"_node_content": "{"})] {
        assert_eq!(summary(nothing), "none");
    }
}

#[test]
fn titles_and_sections_are_read_whatever_they_are() {
    for (payload, expected) in [
        (json!({"text": "T", "chapter": 3, "section": 2.1}), "T | Chapter 3 | 2.1 | "),
        (json!({"text": "T", "chapter": "Basics", "section": null}), "T | Basics |  | "),
        (json!({"text": "T", "source_page_title": "P", "header": "## How"}), "T | P | How | "),
        (json!({"text": "T", "section_title": "A", "subsection": "B"}), "T |  | A > B | "),
        (
            json!({"text": "T", "section": "B", "heading_breadcrumb": ["# A", "## B", null, 3]}),
            "T |  | A > B > 3 | ",
        ),
        (json!({"text": "T", "heading_breadcrumb": [], "section_header": "S"}), "T |  | S | "),
        (json!({"text": "T", "title": ["A", "B"], "section_heading": {}}), "T | A B |  | "),
        (json!({"text": "T", "frontmatter": {"title": "F", "slug": "/f"}}), "T | F |  | /docs/f"),
    ] {
        assert_eq!(summary(payload.clone()), expected, "{payload}");
    }
}

#[test]
fn links_are_found_by_their_look() {
    for (payload, link) in [
        (json!({"url": "/docs/01-a/02-b", "file_path": "01-a/02-b.md"}), "/docs/a/b"),
        (json!({"url": "/docs/a/b", "file_path": "a/b.md", "slug": "/start"}), "/docs/start"),
        (json!({"url": "/docs/a/b", "file_path": "a/b.md", "slug": "c"}), "/docs/a/c"),
        (json!({"url": "/docs/a/_index", "file_path": "a/_index.md"}), "/docs/a"),
        (json!({"url": "/docs/01-a", "title": "x"}), "/docs/01-a"),
        (json!({"url": "https://b.example/a", "file_path": "x.md"}), "https://b.example/a"),
        (json!({"source": "book.pdf", "source_file": "a/b.md"}), "/docs/a/b"),
        (json!({"source": "My Book", "filename": "b.md"}), "/docs/b"),
        (json!({"source": "module-1/week-2"}), "/docs/module-1/week-2"),
        (json!({"source": "C:\\book\\docs\\a.md"}), "/docs/a"),
        (json!({"source": "/home/me/a.md"}), ""),
        (json!({"source": 4, "url": null, "path": ["a"]}), ""),
        (json!({"doc_path": "a/b.md", "anchor": "#setup"}), "/docs/a/b#setup"),
        (json!({"anchor": "/docs/a#setup"}), "/docs/a#setup"),
        (json!({"doc_path": "a/b.md", "anchor": "a\u{7}b"}), "/docs/a/b"),
        (json!({"full_path": "/content/docs/a.md", "file_name": "a.md"}), "/docs/a"),
    ] {
        let mut payload = object(payload);
        payload.insert("text".to_owned(), "T".into());
        assert_eq!(
            summary(payload.clone().into()),
            format!(
                "T | {} |  | {link}",
                payload.get("title").and_then(Value::as_str).unwrap_or_default()
            ),
            "{payload:?}"
        );
    }
}

#[test]
fn a_named_field_wins_and_nothing_is_found_in_its_place() {
    let payload = object(json!({
        "text": "wrong", "title": "wrong", "section": "wrong", "url": "/wrong",
        "a.b": "T", "node": "{\"name\": \"Named\"}", "m": {"s": ["A", "B"], "l": "docs/x.md"}
    }));
    let fields = |text: &str| Fields {
        text: Some(text.to_owned()),
        url: Some("m.l".to_owned()),
        title: Some("node.name".to_owned()),
        section: Some("m.s".to_owned()),
    };
    let found = passage("7".to_owned(), &payload, &fields("a.b")).unwrap();
    assert_eq!((found.text.as_str(), found.title.as_str()), ("T", "Named"));
    assert_eq!(found.headings, ["A", "B"]);
    assert_eq!(found.url.as_deref(), Some("/docs/x"));
    assert_eq!(passage("7".to_owned(), &payload, &fields("m.none")), None);
}

fn everything() -> (Passage, Recipe) {
    let [locale, version, url] = ["ur", "2.1", "/ur/docs/2.1"].map(str::to_owned);
    let passage = Passage {
        id: PassageId("a#b".to_owned()),
        title: String::new(),
        headings: vec!["One".to_owned(), "## Two".to_owned()],
        url: Some("/docs/01-a/index.md".to_owned()),
        text: " T\n".to_owned(),
        edition: Some(Edition { locale, version, url }),
    };
    let shape = VectorShape { dense: NonZeroUsize::new(768), sparse: true };
    let [space, chunker] = ["gemini + bm25", "sections/1"].map(str::to_owned);
    (passage, Recipe { space, shape, chunker })
}

#[test]
fn what_askbook_writes_is_read_back_whole() {
    let (passage, recipe) = everything();
    let plain = Passage { edition: None, url: None, headings: Vec::new(), ..passage.clone() };
    for passage in [passage, plain] {
        let payload = written(&passage, &recipe);
        let digest = passage.digest();
        assert_eq!(held(&payload), Some((passage.id.clone(), digest)));
        assert_eq!(super::passage("7".to_owned(), &payload, &Fields::default()), Some(passage));
    }
}

#[test]
fn a_payload_says_how_its_index_was_made() {
    let (passage, recipe) = everything();
    for shape in [recipe.shape, VectorShape::sparse()] {
        let recipe = Recipe { shape, ..recipe.clone() };
        let payload = written(&passage, &recipe);
        assert_eq!(payload.get(MARK).and_then(super::recipe), Some(recipe));
    }
    // As it was before.
    assert_eq!(super::recipe(&json!("fingerprint")), None);
    assert_eq!(held(&object(json!({MARK: "fingerprint", "id": "a", "text": "T"}))), None);
}

#[test]
fn what_askbook_wrote_before_it_said_how_is_still_a_passage() {
    let passage = found(json!({MARK: "fingerprint", "id": "a", "text": "T"}));
    assert_eq!(passage.map(|passage| passage.id), Some(PassageId("a".to_owned())));
}

#[test]
fn it_is_known_where_everything_was_found() {
    let keys = |payload: Value| {
        let payload = object(payload);
        let fields = Fields::default();
        let Reading { text, url, title, section, .. } =
            super::read("7".to_owned(), &payload, &fields).unwrap();
        [Some(text), url, title, section].map(|key| key.unwrap_or_default().into_owned())
    };
    let lang_chain = json!({
        "page_content": "T", "metadata": {"source": "docs/a.md", "title": "A", "header": "# B"}
    });
    assert_eq!(
        keys(lang_chain),
        ["page_content", "metadata.source", "metadata.title", "metadata.header"]
    );
    let llama_index = json!({"_node_content": "{\"text\": \"T\"}", "subsection": "S"});
    assert_eq!(keys(llama_index), ["_node_content.text", "", "", "subsection"]);
    let (passage, recipe) = everything();
    let own = Passage { title: "A".to_owned(), ..passage };
    assert_eq!(keys(written(&own, &recipe).into()), ["text", "url", "title", "headings"]);
}

#[test]
fn the_keys_of_payloads_are_listed_for_their_owner() {
    let payloads = [object(json!({"b": 1, "metadata": {"x": 1}})), object(json!({"a": 1, "b": 2}))];
    let keys: Vec<String> = keys(payloads.iter()).into_iter().collect();
    assert_eq!(keys, ["a", "b", "metadata.x"]);
}
