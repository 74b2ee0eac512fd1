//! How long indexing and searching take, how much memory and disk: one table, to be read.
//!
//! ```console
//! $ cargo run --release -p askbook-edge --example index              # 1,000 10,000 100,000
//! $ cargo run --release -p askbook-edge --example index -- 20000
//! ```
//!
//! The passages are made of the real ones in `../shared/data` beside the project: as often as it
//! takes, each paragraph of one followed by a paragraph of another. Each step is a process of its
//! own, as the command line and a server are, so its peak of memory is its own too.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use askbook::embedding::Purpose;
use askbook::indexing::index;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Embedder, Retriever};
use askbook_edge::{Bm25Embedder, EdgeStore};
use serde::Deserialize;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many passages a page has.
const PAGE: usize = 10;

/// How deep each ranking is read, as `askbook::search` does.
const DEPTH: std::num::NonZeroUsize = std::num::NonZeroUsize::new(30).unwrap();

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [step, passages, directory] = arguments.as_slice() {
        let (passages, directory) = (passages.parse()?, Path::new(directory));
        return match step.as_str() {
            "index" => write(passages, directory, false).await,
            "again" => write(passages, directory, true).await,
            _ => search(directory).await,
        };
    }
    let sizes = match arguments.as_slice() {
        [] => vec![1_000, 10_000, 100_000],
        sizes => sizes.iter().map(|size| size.parse()).collect::<std::result::Result<_, _>>()?,
    };
    for passages in sizes {
        let directory = tempfile::tempdir()?;
        println!("{passages} passages");
        for step in ["index", "again", "search"] {
            let mut process = Command::new(std::env::current_exe()?);
            let status =
                process.args([step, &passages.to_string()]).arg(directory.path()).status()?;
            if !status.success() {
                return Err(format!("{step} failed").into());
            }
        }
        println!("  on disk       {:>9.1} MiB", mebibytes(size(directory.path())?));
    }
    Ok(())
}

/// Indexes a book, or indexes it again after one page was changed.
async fn write(passages: usize, directory: &Path, again: bool) -> Result<()> {
    let mut book = book(passages)?;
    if again {
        for passage in book.iter_mut().skip(passages / 2 / PAGE * PAGE).take(PAGE) {
            passage.text.insert_str(0, "Changed since. ");
        }
    }
    let embedder = Bm25Embedder::new(Bm25Embedder::DEFAULT_LANGUAGE)?;
    let start = Instant::now();
    let store = EdgeStore::open(directory).await?;
    let opened = start.elapsed();
    let mut kept = opened;
    let changes = index(book, &embedder, "example", &store, |_, _| {
        kept = start.elapsed();
    })
    .await?;
    let all = start.elapsed();
    let (put, name) = (changes.embedded(), if again { "index again" } else { "index" });
    println!(
        "  {name:<13} {:>9.1} ms: open {:.1}, embed and keep {put} {:.1}, publish {:.1}; peak {:.1} MiB",
        milliseconds(all),
        milliseconds(opened),
        milliseconds(kept.saturating_sub(opened)),
        milliseconds(all.saturating_sub(kept)),
        memory("VmHWM")?
    );
    Ok(())
}

