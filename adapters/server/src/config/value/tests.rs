use super::*;

#[test]
fn origins_come_in_lists_by_commas_spaces_or_json() {
    let origin = |text| Origin::parse(1, text).unwrap().0;
    let expected = ["https://a.example", "http://localhost:3000"].map(origin);
    for list in [
        "https://a.example,http://localhost:3000",
        " https://a.example/ ,\n http://localhost:3000 ",
        r#"["https://a.example", "http://localhost:3000"]"#,
    ] {
        let origins = origins(list).unwrap();
        assert_eq!(origins.allowed, expected, "{list}");
        assert!(origins.warnings.is_empty(), "{list}");
    }
    assert_eq!(origins("*").unwrap().allowed, [origin("*")]);
    for untidy in [
        "https://a.example:443/,,HTTP://LOCALHOST:3000,",
        "['https://a.example','http://localhost:3000']",
        "https://a.example\nhttp://localhost:3000\n",
    ] {
        assert_eq!(origins(untidy).unwrap().allowed, expected, "{untidy}");
    }
}

#[test]
fn proxies_and_keys_come_in_lists_and_are_told_by_their_place() {
    let parsed = askbook_http::Proxies::parse(["127.0.0.1", "10.0.0.0/8", "::1"]).unwrap();
    assert_eq!(proxies("127.0.0.1, 10.0.0.0/8 ::1"), Ok(parsed));
    let error = proxies("127.0.0.1, proxy.example").unwrap_err();
    assert!(error.contains("number 2") && !error.contains("proxy.example"), "{error}");
    assert!(proxies("0.0.0.0/0").unwrap_err().contains("every address"));

    let keys = api_keys("first-key-0123456789\nsecond-key-0123456789,\n").unwrap();
    assert_eq!(format!("{keys:?}"), "ApiKeys(2)");
    let error = api_keys("first-key-0123456789, hunter2").unwrap_err();
    assert!(error.contains("number 2") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_limit_is_a_number_or_none() {
    assert_eq!(limit("0"), Ok(None));
    assert_eq!(limit("30"), Ok(std::num::NonZeroU32::new(30)));
    assert!(limit("-1").is_err() && limit("4294967296").is_err() && limit("many").is_err());
}

#[test]
fn the_brackets_of_an_address_are_its_own() {
    let origin = |text| Origin::parse(1, text).unwrap().0;
    for list in ["http://[::1]:3000", "[\"http://[::1]:3000\"]", "[http://[::1]:3000]"] {
        assert_eq!(origins(list).unwrap().allowed, [origin("http://[::1]:3000")], "{list}");
    }
}

#[test]
fn an_origin_that_is_none_is_told_by_its_place() {
    let error = origins("https://a.example, b.example").unwrap_err();
    assert!(error.contains("number 2") && !error.contains("b.example"), "{error}");
    assert_eq!(origins("https://a.example/docs/").unwrap().warnings.len(), 1);
}

#[test]
fn an_address_is_plain_http_without_credentials() {
    assert_eq!(url("https://a.example/base").unwrap().as_str(), "https://a.example/base");
    for wrong in ["a.example", "ftp://a.example", "https://", "https://a.example?key=1", "/docs"] {
        assert!(url(wrong).is_err(), "{wrong}");
    }
    let error = url("https://me:hunter2@a.example").unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_site_is_an_address_or_a_path() {
    assert_eq!(site_url("/project/").as_deref(), Ok("/project/"));
    assert_eq!(site_url("https://a.example/project").as_deref(), Ok("https://a.example/project"));
    assert!(site_url("project").is_err() && site_url("//a.example").is_err());
}

#[test]
fn every_fault_of_a_qdrant_address_has_its_own_words() {
    assert!(qdrant_address("localhost:6333").is_ok());
    let check = |given, expected: &str| {
        let error = qdrant_address(given).unwrap_err();
        assert!(error.contains(expected) && !error.contains("v4lue"), "{error}");
    };
    check("ftp://v4lue", "http://");
    check("https://v4lue:v4lue@a.example", "QDRANT_API_KEY");
    check("https://v4lue.example/collections", "path");
    check("v4 lue", "must be an address");
}

#[test]
fn numbers_have_bounds() {
    assert_eq!(port("0"), Ok(0));
    assert!(port("65536").is_err() && port("-1").is_err() && port("8k").is_err());
    assert!(positive::<NonZeroUsize>("0").is_err());
    assert_eq!(number::<usize>("0"), Ok(0));
    assert_eq!(milliseconds("1500"), Ok(Duration::from_millis(1_500)));
    assert!(milliseconds("0").is_err());
    assert!(seconds("18446744073709551615").is_err());
    assert_eq!(dimensions("768").map(NonZeroUsize::get), Ok(768));
    assert!(dimensions("127").is_err() && dimensions("3073").is_err());
}

#[test]
fn an_address_to_listen_on_is_numeric_or_localhost() {
    assert_eq!(ip_address("localhost"), Ok(Ipv4Addr::LOCALHOST.into()));
    assert!(ip_address("::").is_ok());
    assert!(ip_address("book.example.org").is_err());
}

#[test]
fn a_secret_is_what_a_header_can_hold() {
    use secrecy::ExposeSecret as _;

    assert_eq!(secret("AQ.ab-1_2").unwrap().expose_secret(), "AQ.ab-1_2");
    for wrong in ["two words", "two\nlines", "schlüssel"] {
        assert!(!secret(wrong).unwrap_err().contains(wrong));
    }
}

#[test]
fn an_amount_of_money_is_exact() {
    for (given, millionths) in
        [("0", 0), ("2.5", 2_500_000), ("10", 10_000_000), ("0.000001", 1), ("007.10", 7_100_000)]
    {
        assert_eq!(money(given), Ok(millionths), "{given}");
    }
    for wrong in ["", ".5", "1.", "-1", "1,50", "$1", "1.0000001", "1e3", "99999999999999999999"] {
        assert!(money(wrong).is_err(), "{wrong}");
    }
    assert_eq!((money_ceiling("0.00"), money_ceiling("0.01")), (Ok(None), Ok(Some(10_000))));
    assert_eq!((ceiling("0"), ceiling("7")), (Ok(None), Ok(Some(7))));
}

#[test]
fn a_model_loses_its_prefix_and_cannot_leave_its_path() {
    assert_eq!(model("models/gemini-embedding-001").as_deref(), Ok("gemini-embedding-001"));
    assert!(model("a/../b").is_err() && model("models/").is_err() && model("a?b").is_err());
}

#[test]
fn a_thinking_level_is_taken_in_any_case_and_none_is_none() {
    assert_eq!(thinking_level("low"), Ok(Some("LOW".to_owned())));
    assert_eq!(thinking_level("none"), Ok(None));
}

#[test]
fn a_choice_is_one_of_its_names_in_any_case() {
    assert_eq!(choice::<EmbedderName>("BM25"), Ok(EmbedderName::Bm25));
    assert_eq!(choice::<QueryTask>("question_answering"), Ok(QueryTask::QuestionAnswering));
    let error = choice::<GeneratorName>("gpt").unwrap_err();
    assert_eq!(error, "must be gemini or quote or memory");
}

#[test]
fn a_level_alone_is_askbooks_and_keeps_libraries_quiet() {
    use tracing::Level;

    let quiet = log_level("Info").unwrap();
    assert!(quiet.would_enable("askbook_http::request_log", &Level::INFO));
    assert!(!quiet.would_enable("h2::client", &Level::INFO));
    assert!(quiet.would_enable("h2::client", &Level::WARN));
    let loud = log_level("WARNING, h2=trace").unwrap();
    assert!(loud.would_enable("h2::client", &Level::TRACE));
    assert!(!loud.would_enable("askbook", &Level::INFO));
    for wrong in ["verbose", "h2=loud", "info,verbose"] {
        assert!(log_level(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_journal_has_room_for_a_line() {
    assert_eq!(journal_bytes("131072"), Ok(131_072));
    assert!(journal_bytes("131071").unwrap_err().contains("131072"));
    assert!(journal_bytes("16MB").is_err());
}

#[test]
fn a_socket_has_an_address_and_a_port() {
    assert_eq!(socket_address("localhost:9464"), socket_address("127.0.0.1:9464"));
    assert!(socket_address("[::1]:0").is_ok());
    assert!(socket_address("9464").is_err() && socket_address("127.0.0.1").is_err());
}

#[test]
fn sessions_are_in_memory_or_at_an_address_whose_password_is_not_shown() {
    assert!(matches!(sessions("Memory"), Ok(SessionsPlace::Memory)));
    let place = sessions("redis://:p4ssw0rd@redis.example/1").unwrap();
    assert_eq!(format!("{place:?}"), "Redis(RedisAddress(redis://redis.example:6379/1))");
    for wrong in ["redis", "redis.example:6379", "http://:p4ssw0rd@redis.example", "rediss://"] {
        let error = sessions(wrong).unwrap_err();
        assert!(error.contains("redis://") && !error.contains("p4ssw0rd"), "{error}");
    }
}

#[test]
fn wires_are_listed_by_name_or_none_is_spoken() {
    assert_eq!(wires("OpenAI ai-sdk").unwrap(), [Protocol::OpenAi, Protocol::AiSdk]);
    assert_eq!(wires("None").unwrap(), []);
    let error = wires("openai, gopher").unwrap_err();
    assert!(error.contains("ai-sdk") && !error.contains("gopher"), "{error}");
}
