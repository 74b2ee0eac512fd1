use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::process::{Process, own_address};
use crate::support::scripted_gemini::{Call, ScriptedGemini, Verb, error};

/// A family of the text format, which Prometheus reads.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    samples: Vec<Sample>,
}

/// One line of it.
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Reads the text format, version 0.0.4
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>), as far as askbook writes it.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            help.clone_into(&mut families.entry(name.to_owned()).or_default().help);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
        } else {
            let sample = sample(line);
            let of =
                |suffix| sample.name.strip_suffix(suffix).filter(|n| families.contains_key(*n));
            let family = ["_bucket", "_sum", "_count"].into_iter().find_map(of);
            let family = family.unwrap_or(&sample.name).to_owned();
            let family = families.get_mut(&family);
            family.unwrap_or_else(|| panic!("of no type: {line}")).samples.push(sample);
        }
    }
    families
}

/// Reads `name{label="value",…} number`. No value here holds a quotation mark or a backslash.
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    let label = |label: &str| {
        let (name, value) = label.split_once('=').unwrap();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
        (name.to_owned(), value.to_owned())
    };
    let labels = labels.split(',').filter(|text| !text.is_empty()).map(label).collect();
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap() }
}

/// What is wrong with a family by the rules of `promtool check metrics` and of Prometheus's
/// manual (<https://prometheus.io/docs/practices/naming/>).
fn faults(name: &str, family: &Family) -> Vec<String> {
    let Family { kind, help, samples } = family;
    let mut faults = Vec::new();
    let mut rule = |holds: bool, fault: &str| {
        if !holds {
            faults.push(format!("{name}: {fault}"));
        }
    };
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    rule(name.chars().all(word), "a name is made of small letters, digits and underscores");
    rule(!help.is_empty(), "says nothing about itself");
    rule(!samples.is_empty(), "has no sample");
    rule((kind == "counter") == name.ends_with("_total"), "counters alone end in _total");
    rule(kind != "histogram" || name.ends_with("_seconds"), "a duration is in seconds");
    rule(matches!(&**kind, "counter" | "gauge" | "histogram"), "is of no known type");
    let units = ["ms", "milliseconds", "minutes", "hours", "kb", "mb", "percent"];
    rule(!name.split('_').any(|part| units.contains(&part)), "is not in a base unit");
    let types = ["counter", "gauge", "histogram", "summary"];
    rule(!name.split('_').any(|part| types.contains(&part)), "names its type");
    let mut seen = BTreeSet::new();
    for sample in samples {
        rule(seen.insert((&sample.name, &sample.labels)), "says something twice");
        let bucket = sample.name.ends_with("_bucket");
        rule(bucket == sample.labels.contains_key("le"), "has `le` where there is no bucket");
        rule(sample.labels.keys().all(|label| label.chars().all(word)), "has an odd label");
        rule(kind == "gauge" || sample.value >= 0.0, "is below 0");
    }
    rule(kind != "histogram" || is_cumulative(samples), "has buckets that do not add up");
    faults
}

/// Whether the buckets of each histogram grow up to its count.
fn is_cumulative(samples: &[Sample]) -> bool {
    let mut histograms = BTreeMap::<_, Vec<f64>>::new();
    for sample in samples.iter().filter(|sample| !sample.name.ends_with("_sum")) {
        let mut labels = sample.labels.clone();
        labels.remove("le");
        histograms.entry(labels).or_default().push(sample.value);
    }
    // The last bucket is that of everything, and the count comes behind it.
    histograms.values().all(|counts| match counts.as_slice() {
        [_, .., all, count] => counts.is_sorted() && all.total_cmp(count).is_eq(),
        _ => false,
    })
}

/// The metrics of the manual: name, type and labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guides/watch.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `askbook_")?.split(" | ");
        let name = format!("askbook_{}", cells.next()?.trim_end_matches('`'));
        let kind = cells.next()?.to_owned();
        let labels = cells.next()?.split(", ").filter(|label| *label != "–");
        let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        Some((name, (kind, labels)))
    };
    manual.lines().filter_map(row).collect()
}