/// Searches with questions as readers ask them.
async fn search(directory: &Path) -> Result<()> {
    let start = Instant::now();
    let store = EdgeStore::open(directory).await?;
    store.ready().await?;
    println!("  open          {:>9.1} ms", milliseconds(start.elapsed()));
    let embedder = Bm25Embedder::new(Bm25Embedder::DEFAULT_LANGUAGE)?;
    let questions = questions()?;
    let shape = embedder.preferred_shape();
    let near = embedder.embed(&questions, Purpose::Query, shape).await?;
    let mut times = Vec::new();
    let mut found = 0;
    for round in 0..6 {
        for near in &near {
            let start = Instant::now();
            found += store.retrieve(near, DEPTH).await?.lexical.map_or(0, |ranking| ranking.len());
            // The first round reads from disk.
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    times.sort_unstable();
    let at = |hundredth: usize| {
        let time = times.get((times.len() * hundredth / 100).min(times.len() - 1));
        time.map_or(0.0, |&time| milliseconds(time))
    };
    println!(
        "  search        {:>9.3} ms (p50), {:.3} (p99), {:.3} (worst) of {} questions, {} found each",
        at(50),
        at(99),
        at(100),
        near.len(),
        found / (6 * near.len())
    );
    println!("  memory        {:>9.1} MiB, peak {:.1}", memory("VmRSS")?, memory("VmHWM")?);
    Ok(())
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

/// So many passages, made of real ones.
fn book(passages: usize) -> Result<Vec<Passage>> {
    let real = real_passages()?;
    let made = (0..passages).map(|number| {
        let (copy, own) = (number / real.len(), number % real.len());
        // Another one in each copy; primes, so that it is another one again for each passage.
        let other = (own * 31 + copy * 7919) % real.len();
        let text = match copy {
            0 => real[own].clone(),
            _ => mixed(&real[own], &real[other]),
        };
        let (page, part) = (number / PAGE, number % PAGE);
        Passage {
            id: PassageId(format!("docs/part-{}/page-{page}.md#section/{part}", page / 100)),
            title: format!("Page {page}"),
            headings: vec![text.chars().take_while(|c| *c != '\n').take(40).collect()],
            url: Some(format!("/docs/part-{}/page-{page}#section", page / 100)),
            text,
            edition: None,
        }
    });
    Ok(made.collect())
}

/// The paragraphs of one and of the other by turns, as many as the one has.
fn mixed(one: &str, other: &str) -> String {
    let mut others = other.split("\n\n").cycle();
    let mut text = String::with_capacity(one.len());
    for (number, paragraph) in one.split("\n\n").enumerate() {
        text += if number % 2 == 0 { paragraph } else { others.next().unwrap_or_default() };
        text += "\n\n";
    }
    text
}

/// The paragraphs of the Redux and the Claude documentation, in pieces of a passage's length.
fn real_passages() -> Result<Vec<String>> {
    let mut texts = Vec::new();
    read_pages(&data().join("redux-docs/docs"), &mut texts)?;
    for line in fs::read_to_string(data().join("claude-docs/passages.jsonl"))?.lines() {
        #[derive(Deserialize)]
        struct Line {
            text: String,
        }
        texts.push(serde_json::from_str::<Line>(line)?.text);
    }
    let mut pieces = Vec::new();
    for text in texts {
        let mut piece = String::new();
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            if !piece.is_empty() && piece.len() + paragraph.len() > 1_200 {
                pieces.push(std::mem::take(&mut piece));
            }
            piece += paragraph;
            piece += "\n\n";
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

fn read_pages(folder: &Path, texts: &mut Vec<String>) -> Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| format!("{} is needed: {error}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_pages(&path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "md" || extension == "mdx")
        {
            texts.push(fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// Questions over both documentations, whole and as far as they are after half the typing.
fn questions() -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Line {
        question: String,
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/questions/redux.jsonl");
    let mut questions = Vec::new();
    for path in [data().join("claude-docs/questions.jsonl"), own] {
        for line in fs::read_to_string(path)?.lines() {
            let Line { question } = serde_json::from_str(line)?;
            let words = question.split_whitespace().count();
            let half: Vec<&str> = question.split_whitespace().take(words.div_ceil(2)).collect();
            questions.push(half.join(" "));
            questions.push(question);
        }
    }
    Ok(questions)
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let bytes = bytes as f64;
    bytes / f64::from(1 << 20)
}

/// A number of `/proc/self/status`, in MiB; 0 where there is none.
fn memory(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()).unwrap_or("0");
    Ok(mebibytes(kibibytes.parse::<u64>()? * 1024))
}

/// The bytes that a folder takes, holes in files left out.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { on_disk(&metadata) };
    }
    Ok(bytes)
}

#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
