use super::*;

fn config(base_url: &str, key: &str) -> ClientConfig {
    let second = Duration::from_secs(1);
    ClientConfig {
        base_url: base_url.parse().unwrap(),
        api_version: "v1beta".to_owned(),
        api_key: key.into(),
        proxy: None,
        timeouts: Timeouts { connect: second, read: second, call: second },
        retries: Retries { times: 2, pause: Duration::from_millis(300), patience: 2 * second },
    }
}

#[test]
fn a_base_url_may_end_in_a_slash_a_path_or_the_version() {
    let check = |base_url: &str, expected: &str| {
        let client = Client::new(config(base_url, "key")).unwrap();
        assert_eq!(client.url("id:embed").as_str(), expected, "{base_url}");
    };
    let expected = "https://gemini.example/v1beta/models/id:embed";
    check("https://gemini.example", expected);
    check("https://gemini.example/", expected);
    check("https://gemini.example/v1beta", expected);
    check("https://gemini.example/v1beta/", expected);
    check("http://[::1]:9/a/b/", "http://[::1]:9/a/b/v1beta/models/id:embed");
}

#[test]
fn a_model_id_cannot_leave_the_path() {
    let client = Client::new(config("https://gemini.example", "key")).unwrap();
    let url = client.url(&Model::new("models/../a?b#c".to_owned(), "X").id);
    assert_eq!(url.as_str(), "https://gemini.example/v1beta/models/..%2Fa%3Fb%23c");
}

#[test]
fn an_address_or_a_key_that_cannot_be_used_is_misconfigured_and_not_shown() {
    let check = |base_url, key, setting: &str| {
        let error = Client::new(config(base_url, key)).expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(setting), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    };
    check("ftp://gemini.example", "key", "GEMINI_BASE_URL");
    check("https://me:secret@gemini.example", "key", "GEMINI_BASE_URL");
    check("https://gemini.example?key=secret", "key", "GEMINI_BASE_URL");
    check("mailto:secret@gemini.example", "key", "GEMINI_BASE_URL");
    check("https://gemini.example", "", "GEMINI_API_KEY");
    check("https://gemini.example", "secret\n", "GEMINI_API_KEY");
}

#[test]
fn debug_output_shows_neither_key_nor_proxy() {
    let mut config = config("https://gemini.example", "secret-key");
    config.proxy = Some("http://me:secret@proxy.example".parse().unwrap());
    let shown = format!("{config:?}");
    let shown = format!("{shown} {:?}", Client::new(config).unwrap());
    assert!(shown.contains("v1beta"));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn the_wait_that_gemini_asks_for_is_kept_or_ends_the_tries() {
    let retries = config("https://gemini.example", "key").retries;
    let due = Some(Duration::from_millis(300));
    let pause = |wait: Option<Duration>, due| {
        let mut error = PortError::new(ErrorKind::RateLimited, "wait");
        if let Some(wait) = wait {
            error = error.with_retry_after(wait);
        }
        retries.pause(&Failure { error, transient: true }, due)
    };
    assert_eq!(pause(None, due), due);
    assert_eq!(pause(Some(Duration::from_secs(2)), due), Some(Duration::from_millis(2_300)));
    assert_eq!(pause(Some(Duration::from_millis(2_001)), due), None);
    assert_eq!(pause(Some(Duration::ZERO), None), None, "the tries are used up");
}

#[tokio::test(start_paused = true)]
async fn one_call_of_ten_may_be_tried_again_and_one_more_each_second() {
    let client = Client::new(config("https://gemini.example", "key")).unwrap();
    let tries = |client: &Client| {
        std::iter::repeat_with(|| client.can_afford_a_try()).take(1000).take_while(|it| *it).count()
    };
    for _ in 0..200 {
        client.budget.deposit();
    }
    let hurried = client.hurried(Duration::from_secs(1));
    assert_eq!((tries(&client), tries(&hurried)), (10 + 20, 0), "clones share it");
    tokio::time::advance(2 * BUDGET_WINDOW).await;
    assert_eq!(tries(&client), 10);
}

#[test]
fn the_key_is_hidden_in_the_headers_too() {
    let header = key_header(&"secret-key".into()).unwrap();
    assert_eq!(format!("{header:?}"), "Sensitive");
}
