use ErrorKind::{Misconfigured, RateLimited, Rejected, Timeout, Unauthorized, Unavailable};
use reqwest::header::HeaderValue;

use super::*;

/// Stands for what Gemini quotes of our request.
const QUOTE: &str = "the reader's question";

struct Row {
    code: u16,
    body: String,
    kind: ErrorKind,
    transient: bool,
    wait: Option<f64>,
    says: &'static str,
}

fn row(code: u16, body: String, kind: ErrorKind, transient: bool, says: &'static str) -> Row {
    Row { code, body, kind, transient, wait: None, says }
}

fn limit(body: String, transient: bool, wait: Option<f64>, says: &'static str) -> Row {
    Row { code: 429, body, kind: RateLimited, transient, wait, says }
}

fn error(code: u16, status: &str, details: &str) -> String {
    format!(
        r#"{{"error": {{"code": {code}, "message": "{QUOTE}", "status": "{status}",
            "details": [{{"@type": "type.googleapis.com/google.rpc.Help", "links": []}}{details}]}}}}"#
    )
}

fn quota(id: &str, value: &str, delay: &str) -> String {
    let details = format!(
        r#",{{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{{
            "quotaMetric": "m", "quotaId": "{id}", "quotaDimensions": {{"model": "x"}}
            {value}}}]}},
           {{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "{delay}"}}"#
    );
    error(429, "RESOURCE_EXHAUSTED", &details)
}

fn reason(reason: &str) -> String {
    format!(
        r#",{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "{reason}",
            "domain": "googleapis.com", "metadata": {{"service": "x"}}}}"#
    )
}

fn words(message: &str) -> String {
    format!(r#"[{{"error": {{"code": 429, "message": "{QUOTE}. {message}"}}}}]"#)
}

fn judge(code: u16, headers: &HeaderMap, body: &str) -> Failure {
    let model = Model { id: "some-model".to_owned(), setting: "GEMINI_MODEL" };
    Failure::from_response(code, headers, body.as_bytes(), &model)
}

fn refusals() -> Vec<Row> {
    let invalid = |details: &str| error(400, "INVALID_ARGUMENT", details);
    let violation = r#",{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations":
        [{"field": "requests[0].content", "description": "the reader's question"}]}"#;
    let thinking = r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "Thinking level MINIMAL is not supported for this model."}}"#;
    let bad_key = r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "API key not valid. Please pass a valid API key."}}"#;
    let key_type = "ACCESS_TOKEN_TYPE_UNSUPPORTED";
    let key_kind = error(401, "UNAUTHENTICATED", &reason(key_type));
    let region = error(400, "FAILED_PRECONDITION", "");
    let rights = error(403, "PERMISSION_DENIED", "");
    vec![
        row(400, invalid(&reason("API_KEY_INVALID")), Unauthorized, false, "GEMINI_API_KEY"),
        row(400, bad_key.to_owned(), Unauthorized, false, "GEMINI_API_KEY"),
        row(400, invalid(violation), Rejected, false, "requests[0].content"),
        row(400, invalid(""), Rejected, false, "400 INVALID_ARGUMENT"),
        row(400, thinking.to_owned(), Misconfigured, false, "thinking level for some-model"),
        row(400, region, Misconfigured, false, "country"),
        row(401, key_kind, Unauthorized, false, key_type),
        row(403, rights, Unauthorized, false, "GEMINI_API_KEY"),
        row(404, error(404, "NOT_FOUND", ""), Misconfigured, false, "set GEMINI_MODEL"),
        row(413, String::new(), Rejected, false, "413"),
        row(302, String::new(), Misconfigured, false, "GEMINI_BASE_URL"),
    ]
}

fn outages() -> Vec<Row> {
    let late = error(504, "DEADLINE_EXCEEDED", "");
    let odd = error(501, QUOTE, "");
    vec![
        row(408, String::new(), Timeout, true, "408"),
        row(499, error(499, "CANCELLED", ""), Unavailable, false, "499 CANCELLED"),
        row(500, error(500, "INTERNAL", ""), Unavailable, true, "500 INTERNAL"),
        row(501, odd, Unavailable, false, "501 ?"),
        row(502, format!("<html>{QUOTE}"), Unavailable, true, "502"),
        row(503, error(503, "UNAVAILABLE", ""), Unavailable, true, "503 UNAVAILABLE"),
        row(504, late, Timeout, true, "504 DEADLINE_EXCEEDED"),
    ]
}

