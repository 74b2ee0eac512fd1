//! A server as a process of its own, as readers meet it: askbook, unless another one is to be
//! compared with it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::gemini::WRITER;
use crate::qdrant::COLLECTION;
use crate::tally::float;
use crate::upstreams::Upstreams;

/// Far longer than a start takes.
const START: Duration = Duration::from_secs(30);

/// How often a server that starts is asked whether it is there.
const ASK_AGAIN: Duration = Duration::from_micros(500);

/// How much of a log is told of a server that does not start, in characters.
const LOG: usize = 4_000;

/// A setting of askbook's, by its name.
pub(crate) type Setting<'a> = (&'a str, &'a str);

/// Nothing that was asked before is known.
pub(crate) const NO_CACHES: [Setting<'_>; 2] =
    [("ASKBOOK_EMBEDDING_CACHE_BYTES", "0"), ("ASKBOOK_ANSWER_CACHE_BYTES", "0")];

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
    set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A running server, killed when it is dropped.
pub(crate) struct Program {
    pub(crate) address: String,
    /// How long it took from its start until it answered.
    pub(crate) start: Duration,
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

impl Measured {
    /// askbook as it is shipped, between these upstreams; `more` wins over what is set here, and
    /// `--set` over both.
    ///
    /// It keeps an account of what it spends, as it does unless that is switched off, but its
    /// ceiling is out of reach; and it limits no client.
    pub(crate) fn command(
        &self,
        upstreams: &Upstreams,
        more: &[Setting<'_>],
    ) -> anyhow::Result<Command> {
        let binary = match &self.binary {
            Some(binary) => binary.canonicalize()?,
            None => std::env::current_exe()?.with_file_name("askbook"),
        };
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .env_clear()
            .envs([
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
            .env("GEMINI_BASE_URL", &upstreams.gemini)
            .env("QDRANT_URL", &upstreams.qdrant)
            .envs(more.iter().copied())
            .envs(self.set.iter().cloned());
        Ok(command)
    }
}

impl Program {
    /// askbook between these upstreams, with as many calls to them at once as there may be.
    pub(crate) fn start(
        measured: &Measured,
        upstreams: &Upstreams,
        more: &[Setting<'_>],
    ) -> anyhow::Result<Self> {
        let calls = measured.calls.to_string();
        let mut settings = vec![("ASKBOOK_UPSTREAM_CALLS", calls.as_str())];
        settings.extend(more);
        Self::launch(measured.command(upstreams, &settings)?)
    }

    /// A server that listens on `PORT` and answers at `/health`, in an empty folder.
    pub(crate) fn launch(mut command: Command) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (log, file) = (folder.path().join("log"), |path: &PathBuf| File::create(path));
        // Nobody else on this machine takes ports so fast that it would be gone.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        command
            .current_dir(folder.path())
            .env("PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file(&log)?);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| {
            let program = command.get_program().display();
            format!("{program} cannot be started: see bench/README.md for what builds it")
        })?;
        let address_text = address.to_string();
        let mut program =
            Self { address: address_text, start: Duration::ZERO, child, _folder: folder };
        while !is_healthy(address) {
            let ended = program.child.try_wait()?.is_some();
            if ended || begun.elapsed() > START {
                let log: String = fs::read_to_string(&log)?.chars().take(LOG).collect();
                anyhow::bail!("{} does not start: {log}", command.get_program().display());
            }
            thread::sleep(ASK_AGAIN);
        }
        program.start = begun.elapsed();
        Ok(program)
    }

    /// What it takes now.
    pub(crate) fn vitals(&self) -> anyhow::Result<Vitals> {
        Vitals::of(self.process())
    }

    /// Has it end by itself.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let process = self.process().to_string();
        let told = Command::new("kill").arg(process).status()?;
        anyhow::ensure!(told.success(), "it cannot be told to stop");
        self.child.wait()?;
        Ok(())
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
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
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
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

    /// Resident memory, in MiB.
    pub(crate) fn mib(self) -> f64 {
        float(self.resident) / float(1 << 20)
    }
}

/// The program inside, run by the one outside, which knows nothing but its path.
pub(crate) fn within(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args()).env_clear();
    outer.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    outer.envs(environment(inner));
    outer
}

/// The variables that a command sets.
pub(crate) fn environment(of: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    of.get_envs().filter_map(|(name, value)| Some((name, value?)))
}

/// Whether a server says at `/health` that it is there.
fn is_healthy(address: SocketAddr) -> bool {
    const SUCCESS: &[u8] = b"HTTP/1.1 200";
    let ask = || -> std::io::Result<bool> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(START))?;
        connection.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; SUCCESS.len()];
        connection.read_exact(&mut status)?;
        Ok(status == SUCCESS)
    };
    ask().unwrap_or(false)
}
