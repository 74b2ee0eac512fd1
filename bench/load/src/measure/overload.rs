//! More readers than can be answered.
//!
//! Goal R1: at 2 and 10 times the capacity as many get their answer as at capacity, those who do
//! not are told at once, and hardly an answer is paid for that nobody gets.

use std::iter;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::Bench;
use crate::measure::capacity::capacity;
use crate::reader::{Ask, Outcome, Readers};
use crate::script::{Call, Counts};
use crate::table::{Bound, Table, figure, goal};
use crate::tally::{Tally, ratio};
use crate::timetable::{Span, open};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times the capacity is asked
    #[arg(long, value_delimiter = ',', default_value = "0.5,2,10")]
    times: Vec<f64>,
    /// How long, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The capacity, in answers a second; unless it is given, it is measured first
    #[arg(long)]
    capacity: Option<f64>,
    /// Half of the capacity is asked by readers with an address each, and the rest by one client
    /// alone; askbook limits clients as it does unless it is told otherwise
    #[arg(long)]
    one_client: bool,
}

/// What is not measured, in seconds: askbook finds out how much its upstreams manage.
const WARM_UP: u64 = 5;

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let capacity = match options.capacity {
        Some(capacity) => capacity,
        None => capacity(bench, options.seconds / 2).await?,
    };
    println!("capacity: {capacity:.1} answers/s");
    if options.one_client {
        for &times in &options.times {
            one_client(bench, options, capacity, times).await?;
        }
        return Ok(());
    }
    let mut columns = Vec::new();
    for &times in &options.times {
        columns.push(Column::measure(bench, options, capacity, times).await?);
    }
    Column::print(&columns);
    for column in columns.iter().filter(|column| column.times > 1.0) {
        let what = |what: &str| format!("{}x: {what}", column.times);
        let refused = column.tally.quantile(Outcome::Refused, 0.99);
        goal("R1", &what("goodput of capacity"), Some(column.goodput), Bound::AtLeast(0.95));
        goal("R1", &what("refused within, ms, p99"), refused, Bound::AtMost(5.0));
        let paid = Some(column.per_answer(Call::Write));
        goal("R1", &what("paid generations per delivered answer"), paid, Bound::AtMost(1.02));
    }
    Ok(())
}

/// What came of so many times the capacity.
struct Column {
    times: f64,
    asked: f64,
    /// The share of the capacity that was delivered.
    goodput: f64,
    tally: Tally,
    calls: Counts,
    /// How many processors askbook kept busy.
    processors: f64,
}

impl Column {
    async fn measure(
        bench: &Bench,
        options: &Options,
        capacity: f64,
        times: f64,
    ) -> anyhow::Result<Self> {
        let (program, upstreams) = bench.start(&[])?;
        let readers = Arc::new(Readers::of(&program.address));
        let span = Span::seconds(WARM_UP, options.seconds);
        let (asked, before) = (times * capacity, program.vitals()?.processor);
        let tally = open(&readers, asked, span, Ask::of).await?;
        let processor = program.vitals()?.processor.saturating_sub(before);
        Ok(Self {
            times,
            asked,
            goodput: tally.rate(Outcome::Written) / capacity,
            tally,
            calls: upstreams.script.counts(),
            processors: processor.div_duration_f64(span.warm_up + span.measured),
        })
    }

    /// How many calls there were for each answer that a model wrote and a reader got.
    fn per_answer(&self, call: Call) -> f64 {
        ratio(self.calls.of(call), self.tally.all(Outcome::Written))
    }

    fn print(columns: &[Self]) {
        let head: Vec<String> = columns.iter().map(|column| format!("{}x", column.times)).collect();
        let head: Vec<&str> = iter::once("").chain(head.iter().map(String::as_str)).collect();
        let mut table = Table::new(&head);
        let mut row = |name: String, value: &dyn Fn(&Self) -> Option<f64>, digits| {
            let values = columns.iter().map(|column| figure(value(column), digits));
            table.row(iter::once(name).chain(values));
        };
        row("asked/s".to_owned(), &|column| Some(column.asked), 1);
        for outcome in Outcome::ALL {
            if columns.iter().all(|column| column.tally.count(outcome) == 0) {
                continue;
            }
            row(format!("{outcome:?}/s"), &|column| Some(column.tally.rate(outcome)), 1);
            for share in [0.5, 0.99] {
                let name = format!("– p{}, ms", 100.0 * share);
                row(name, &|column| column.tally.quantile(outcome, share), 2);
            }
        }
        row("Written, % of capacity".to_owned(), &|column| Some(100.0 * column.goodput), 1);
        for call in [Call::Embed, Call::Search, Call::Write] {
            row(format!("{call:?} calls/answer"), &|column| Some(column.per_answer(call)), 3);
        }
        row("processors busy".to_owned(), &|column| Some(column.processors), 2);
        row("asked late, p99, ms".to_owned(), &|column| column.tally.lag(0.99), 2);
        table.print();
    }
}

/// Readers at half of the capacity, and one client who asks for all the rest.
async fn one_client(
    bench: &Bench,
    options: &Options,
    capacity: f64,
    times: f64,
) -> anyhow::Result<()> {
    // What askbook does unless it is told otherwise, behind a proxy.
    let settings = [
        ("ASKBOOK_TRUSTED_PROXIES", "127.0.0.1"),
        ("ASKBOOK_ADDRESS_PER_MINUTE", "30"),
        ("ASKBOOK_SESSION_PER_MINUTE", "15"),
    ];
    let (program, upstreams) = bench.start(&settings)?;
    let [many, one] = [(); 2].map(|()| Arc::new(Readers::of(&program.address)));
    let span = Span::seconds(WARM_UP, options.seconds);
    let of_many = |number: u64| {
        let [.., a, b, c] = number.to_be_bytes();
        Ask { from: Some(Ipv4Addr::new(10, a, b, c)), ..Ask::of(number) }
    };
    let of_one = |number| Ask { from: Some(Ipv4Addr::new(203, 0, 113, 7)), ..Ask::of(number) };
    let (many, one) = tokio::join!(
        open(&many, capacity / 2.0, span, of_many),
        open(&one, capacity * (times - 0.5).max(0.1), span, of_one),
    );
    let mut table = Table::new(&[
        "who",
        "asked",
        "written",
        "p50 ms",
        "p99 ms",
        "quoted",
        "limited",
        "limited p99 ms",
        "refused",
        "other",
    ]);
    for (who, tally) in [("many readers", &many?), ("one client", &one?)] {
        table.row(row(who, tally));
    }
    table.print();
    println!("generations paid for: {}", upstreams.script.counts().of(Call::Write));
    Ok(())
}

fn row(who: &str, tally: &Tally) -> [String; 10] {
    let known = [Outcome::Written, Outcome::Quoted, Outcome::Limited, Outcome::Refused];
    let [written, quoted, limited, refused] = known.map(|outcome| tally.count(outcome));
    let all = tally.questions();
    [
        who.to_owned(),
        all.to_string(),
        written.to_string(),
        figure(tally.quantile(Outcome::Written, 0.5), 1),
        figure(tally.quantile(Outcome::Written, 0.99), 1),
        quoted.to_string(),
        limited.to_string(),
        figure(tally.quantile(Outcome::Limited, 0.99), 2),
        refused.to_string(),
        (all - written - quoted - limited - refused).to_string(),
    ]
}
