//! The command line.

mod arguments;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use askbook::chat::collect;
use askbook::question::{Question, QuestionError};
use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;
use tracing::{debug, warn};

use crate::app::App;
use crate::config::{Config, ConfigError, LogFormat, RetrieverChoice, example};
use crate::telemetry;
use crate::wiring::{self, Pace};
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
        Ok(()) => ExitCode::SUCCESS,
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

fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let (command, flags) = arguments.into_settings();
    match command {
        Command::Openapi => return print(askbook_http::document()),
        Command::Config { example: true } => return print(example()),
        _ => {}
    }
    let config = Config::load(flags)?;
    if let Command::Config { .. } = command {
        return print(config.listing());
    }
    telemetry::init(config.settings.log_level.clone(), config.settings.log_format);
    if let Some(file) = &config.settings.config_file {
        debug!(file = %file.display(), "settings are read from a file of this name");
    }
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let result = match command {
        Command::Serve => runtime.block_on(serve(config)),
        Command::Index { .. } => runtime.block_on(index(&config)),
        Command::Ask { question } => runtime.block_on(ask(&config, &question)),
        Command::Config { .. } | Command::Openapi => Ok(()),
    };
    // Waits for no indexing that is under way: half an index is none.
    runtime.shutdown_background();
    result
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

/// Indexes the book and remembers which one that was.
async fn index(config: &Config) -> anyhow::Result<()> {
    if let RetrieverChoice::Memory = config.retriever {
        bail!(
            "an index in memory ends with this command: set ASKBOOK_RETRIEVER to qdrant or edge; \
             for memory, `askbook serve` indexes the book itself"
        );
    }
    let store = wiring::store(config).await?;
    let indexer = wiring::indexer(config, &store)?;
    let reading = indexer.read().await?;
    for finding in &reading.findings {
        complain(finding);
    }
    // Draws on stderr, and on a terminal only.
    let bar = ProgressBar::new(reading.passages.len() as u64).with_style(
        ProgressStyle::with_template("{pos}/{len} passages {wide_bar} {eta}")
            .context("cannot draw progress")?,
    );
    let extent = indexer.index(reading, |passages| bar.set_position(passages as u64)).await;
    bar.finish_and_clear();
    let extent = extent?;
    config.book().remember(&config.settings.data_dir)?;
    let folder = config.settings.book.display();
    print(format_args!(
        "indexed {extent} of {folder} into {}\n\
         an askbook that is running serves it after a restart\n",
        store.place
    ))
}

/// Answers one question.
async fn ask(config: &Config, question: &str) -> anyhow::Result<()> {
    let question = Question::new(question, None, None, wiring::question_limits(config))?;
    let embedder = wiring::embedder(config, Pace::Reader)?;
    let store = wiring::store(config).await?;
    let chat = wiring::chat(config, Arc::clone(&embedder), &store)?;
    let indexer = wiring::indexer(config, &store)?;
    if indexer.ensure().await?.is_none() {
        indexer.renew().await?;
    }
    let answer = collect(chat.ask(question, None)).await?;
    let mut text = format!("{}\n", answer.text);
    if !answer.sources.is_empty() {
        text += "\nSources\n";
    }
    for source in &answer.sources {
        let url = source.passage.url.as_deref().unwrap_or("(no address)");
        text += &format!("[{}] {}\n    {url}\n", source.number, source.passage.breadcrumb());
    }
    print(text)
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
fn print(text: impl Display) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = write!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to stderr; if that fails there is nobody to tell.
fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
