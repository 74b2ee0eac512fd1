//! askbook as a process of its own, as readers meet it.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tempfile::TempDir;

use crate::gemini::WRITER;
use crate::qdrant::COLLECTION;
use crate::upstreams::Upstreams;

/// Far longer than a start takes.
const START: Duration = Duration::from_secs(30);

/// A setting of askbook's.
pub(crate) type Setting = (String, String);

/// Which program is measured, and with which settings.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Measured {
    /// The program; unless it is given, the `askbook` beside this one
    #[arg(long, global = true, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// How many calls askbook may have at an upstream at once (`ASKBOOK_UPSTREAM_CALLS`)
    #[arg(long, global = true, default_value_t = 16)]
    pub(crate) calls: u32,
    /// A further setting of askbook's; may be given several times
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<Setting>,
}

fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = text.split_once('=').ok_or("give it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A running askbook, killed when it is dropped.
pub(crate) struct Program {
    pub(crate) address: String,
    child: Child,
    _folder: TempDir,
}

/// What a process takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vitals {
    /// Time on a processor so far.
    pub(crate) processor: Duration,
    /// Resident memory, in bytes.
    pub(crate) resident: u64,
    /// Open files and connections.
    pub(crate) files: usize,
}

impl Program {
    /// askbook between these upstreams; `more` wins over what is set here, and `--set` over both.
    ///
    /// It keeps an account of what it spends, as it does unless that is switched off, but its
    /// ceiling is out of reach; and it limits no client.
    pub(crate) fn start(
        measured: &Measured,
        upstreams: &Upstreams,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let binary = match &measured.binary {
            Some(binary) => binary.clone(),
            None => std::env::current_exe()?.with_file_name("askbook"),
        };
        let folder = tempfile::tempdir()?;
        let (gemini, qdrant) = (upstreams.gemini, upstreams.qdrant);
        let mut command = Command::new(&binary);
        command
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .envs([
                ("PORT", "0"),
                ("ASKBOOK_LOG_FORMAT", "json"),
                ("ASKBOOK_DATA_DIR", "data"),
                ("ASKBOOK_EMBEDDER", "gemini"),
                ("GEMINI_API_KEY", "none-is-needed"),
                ("GEMINI_MODEL", WRITER),
                ("QDRANT_COLLECTION_NAME", COLLECTION),
                ("ASKBOOK_SPEND_CALLS_PER_DAY", "1000000000"),
                ("ASKBOOK_ADDRESS_PER_MINUTE", "0"),
                ("ASKBOOK_SESSION_PER_MINUTE", "0"),
            ])
            .env("GEMINI_BASE_URL", format!("http://{gemini}"))
            .env("QDRANT_URL", format!("http://{qdrant}"))
            .env("ASKBOOK_UPSTREAM_CALLS", measured.calls.to_string())
            .envs(more.iter().copied())
            .envs(measured.set.iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| {
            let binary = binary.display();
            format!(
                "{binary} cannot be started: `cargo build --release -p askbook-server` makes it"
            )
        })?;
        let log = BufReader::new(child.stderr.take().context("it has no log")?);
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("log".to_owned()).spawn(move || follow(log, &tell))?;
        let mut program = Self { address: String::new(), child, _folder: folder };
        let address = told.recv_timeout(START).context(
            "it does not say where it listens: LOG_LEVEL has to let askbook_server=info through",
        )?;
        program.address = address.map_err(|log| anyhow::anyhow!("it ended: {log}"))?;
        Ok(program)
    }

    /// What it takes now.
    pub(crate) fn vitals(&self) -> anyhow::Result<Vitals> {
        Vitals::of(self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Vitals {
    /// Of this process (`proc(5)`).
    fn of(process: u32) -> anyhow::Result<Self> {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let status = fs::read_to_string(folder.join("status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.split_whitespace().next());
        let resident = kilobytes.context("no VmRSS")?.parse::<u64>()? * 1024;
        let mut processor = Duration::ZERO;
        for task in fs::read_dir(folder.join("task"))? {
            // A thread may have ended.
            let Ok(times) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let time = times.split_whitespace().next().context("no schedstat")?;
            processor += Duration::from_nanos(time.parse()?);
        }
        let files = fs::read_dir(folder.join("fd"))?.count();
        Ok(Self { processor, resident, files })
    }
}

/// Tells the address that the log gives, or the whole log when it ends before; then reads on, so
/// that the program never waits for its log to be read.
fn follow(mut log: impl io::BufRead, tell: &mpsc::Sender<Result<String, String>>) {
    #[derive(Deserialize)]
    struct Event {
        message: String,
        address: Option<String>,
    }
    let mut lines = String::new();
    for line in log.by_ref().lines().map_while(Result::ok) {
        let event = serde_json::from_str::<Event>(&line);
        if let Ok(Event { message, address: Some(address) }) = event
            && message == "askbook is listening"
        {
            // Who started it may have gone.
            let _ = tell.send(Ok(address));
            let _ = io::copy(&mut log, &mut io::sink());
            return;
        }
        lines += &line;
        lines.push('\n');
    }
    let _ = tell.send(Err(lines));
}
