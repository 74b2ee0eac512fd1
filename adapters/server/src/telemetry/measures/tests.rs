use super::*;

/// The table of the manual: name and type.
fn documented() -> Vec<(String, String)> {
    let manual = include_str!("../../../../../docs/guides/watch.md");
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `askbook_")?.split_once("` | ")?;
        Some((format!("askbook_{name}"), rest.split(" | ").next()?.to_owned()))
    };
    manual.lines().filter_map(row).collect()
}

#[test]
fn the_manual_lists_what_is_measured() {
    let kind = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let measured = MEASURES.iter().map(|measure| (measure.name, kind(measure.kind)));
    let measured: Vec<_> =
        measured.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert!(measured.is_sorted());
    assert_eq!(documented(), measured);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = measure(taken.local_addr().unwrap()).unwrap_err();
    assert!(format!("{error:#}").contains("set ASKBOOK_METRICS to an address that is free"));
}
