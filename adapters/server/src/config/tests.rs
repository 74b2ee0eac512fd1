use std::fs;

use secrecy::ExposeSecret as _;

use super::*;
use crate::book::Source;

/// Settings from the sources of an imagined machine.
struct Sources {
    folder: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
    flags: Vec<(&'static str, &'static str)>,
}

impl Sources {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data").display().to_string();
        let environment = vec![("ASKBOOK_DATA_DIR", data_dir)];
        Self { folder, environment, flags: Vec::new() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    fn flag(mut self, name: &'static str, value: &'static str) -> Self {
        self.flags.push((name, value));
        self
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let environment =
            self.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let flags =
            self.flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::layered(self.folder.path(), environment, flags, Keys::Needed)
    }

    fn error(&self) -> String {
        self.load().expect_err("a problem").to_string()
    }
}

fn values(values: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let nowhere = ("ASKBOOK_DATA_DIR", "/nonexistent/askbook");
    Config::from_values([&[nowhere], values].concat())
}

fn error(given: &[(&str, &str)]) -> String {
    values(given).expect_err("a problem").to_string()
}

fn parts(given: &[(&str, &str)]) -> [&'static str; 3] {
    let config = values(given).unwrap();
    [config.embedder.name(), config.retriever.name(), config.generator.name()]
}

const KEY: (&str, &str) = ("GEMINI_API_KEY", "k3y");
const QDRANT: (&str, &str) = ("QDRANT_URL", "http://localhost:6333");
const COLLECTION: (&str, &str) = ("QDRANT_COLLECTION_NAME", "book");

#[test]
fn nothing_has_to_be_set() {
    let config = values(&[]).unwrap();
    assert_eq!(config.settings.port, 8000);
    assert!(config.settings.host.is_loopback());
    assert_eq!(config.settings.refusal, "The book does not say.");
    assert_eq!(config.book().source, Source::Site("docs".into()));
    assert!(config.warnings.is_empty());
}

#[cfg(feature = "edge")]
#[test]
fn the_parts_follow_from_what_is_set() {
    assert_eq!(parts(&[]), ["bm25", "edge", "quote"]);
    assert_eq!(parts(&[KEY]), ["bm25", "edge", "gemini"]);
    assert_eq!(parts(&[QDRANT, COLLECTION]), ["bm25", "qdrant", "quote"]);
    assert_eq!(parts(&[KEY, QDRANT, COLLECTION]), ["hybrid", "qdrant", "gemini"]);
    assert_eq!(
        parts(&[KEY, ("ASKBOOK_EMBEDDER", "gemini"), ("ASKBOOK_RETRIEVER", "edge")]),
        ["gemini", "edge", "gemini"]
    );
}

#[cfg(not(feature = "edge"))]
#[test]
fn without_the_engine_memory_stands_in_and_the_engine_is_refused() {
    assert_eq!(parts(&[]), ["memory", "memory", "quote"]);
    assert_eq!(parts(&[KEY, QDRANT, COLLECTION]), ["gemini", "qdrant", "gemini"]);
    let error = error(&[("ASKBOOK_RETRIEVER", "edge"), ("ASKBOOK_EMBEDDER", "bm25")]);
    assert!(error.contains("ASKBOOK_RETRIEVER") && error.contains("ASKBOOK_EMBEDDER"), "{error}");
}

#[test]
fn a_part_asks_for_what_it_needs() {
    let check = |given: &[_], names: [&str; 2]| {
        let error = error(given);
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    };
    check(&[("ASKBOOK_GENERATOR", "gemini")], ["ASKBOOK_GENERATOR", "GEMINI_API_KEY"]);
    check(&[("ASKBOOK_EMBEDDER", "gemini")], ["ASKBOOK_EMBEDDER", "GEMINI_API_KEY"]);
    #[cfg(feature = "edge")]
    check(&[("ASKBOOK_EMBEDDER", "hybrid")], ["ASKBOOK_EMBEDDER", "GEMINI_API_KEY"]);
    check(&[("ASKBOOK_RETRIEVER", "qdrant"), COLLECTION], ["ASKBOOK_RETRIEVER", "QDRANT_URL"]);
    check(&[QDRANT], ["Qdrant", "QDRANT_COLLECTION_NAME"]);
}

#[test]
fn each_source_hides_those_below_it() {
    let file = "port = 1\nhost = \"10.0.0.1\"\ngemini_model = 'file'\naskbook_passages = 3\n";
    let sources = Sources::new()
        .file("askbook.toml", file)
        .file(".env", "HOST=10.0.0.2\nGEMINI_MODEL=dotenv\nPORT=2\n")
        .variable("GEMINI_MODEL", "environment")
        .variable("PORT", "3")
        .flag("PORT", "4");
    let settings = sources.load().unwrap().settings;
    assert_eq!(settings.port, 4);
    assert_eq!(settings.gemini_model, "environment");
    assert_eq!(settings.host.to_string(), "10.0.0.2");
    assert_eq!(settings.passages.get(), 3);
}

#[test]
fn a_file_may_hold_lists_and_numbers() {
    let file = "allowed_origins = ['https://a.example', 'https://b.example']\nport = 8080";
    let settings = Sources::new().file("askbook.toml", file).load().unwrap().settings;
    assert_eq!(settings.allowed_origins.unwrap().allowed.len(), 2);
    assert_eq!(settings.port, 8080);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let error = Sources::new().variable("ASKBOOK_CONFIG", "/nonexistent/a.toml").error();
    assert!(error.contains("/nonexistent/a.toml cannot be read"), "{error}");
    let sources = Sources::new().file("other.toml", "port = 9");
    let path = sources.folder.path().join("other.toml").display().to_string();
    assert_eq!(sources.variable("ASKBOOK_CONFIG", &path).load().unwrap().settings.port, 9);
}

#[test]
fn pasted_spaces_and_quotes_are_dropped_and_empty_values_are_none() {
    let sources = Sources::new()
        .file(".env", "PORT=9000\nGEMINI_API_KEY=' k3y '\nQDRANT_URL=\n")
        .variable("PORT", "  ")
        .variable("GEMINI_MODEL", " \"gemini-9\" ");
    let settings = sources.load().unwrap().settings;
    assert_eq!(settings.port, 9000);
    assert_eq!(settings.gemini_model, "gemini-9");
    assert_eq!(settings.gemini_api_key.unwrap().expose_secret(), "k3y");
    assert_eq!(settings.qdrant_url, None);
}

#[test]
fn secrets_that_look_like_numbers_or_tables_stay_text() {
    for key in ["1234567890", "true", "12.5", "{a=1}", "[1]"] {
        let sources = Sources::new().variable("GEMINI_API_KEY", key);
        let settings = sources.load().unwrap().settings;
        assert_eq!(settings.gemini_api_key.unwrap().expose_secret(), key);
    }
}

#[test]
fn an_alias_means_the_same() {
    let config = values(&[
        ("GOOGLE_API_KEY", "k3y"),
        ("QDRANT_HOST", "localhost"),
        ("COLLECTION_NAME", "book"),
        ("LLM_MODEL", "gemini-9"),
        ("FRONTEND_URL", "https://a.example"),
    ]);
    let settings = config.unwrap().settings;
    assert!(settings.gemini_api_key.is_some());
    assert!(settings.qdrant_url.is_some() && settings.allowed_origins.is_some());
    assert_eq!(settings.gemini_model, "gemini-9");
}

#[test]
fn two_names_for_one_setting_must_agree() {
    let error = error(&[("GEMINI_API_KEY", "secret-one"), ("GOOGLE_API_KEY", "secret-two")]);
    assert!(error.contains("GEMINI_API_KEY") && error.contains("GOOGLE_API_KEY"), "{error}");
    assert!(!error.contains("secret-"), "{error}");
    assert!(values(&[("GEMINI_MODEL", "a"), ("LLM_MODEL", "a")]).is_ok());
    let across = Sources::new().file(".env", "GEMINI_MODEL=a").variable("LLM_MODEL", "b").error();
    assert!(across.contains("GEMINI_MODEL (.env) and LLM_MODEL (environment)"), "{across}");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let sources = Sources::new().file("key", " k3y\n");
    let path = sources.folder.path().join("key").display().to_string();
    let sources = sources.variable("GOOGLE_API_KEY_FILE", &path);
    let key = sources.load().unwrap().settings.gemini_api_key.unwrap();
    assert_eq!(key.expose_secret(), "k3y");

    let error = sources.variable("GEMINI_API_KEY", "k3y").error();
    assert!(error.contains("GOOGLE_API_KEY_FILE") && error.contains("GEMINI_API_KEY "), "{error}");
    let error = Sources::new().variable("QDRANT_API_KEY_FILE", "/nonexistent/key").error();
    assert!(error.contains("QDRANT_API_KEY_FILE"), "{error}");
}

#[test]
fn every_problem_is_told_at_once_and_no_value_is() {
    let error = error(&[
        ("PORT", "v4lue-1"),
        ("HOST", "v4lue-2"),
        ("EMBEDDING_DIMENSIONS", "v4lue-3"),
        ("ALLOWED_ORIGINS", "v4lue-4"),
        ("ASKBOOK_EMBEDDER", "v4lue-5"),
        ("GEMINI_API_KEY", "v4lue 6"),
        ("QDRANT_URL", "ftp://v4lue-7"),
        ("ASKBOOK_PASAGES", "v4lue-8"),
    ]);
    for name in [
        "8 problems",
        "PORT",
        "HOST",
        "EMBEDDING_DIMENSIONS",
        "ALLOWED_ORIGINS",
        "ASKBOOK_EMBEDDER",
        "GEMINI_API_KEY",
        "QDRANT_URL",
        "ASKBOOK_PASAGES (value) is not a setting; did you mean ASKBOOK_PASSAGES?",
    ] {
        assert!(error.contains(name), "{name} is missing in {error}");
    }
    assert!(!error.contains("v4lue"), "{error}");
}

#[test]
fn a_problem_names_the_alias_that_was_used() {
    let error = error(&[("CORS_ORIGINS", "book")]);
    assert!(error.contains("CORS_ORIGINS (value) must be"), "{error}");
}

#[test]
fn unknown_names_are_refused_where_they_can_only_be_meant_for_askbook() {
    let of_others = Sources::new().variable("PATH", "/bin").variable("GEMINI_APIKEY", "x");
    assert!(of_others.load().is_ok());
    let kubernetes = Sources::new()
        .variable("ASKBOOK_SERVICE_HOST", "10.0.0.1")
        .variable("ASKBOOK_PORT", "tcp://10.0.0.1:80")
        .variable("ASKBOOK_PORT_80_TCP", "tcp://10.0.0.1:80");
    assert!(kubernetes.load().is_ok());
    let error = Sources::new().variable("ASKBOOK_PORT", "80").error();
    assert!(error.contains("did you mean PORT?"), "{error}");
    let error = Sources::new().file("askbook.toml", "gemini_apikey = 's3cret'").error();
    assert!(error.contains("gemini_apikey") && error.contains("GEMINI_API_KEY?"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    let error = Sources::new().flag("NO_SUCH_THING", "1").error();
    assert!(error.contains("NO_SUCH_THING (flag) is not a setting"), "{error}");
}

#[test]
fn a_broken_file_is_told_by_its_line_alone() {
    let error = Sources::new().file("askbook.toml", "port = 1\ngemini_api_key = s3cret").error();
    assert!(error.contains("askbook.toml is not TOML: line 2"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    let error = Sources::new().file(".env", "# a\nPORT=1\nGEMINI_API_KEY=s3 cret").error();
    assert!(error.contains(".env cannot be read at line 3"), "{error}");
    assert!(!error.contains("cret"), "{error}");
    let error = Sources::new().file("askbook.toml", "[server]\nport = 1").error();
    assert!(error.contains("server") && error.contains("is a table"), "{error}");
}

#[test]
fn an_origin_with_a_path_is_a_warning() {
    let config = values(&[("FRONTEND_URL", "https://a.example/docs")]).unwrap();
    let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert!(warning.contains("FRONTEND_URL"), "{warning}");
}

#[test]
fn the_last_indexed_book_is_the_book_unless_another_is_set() {
    let sources = Sources::new();
    let book = Book {
        source: Source::Site("/books/redux".into()),
        site_url: Some("https://redux.example".to_owned()),
        route_base_path: Some("/".to_owned()),
        from_build: Some("/books/redux/build".into()),
    };
    book.remember(&sources.folder.path().join("data")).unwrap();
    assert_eq!(sources.load().unwrap().book(), book);

    let other = sources.variable("ASKBOOK_BOOK", "manual").load().unwrap().book();
    assert_eq!(other.source, Source::Site("manual".into()));
    assert_eq!((other.site_url, other.route_base_path, other.from_build), (None, None, None));
}

#[test]
fn what_calls_nobody_needs_no_key() {
    let sources = Sources::new();
    let load = |keys| {
        let environment = [("ASKBOOK_EMBEDDER".to_owned(), "gemini".to_owned())];
        Config::layered(sources.folder.path(), environment.into_iter(), [], keys)
    };
    assert!(load(Keys::Needed).is_err());
    let config = load(Keys::Spared).unwrap();
    assert_eq!((config.embedder.name(), config.generator.name()), ("gemini", "quote"));
}

#[test]
fn settings_can_be_overridden_and_are_checked_again() {
    let config = Sources::new().flag("PORT", "9000").file(".env", "HOST=10.0.0.1").load().unwrap();
    let with = |name: &str, value: &str| config.with([(name.to_owned(), value.to_owned())]);
    let other = with("port", "9001").unwrap().settings;
    assert_eq!((other.port, other.host.to_string().as_str()), (9001, "10.0.0.1"));
    let error = with("ASKBOOK_PASAGES", "3").unwrap_err().to_string();
    assert!(error.contains("ASKBOOK_PASAGES (override) is not a setting"), "{error}");
}

#[test]
fn a_mirror_is_refreshed_now_and_then_or_never() {
    let refresh = |value| values(&[("ASKBOOK_MIRROR_REFRESH_S", value)]).unwrap().settings;
    assert_eq!(refresh("60").mirror_refresh, Some(std::time::Duration::from_mins(1)));
    assert_eq!(refresh("0").mirror_refresh, None);
    assert!(error(&[("ASKBOOK_MIRROR_REFRESH_S", "-1")]).contains("ASKBOOK_MIRROR_REFRESH_S"));
}

#[test]
fn the_deadline_is_divided_unless_its_parts_are_set() {
    let budget = |given: &[(&str, &str)]| {
        let Budget { condense, answer } = values(given).unwrap().budget;
        (condense.as_millis(), answer.as_millis())
    };
    assert_eq!(budget(&[]), (1_500, 20_000));
    assert_eq!(budget(&[("ASKBOOK_DEADLINE_MS", "600")]), (30, 400));
    let set = [("ASKBOOK_CONDENSE_MS", "900"), ("ASKBOOK_ANSWER_MS", "9000")];
    assert_eq!(budget(&set), (900, 9_000));
    let two_models = [KEY, ("GEMINI_FALLBACK_MODEL", "gemini-9")];
    assert_eq!(budget(&two_models), (1_500, 10_000));
}

#[test]
fn parts_of_the_deadline_that_fill_it_are_refused() {
    let given = [("ASKBOOK_DEADLINE_MS", "10000"), ("ASKBOOK_ANSWER_MS", "9500")];
    let error = error(&given);
    for name in ["ASKBOOK_CONDENSE_MS", "ASKBOOK_ANSWER_MS", "ASKBOOK_DEADLINE_MS"] {
        assert!(error.contains(name), "{name} is missing in {error}");
    }
    assert!(values(&[given[0], given[1], ("ASKBOOK_CONDENSE_MS", "499")]).is_ok());
}

#[test]
fn a_fallback_model_is_another_one_and_for_where_a_model_writes() {
    let same = error(&[KEY, ("GEMINI_MODEL", "a"), ("GEMINI_FALLBACK_MODEL", "models/a")]);
    assert!(same.contains("GEMINI_FALLBACK_MODEL") && same.contains("GEMINI_MODEL"), "{same}");
    let unused = values(&[("GEMINI_FALLBACK_MODEL", "gemini-9")]).unwrap().warnings;
    assert_eq!(unused, ["GEMINI_FALLBACK_MODEL is of no use while quote writes"]);
    assert!(values(&[KEY, ("GEMINI_FALLBACK_MODEL", "gemini-9")]).unwrap().warnings.is_empty());
}

#[test]
fn a_listing_shows_values_and_sources_and_no_secret() {
    let sources = Sources::new()
        .variable("GOOGLE_API_KEY", "s3cret")
        .file(".env", "PORT=9000")
        .variable("ASKBOOK_SESSIONS", "redis://:s3cret@redis.example")
        .flag("HOST", "10.0.0.1");
    let config = sources.load().unwrap();
    let listing = config.listing().to_string();
    for line in [
        "PORT=9000 # .env",
        "HOST=10.0.0.1 # flag",
        "GEMINI_API_KEY=[redacted] # GOOGLE_API_KEY, environment",
        "ASKBOOK_SESSIONS=[redacted] # environment",
        "ASKBOOK_GENERATOR=gemini # default",
        "ASKBOOK_PASSAGES=12 # default",
        "# QDRANT_URL= # not set",
    ] {
        let shown = |shown: &str| shown.split_whitespace().eq(line.split_whitespace());
        assert!(listing.lines().any(shown), "{line} is missing in {listing}");
    }
    assert!(!listing.contains("s3cret") && !format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_server_that_takes_a_key_needs_one() {
    let required = ("ASKBOOK_REQUIRE_KEY", "on");
    assert!(error(&[required]).contains("ASKBOOK_API_KEYS"));
    let config = values(&[required, ("ASKBOOK_API_KEYS", "v4lue-v4lue-v4lue")]).unwrap();
    assert!(!format!("{config:?}{}", config.listing()).contains("v4lue"));
    let short = error(&[("ASKBOOK_API_KEYS", "v4lue")]);
    assert!(short.contains("openssl rand") && !short.contains("v4lue"), "{short}");
}

#[test]
fn keys_come_in_a_file_too() {
    let sources = Sources::new().file("keys", "v4lue-v4lue-v4lue\nv4lue-v4lue-other\n");
    let path = sources.folder.path().join("keys").display().to_string();
    let config = sources.variable("ASKBOOK_API_KEYS_FILE", &path).load().unwrap();
    assert_eq!(format!("{:?}", config.settings.api_keys.unwrap()), "ApiKeys(2)");
}

#[test]
fn spending_has_a_ceiling_that_suits_and_none_that_allows_no_answer() {
    let spending = values(&[]).unwrap().spending;
    assert_eq!(spending.ceilings.day.calls, Some(10_000));
    assert_eq!(spending.ceilings.minute, askbook::spend::Ceiling::default());

    let money = ("ASKBOOK_SPEND_MONEY_PER_DAY", "1.50");
    let [input, output] = [("ASKBOOK_PRICE_INPUT", "0.1"), ("ASKBOOK_PRICE_OUTPUT", "0.4")];
    for prices in [&[][..], &[input], &[output]] {
        let error = error(&[&[KEY, money], prices].concat());
        assert!(error.contains("ASKBOOK_PRICE_OUTPUT"), "{error}");
    }
    let spending = values(&[KEY, money, input, output]).unwrap().spending;
    assert_eq!(spending.ceilings.day.money, Some(1_500_000));
    assert_eq!((spending.writing.input, spending.writing.output), (100_000, 400_000));

    let tokens = ("ASKBOOK_SPEND_TOKENS_PER_MINUTE", "4095");
    assert!(error(&[KEY, tokens]).contains("ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS"));
    assert!(values(&[tokens]).is_ok(), "nobody writes");
    assert!(values(&[KEY, ("ASKBOOK_SPEND_TOKENS_PER_MINUTE", "4096")]).is_ok());
    let little = ("ASKBOOK_SPEND_MONEY_PER_MINUTE", "0.001638");
    assert!(error(&[KEY, little, input, output]).contains("ASKBOOK_SPEND_MONEY_PER_MINUTE"));
}
