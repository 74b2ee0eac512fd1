use askbook::answer::{Answer, Mode, Outcome, Source};
use askbook::event::Citation;
use askbook::passage::{Passage, PassageId, Scores};
use askbook::ports::Usage;
use askbook::question::QuestionError;
use askbook::session::MessageId;
use futures_util::stream::{iter, once, pending};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::tests::events;
use crate::wire::{Events, Lines};

fn bounds() -> Bounds {
    Bounds {
        expires: Instant::now() + Duration::from_mins(1),
        closing: Closing::default(),
        heartbeat: Duration::from_secs(10),
    }
}

async fn told<W: Wire>(
    events: impl Stream<Item = ChatEvent> + Send + 'static,
    wire: W,
    bounds: Bounds,
) -> String {
    let reply = reply(events, wire, Progress::new(false), bounds);
    reply.into_body().into_string().await.unwrap()
}

fn sse() -> Events {
    Events::new("r1".to_owned())
}

fn accepted() -> ChatEvent {
    ChatEvent::Accepted { message: MessageId(Uuid::nil()), session: None, restarted: false }
}

fn delta(text: &str) -> ChatEvent {
    ChatEvent::Delta(text.to_owned())
}

fn done(text: &str) -> ChatEvent {
    ChatEvent::Done(Box::new(Answer {
        message: MessageId(Uuid::nil()),
        outcome: Outcome::Answered,
        mode: Some(Mode::Generated),
        text: text.to_owned(),
        sources: Vec::new(),
        suggestions: Vec::new(),
        unsupported: Vec::new(),
        losses: Vec::new(),
        session: None,
        model: None,
        usage: Usage::default(),
        recorded: false,
    }))
}

fn passage(url: Option<&str>) -> Passage {
    Passage {
        id: PassageId("1".to_owned()),
        title: "Page".to_owned(),
        headings: Vec::new(),
        url: url.map(str::to_owned),
        text: String::new(),
        edition: None,
    }
}

/// The types of the events, and the last event.
fn types(told: &str) -> (Vec<String>, Value) {
    let mut events = events(told);
    let types = events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    (types, events.pop().unwrap())
}

