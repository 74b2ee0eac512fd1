use std::io::Read as _;

use flate2::read::GzDecoder;

use super::*;

const SCRIPTS: [&str; 2] = ["/widget.js", "/widget/panel.js"];

fn load(path: &str, headers: &[(&'static str, &str)]) -> Request {
    let request = Request::builder().uri_str(path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).finish()
}

#[tokio::test]
async fn a_page_loads_the_widget() {
    for path in SCRIPTS {
        let reply = send(&working_app(), load(path, &[])).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(reply.header("content-encoding"), None);
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(reply.header("cache-control").unwrap().starts_with("public, max-age="), "{path}");
        assert!(reply.text.contains("askbook"), "{path}");
    }
}

#[tokio::test]
async fn pages_of_any_site_may_load_the_widget() {
    for origin in [BOOK, "https://other.example"] {
        for path in SCRIPTS {
            let reply = send(&working_app(), load(path, &[("origin", origin)])).await;
            let granted = reply.header("access-control-allow-origin").unwrap();
            assert!(["*", origin].contains(&granted), "{path} {origin}");
            assert_eq!(reply.header("cross-origin-resource-policy"), Some("cross-origin"));
        }
    }
}

#[tokio::test]
async fn the_widget_comes_compressed_and_is_the_same() {
    for path in SCRIPTS {
        let plain = send(&working_app(), load(path, &[])).await;
        let request = load(path, &[("accept-encoding", "br, gzip")]);
        let response = working_app().call(request).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let mut varies = response.headers().get_all("vary").iter();
        assert!(varies.any(|vary| vary == "accept-encoding"), "{path}");
        let body = response.into_body().into_bytes().await.unwrap();
        let mut text = String::new();
        GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.text);
    }
}

#[tokio::test]
async fn a_browser_that_has_the_widget_does_not_get_it_again() {
    for path in SCRIPTS {
        let first = send(&working_app(), load(path, &[])).await;
        let tag = first.header("etag").unwrap();
        let same = send(&working_app(), load(path, &[("if-none-match", tag)])).await;
        assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(same.header("etag"), Some(tag));
        let other = send(&working_app(), load(path, &[("if-none-match", "\"other\"")])).await;
        assert_eq!((other.status, other.text), (StatusCode::OK, first.text));
    }
}
