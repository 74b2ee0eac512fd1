//! A Redis server of a test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A `redis-server` on a socket in a folder of its own, which keeps nothing on disk. It ends when
/// it is dropped.
pub(crate) struct RedisServer {
    folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

impl RedisServer {
    /// Starts one with these arguments beside, and returns when it answers. `None`, and says so
    /// past the test harness, when there is no `redis-server` here; with `REDIS=required` in the
    /// environment this is a failure.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        match launch(&folder, &arguments) {
            Ok(process) => Some(Self { folder, arguments, process }),
            Err(error) => {
                let required = std::env::var_os("REDIS").is_some_and(|value| value == "required");
                assert!(!required, "redis-server cannot be started: {error}");
                let _ = writeln!(std::io::stderr(), "SKIPPED: there is no redis-server: {error}");
                None
            }
        }
    }

    /// Where it is, with this password if there is one.
    pub(crate) fn url(&self, password: Option<&str>) -> String {
        let socket = socket(&self.folder).display().to_string();
        match password {
            Some(password) => format!("unix://{socket}?pass={password}"),
            None => format!("unix://{socket}"),
        }
    }

    /// Ends it at once, with all that it held.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after [`Self::kill`], empty, at the same place.
    pub(crate) fn restart(&mut self) {
        self.process = launch(&self.folder, &self.arguments).unwrap();
    }

    /// Lets it take connections and bytes and do nothing.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// What `redis-cli` gets for a command.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(socket(&self.folder))
            .args(command)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It also ends one that is frozen.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("socket")
}

/// Starts the program and waits for it to say that it takes connections.
fn launch(folder: &TempDir, arguments: &[String]) -> std::io::Result<Child> {
    let mut process = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--unixsocket")
        .arg(socket(folder))
        .arg("--dir")
        .arg(folder.path())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line?;
        if line.contains("eady to accept connections") {
            return Ok(process);
        }
        said.push(line);
    }
    let _ = process.wait();
    Err(std::io::Error::other(said.join("\n")))
}