fn limits() -> Vec<Row> {
    let minute = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
    let twenty = r#","quotaValue": "20""#;
    let zero = r#","quotaValue": "0""#;
    vec![
        limit(quota(minute, "", "36.429760048s"), true, Some(36.429_760_048), minute),
        limit(quota(minute, twenty, "26s"), true, Some(26.0), minute),
        limit(quota(minute, "", "0s"), true, Some(0.0), minute),
        limit(quota(minute, "", "1e18s"), true, Some(86_400.0), minute),
        limit(quota(minute, "", "soon"), true, None, minute),
        limit(quota(minute, zero, "3s"), false, None, "no quota for some-model"),
        limit(words("limit: 0, model: x. Please retry in 3s."), false, None, "no quota"),
        limit(words("limit: 05. Please retry in 12.3s."), true, Some(12.3), "for now"),
        limit(words("Please retry in 985.5ms."), true, Some(0.985_5), "for now"),
        limit(words("Please retry in a while."), true, None, "for now"),
        limit(String::new(), true, None, "for now"),
    ]
}

#[test]
fn every_error_has_its_kind_its_wait_and_a_message_that_quotes_nothing() {
    for Row { code, body, kind, transient, wait, says } in
        refusals().into_iter().chain(outages()).chain(limits())
    {
        let Failure { error, transient: may_pass } = judge(code, &HeaderMap::new(), &body);
        assert_eq!((error.kind(), may_pass), (kind, transient), "{body}: {error}");
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs_f64), "{body}");
        let message = error.to_string();
        assert!(message.contains(says), "{message} does not say {says}");
        assert!(!message.contains(QUOTE), "{message}");
        assert!(message.starts_with(|c: char| c.is_lowercase()) && !message.ends_with('.'));
    }
}

#[test]
fn a_retry_after_header_counts_where_the_body_does_not_say() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("9"))]);
    let wait = |code, body: &str| judge(code, &headers, body).error.retry_after();
    assert_eq!(wait(429, ""), Some(Duration::from_secs(9)));
    assert_eq!(wait(503, ""), Some(Duration::from_secs(9)));
    assert_eq!(wait(429, &quota("PerMinute", "", "26s")), Some(Duration::from_secs(26)));
}

#[test]
fn a_quota_of_the_day_is_renewed_at_midnight_whatever_it_says_itself() {
    let day = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
    let day_of_texts = "EmbedContentRequestsPerDayPerUserPerProjectPerModel-FreeTier";
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("9"))]);
    for (body, says) in [
        (quota(day, r#","quotaValue": "20""#, "36.4s"), day),
        (quota(day_of_texts, "", "86400s"), "the day's quota for some-model"),
        (words("per_day, limit: 20. Please retry in 3s."), "day's quota"),
    ] {
        let before = until_midnight(Timestamp::now()).unwrap();
        let Failure { error, transient } = judge(429, &headers, &body);
        let after = until_midnight(Timestamp::now()).unwrap();
        assert_eq!((error.kind(), transient), (ErrorKind::RateLimited, false), "{body}");
        let wait = error.retry_after().unwrap();
        // Between the two, or midnight was.
        assert!((after..=before).contains(&wait) || after > before, "{wait:?}");
        let message = error.to_string();
        assert!(message.contains(says) && !message.contains(QUOTE), "{message}");
    }
}

#[test]
fn midnight_is_that_of_california() {
    let wait = |now: &str| until_midnight(now.parse().unwrap()).unwrap();
    let hours = Duration::from_hours;
    assert_eq!(wait("2026-01-15T07:59:59Z"), Duration::from_secs(1), "in winter");
    assert_eq!(wait("2026-01-15T08:00:00Z"), hours(24));
    assert_eq!(wait("2026-07-15T06:00:00Z"), hours(1), "in summer");
    assert_eq!(wait("2026-03-08T08:00:00Z"), hours(23), "the day that has 23 hours");
    assert_eq!(wait("2026-11-01T07:00:00Z"), hours(25), "the day that has 25 hours");
}

#[test]
fn a_web_page_is_called_one() {
    let headers = HeaderMap::from_iter([(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    )]);
    let error = judge(502, &headers, "<html>").error;
    assert_eq!(error.to_string(), "gemini is overloaded or down (502 with a web page)");
}

#[test]
fn a_key_that_is_repeated_in_the_place_of_a_name_is_no_name() {
    for name in ["API_KEY_INVALID", "RequestsPerDay-FreeTier", "contents[0].parts[12].text"] {
        assert_eq!(printable(name), name);
    }
    for name in ["AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "a[AIzaSyD9]", "é", "a\n"] {
        assert_eq!(printable(name), "?", "{name}");
    }
}
