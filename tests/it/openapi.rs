use std::path::Path;

use crate::support::app::TestApp;

#[tokio::test]
async fn the_committed_document_is_what_the_server_serves() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let app = TestApp::start(&[]).await;
    let served = app.get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &served.text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        served.text == committed,
        "openapi/openapi.json is not what the server serves; if the change is meant, run \
         `UPDATE_OPENAPI=1 cargo test -p askbook-tests openapi` and commit the file"
    );
    assert_eq!(askbook_http::document(), committed, "`askbook openapi` prints another one");
}

#[tokio::test]
async fn swagger_ui_works_without_a_network() {
    let app = TestApp::start(&[]).await;
    let page = app.get("/docs").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("SwaggerUIBundle"));
    assert!(!page.text.contains("charset=utf-8\\\""), "the document is the one that is served");
    for tag in ["<script src=", "<link rel=\"stylesheet\" href=", "@import"] {
        assert!(!page.text.contains(tag), "{tag} loads something");
    }
}

#[tokio::test]
async fn the_front_page_says_what_this_is_and_where_to_go() {
    let app = TestApp::start(&[]).await;
    let page = app.get("/").await;
    for link in ["/docs", "/openapi.json", "/health"] {
        assert!(page.text.contains(link), "{link}");
    }
}