/// Asks for everything once, so that everything is measured: an answer, a stream, a search, a
/// rating, a failure, a retry that helps and one that does not.
async fn use_everything(app: &Process, overloaded: &AtomicBool) {
    let question = json!({ "message": QUESTION });
    let answer = app.post("/chat", &question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let rating = json!({"message_id": answer.json()["message_id"], "rating": "good"});
    assert_eq!(app.post("/feedback", &rating).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.post("/chat/stream", &question).await.status, StatusCode::OK);
    assert_eq!(app.post("/search", &json!({ "query": QUESTION })).await.status, StatusCode::OK);
    overloaded.store(true, Ordering::SeqCst);
    let lossy = app.post("/chat", &question).await;
    assert_eq!(lossy.json()["mode"], "extractive", "{}", lossy.text);
    assert_eq!(app.post("/chat", &json!({})).await.status, StatusCode::BAD_REQUEST);
}

/// Sends what only somebody sends who wants to fill the memory of a Prometheus.
async fn make_up(app: &Process, what: &str) {
    let name = |part: &str| format!("made-up-{what}-{part}");
    let method = Method::from_bytes(name("method").to_uppercase().as_bytes()).unwrap();
    app.request(method, &format!("/{}?{}=1", name("path"), name("query"))).send().await.unwrap();
    for path in ["/chat", "/chat/stream", "/search", "/feedback"] {
        let body = json!({
            "message": name("message"), "session_id": name("session"), "rating": name("rating"),
            "query": name("query"), name("field"): 1, "message_id": name("message"),
        });
        let mut request = app.request(Method::POST, path).json(&body);
        for header in ["origin", "x-request-id", "user-agent", "x-forwarded-for", "authorization"] {
            request = request.header(header, name(header));
        }
        request.send().await.unwrap();
    }
}

/// Every series: a name and its labels.
fn series(families: &BTreeMap<String, Family>) -> BTreeSet<(String, BTreeMap<String, String>)> {
    let samples = families.iter().filter(|(name, _)| name.starts_with("askbook_"));
    let samples = samples.flat_map(|(_, family)| &family.samples);
    samples.map(|sample| (sample.name.clone(), sample.labels.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_what_the_manual_says_and_nothing_that_a_client_made_up() {
    let overloaded = Arc::new(AtomicBool::new(false));
    let is_overloaded = Arc::clone(&overloaded);
    let script = move |call: &Call| {
        if call.verb == Verb::Write && is_overloaded.load(Ordering::SeqCst) {
            return error(503, "UNAVAILABLE", &json!([]));
        }
        call.done(QUESTION, ANSWER)
    };
    let (gemini, qdrant, address) =
        (ScriptedGemini::start(script).await, harbour().await, own_address());
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("ASKBOOK_METRICS", address.to_string()),
        ("ASKBOOK_ADDRESS_PER_MINUTE", "0".to_owned()),
        ("GEMINI_API_KEY", KEY.to_owned()),
        ("GEMINI_BASE_URL", gemini.url()),
        ("GEMINI_MODEL", "writes".to_owned()),
        ("EMBEDDING_MODEL", "embeds".to_owned()),
        ("ASKBOOK_PRICE_INPUT", "0.5".to_owned()),
        ("ASKBOOK_PRICE_OUTPUT", "1".to_owned()),
        ("QDRANT_URL", qdrant.url()),
        ("QDRANT_COLLECTION_NAME", COLLECTION.to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
    let app = Process::start(folder.path(), &settings).await;
    use_everything(&app, &overloaded).await;

    let read = app.metrics(address).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(read.header("content-type").unwrap().starts_with("text/plain"));
    let measured = families(&read.text);
    let faults: Vec<_> = measured.iter().flat_map(|(name, family)| faults(name, family)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"] {
        assert!(measured.contains_key(name), "{name}");
    }
    let documented = documented();
    for (name, family) in measured.iter().filter(|(name, _)| name.starts_with("askbook_")) {
        let labels = family.samples.iter().flat_map(|sample| sample.labels.keys().cloned());
        let labels = labels.filter(|label| label != "le").collect();
        let found = (family.kind.clone(), labels);
        assert_eq!(documented.get(name), Some(&found), "{name} is not so in docs/guides/watch.md");
    }
    for (name, labels, least) in [
        ("askbook_answers_total", json!({"outcome": "answered", "mode": "generated"}), 2.0),
        ("askbook_answers_total", json!({"outcome": "answered", "mode": "extractive"}), 1.0),
        ("askbook_losses_total", json!({"leg": "generator", "reason": "unavailable"}), 1.0),
        ("askbook_retries_total", json!({"upstream": "gemini"}), 1.0),
        ("askbook_feedback_total", json!({"rating": "good"}), 1.0),
        ("askbook_tokens_total", json!({"kind": "input"}), 240.0),
        ("askbook_tokens_total", json!({"kind": "output"}), 24.0),
        ("askbook_spend_calls_total", json!({"stage": "embed", "upstream": "embeds"}), 3.0),
        ("askbook_spend_calls_total", json!({"stage": "generate", "upstream": "writes"}), 3.0),
        ("askbook_spend_tokens_total", json!({"stage": "generate", "upstream": "writes"}), 264.0),
        (
            "askbook_spend_millionths_total",
            json!({"stage": "generate", "upstream": "writes"}),
            144.0,
        ),
        ("askbook_requests_total", json!({"route": "/chat", "status": "200"}), 2.0),
        ("askbook_requests_total", json!({"route": "/chat", "status": "400"}), 1.0),
        ("askbook_problems_total", json!({"code": "invalid_field", "stage": "none"}), 1.0),
        ("askbook_build_info", json!({"version": env!("CARGO_PKG_VERSION")}), 1.0),
    ] {
        let is_it = |sample: &&Sample| json!(sample.labels) == labels;
        let found = measured[name].samples.iter().find(is_it).map(|sample| sample.value);
        assert!(
            found.is_some_and(|value| value >= least),
            "{name}{labels}: {found:?}\n{}",
            read.text
        );
    }

    make_up(&app, "one").await;
    let once = series(&families(&app.metrics(address).await.text));
    for what in ["two", "three", "four"] {
        make_up(&app, what).await;
    }
    let text = app.metrics(address).await.text;
    let new: Vec<_> = series(&families(&text)).difference(&once).cloned().collect();
    assert!(new.is_empty(), "more clients, more series: {new:?}");
    assert!(!text.to_lowercase().contains("made-up"), "{text}");
    app.stop().await;
}

#[test]
fn the_rules_find_what_breaks_them() {
    for (text, fault) in [
        ("# TYPE a counter\na 1\n", "counters alone end in _total"),
        ("# TYPE a_total gauge\na_total 1\n", "counters alone end in _total"),
        ("# TYPE a_ms gauge\na_ms 1\n", "is not in a base unit"),
        ("# TYPE a gauge\na 1\na 2\n", "says something twice"),
        ("# TYPE aB gauge\naB 1\n", "a name is made of"),
        ("# HELP a \n# TYPE a gauge\na 1\n", "says nothing about itself"),
        ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n", "is in seconds"),
        (
            "# TYPE a_seconds histogram\na_seconds_bucket{le=\"1\"} 2\n\
             a_seconds_bucket{le=\"+Inf\"} 1\na_seconds_sum 1\na_seconds_count 1\n",
            "do not add up",
        ),
    ] {
        let families = families(text);
        let found: Vec<_> =
            families.iter().flat_map(|(name, family)| faults(name, family)).collect();
        assert!(found.iter().any(|found| found.contains(fault)), "{text}: {found:?}");
    }
}

/// A file of `deploy`.
fn deployed(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// The metrics of askbook that this text names. The parts of a histogram are named as it is.
fn named(text: &str) -> BTreeSet<String> {
    let documented = documented();
    let other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let names = text.split(other).filter(|name| name.starts_with("askbook_")).map(|name| {
        let of = |suffix| name.strip_suffix(suffix).filter(|n| documented.contains_key(*n));
        ["_bucket", "_sum", "_count"].into_iter().find_map(of).unwrap_or(name).to_owned()
    });
    names.collect()
}

#[test]
fn the_dashboard_and_the_alarms_ask_only_for_what_is_measured() {
    let dashboard: Value = serde_json::from_str(&deployed("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut asked = BTreeSet::new();
    for query in targets.map(|target| target["expr"].as_str().unwrap()) {
        let names = named(query);
        assert!(!names.is_empty() || query.contains("process_"), "asks for nothing: {query}");
        asked.extend(names);
    }
    let alarms = named(&deployed("prometheus-rules.yml"));
    assert!(alarms.len() > 3, "the alarms watch little: {alarms:?}");
    let documented: BTreeSet<_> = documented().into_keys().collect();
    let unknown: Vec<_> = asked.union(&alarms).filter(|name| !documented.contains(*name)).collect();
    assert!(unknown.is_empty(), "measured by nobody: {unknown:?}");
    assert_eq!(asked, documented, "the dashboard shows everything that is measured");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
}
