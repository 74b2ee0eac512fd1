//! Where the binary runs, and what comes of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A working directory with a small book in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with_book() -> Self {
        let place = Self::empty();
        place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs seven euros.\n");
        place.write("docs/guide/logs.md", "# Logs\n\nThe collector writes to stderr.\n");
        place
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// askbook in this directory, with nothing of the test's own environment.
    pub(crate) fn askbook(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_askbook"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.askbook(arguments).output().unwrap().into()
    }
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

/// A server that runs, and is killed when the test is over.
pub(crate) struct Serving {
    pub(crate) child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Serving {
    /// Starts a server on a free port; returns when it has said where it is.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::try_start(place, arguments).unwrap_or_else(|said| panic!("the server ended: {said}"))
    }

    /// The same, or what a server said that did not come so far.
    pub(crate) fn try_start(place: &Place, arguments: &[&str]) -> Result<Self, String> {
        let arguments = [&["--port", "0"], arguments].concat();
        let mut child = place.askbook(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            if stderr.read_line(&mut said).unwrap() == 0 {
                child.wait().unwrap();
                return Err(said);
            }
            if let Some((_, rest)) = said[start..].split_once("API         http://") {
                break rest.trim_end().trim_end_matches("/chat").to_owned();
            }
        };
        Ok(Self { child, stderr, address })
    }

    /// Sends a request and returns the response, head and body.
    pub(crate) fn request(&self, head: &str, body: &str) -> String {
        request(&self.address, head, body)
    }

    /// Asks it to stop; returns its exit code and what else it said.
    pub(crate) fn terminate(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request and returns the response, head and body.
pub(crate) fn request(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
