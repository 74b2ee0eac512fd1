//! The binary as its owner meets it: arguments, settings, messages, exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A working directory with a small book in it.
struct Place(TempDir);

impl Place {
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_book() -> Self {
        let place = Self::empty();
        place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs seven euros.\n");
        place.write("docs/guide/logs.md", "# Logs\n\nThe collector writes to stderr.\n");
        place
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// askbook in this directory, with nothing of the test's own environment.
    fn askbook(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_askbook"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.askbook(arguments).output().unwrap().into()
    }
}

/// What came of it.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
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
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

#[test]
fn help_shows_the_commands_the_settings_and_examples() {
    let help = Place::empty().run(&["--help"]).ended(0).out;
    for part in ["serve", "index", "ask", "config", "openapi", "--set", "Settings:", "Examples:"] {
        assert!(help.contains(part), "{part} is missing in {help}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [&["bake"][..], &["ask"], &["--set", "PORT"], &["ask", " \u{200b} "]] {
        let ran = Place::empty().run(arguments).ended(2);
        assert!(ran.err.contains("error: ") && ran.out.is_empty(), "{}", ran.err);
    }
}

#[test]
fn wrong_settings_end_with_2_and_are_told_at_once_without_their_values() {
    let place = Place::empty();
    place.write(".env", "ASKBOOK_PASAGES=v4lue-1\n");
    place.write("askbook.toml", "embedding_dimensions = 77777\n");
    let ran: Ran = place
        .askbook(&["--set", "ASKBOOK_EMBEDDER=v4lue-2"])
        .envs([("PORT", "v4lue-3"), ("GEMINI_API_KEY", "v4lue-4"), ("GOOGLE_API_KEY", "v4lue-5")])
        .output()
        .unwrap()
        .into();
    let err = ran.ended(2).err;
    for name in [
        "error: the settings have 5 problems",
        "ASKBOOK_PASAGES (.env) is not a setting; did you mean ASKBOOK_PASSAGES?",
        "embedding_dimensions (askbook.toml)",
        "ASKBOOK_EMBEDDER (flag)",
        "PORT (environment)",
        "GEMINI_API_KEY (environment) and GOOGLE_API_KEY (environment)",
    ] {
        assert!(err.contains(name), "{name} is missing in {err}");
    }
    assert!(!err.contains("v4lue") && !err.contains("77777"), "{err}");
    assert_eq!(err.matches("error: ").count(), 1, "{err}");
}

#[test]
fn config_shows_every_setting_and_no_secret() {
    let place = Place::empty();
    let ran = place.askbook(&["config", "--port", "9000"]).env("GEMINI_API_KEY", "s3cret").output();
    let ran = Ran::from(ran.unwrap()).ended(0);
    assert!(ran.out.contains("PORT=9000 ") && ran.out.contains("GEMINI_API_KEY=[redacted] "));
    assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"));
}

#[test]
fn the_example_of_the_repository_is_the_one_that_is_printed() {
    let printed = Place::empty().run(&["config", "--example"]).ended(0).out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let how = "run `cargo run -- config --example > .env.example` in the root of the repository";
    assert!(printed == committed, ".env.example is not up to date: {how}");
}

#[test]
fn the_example_can_be_taken_as_it_is_and_with_every_default_filled_in() {
    let place = Place::empty();
    let example = place.run(&["config", "--example"]).out;
    place.write(".env", &example);
    let untouched = place.run(&["config"]).ended(0).out;
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b"_0123456789".contains(&b));
    let filled: String = example
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.split_once('=').is_some_and(|(name, _)| is_name(name)))
        .map(|line| format!("{line}\n"))
        .collect();
    place.write(".env", &filled);
    let values = |listing: &str| -> Vec<String> {
        listing.lines().map(|line| line.split(" # ").next().unwrap().trim().to_owned()).collect()
    };
    let filled = place.run(&["config"]).ended(0).out;
    assert_eq!(values(&filled), values(&untouched));
    assert!(filled.contains("# .env"), "{filled}");
}

#[test]
fn the_document_is_printed_without_any_settings() {
    let place = Place::empty();
    place.write("askbook.toml", "nonsense");
    let document = place.run(&["openapi"]).ended(0).out;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert!(document["paths"]["/chat"]["post"].is_object());
}

#[test]
fn a_question_is_answered_from_the_book_in_the_working_directory() {
    let answer = Place::with_book().run(&["ask", "What does a sandbox cost?"]).ended(0).out;
    assert!(answer.contains("seven euros") && answer.contains("Sources\n[1] "), "{answer}");
    assert!(answer.contains("/docs/intro"), "{answer}");
}

#[test]
fn what_the_book_does_not_say_is_not_made_up() {
    let answer = Place::with_book().run(&["ask", "Who painted the ceiling?"]).ended(0).out;
    assert_eq!(answer, "The book does not say.\n");
}

