//! The figures of all rounds, and the table that is made of them.

use std::collections::BTreeMap;
use std::iter;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::measure::compare::contender::Contender;
use crate::table::{Table, figure};
use crate::tally::median;

/// A figure of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    CpuAt64,
    CpuAt1,
    RateAt1,
    RateAt16,
    RateAt64,
    TimeP50,
    TimeP99,
    FirstP50,
    FirstP99,
    CpuPerPiece,
    IdleMemory,
    MemoryPerChat,
    MemoryAfter,
    Start,
    Calls,
    Connections,
    Reuse,
    SystemCallsAt1,
    SystemCallsAt16,
    Failed,
}

/// In the order of the table, with how many digits follow the point.
const ROWS: [(Row, &str, usize); 20] = [
    (Row::CpuAt64, "CPU per chat, 64 connections, µs", 0),
    (Row::CpuAt1, "CPU per chat, 1 connection, µs", 0),
    (Row::RateAt1, "chats/s, 1 connection", 0),
    (Row::RateAt16, "chats/s, 16 connections", 0),
    (Row::RateAt64, "chats/s, 64 connections", 0),
    (Row::TimeP50, "time of a chat, 1 connection, p50, ms", 2),
    (Row::TimeP99, "time of a chat, 1 connection, p99, ms", 2),
    (Row::FirstP50, "added to the first piece of a stream, p50, ms", 2),
    (Row::FirstP99, "added to the first piece of a stream, p99, ms", 2),
    (Row::CpuPerPiece, "CPU per piece of a stream, µs", 1),
    (Row::IdleMemory, "memory, idle, MiB", 1),
    (Row::MemoryPerChat, "memory per chat in flight, KiB", 1),
    (Row::MemoryAfter, "memory after load, MiB", 1),
    (Row::Start, "from exec to a healthy answer, ms", 1),
    (Row::Calls, "upstream calls per chat", 3),
    (Row::Connections, "upstream connections opened", 0),
    (Row::Reuse, "calls over connections that were there, %", 2),
    (Row::SystemCallsAt1, "system calls per chat, 1 connection", 1),
    (Row::SystemCallsAt16, "system calls per chat, 16 connections", 1),
    (Row::Failed, "chats that failed", 0),
];

/// The figures of a server in a round; those that are measured twice are added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<Row, f64>);

impl Figures {
    pub(crate) fn add(&mut self, row: Row, value: f64) {
        *self.0.entry(row).or_default() += value;
    }

    pub(crate) fn add_some(&mut self, row: Row, value: Option<f64>) {
        if let Some(value) = value {
            self.add(row, value);
        }
    }

    pub(crate) fn extend(&mut self, more: &Self) {
        for (&row, &value) in &more.0 {
            self.add(row, value);
        }
    }
}

/// The figures of all rounds.
pub(crate) struct Results {
    servers: Vec<Contender>,
    rounds: Vec<BTreeMap<Contender, Figures>>,
}

impl Results {
    /// None yet, of these servers.
    pub(crate) fn of(servers: &[Contender]) -> Self {
        Self { servers: servers.to_vec(), rounds: Vec::new() }
    }

    pub(crate) fn begin_round(&mut self) {
        self.rounds.push(BTreeMap::new());
    }

    /// Adds to the round that was begun last.
    pub(crate) fn add(&mut self, server: Contender, figures: &Figures) {
        if let Some(round) = self.rounds.last_mut() {
            round.entry(server).or_default().extend(figures);
        }
    }

    fn values(&self, server: Contender, row: Row) -> impl Iterator<Item = Option<f64>> {
        self.rounds.iter().map(move |round| round.get(&server)?.0.get(&row).copied())
    }

    fn median(&self, server: Contender, row: Row) -> Option<f64> {
        median(self.values(server, row).flatten().collect())
    }

    /// The median of how many times the figure of askbook it was in a round.
    fn ratio(&self, server: Contender, row: Row) -> Option<f64> {
        let both = self.values(server, row).zip(self.values(Contender::Askbook, row));
        let ratios = both.filter_map(|(value, of)| of.filter(|of| *of > 0.0).zip(value));
        median(ratios.map(|(of, value)| value / of).collect())
    }

    /// The servers that are compared with askbook, where it is there.
    fn others(&self) -> impl Iterator<Item = Contender> {
        let compared = self.servers.contains(&Contender::Askbook);
        let others = self.servers.iter().copied().filter(|&server| server != Contender::Askbook);
        others.filter(move |_| compared)
    }

    pub(crate) fn print(&self) {
        let ratios = self.others().map(|server| format!("{} / askbook", server.name()));
        let names = self.servers.iter().map(|server| server.name().to_owned());
        let head: Vec<String> = iter::once(String::new()).chain(names).chain(ratios).collect();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let mut table = Table::new(&head);
        for (row, name, digits) in ROWS {
            let values =
                self.servers.iter().map(|&server| figure(self.median(server, row), digits));
            let ratios = self.others().map(|server| figure(self.ratio(server, row), 2));
            table.row(iter::once(name.to_owned()).chain(values).chain(ratios));
        }
        table.print();
    }

    pub(crate) fn print_json(&self) -> anyhow::Result<()> {
        let mut servers = Map::new();
        for &server in &self.servers {
            let mut rows = Map::new();
            for (row, ..) in ROWS {
                let Value::String(name) = serde_json::to_value(row)? else { continue };
                let rounds: Vec<Option<f64>> = self.values(server, row).collect();
                let (median, ratio) = (self.median(server, row), self.ratio(server, row));
                let value = json!({"median": median, "of_askbook": ratio, "rounds": rounds});
                rows.insert(name, value);
            }
            servers.insert(server.name().to_owned(), rows.into());
        }
        println!("{}", Value::from(servers));
        Ok(())
    }
}
