//! Counting the system calls of a process.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::time::sleep;

/// An `strace` that counts.
pub(crate) struct Strace {
    child: Child,
    folder: TempDir,
}

/// Begins to count the calls of all threads; `None` where there is no strace, or it is not let.
pub(crate) async fn attach(process: u32) -> anyhow::Result<Option<Strace>> {
    const ASK_AGAIN: Duration = Duration::from_millis(10);
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-p", &process.to_string(), "-o"]).arg(folder.path().join("counts"));
    let child = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        child => child?,
    };
    let mut strace = Strace { child, folder };
    while !is_traced(process)? {
        if strace.child.try_wait()?.is_some() {
            return Ok(None);
        }
        sleep(ASK_AGAIN).await;
    }
    Ok(Some(strace))
}

impl Strace {
    /// Ends, and tells how many calls there were.
    pub(crate) fn detach(mut self) -> anyhow::Result<u64> {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-INT", &process]).status()?;
        self.child.wait()?;
        let counts = fs::read_to_string(self.folder.path().join("counts"))?;
        // % time, seconds, usecs/call, calls, perhaps errors, syscall
        let total = counts.lines().find(|line| line.ends_with(" total"));
        let calls = total.and_then(|line| line.split_whitespace().nth(3));
        Ok(calls.context("strace counted nothing")?.parse()?)
    }
}

/// Whether all threads are traced.
fn is_traced(process: u32) -> anyhow::Result<bool> {
    for task in fs::read_dir(PathBuf::from(format!("/proc/{process}/task")))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        if status.lines().any(|line| line == "TracerPid:\t0") {
            return Ok(false);
        }
    }
    Ok(true)
}
