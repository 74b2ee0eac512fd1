use super::*;

fn routes(base_url: &str, docs: &str) -> Routes {
    Routes {
        origin: String::new(),
        base_url: base_url.to_owned(),
        docs: docs.to_owned(),
        trailing_slash: None,
        cuts_number_prefixes: true,
    }
}

fn check(relative: &str, front_matter: &str, expected: &str) {
    let text = format!("---\n{front_matter}\n---\n");
    let (front_matter, _) = FrontMatter::split(&text).unwrap();
    let url = routes("/", "/docs/").url(relative, &front_matter);
    assert_eq!(url, format!("/docs{expected}"), "{relative}");
}

#[test]
fn a_page_is_served_under_its_folders_and_name() {
    check("intro.md", "", "/intro");
    check("a/b/c.mdx", "", "/a/b/c");
    check("UPPER.md", "", "/UPPER");
    check("tools.test.md", "", "/tools.test");
}

#[test]
fn number_prefixes_are_cut_from_every_step() {
    check("01-part-one/02-beta.md", "", "/part-one/beta");
    check("1 - a/2_.b.md", "", "/a/b");
    check("2021-journal/1.x-notes.md", "", "/journal/x-notes");
}

#[test]
fn dates_versions_and_bare_numbers_stay() {
    check("2021-11-x.md", "", "/2021-11-x");
    check("1.2-release.md", "", "/1.2-release");
    check("404.md", "", "/404");
    check("7-.md", "", "/7-");
    check("٣-arabic.md", "", "/%D9%A3-arabic");
}

#[test]
fn a_page_can_keep_its_numbers_and_those_of_its_folders() {
    check("01-part-one/09-np.md", "parse_number_prefixes: false", "/01-part-one/09-np");
}

#[test]
fn an_id_takes_the_place_of_the_name() {
    check("01-part-one/02-beta.mdx", "id: custom-id", "/part-one/custom-id");
}

#[test]
fn an_absolute_slug_takes_the_place_of_everything_below_the_docs() {
    check("a/b.md", "slug: /abs/slug", "/abs/slug");
    check("a/b.md", "slug: /abs/", "/abs/");
    check("a/b.md", "slug: /", "/");
}

#[test]
fn a_relative_slug_is_resolved_against_the_folder() {
    check("01-part-one/a.md", "slug: relslug", "/part-one/relslug");
    check("01-part-one/02-nested/a.md", "slug: ../up", "/part-one/up");
    check("a/b.md", "slug: ../../../c", "/c");
    check("tutorials/tutorials-index.md", "id: x\nslug: index", "/tutorials/index");
}

#[test]
fn an_index_page_stands_for_its_folder() {
    for name in ["index.md", "README.mdx", "Index.md", "Guide.md"] {
        check(&format!("guide/{name}"), "id: index", "/guide/");
    }
    check("index.md", "", "/");
    check("01-guide/01-guide.md", "", "/guide/");
    check("01-guide/guide.md", "", "/guide/guide");
    check("guide/01-index.md", "", "/guide/index");
}

#[test]
fn urls_are_percent_encoded() {
    check("Space Name.md", "", "/Space%20Name");
    check("中文.md", "", "/%E4%B8%AD%E6%96%87");
    assert_eq!(with_anchor("/docs/a", Some("über")), "/docs/a#%C3%BCber");
    assert_eq!(with_anchor("/docs/a", None), "/docs/a");
}

#[test]
fn slashes_at_the_end_are_what_the_site_wants() {
    let url = |trailing_slash, slug: &str| {
        let routes = Routes { trailing_slash, ..routes("/base/", "/base/") };
        let slug = FrontMatter { slug: Some(slug.to_owned()), ..FrontMatter::default() };
        routes.url("a.md", &slug)
    };
    for (wanted, slug, expected) in [
        (None, "/b/", "/base/b/"),
        (None, "/b", "/base/b"),
        (Some(true), "/b", "/base/b/"),
        (Some(false), "/b/", "/base/b"),
        (Some(false), "/", "/base/"),
        (Some(true), "/", "/base/"),
    ] {
        assert_eq!(url(wanted, slug), expected, "{wanted:?} {slug}");
    }
}

#[test]
fn an_edition_is_everything_below_its_docs() {
    let mut routes = routes("/ä/", "/ä/docs/next/");
    routes.origin = "https://a.example".to_owned();
    assert_eq!(routes.edition(), "https://a.example/%C3%A4/docs/next");
    assert_eq!(routes.url_of("docs/next/b"), "https://a.example/%C3%A4/docs/next/b");
}