fn after(wait: u64, event: ChatEvent) -> impl Stream<Item = ChatEvent> {
    once(async move {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        event
    })
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_with_comments_whatever_is_not_told() {
    let begun = Instant::now();
    let silent = after(5, ChatEvent::Embedded);
    let events = iter([accepted()]).chain(silent).chain(after(30, done("")));
    let told = told(events, sse(), bounds()).await;
    assert_eq!(begun.elapsed().as_secs(), 35);
    assert_eq!(told.matches(":\n\n").count(), 3, "{told}");
    assert_eq!(types(&told).0, ["accepted", "done"]);
}

#[tokio::test(start_paused = true)]
async fn lines_have_no_heartbeat() {
    let events = iter([accepted()]).chain(after(30, done("a")));
    let told = told(events, Lines, bounds()).await;
    assert_eq!(told, "{\"type\":\"chunk\",\"content\":\"a\"}\n");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_too_long_ends_in_an_error_that_says_whether_text_was_sent() {
    for (events, incomplete) in
        [(vec![accepted()], false), (vec![accepted(), delta("An answer")], true)]
    {
        let begun = Instant::now();
        let told = told(iter(events).chain(pending()), sse(), bounds()).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
        let (_, last) = types(&told);
        assert_eq!(last["type"], "error");
        assert_eq!(last["problem"]["code"], "deadline_exceeded");
        assert_eq!(last["problem"]["request_id"], "r1");
        assert_eq!(last["incomplete"], incomplete);
    }
}

#[tokio::test]
async fn a_panic_is_an_error_event_and_tells_nothing_inner() {
    let panics = once(async { panic!("secret") });
    let told = told(iter([delta("An answer")]).chain(panics), sse(), bounds()).await;
    let (types, last) = types(&told);
    assert_eq!(types, ["delta", "error"]);
    assert_eq!((&last["problem"]["code"], &last["incomplete"]), (&json!("internal"), &json!(true)));
    assert!(!told.contains("secret"));
}

#[tokio::test]
async fn a_chat_without_an_end_and_a_server_that_stops_are_error_events() {
    let (_, last) = types(&told(iter([accepted()]), sse(), bounds()).await);
    assert_eq!(last["problem"]["code"], "internal");

    let stopping = bounds();
    stopping.closing.0.cancel();
    let (types, last) = types(&told(iter([accepted()]).chain(pending()), sse(), stopping).await);
    assert_eq!(types, ["accepted", "error"], "what is there already is told first");
    assert_eq!(last["problem"]["code"], "shutting_down");
}

#[tokio::test]
async fn nothing_follows_the_end() {
    for last in
        [done("a"), ChatEvent::Failed { error: QuestionError::Empty.into(), incomplete: false }]
    {
        let events = iter([delta("a"), last, delta("b")]);
        let (types, _) = types(&told(events, sse(), bounds()).await);
        assert_eq!(types.len(), 2, "{types:?}");
    }
}

#[tokio::test]
async fn a_text_that_comes_with_the_end_alone_is_sent_as_a_piece_too() {
    let events = told(iter([accepted(), done("The book does not say.")]), sse(), bounds()).await;
    assert_eq!(types(&events).0, ["accepted", "delta", "done"]);
    let lines = told(iter([done("The book does not say.")]), Lines, bounds()).await;
    assert_eq!(lines, "{\"type\":\"chunk\",\"content\":\"The book does not say.\"}\n");
}

#[tokio::test]
async fn claims_are_counted_in_the_text_so_far_as_javascript_counts() {
    let text = "😀 ß. Claim. [1]";
    let at = text.find("Claim").unwrap();
    let citation = Citation {
        number: 1,
        passage: passage(Some("/docs/a")),
        quote: "Quote.".to_owned(),
        supports: at..at + 6,
    };
    let source = Source {
        number: 1,
        passage: citation.passage.clone(),
        quote: "Quote.".to_owned(),
        supports: vec![citation.supports.clone()],
        scores: Scores::default(),
    };
    let (first, rest) = text.split_at(4);
    let sources = ChatEvent::Sources(vec![source]);
    let steps = [delta(first), delta(rest), ChatEvent::Citation(citation), sources, done(text)];
    let told = told(iter(steps), sse(), bounds()).await;
    let events = events(&told);
    assert_eq!(
        events[2],
        json!({
            "type": "citation", "number": 1, "title": "Page", "section": null, "url": "/docs/a",
            "quote": "Quote.", "start": 6, "end": 12,
        })
    );
    assert_eq!(events[3]["sources"][0]["supports"], json!([{"start": 6, "end": 12}]));
}

#[tokio::test]
async fn lines_hold_each_page_that_can_be_opened_once() {
    let source = |number, url| Source {
        number,
        passage: passage(url),
        quote: String::new(),
        supports: Vec::new(),
        scores: Scores::default(),
    };
    let sources = vec![source(1, Some("/docs/a")), source(2, None), source(3, Some("/docs/a"))];
    let lines = told(iter([ChatEvent::Sources(sources), done("")]), Lines, bounds()).await;
    let expected =
        "{\"type\":\"sources\",\"content\":[{\"url\":\"/docs/a\",\"page_title\":\"Page\"}]}\n";
    assert_eq!(lines, expected);
}

/// Numbers that are as good as random and always the same (xorshift64, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

#[tokio::test]
async fn ten_thousand_texts_arrive_byte_for_byte_on_each_wire() {
    const PARTS: [&str; 24] = [
        "a",
        "word ",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\0",
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "\t",
        "\"",
        "\\",
        "data: x",
        "\n\ndata: {\"type\":\"done\"}\n\n",
        ":",
        "id: 7",
        "ß",
        "日本",
        "😀",
        "\u{1b}",
        "\u{feff}",
        "</script>",
        "\u{7f}",
    ];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..10_000 {
        let deltas: Vec<String> = (0..=numbers.below(6))
            .map(|_| (0..=numbers.below(5)).map(|_| numbers.pick(&PARTS)).collect())
            .collect();
        let text = deltas.concat();
        let steps = || {
            let steps: Vec<_> =
                deltas.iter().map(|text| delta(text)).chain([done(&text)]).collect();
            iter(steps)
        };

        let sent = events(&told(steps(), sse(), bounds()).await);
        assert_eq!(sent.len(), deltas.len() + 1);
        let joined: String = sent.iter().filter_map(|event| event["text"].as_str()).collect();
        assert_eq!(joined, text);
        assert_eq!(sent[deltas.len()]["answer"], text);

        let lines = told(steps(), Lines, bounds()).await;
        let chunks = lines.split_terminator('\n').map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["content"].as_str().unwrap().to_owned()
        });
        assert_eq!(chunks.collect::<String>(), text);
    }
}