#[test]
fn a_question_without_a_book_fails_and_says_so() {
    let ran = Place::empty().run(&["ask", "Anything?"]).ended(1);
    assert!(ran.err.contains("no book to index") && ran.err.contains("docs"), "{}", ran.err);
}

#[cfg(feature = "edge")]
mod with_the_engine {
    use super::*;

    #[test]
    fn an_indexed_book_is_the_book_from_then_on() {
        let place = Place::with_book();
        place.write("other/whales.md", "# Whales\n\nA blue whale weighs 150 tonnes.\n");
        place.write("other/broken.md", "---\ntitle: [\n---\n\nLost.\n");
        let arguments = ["index", "other", "--site-url", "https://sea.example"];
        let ran = place.run(&[&arguments[..], &["--route-base-path", "/"]].concat()).ended(0);
        assert!(ran.out.starts_with("indexed 1 page, 1 passage of other into "), "{}", ran.out);
        assert!(ran.err.contains("broken.md:"), "{}", ran.err);

        let answer = place.run(&["ask", "How much does a blue whale weigh?"]).ended(0).out;
        assert!(answer.contains("150 tonnes"), "{answer}");
        assert!(answer.contains("https://sea.example/whales"), "{answer}");
    }

    #[test]
    fn a_folder_that_is_no_book_leaves_the_index_as_it_was() {
        let place = Place::with_book();
        place.run(&["index", "docs"]).ended(0);
        fs::create_dir(place.path().join("empty")).unwrap();
        for (folder, word) in [("nowhere", "no folder"), ("empty", "no page")] {
            let ran = place.run(&["index", folder]).ended(1);
            assert!(ran.err.contains(word) && ran.out.is_empty(), "{}", ran.err);
        }
        let answer = place.run(&["ask", "What does a sandbox cost?"]).ended(0).out;
        assert!(answer.contains("seven euros"), "{answer}");
    }

    #[test]
    fn a_book_that_changed_is_indexed_anew() {
        let place = Place::with_book();
        place.run(&["index"]).ended(0);
        place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs nine euros.\n");
        let answer = place.run(&["ask", "What does a sandbox cost?"]).ended(0).out;
        assert!(answer.contains("nine euros"), "{answer}");
    }

    #[test]
    fn an_index_outlives_its_book() {
        let place = Place::with_book();
        place.run(&["index"]).ended(0);
        fs::remove_dir_all(place.path().join("docs")).unwrap();
        let ran = place.run(&["ask", "What does a sandbox cost?"]).ended(0);
        assert!(ran.out.contains("seven euros"), "{}", ran.out);
        assert!(ran.err.contains("the index stays as it is"), "{}", ran.err);
    }
}

/// A server that runs, and is killed when the test is over.
struct Serving {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Serving {
    /// Starts a server on a free port; returns when it has said where it is.
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let arguments = [&["--port", "0"], arguments].concat();
        let mut child = place.askbook(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            assert!(stderr.read_line(&mut said).unwrap() > 0, "the server ended: {said}");
            if let Some((_, rest)) = said[start..].split_once("API         http://") {
                break rest.trim_end().trim_end_matches("/chat").to_owned();
            }
        };
        Self { child, stderr, address }
    }

    /// Sends a request and returns the response, head and body.
    fn request(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// Asks it to stop; returns its exit code and what else it said.
    fn terminate(mut self, signal: &str) -> (Option<i32>, String) {
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

#[test]
fn it_serves_the_book_until_it_is_told_to_stop() {
    let place = Place::with_book();
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&place, &[]);
        assert!(serving.request("GET /health", "").starts_with("HTTP/1.1 200"));
        let question = r#"{"message": "What does a sandbox cost?"}"#;
        let response = serving.request("POST /chat", question);
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains("seven euros"), "{response}");
        assert_eq!(serving.terminate(signal).0, Some(0));
    }
}

#[test]
fn logs_never_hold_a_question() {
    let serving = Serving::start(&Place::with_book(), &["--set", "LOG_LEVEL=trace"]);
    serving
        .request("POST /chat?secret=query-str1ng", r#"{"message": "Where is my wh1te rabbit?"}"#);
    let said = serving.terminate("-TERM").1;
    assert!(!said.is_empty());
    assert!(!said.contains("wh1te") && !said.contains("query-str1ng"), "{said}");
}

#[test]
fn a_server_without_index_and_book_does_not_start() {
    let ran = Place::empty().run(&["serve", "--port", "0"]).ended(1);
    assert!(ran.err.contains("there is no index yet, and no book to index"), "{}", ran.err);
}

#[test]
fn a_port_in_use_is_told_as_such() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let ran = Place::with_book().run(&["--port", &port]).ended(1);
    let expected = format!("error: cannot listen on 127.0.0.1:{port}");
    assert!(ran.err.contains(&expected) && ran.err.contains("in use"), "{}", ran.err);
}
