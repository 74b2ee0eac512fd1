//! The ledger in a file: its contract, and what becomes of it when processes end.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use askbook::error::ErrorKind;
use askbook::ports::Ledger;
use askbook::spend::{Ceiling, Ceilings, Charge, Reservation};
use askbook_ledger::{FileLedger, PausableLedger, PauseSwitch};

/// Noon of a day, and half a minute.
const NOON: u64 = 20_000 * 86_400 + 43_230;

fn open(folder: &Path, ceilings: Ceilings) -> FileLedger {
    FileLedger::with_clock(folder, ceilings, Arc::new(|| NOON)).unwrap()
}

fn a_day(calls: Option<u64>, tokens: Option<u64>) -> Ceilings {
    Ceilings { day: Ceiling { calls, tokens, money: None }, ..Ceilings::default() }
}

fn charge(tokens: u64) -> Charge {
    Charge { calls: 1, tokens, money: 0 }
}

/// How many of the next calls get through.
async fn left(ledger: &dyn Ledger, calls: usize) -> usize {
    let mut through = 0;
    for _ in 0..calls {
        through += usize::from(ledger.reserve(charge(0)).await.is_ok());
    }
    through
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("spend.jsonl")
}

mod contract {
    use super::*;

    async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Arc::new(open(&folder.path().join("made"), ceilings)), folder)
    }

    askbook::ledger_contract!(fixture);
}

mod contract_with_a_switch {
    use super::*;

    async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(open(folder.path(), ceilings));
        (Arc::new(PausableLedger::new(ledger, PauseSwitch::new(folder.path()))), folder)
    }

    askbook::ledger_contract!(fixture);
}

#[tokio::test]
async fn what_was_spent_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ceilings = a_day(Some(5), Some(100));
    let ledger = open(folder.path(), ceilings);
    let settled = ledger.reserve(charge(50)).await.unwrap();
    let open_still = ledger.reserve(charge(40)).await.unwrap();
    ledger.settle(settled, charge(10)).await.unwrap();
    // As after `kill -9`: nothing is said at the end.
    drop(ledger);

    let ledger = open(folder.path(), ceilings);
    assert!(ledger.reserve(charge(51)).await.is_err(), "50 of 100 are spent or set aside");
    ledger.settle(settled, charge(0)).await.unwrap();
    assert!(ledger.reserve(charge(51)).await.is_err(), "it was settled before");
    ledger.settle(open_still, charge(20)).await.unwrap();
    assert!(ledger.reserve(charge(70)).await.is_ok());
    drop(ledger);
    assert_eq!(left(&open(folder.path(), ceilings), 10).await, 2);
}

#[tokio::test]
async fn a_line_that_a_crash_has_torn_was_for_a_call_that_never_began() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), a_day(Some(5), None));
    assert_eq!(left(&ledger, 2).await, 2);
    drop(ledger);
    let whole = fs::read(journal(folder.path())).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    // Without its line end alone it is whole.
    for (length, before) in (last..whole.len() - 1).map(|at| (at, 1)).chain([(whole.len() - 1, 2)])
    {
        fs::write(journal(folder.path()), &whole[..length]).unwrap();
        let ledger = open(folder.path(), a_day(Some(5), None));
        assert_eq!(left(&ledger, 9).await, 5 - before, "cut at {length}");
        drop(ledger);
        assert_eq!(left(&open(folder.path(), a_day(Some(5), None)), 9).await, 0);
    }
}

#[tokio::test]
async fn a_line_in_the_middle_that_cannot_be_read_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), a_day(Some(5), None));
    assert_eq!(left(&ledger, 1).await, 1);
    let mut file = fs::OpenOptions::new().append(true).open(journal(folder.path())).unwrap();
    file.write_all(b"{\"reserved\":{\"id\"\n\xff\xfe\n[]\n").unwrap();
    assert_eq!(left(&ledger, 1).await, 1);
    drop(ledger);
    assert_eq!(left(&open(folder.path(), a_day(Some(5), None)), 9).await, 3);
}

