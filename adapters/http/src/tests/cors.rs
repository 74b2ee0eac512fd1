use super::*;

fn from(origin: &[u8], mut request: Request) -> Request {
    request.headers_mut().insert("origin", HeaderValue::from_bytes(origin).unwrap());
    request
}

fn preflight(origin: &str) -> Request {
    Request::builder()
        .method(Method::OPTIONS)
        .uri_str("/chat")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-stream-response")
        .finish()
}

#[tokio::test]
async fn a_preflight_of_the_book_is_granted() {
    let reply = send(&working_app(), preflight(BOOK)).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET, HEAD, POST, OPTIONS"));
    let headers = reply.header("access-control-allow-headers").unwrap();
    assert!(["content-type", "x-stream-response"].iter().all(|name| headers.contains(name)));
    assert!(reply.header("access-control-max-age").is_some());
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert_eq!(reply.header("vary"), Some("origin"));
}

#[tokio::test]
async fn a_reply_to_the_book_exposes_what_clients_need() {
    let reply = send(&working_app(), question()).await;
    let exposed = reply.header("access-control-expose-headers").unwrap();
    assert!(["x-request-id", "retry-after"].iter().all(|name| exposed.contains(name)));
}

#[tokio::test]
async fn a_foreign_page_may_not_ask_and_costs_no_call() {
    let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
    for origin in [
        &b"https://evil.example"[..],
        b"null",
        b"https://book.example.evil.example",
        b"http://book.example",
        b"https://BOOK.example",
        b"\xff\xfe",
        b"",
        b"://",
    ] {
        let reply = send(&app, from(origin, question())).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin:?}");
        assert_eq!(reply.json()["code"], "origin_not_allowed");
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    let reply = send(&app, preflight("https://evil.example")).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.header("access-control-allow-methods"), None);
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test]
async fn a_foreign_page_may_load_but_not_read() {
    let reply = send(&working_app(), from(b"https://evil.example", look("/health"))).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn pages_of_the_server_itself_may_ask() {
    let app = working_app();
    let mut direct = from(b"http://127.0.0.1:8000", question());
    direct.headers_mut().insert("host", HeaderValue::from_static("127.0.0.1:8000"));
    let mut behind_a_proxy = from(b"https://ask.example", question());
    behind_a_proxy.headers_mut().insert("host", HeaderValue::from_static("10.0.0.7:8000"));
    behind_a_proxy.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    for request in [direct, behind_a_proxy] {
        let reply = send(&app, request).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn no_origin_is_no_page_and_passes() {
    let mut request = question();
    request.headers_mut().remove("origin");
    let reply = send(&working_app(), request).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("vary"), Some("origin"));
}

#[tokio::test]
async fn a_star_lets_every_site_in_without_credentials() {
    let origins = vec![Origin::parse(1, "*").unwrap().0];
    let (retriever, generator) = (Stub::new(Conduct::Works), Stub::new(Conduct::Works));
    let app = app(chat(retriever, vec![generator]), &HttpSettings { origins, ..settings() });
    for request in [from(b"https://any.example", question()), preflight("https://any.example")] {
        let reply = send(&app, request).await;
        assert!(reply.status.is_success());
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}
