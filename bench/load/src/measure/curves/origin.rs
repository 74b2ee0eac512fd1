//! Where figures are from.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Context as _;
use serde::Serialize;

/// What made figures: a command, of a commit, on a machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Origin {
    command: String,
    commit: String,
    machine: Machine,
}

#[derive(Clone, Debug, Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
}

impl Origin {
    pub(super) fn find() -> anyhow::Result<Self> {
        let arguments = std::env::args().skip(1).filter(|argument| argument != "curves");
        let command = ["bench/curves".to_owned()].into_iter().chain(arguments);
        Ok(Self {
            command: command.collect::<Vec<_>>().join(" "),
            commit: commit()?,
            machine: Machine::find()?,
        })
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { command, commit, machine } = self;
        let Machine { processor, cores, memory_gib, system } = machine;
        vec![format!(
            "Made by `{command}` at commit {commit}, on {cores} cores of {processor}, {memory_gib} \
             GiB, {system}."
        )]
    }
}

/// The commit that is built, and whether there is more than that. What is measured changes
/// nothing.
fn commit() -> anyhow::Result<String> {
    let git = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new("git").args(arguments).output().context("git is needed")?;
        anyhow::ensure!(output.status.success(), "run it in the repository, as bench/curves does");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", ":/", ":(top,exclude)bench/results"])?;
    Ok(if changed.is_empty() { commit } else { commit + " and what was not committed yet" })
}

impl Machine {
    /// From `proc(5)`.
    fn find() -> anyhow::Result<Self> {
        let field = |file: &str, name: &str| -> anyhow::Result<String> {
            let text = fs::read_to_string(file)?;
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
            Ok(value.unwrap_or("an unknown processor").to_owned())
        };
        let kilobytes = field("/proc/meminfo", "MemTotal")?;
        let kilobytes: u64 = kilobytes.split(' ').next().unwrap_or_default().parse()?;
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name")?,
            cores: thread::available_parallelism()?.get(),
            memory_gib: (kilobytes + (1 << 19)) >> 20,
            system: format!("Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim()),
        })
    }
}
