//! What conversations cost that are kept.
//!
//! Goals P8, one takes its text and 160 bytes, and P10, ten times as many cost a chat at most 2 %
//! more.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::book;
use crate::measure::curves::{Stage, Stand, ever_tenfold, told};
use crate::measure::keep;
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::reader::{Ask, Outcome, Readers};
use crate::tally::{float, median};

/// What a conversation may take beside its text, in bytes.
const BESIDE: f64 = 160.0;

/// How much more ten times as many may cost.
const GOAL: f64 = 1.02;

/// Many readers, so that what they need is there before conversations are counted.
const READERS: u32 = 32;

/// More than that a server is not asked to keep, because each takes a chat.
const MOST_IN_SERVER: u32 = 100_000;

/// As many conversations as are wanted, of one exchange each.
const SETTINGS: [(&str, &str); 3] = [
    ("ASKBOOK_SESSION_BYTES", "17179869184"),
    ("ASKBOOK_SESSION_TTL_S", "86400"),
    ("ASKBOOK_SESSION_TURNS", "1"),
];

/// askbook that keeps so many conversations.
struct Server {
    conversations: u32,
    stand: Stand,
    /// What each of so many conversations takes, in bytes.
    memory: Vec<(f64, f64)>,
    /// Of each round, in microseconds on a processor.
    costs: Vec<f64>,
}

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let most = stage.options.sessions.iter().max().copied().unwrap_or_default();
    told(&format!("sessions: a store of up to {most}"));
    let store = store(stage, most)?;
    let mut servers = Vec::new();
    for &conversations in &stage.options.sessions {
        if conversations <= MOST_IN_SERVER {
            told(&format!("sessions: {conversations} are begun"));
            servers.push(Server::start(stage, conversations).await?);
        }
    }
    for (round, at) in stage.rounds_of(servers.len()) {
        told(&format!("sessions, round {round}: {} are kept", servers[at].conversations));
        // With any of them, so that no processor has it at hand.
        let ask = |number| Ask { goes_on: true, ..Ask::of(number) };
        let (_, cost) = servers[at].stand.chats(1, stage.span(), ask).await?;
        servers[at].costs.push(cost);
    }
    let text = book::question(0).len() + book::answer(stage.bench.pace.pieces).concat().len();
    Ok(picture(&servers, &store, float(text as u64)))
}

fn picture(servers: &[Server], store: &[keep::Kept], text: f64) -> Picture {
    let stored = |of: fn(&keep::Kept) -> f64| -> Vec<(f64, f64)> {
        store.iter().map(|kept| (f64::from(kept.count), of(kept))).collect()
    };
    let wanted = |bytes: f64| stored(|_| 0.0).into_iter().map(|(at, _)| (at, bytes)).collect();
    let largest = servers.iter().max_by_key(|server| server.conversations);
    let in_server = largest.map(|server| server.memory.clone()).unwrap_or_default();
    let costs: Vec<(f64, f64)> = servers
        .iter()
        .filter_map(|server| Some((f64::from(server.conversations), median(server.costs.clone())?)))
        .collect();
    let chat = costs.first().map_or(0.0, |&(_, cost)| cost);
    let costs = Curve::measured("a chat that goes on with any of them", costs);
    let allowed = ever_tenfold(&costs, GOAL);
    let uses = Curve::measured("looked up, and an exchange added", stored(|kept| kept.use_us));
    let least = uses.points.first().map_or(0.0, |&(_, cost)| cost);
    // By how much a chat may become dearer, all of it in the store.
    let chats = Curve::measured("", uses.points.iter().map(|&(at, _)| (at, chat)).collect());
    let more = ever_tenfold(&chats, GOAL).into_iter().map(|(at, cost)| (at, least + cost - chat));
    let goal = format!("goal P10: ≤ 2 % of a chat more, ever ten times ({chat:.0} µs)");
    let panels = [
        (
            "Memory of each conversation",
            "bytes (RSS over that without any)",
            Scale::Even,
            vec![
                Curve::measured("in a server", in_server),
                Curve::measured("in the store alone", stored(|kept| kept.bytes)),
                Curve::measured("its text", wanted(text)),
                Curve::goal("goal P8: ≤ its text + 160", wanted(text + BESIDE)),
            ],
        ),
        (
            "Time on a processor, in a server",
            "µs a chat, one reader",
            Scale::Even,
            vec![costs, Curve::goal("goal P10: ≤ 1.02 × ever ten times", allowed)],
        ),
        (
            "Time on a processor, in the store alone",
            "µs a chat",
            Scale::Even,
            vec![uses, Curve::goal(goal, more.collect())],
        ),
    ];
    Picture {
        title: "Conversations that are kept",
        notes: vec![format!(
            "Conversations of one question and its answer, {text:.0} bytes of text. In a server \
             {READERS} readers begin them with the same question, which is answered from the \
             cache; a chat that goes on asks another one. The store alone is that of the server, \
             with its allocator, in a process of its own."
        )],
        panels: panels
            .into_iter()
            .map(|(title, up, scale, curves)| Panel {
                title: title.to_owned(),
                across: "conversations kept in memory",
                up,
                scales: (Scale::Log, scale),
                curves,
            })
            .collect(),
    }
}