#[test]
fn another_process_is_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), Ceilings::default());
    let error = FileLedger::open(folder.path(), Ceilings::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("ASKBOOK_DATA_DIR"), "{error}");
    drop(first);
    assert!(FileLedger::open(folder.path(), Ceilings::default()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let error = FileLedger::open(&file.join("spend"), Ceilings::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_file_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let ceilings = a_day(Some(20_000), None);
    let ledger = open(folder.path(), ceilings);
    let mut longest = 0;
    let mut open_still = Vec::new();
    for number in 0..10_000 {
        let reservation = ledger.reserve(charge(3)).await.unwrap();
        if number % 100 == 0 {
            open_still.push(reservation);
        } else {
            ledger.settle(reservation, charge(1)).await.unwrap();
        }
        longest = longest.max(fs::metadata(journal(folder.path())).unwrap().len());
    }
    assert!(longest < 1_200_000, "{longest} bytes");
    drop(ledger);
    let ledger = open(folder.path(), ceilings);
    assert!(fs::metadata(journal(folder.path())).unwrap().len() < 20_000);
    for reservation in open_still {
        ledger.settle(reservation, Charge::default()).await.unwrap();
    }
    assert_eq!(left(&ledger, 11_000).await, 20_000 - 9_900);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let _ledger = open(folder.path(), Ceilings::default());
    let mode = fs::metadata(journal(folder.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_clients_make_as_many_calls_as_there_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let ceilings = a_day(Some(300), Some(2_000));
    let ledger = Arc::new(open(folder.path(), ceilings));
    let (calls, tokens) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let clients = (0..1_000_u64).map(|client| {
        let (ledger, calls, tokens) =
            (Arc::clone(&ledger), Arc::clone(&calls), Arc::clone(&tokens));
        tokio::spawn(async move {
            let Ok(reservation) = ledger.reserve(charge(10)).await else { return };
            calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            // Some leave without a word: theirs stays as it was set aside.
            let cost = if client % 7 == 0 { 10 } else { client % 10 };
            tokens.fetch_add(cost, Ordering::SeqCst);
            if client % 7 != 0 {
                ledger.settle(reservation, charge(cost)).await.unwrap();
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let (calls, tokens) = (calls.load(Ordering::SeqCst), tokens.load(Ordering::SeqCst));
    assert!((200..=300).contains(&calls) && tokens <= 2_000, "{calls} calls, {tokens} tokens");
    // The account agrees with what the clients have spent, also after a restart.
    drop(ledger);
    let ledger = open(folder.path(), ceilings);
    let rest = charge(2_000 - tokens);
    assert!(ledger.reserve(Charge { tokens: rest.tokens + 1, ..rest }).await.is_err());
    assert_eq!(ledger.reserve(rest).await.is_ok(), calls < 300);
}

/// What the rule says, without windows: each reservation counts as it was settled last, or not.
#[derive(Default)]
struct Model {
    made: Vec<(Reservation, Option<u64>)>,
}

impl Model {
    fn spent(&self, at: impl Fn(u64) -> u64, now: u64) -> u64 {
        let same = self.made.iter().filter(|(made, _)| at(made.at) == at(now));
        same.map(|(made, cost)| cost.unwrap_or(made.charge.tokens)).sum()
    }
}

/// Seeded: a seed that fails is named, and fails again.
#[tokio::test]
async fn in_any_order_of_calls_ends_crashes_and_minutes_the_account_is_right() {
    let clock = Arc::new(AtomicU64::new(0));
    let tokens = |tokens| Ceiling { tokens: Some(tokens), ..Ceiling::default() };
    let ceilings = Ceilings { minute: tokens(60), day: tokens(150) };
    let (mut refused, mut restarts) = (0, 0);
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let clock = Arc::clone(&clock);
            let now = Arc::new(move || clock.load(Ordering::SeqCst));
            FileLedger::with_clock(folder.path(), ceilings, now).unwrap()
        };
        // Not long before midnight.
        clock.store(20_000 * 86_400 - 130, Ordering::SeqCst);
        let (mut ledger, mut model) = (open(), Model::default());
        for _ in 0..60 {
            let now = clock.load(Ordering::SeqCst);
            match random.u32(..10) {
                0..5 => {
                    let tokens = random.u64(1..=30);
                    let minute = model.spent(|at| at / 60, now) + tokens;
                    let day = model.spent(|at| at / 86_400, now) + tokens;
                    let result = ledger.reserve(charge(tokens)).await;
                    let fits = minute <= 60 && day <= 150;
                    assert_eq!(result.is_ok(), fits, "seed {seed}: {minute} {day} {result:?}");
                    refused += u32::from(!fits);
                    model.made.extend(result.ok().map(|made| (made, None)));
                }
                5..8 if !model.made.is_empty() => {
                    let at = random.usize(..model.made.len());
                    let (made, cost) = &mut model.made[at];
                    let costs = random.u64(..=made.charge.tokens);
                    ledger.settle(*made, charge(costs)).await.unwrap();
                    cost.get_or_insert(costs);
                }
                8 => {
                    clock.fetch_add(random.u64(1..40), Ordering::SeqCst);
                }
                _ => {
                    drop(ledger);
                    ledger = open();
                    restarts += 1;
                }
            }
        }
    }
    assert!(refused > 500 && restarts > 500, "{refused} refused, {restarts} restarts");
}

#[tokio::test]
async fn a_pause_holds_until_it_is_ended_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let switch = PauseSwitch::new(&folder.path().join("made when needed"));
    let ledger = Arc::new(open(&folder.path().join("spend"), Ceilings::default()));
    let ledger = PausableLedger::new(ledger, switch.clone());
    let running = ledger.reserve(charge(5)).await.unwrap();
    assert!(!switch.resume().unwrap());

    switch.pause(" the bill is high\n").unwrap();
    switch.pause("the bill is high").unwrap();
    for result in [ledger.reserve(charge(1)).await.map(|_| ()), ledger.ready().await] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Exhausted, None));
        assert!(error.to_string().contains("(the bill is high)"), "{error}");
        assert!(error.to_string().contains("askbook resume"), "{error}");
    }
    ledger.settle(running, charge(1)).await.unwrap();

    assert!(switch.resume().unwrap());
    assert!(ledger.ready().await.is_ok() && ledger.reserve(charge(1)).await.is_ok());
    // Whatever stands there pauses, made by hand or unreadable.
    fs::create_dir(switch.path()).unwrap();
    assert!(ledger.reserve(charge(1)).await.is_err());
}

/// `cargo test -p askbook-ledger -- --ignored --nocapture`, with `--release` for figures.
#[tokio::test]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "figures")]
async fn how_long_a_reservation_takes() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(&folder.path().join("spend"), a_day(Some(1 << 40), None)));
    let ledger = PausableLedger::new(ledger, PauseSwitch::new(folder.path()));
    let mut times = Vec::new();
    for _ in 0..20_000 {
        let begun = Instant::now();
        let reservation = ledger.reserve(charge(5)).await.unwrap();
        times.push(begun.elapsed());
        ledger.settle(reservation, charge(1)).await.unwrap();
    }
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1_000 - 1];
    println!("p50 {:?}, p99 {:?}, p99.9 {:?}, most {:?}", at(500), at(990), at(999), at(1_000));
}
