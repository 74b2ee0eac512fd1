//! askbook as a process of its own: its environment, its log, its end.
//!
//! The process is this test binary again, which runs the command line in place of tests.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use reqwest::Method;
use serde_json::Value;

use crate::support::app::{FORGETFUL, Reply};

/// Holds the arguments of the process, one a line. Not of askbook's names: it refuses those that
/// it does not know.
const ARGUMENTS: &str = "IT_ARGUMENTS";

#[test]
#[ignore = "is the process that other tests start"]
fn child() {
    let arguments = env::var(ARGUMENTS).unwrap();
    let arguments = ["askbook"].into_iter().chain(arguments.lines()).map(OsString::from);
    let _ = askbook_server::cli::main(arguments);
}

/// The certificate of an authority that has signed nothing. A process trusts it alone: everything
/// here is on loopback without TLS, and to read what the system trusts is most of a start.
const NOBODY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/support/nobody.pem");

/// askbook with these arguments and settings and with nothing of the test's own environment.
fn command(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "support::process::child", "--nocapture"])
        .current_dir(folder)
        .env_clear()
        .env(ARGUMENTS, arguments.join("\n"))
        .env("SSL_CERT_FILE", NOBODY)
        .envs(settings.iter().copied());
    command
}

/// Runs a command to its end; returns all that it printed.
pub(crate) fn printed(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = command(folder, arguments, settings).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    out + &err
}

/// A server, killed when it is dropped.
pub(crate) struct Process {
    pub(crate) url: String,
    client: reqwest::Client,
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// A server in this folder, with these settings. It logs in JSON.
    pub(crate) async fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let defaults = [("PORT", "0"), ("ASKBOOK_LOG_FORMAT", "json")];
        let all = [&defaults, &FORGETFUL[..], settings].concat();
        let mut child = command(folder, &["serve"], &all)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = mpsc::channel();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in stderr.lines() {
                let line = line.unwrap();
                if let Some(address) = listening(&line) {
                    // The test may have failed and gone.
                    let _ = tell.send(address);
                }
                log += &line;
                log.push('\n');
            }
            log
        });
        let listens = tokio::task::spawn_blocking(move || told.recv());
        let Ok(address) = listens.await.unwrap() else {
            panic!("the process ended: {}", log.join().unwrap());
        };
        // Only to satisfy the client, which is built for TLS: everything here is on loopback.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { url: format!("http://{address}"), client, child, log: Some(log) }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::read(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// What Prometheus reads at this address.
    pub(crate) async fn metrics(&self, address: SocketAddr) -> Reply {
        let url = format!("http://{address}/metrics");
        Reply::read(self.client.get(url).send().await.unwrap()).await
    }

    /// Asks it to stop, waits until it has, and returns its log.
    pub(crate) async fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let log = self.log.take().unwrap();
        tokio::task::spawn_blocking(move || log.join().unwrap()).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a server says in this line of its log that it listens.
fn listening(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let listens = event["message"] == "askbook is listening";
    listens.then(|| event["address"].as_str().unwrap().to_owned())
}

/// An address that nobody else takes: of this test process's own on the loopback, and with a port
/// that the system gives to nobody who does not ask for it.
pub(crate) fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let last = NEXT.fetch_add(1, Ordering::Relaxed);
    SocketAddr::from((Ipv4Addr::new(127, high | 1, low, last), 9464))
}
