//! What Gemini answers with: an answer is what was written, vectors have unit length, and an error
//! repeats no prose and no key.
#![no_main]

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use askbook::error::PortError;
use askbook::ports::Generated;
use askbook_gemini::fuzzing::{answer, failure, models, vectors};
use askbook_gemini::{Client, ClientConfig, GeminiGenerator, GeneratorConfig, Retries, Timeouts};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static GENERATOR: LazyLock<GeminiGenerator> = LazyLock::new(|| {
    let second = Duration::from_secs(1);
    let client = Client::new(ClientConfig {
        base_url: "http://127.0.0.1:9".parse().expect("an address"),
        api_version: "v1beta".to_owned(),
        api_key: "key".into(),
        proxy: None,
        timeouts: Timeouts { connect: second, read: second, call: second },
        retries: Retries { times: 0, pause: second, patience: second },
    });
    let config = GeneratorConfig {
        model: "gemini-flash".to_owned(),
        max_output_tokens: NonZeroU32::MIN,
        thinking_level: None,
        answer_timeout: second,
        condense_timeout: second,
    };
    GeminiGenerator::new(client.expect("a client"), config)
});

/// The longest wait that is told: a day, and the hour by which the longest day is longer.
const LONGEST_WAIT: Duration = Duration::from_hours(25);

fuzz_target!(|input: (u8, u16, &[u8], &[u8])| {
    let (kind, code, wait, body) = input;
    match kind % 4 {
        0 => read_failure(code, wait, body),
        1 => read_answer(body),
        2 => read_vectors(body),
        _ => {
            if let Err(error) = models(body) {
                check(&error);
            }
        }
    }
});

fn read_failure(code: u16, wait: &[u8], body: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(wait) = HeaderValue::from_bytes(wait) {
        headers.insert(RETRY_AFTER, wait.clone());
        headers.insert(CONTENT_TYPE, wait);
    }
    check(&failure(code, &headers, body).0);
}

fn read_answer(body: &[u8]) {
    match answer(&GENERATOR, body) {
        Ok((text, Some(Generated::End { .. }))) => {
            assert!(!text.trim().is_empty());
            let part = json!({ "text": text });
            let event = json!({
                "candidates": [{ "content": { "parts": [part] }, "finishReason": "STOP" }]
            });
            let again = answer(&GENERATOR, format!("data: {event}\n\n").as_bytes());
            assert_eq!(again.expect("an answer").0, text);
        }
        Ok((text, end)) => assert!(end.is_none() && text.trim().is_empty()),
        Err(error) => check(&error),
    }
}

fn read_vectors(body: &[u8]) {
    match vectors(body, 2) {
        Ok(vectors) => {
            for vector in vectors {
                let squares = vector.iter().map(|x| f64::from(*x).powi(2));
                assert!((squares.sum::<f64>() - 1.0).abs() < 1e-5, "{vector:?}");
            }
        }
        Err(error) => check(&error),
    }
}

/// A key has letters beside digits; our own words and the names that Gemini gives have not.
fn check(error: &PortError) {
    let message = error.to_string();
    assert!(message.len() < 700, "{message}");
    assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{message:?}");
    let is_mixed = |pair: &[u8]| {
        pair.iter().any(u8::is_ascii_digit) && pair.iter().any(u8::is_ascii_alphabetic)
    };
    assert!(!message.as_bytes().windows(2).any(is_mixed), "{message:?}");
    assert!(error.retry_after().is_none_or(|wait| wait <= LONGEST_WAIT), "{error:?}");
}