/// Up to so many conversations in the store alone.
fn store(stage: &Stage<'_>, most: u32) -> anyhow::Result<Vec<keep::Kept>> {
    let counts: Vec<String> = counts(most).iter().map(u32::to_string).collect();
    let mut keep = Command::new(std::env::current_exe()?);
    keep.args(["keep", "--counts", &counts.join(",")]);
    keep.args(["--answer-pieces", &stage.bench.pace.pieces.to_string()]);
    let output = keep.output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = str::from_utf8(&output.stdout)?.lines();
    lines.map(|line| serde_json::from_str(line).context("it is no figure")).collect()
}

impl Server {
    async fn start(stage: &Stage<'_>, conversations: u32) -> anyhow::Result<Self> {
        /// What is asked again and again is answered from memory.
        const SAME: u64 = 0;
        let mut stand = stage.start(&SETTINGS)?;
        let address = &stand.program.address;
        stand.readers = Arc::new(Readers::remembering(conversations as usize, address));
        // Of these nothing is kept.
        let sent = |number| Ask { turns: 2, ..Ask::of(number) };
        stand.chats(READERS, stage.span(), sent).await?;
        let idle = stand.memory().await?;
        let (mut memory, mut begun) = (Vec::new(), 0);
        let same = Ask { patience: Duration::from_mins(1), ..Ask::of(SAME) };
        for next in counts(conversations) {
            let mut asking = JoinSet::new();
            for reader in 0..READERS {
                let (readers, same) = (Arc::clone(&stand.readers), same.clone());
                let own = (next - begun + reader) / READERS;
                asking.spawn(async move {
                    for _ in 0..own {
                        let outcome = readers.ask(&same, Instant::now()).await;
                        anyhow::ensure!(outcome == Outcome::Written, "it is {outcome:?}");
                    }
                    Ok(())
                });
            }
            while let Some(asked) = asking.join_next().await {
                asked??;
            }
            begun = next;
            let each = (stand.memory().await? - idle) / f64::from(begun);
            memory.push((f64::from(begun), each));
        }
        Ok(Self { conversations, stand, memory, costs: Vec::new() })
    }
}

/// 1, 2 and 5 thousand and so on, up to this one.
fn counts(last: u32) -> Vec<u32> {
    let all = (3..9).flat_map(|power| [1, 2, 5].map(|times| times * 10_u32.pow(power)));
    all.take_while(|count| *count < last).chain([last]).collect()
}

impl Stand {
    /// Resident, in bytes, when it rests.
    async fn memory(&self) -> anyhow::Result<f64> {
        const REST: Duration = Duration::from_millis(500);
        sleep(REST).await;
        Ok(float(self.program.vitals()?.resident))
    }
}
