//! The command line.

mod answer;
mod arguments;
mod gaps;
mod index;
mod pause;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::Context as _;
use askbook::question::QuestionError;
use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};
use tracing::{debug, warn};

use crate::app::App;
use crate::config::{Config, ConfigError, Keys, LogFormat, example};
use crate::telemetry::Telemetry;
use crate::{check, eval};
use arguments::{Arguments, Command};

/// Wrong usage, or wrong settings.
const MISUSED: u8 = 2;

/// Does what the arguments say; the first one is the name of the program. An error is printed
/// once, on one line where it is one.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to stdout and is no error; there is nobody to tell that it cannot.
            let _ = error.print();
            return if error.use_stderr() { MISUSED.into() } else { ExitCode::SUCCESS };
        }
    };
    match execute(arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            if error.is::<ConfigError>() || error.is::<QuestionError>() {
                MISUSED.into()
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (command, flags) = arguments.into_settings();
    match command {
        Command::Openapi => return succeeded(print(askbook_http::document())),
        Command::Config { example: true } => return succeeded(print(example())),
        _ => {}
    }
    let keys = match &command {
        Command::Index(index) if index.dry_run => Keys::Spared,
        Command::Pause { .. } | Command::Resume => Keys::Spared,
        _ => Keys::Needed,
    };
    let config = Config::load_with(flags, keys)?;
    if let Command::Config { .. } = command {
        return succeeded(print(config.listing()));
    }
    let (log_level, log_format) = (config.settings.log_level.clone(), config.settings.log_format);
    let _telemetry = Telemetry::begin(log_level, log_format)?;
    if let Some(file) = &config.settings.config_file {
        debug!(file = %file.display(), "settings are read from a file of this name");
    }
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let runtime = runtime(config.settings.threads).context("cannot start the runtime")?;
    let result = match command {
        Command::Serve => succeeded(runtime.block_on(serve(config))),
        Command::Index(wanted) => succeeded(runtime.block_on(index::index(&config, &wanted))),
        Command::Ask(wanted) => succeeded(runtime.block_on(answer::ask(&config, &wanted))),
        Command::Gaps(wanted) => succeeded(gaps::list(&config, &wanted)),
        Command::Pause { reason } => succeeded(pause::pause(&config, &reason)),
        Command::Resume => succeeded(pause::resume(&config)),
        Command::Search(wanted) => succeeded(runtime.block_on(answer::search(&config, &wanted))),
        Command::Check { json } => runtime.block_on(check::run(&config, json)),
        Command::Eval(wanted) => runtime.block_on(eval::run(&config, wanted)),
        Command::Config { .. } | Command::Openapi => Ok(ExitCode::SUCCESS),
    };
    // Waits for no indexing that is under way: half an index is none.
    runtime.shutdown_background();
    result
}

/// A runtime of so many threads, or of one for each processor. What takes long has threads of its
/// own in any case.
fn runtime(threads: Option<NonZeroU32>) -> io::Result<Runtime> {
    let mut builder = match threads {
        Some(NonZeroU32::MIN) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if let Some(threads) = threads.and_then(|threads| usize::try_from(threads.get()).ok()) {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

fn succeeded(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

/// Serves until SIGINT or SIGTERM.
async fn serve(config: Config) -> anyhow::Result<()> {
    let mut shutdown = pin!(shutdown().context("cannot listen to signals")?);
    let quiet = config.settings.log_format == LogFormat::Json;
    let app = tokio::select! {
        app = App::build(config) => app?,
        () = &mut shutdown => return Ok(()),
    };
    if !quiet {
        let mut address = app.addr();
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let book = app.book();
        complain(format_args!(
            "\n  askbook answers questions from a book\n\n  \
               API         http://{address}/chat\n  \
               Swagger UI  http://{address}/docs\n  \
               Book        {book}\n\n  \
             Try\n    \
               curl -s http://{address}/chat -H 'content-type: application/json' \\\n      \
                 -d '{{\"message\": \"How do I get started?\"}}'\n"
        ));
    }
    app.run(shutdown).await;
    Ok(())
}

/// Resolves on SIGINT or SIGTERM.
#[cfg(unix)]
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves on Ctrl-C.
#[cfg(not(unix))]
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Writes data to stdout. A reader that has seen enough is no error.
///
/// What a book holds may not steer the terminal: control characters are shown as such.
pub(crate) fn print(text: impl Display) -> anyhow::Result<()> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    let text = text.to_string().replace(steers, "\u{fffd}");
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to stderr; if that fails there is nobody to tell.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
