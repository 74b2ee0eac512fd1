//! What happens to a stream on the way.

use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Generated, Generator};
use askbook_gemini::{Client, GeminiGenerator, GeneratorConfig};
use futures_util::StreamExt;

use crate::support::gemini;
use crate::support::script_server::{HEAD, LAST_CHUNK, Step, chunk, start};

async fn generate(generator: &GeminiGenerator) -> Vec<Result<Generated, PortError>> {
    generator.generate(gemini::prompt()).await.expect("a generation").collect().await
}

fn texts(pieces: &[Result<Generated, PortError>]) -> Vec<&str> {
    let text = |piece| match piece {
        &Ok(Generated::Text(ref text)) => Some(text.as_str()),
        _ => None,
    };
    pieces.iter().filter_map(text).collect()
}

/// Where the first text of the answer is complete.
fn first_text() -> usize {
    gemini::ANSWER.match_indices("\r\n\r\n").nth(1).unwrap().0 + 4
}

#[tokio::test]
async fn an_answer_is_the_same_wherever_it_is_cut() {
    let answer = gemini::ANSWER.as_bytes();
    let cut = |at| {
        let (start, end) = answer.split_at(at);
        let body = [HEAD, &chunk(start), &chunk(end), LAST_CHUNK].concat();
        vec![Step::Send(body)]
    };
    let (url, server) = start((0..=answer.len()).map(cut).collect()).await;
    let generator = gemini::generator(&url);
    for at in 0..=answer.len() {
        let pieces = generate(&generator).await;
        assert_eq!(texts(&pieces), gemini::PIECES, "cut at {at}");
        let end = pieces.last().unwrap().as_ref().expect("an end");
        assert!(matches!(end, Generated::End { usage, .. } if usage.output_tokens == 13));
    }
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_text_is_passed_on_before_the_next_one_comes() {
    let answer = &gemini::ANSWER.as_bytes()[..first_text()];
    let script = vec![Step::Send([HEAD, &chunk(answer)].concat()), Step::AwaitEnd];
    let (url, server) = start(vec![script]).await;
    let mut generation = gemini::generator(&url).generate(gemini::prompt()).await.unwrap();
    let first = generation.next().await.unwrap().unwrap();
    assert_eq!(first, Generated::Text(gemini::PIECES[0].to_owned()));
    drop(generation);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_generation_that_is_dropped_unread_closes_its_connection() {
    let script = vec![Step::Send([HEAD, &chunk(b":\n")].concat()), Step::AwaitEnd];
    let (url, server) = start(vec![script]).await;
    drop(gemini::generator(&url).generate(gemini::prompt()).await.unwrap());
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_mid_way_is_unavailable_and_not_tried_again() {
    let start_of_it = [HEAD, &chunk(&gemini::ANSWER.as_bytes()[..first_text() + 20])].concat();
    let closed = vec![Step::Send(start_of_it)];
    let (url, server) = start(vec![closed]).await;
    let pieces = generate(&gemini::generator(&url)).await;
    assert_eq!(texts(&pieces), gemini::PIECES[..1]);
    let error = pieces.last().unwrap().as_ref().expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_before_the_first_byte_is_tried_again() {
    let answer = [HEAD, &chunk(gemini::ANSWER.as_bytes()), LAST_CHUNK].concat();
    let scripts = vec![vec![Step::Reset], vec![Step::Reset], vec![Step::Send(answer)]];
    let (url, server) = start(scripts).await;
    let pieces = generate(&gemini::generator(&url)).await;
    assert_eq!(texts(&pieces), gemini::PIECES);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn silence_mid_way_is_a_timeout() {
    let answer = &gemini::ANSWER.as_bytes()[..first_text()];
    let script = vec![Step::Send([HEAD, &chunk(answer)].concat()), Step::AwaitEnd];
    let (url, server) = start(vec![script]).await;
    let mut config = gemini::config(&url);
    config.timeouts.read = Duration::from_millis(500);
    let client = Client::new(config).unwrap();
    let generator = GeminiGenerator::new(client, gemini::generator_config());
    let pieces = generate(&generator).await;
    assert_eq!(texts(&pieces), gemini::PIECES[..1]);
    let error = pieces.last().unwrap().as_ref().expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    server.await.unwrap().unwrap();
}

/// A generator whose answers may take this long.
fn in_time(url: &str, answer_timeout: Duration) -> GeminiGenerator {
    let config = GeneratorConfig { answer_timeout, ..gemini::generator_config() };
    GeminiGenerator::new(gemini::client(url), config)
}

#[tokio::test]
async fn a_model_that_writes_for_ever_is_given_up_and_left() {
    let answer = chunk(&gemini::ANSWER.as_bytes()[..first_text()]);
    let script = vec![Step::Send(HEAD.to_vec()), Step::SendForEver(answer)];
    let (url, server) = start(vec![script]).await;
    let generator = in_time(&url, Duration::from_millis(500));
    let mut generation = generator.generate(gemini::prompt()).await.unwrap();
    let mut texts = 0;
    let error = loop {
        match generation.next().await.expect("an error before the end") {
            Ok(_) => texts += 1,
            Err(error) => break error,
        }
    };
    assert!(texts > 0);
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    // The connection is closed although the generation is still held.
    server.await.unwrap().unwrap();
    assert!(generation.next().await.is_none());
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_its_time_is_a_timeout() {
    let (url, server) = start(vec![vec![Step::AwaitEnd]]).await;
    let generator = in_time(&url, Duration::from_millis(50));
    let error = generator.generate(gemini::prompt()).await.err().expect("too late");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    server.await.unwrap().unwrap();
}
