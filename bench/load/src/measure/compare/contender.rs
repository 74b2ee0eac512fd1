//! The servers that are compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use crate::Bench;
use crate::connections::Tls;
use crate::gemini::WRITER;
use crate::program::{NO_CACHES, Program};
use crate::qdrant::COLLECTION;
use crate::script::Pace;
use crate::upstreams::Upstreams;

/// A server of the contract that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Contender {
    /// The release binary with all that keeps it safe
    Askbook,
    /// A good backend of `FastAPI` (`bench/python/fastapi_server.py`)
    Fastapi,
    /// As little Python as can be (`bench/python/lean_server.py`)
    Lean,
    /// The three upstream calls in Rust and nothing else (`bench/floor`)
    Floor,
}

/// What runs the servers in Python.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Python {
    /// The interpreter that has `bench/python/requirements.txt` installed
    #[arg(long, value_name = "FILE", default_value = "target/bench-python/bin/python")]
    python: PathBuf,
    /// Where the servers in Python are
    #[arg(long, value_name = "FOLDER", default_value = "bench/python")]
    scripts: PathBuf,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Askbook => "askbook",
            Self::Fastapi => "FastAPI",
            Self::Lean => "lean Python",
            Self::Floor => "floor",
        }
    }

    /// A new one between new upstreams.
    pub(crate) fn start(
        self,
        bench: &Bench,
        python: &Python,
        pace: Pace,
        tls: Option<&Tls>,
    ) -> anyhow::Result<(Program, Upstreams)> {
        let upstreams = Upstreams::start(pace, tls)?;
        let mut command = match self {
            // All others make every call, too.
            Self::Askbook => bench.measured.command(&upstreams, &NO_CACHES)?,
            Self::Fastapi => python.command("fastapi_server.py")?,
            Self::Lean => python.command("lean_server.py")?,
            Self::Floor => Command::new(std::env::current_exe()?.with_file_name("askbook-floor")),
        };
        if self != Self::Askbook {
            command.env_clear().envs([
                ("GEMINI_API_KEY", "none-is-needed"),
                ("GEMINI_MODEL", WRITER),
                ("EMBEDDING_MODEL", "gemini-embedding-001"),
                ("QDRANT_COLLECTION_NAME", COLLECTION),
            ]);
            command.env("GEMINI_BASE_URL", &upstreams.gemini).env("QDRANT_URL", &upstreams.qdrant);
            command.env("EMBEDDING_DIMENSIONS", pace.dimension.to_string());
        }
        if let Some(tls) = tls {
            // What OpenSSL and rustls-native-certs read, and what gRPC reads in its place.
            for name in ["SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] {
                command.env(name, tls.trusted());
            }
        }
        let program = Program::launch(command).with_context(|| self.name())?;
        Ok((program, upstreams))
    }
}

impl Python {
    fn command(&self, script: &str) -> anyhow::Result<Command> {
        let path = |path: &Path| {
            let absolute = std::path::absolute(path)?;
            let there = absolute.exists();
            anyhow::ensure!(there, "there is no {}: run bench/compare", path.display());
            Ok(absolute)
        };
        let mut command = Command::new(path(&self.python)?);
        command.arg(path(&self.scripts.join(script))?);
        Ok(command)
    }
}
