use super::*;

fn check(relative: &str, front_matter: &str, expected: &str) {
    let text = format!("---\n{front_matter}\n---\n");
    let (front_matter, _) = FrontMatter::split(&text).unwrap();
    let url = Routes::new(None, "docs").url(relative, &front_matter);
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
fn a_site_url_and_a_base_path_come_before_the_docs() {
    let url = |site, base| Routes::new(site, base).url("a.md", &FrontMatter::default());
    assert_eq!(
        url(Some("https://a.example/project/"), "/docs/"),
        "https://a.example/project/docs/a"
    );
    assert_eq!(url(Some("https://a.example"), "/"), "https://a.example/a");
    assert_eq!(url(Some("/project/"), "docs/x"), "/project/docs/x/a");
    assert_eq!(url(None, "/"), "/a");
}
