//! What a larger book costs, of the index that askbook carries with it.
//!
//! Goals P9, 10,000 passages can be searched 200 ms after a start, and P10, ten times as many cost
//! at most 2 % more. `cargo run --release -p askbook-edge --example index` measures the index by
//! itself; this is the whole server.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hyper::StatusCode;
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

use crate::Bench;
use crate::corpus;
use crate::measure::curves::{Stage, Stand, ever_tenfold, told};
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::program::{NO_CACHES, Setting, environment};
use crate::reader::Ask;
use crate::tally::{float, median};
use crate::upstreams::Upstreams;

/// How much more ten times as many passages may cost.
const GOAL: f64 = 1.02;

/// How passages are found.
const WAYS: [(&str, &str); 2] = [("bm25", "by terms"), ("hybrid", "by terms and vectors")];

/// A book that is indexed in a folder.
struct Indexed {
    passages: usize,
    /// Which of [`WAYS`].
    way: usize,
    folder: PathBuf,
}

/// What is measured of each, in the order of the panels.
type Figures = [Vec<f64>; 4];

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let folder = tempfile::tempdir()?;
    let mut books = Vec::new();
    for &passages in &stage.options.corpus {
        let file = folder.path().join(format!("{passages}.jsonl"));
        let mut writer = BufWriter::new(File::create(&file)?);
        corpus::write(passages, &mut writer)?;
        writer.flush()?;
        for (way, (embedder, name)) in WAYS.iter().enumerate() {
            told(&format!("corpus: indexing {passages} passages {name}"));
            let data = folder.path().join(format!("{passages}-{embedder}"));
            let book = Indexed { passages, way, folder: data };
            book.index(stage.bench, &file, &folder)?;
            books.push(book);
        }
    }
    let mut figures: Vec<Figures> = books.iter().map(|_| Figures::default()).collect();
    for (round, at) in stage.rounds_of(books.len()) {
        let (passages, (_, name)) = (books[at].passages, WAYS[books[at].way]);
        told(&format!("corpus, round {round}: {passages} passages {name}"));
        let measured = books[at].measure(stage).await?;
        for (figures, figure) in figures[at].iter_mut().zip(measured) {
            figures.push(figure);
        }
    }
    let titles = [
        ("A search: time on a processor", "µs a search, one reader"),
        ("A chat: time on a processor", "µs a chat, one reader"),
        ("From a start to the first passages found", "ms"),
        ("Memory of the server", "MiB (RSS)"),
    ];
    let panels = titles.into_iter().enumerate().map(|(of, (title, up))| {
        let mut curves: Vec<Curve> = WAYS
            .iter()
            .enumerate()
            .map(|(way, (_, name))| Curve::measured(*name, points(&books, &figures, way, of)))
            .collect();
        if of < 2 {
            let goals: Vec<Curve> = curves
                .iter()
                .map(|curve| {
                    Curve::goal("goal P10: ≤ 1.02 × ever ten times", ever_tenfold(curve, GOAL))
                })
                .collect();
            curves.extend(goals);
        } else if of == 2 {
            curves.push(Curve::goal("goal P9: ≤ 200 ms", vec![(10_000.0, 200.0)]));
        }
        Panel {
            title: title.to_owned(),
            across: "passages",
            up,
            scales: (Scale::Log, Scale::Log),
            curves,
        }
    });
    Ok(Picture {
        title: "A larger book",
        notes: vec![format!(
            "Passages of 900 bytes of made-up words, as unevenly common as those of a language, \
             in the index that askbook carries with it, which searches exactly; vectors of {} \
             numbers, each another one. Files are in the system's cache. The question has three \
             terms, which a fifth to a thirtieth of the passages hold, and is the same each time; caches \
             are off.",
            stage.bench.pace.dimension
        )],
        panels: panels.collect(),
    })
}

fn points(books: &[Indexed], figures: &[Figures], way: usize, of: usize) -> Vec<(f64, f64)> {
    let those = books.iter().zip(figures).filter(|(book, _)| book.way == way);
    those
        .filter_map(|(book, figures)| {
            Some((float(book.passages as u64), median(figures[of].clone())?))
        })
        .collect()
}

impl Indexed {
    /// Every question is the same one, so that the book answers it: what askbook keeps is off.
    fn settings<'a>(&self, folder: &'a str) -> [Setting<'a>; 5] {
        let [embeddings, answers] = NO_CACHES;
        [
            embeddings,
            answers,
            ("ASKBOOK_EMBEDDER", WAYS[self.way].0),
            ("ASKBOOK_RETRIEVER", "edge"),
            ("ASKBOOK_DATA_DIR", folder),
        ]
    }

    fn index(&self, bench: &Bench, file: &Path, folder: &TempDir) -> anyhow::Result<()> {
        let upstreams = Upstreams::start(bench.pace.at_once(), None)?;
        let data = self.folder.display().to_string();
        let serve = bench.measured.command(&upstreams, &self.settings(&data))?;
        let mut index = Command::new(serve.get_program());
        index.args(["index", "--jsonl"]).arg(file).env_clear().current_dir(folder);
        index.env("LOG_LEVEL", "error");
        index.envs(environment(&serve));
        let status = index.stdout(Stdio::null()).status()?;
        anyhow::ensure!(status.success(), "the passages cannot be indexed");
        Ok(())
    }

    /// In the order of the panels.
    async fn measure(&self, stage: &Stage<'_>) -> anyhow::Result<[f64; 4]> {
        const WARM_UP: u32 = 20;
        let data = self.folder.display().to_string();
        let begun = Instant::now();
        let stand = stage.start(&self.settings(&data))?;
        while !finds(&stand).await? {
            sleep(Duration::from_millis(1)).await;
        }
        let searchable = begun.elapsed().as_secs_f64() * 1e3;
        for _ in 0..WARM_UP {
            anyhow::ensure!(finds(&stand).await?, "the passage is not found");
        }
        let (before, mut searches) = (stand.program.vitals()?.processor, 0);
        let end = Instant::now() + stage.span().measured;
        while Instant::now() < end {
            searches += 1;
            finds(&stand).await?;
        }
        let processor = stand.program.vitals()?.processor.saturating_sub(before);
        let search = processor.as_secs_f64() * 1e6 / float(searches);
        let (_, chat) = stand.chats(1, stage.span(), |_| Ask::of(corpus::ASKED_OF)).await?;
        Ok([search, chat, searchable, stand.program.vitals()?.mib()])
    }
}

/// Whether the passage is found that answers.
async fn finds(stand: &Stand) -> anyhow::Result<bool> {
    const ANSWERS: &[u8] = b"page-0#0";
    let seen = stand.readers.search(corpus::ASKED_OF).await?;
    let found = seen.body.windows(ANSWERS.len()).any(|bytes| bytes == ANSWERS);
    Ok(seen.status == StatusCode::OK && found)
}
