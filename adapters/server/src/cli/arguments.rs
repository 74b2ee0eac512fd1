use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::book::Source;
use crate::eval::EvalArguments;

const EXAMPLES: &str = "\
Examples:
  askbook                                      serve the book in ./docs
  askbook index ../my-site                     index another book, and serve it from now on
  askbook index ../my-site --dry-run           what that would change and cost
  askbook ask \"How do I deploy it?\"            one answer, here
  askbook search \"How do I deploy it?\"         what it would be made from
  askbook ask \"How do I deploy it?\" --show-prompt
  askbook gaps --since 7                       what readers asked in vain this week
  askbook check                                find out what is wrong
  askbook --port 9000 --set ALLOWED_ORIGINS=https://my-site.example

Settings come from askbook.toml, .env, the environment and flags; later ones win.
`askbook config` shows what is in effect, `askbook config --example` explains every setting.";

/// Answers readers' questions from a Docusaurus book, with citations
#[derive(Debug, Parser)]
#[command(name = "askbook", version, after_help = EXAMPLES, infer_subcommands = false)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

/// What askbook can do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the HTTP API and its Swagger UI (the default)
    Serve,
    /// Index a book; it is the one that is served and asked from then on
    Index(IndexArguments),
    /// Ask one question and print the answer with its sources
    Ask(AskArguments),
    /// Find the passages for a question, without asking a model
    Search(SearchArguments),
    /// Check the settings and what they lead to, and say what to do
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List what readers asked and the book did not answer, or not well
    Gaps(GapsArguments),
    /// Pause all calls that cost money: a server with the same data folder answers without them
    Pause {
        /// Why, for the server's log
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Let calls that cost money be made again
    Resume,
    /// Measure how well passages are found, on questions with known answers
    Eval(EvalArguments),
    /// Print every setting with where it comes from; secrets are not shown
    Config {
        /// Print an explained .env file instead
        #[arg(long)]
        example: bool,
    },
    /// Print the OpenAPI document
    Openapi,
}

/// What to index, and how to tell of it.
#[derive(Args, Debug)]
pub(super) struct IndexArguments {
    /// The folder of the Docusaurus site, or its docs folder [default: the book of the settings]
    #[arg(value_name = "SITE", conflicts_with = "jsonl")]
    site: Option<PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        help = "Where the site is published, such as https://book.example.org"
    )]
    site_url: Option<String>,
    /// The path of the docs on the site; / when the site is only docs
    #[arg(long, value_name = "PATH")]
    route_base_path: Option<String>,
    /// Read the HTML of the built site, in this folder, in place of the sources
    #[arg(long, value_name = "DIR", conflicts_with = "jsonl")]
    from_build: Option<PathBuf>,
    /// Index ready passages, one JSON object {id, text, url?, title?, heading?} a line; - for the
    /// standard input
    #[arg(long, value_name = "FILE")]
    jsonl: Option<String>,
    /// Say what would change and cost, and write nothing; needs no key
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Name every passage that is added, changed or removed
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Print one JSON object; with --dry-run one for each passage
    #[arg(long)]
    pub(super) json: bool,
}

/// What to ask, and how to show the answer.
#[derive(Args, Debug)]
pub(super) struct AskArguments {
    /// The question
    pub(super) question: String,
    /// The address of the page that the reader is on
    #[arg(long, value_name = "URL")]
    pub(super) page: Option<String>,
    /// The text that the reader selected there
    #[arg(long, value_name = "TEXT")]
    pub(super) selected_text: Option<String>,
    /// Print one JSON object, as POST /chat replies
    #[arg(long)]
    pub(super) json: bool,
    /// Print what a model would be given, and ask none
    #[arg(long, conflicts_with = "json")]
    pub(super) show_prompt: bool,
}

/// Which gaps to list, and how.
#[derive(Args, Debug)]
pub(super) struct GapsArguments {
    /// How many, at most
    #[arg(long, value_name = "N", default_value = "20")]
    pub(super) limit: NonZeroUsize,
    /// Only what was asked in the last days, so many
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(super) since: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to look for, and how to show it.
#[derive(Args, Debug)]
pub(super) struct SearchArguments {
    /// The question
    pub(super) question: String,
    /// How many passages, at most [default: what the settings say]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<NonZeroUsize>,
    /// The address of the page that the reader is on
    #[arg(long, value_name = "URL")]
    pub(super) page: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Explain what became of each passage that was considered
    #[arg(long)]
    pub(super) debug: bool,
}

/// Settings that can be given on the command line.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings")]
struct Flags {
    /// The address to listen on
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// The port to listen on
    #[arg(long, global = true)]
    port: Option<String>,
    /// The folder of the book, or its file of passages
    #[arg(long, global = true, value_name = "DIR")]
    book: Option<PathBuf>,
    /// The folder for the embedded index
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A settings file in place of askbook.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any other setting, as often as needed
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl Arguments {
    /// What to do, and the settings that were given, by their names.
    pub(super) fn into_settings(self) -> (Command, Vec<(String, String)>) {
        let Flags { host, port, book, data_dir, config, set } = self.flags;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut settings = vec![
            ("HOST", host),
            ("PORT", port),
            ("ASKBOOK_BOOK", book.map(text)),
            ("ASKBOOK_DATA_DIR", data_dir.map(text)),
            ("ASKBOOK_CONFIG", config.map(text)),
        ];
        let mut command = self.command.unwrap_or(Command::Serve);
        if let Command::Index(index) = &mut command {
            let jsonl = index.jsonl.take().map(|file| Source::passages(&file).into());
            settings.extend([
                ("ASKBOOK_BOOK", jsonl.or(index.site.take().map(text))),
                ("ASKBOOK_SITE_URL", index.site_url.take()),
                ("ASKBOOK_ROUTE_BASE_PATH", index.route_base_path.take()),
                ("ASKBOOK_FROM_BUILD", index.from_build.take().map(text)),
            ]);
        }
        let settings = settings
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .chain(set)
            .collect();
        (command, settings)
    }
}

/// A setting and its value, which may hold more `=`.
fn assignment(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_are_settings_and_may_stand_anywhere() {
        for line in [
            ["askbook", "--port", "1", "index", "docs", "--set", "LLM_MODEL=a=b"],
            ["askbook", "index", "docs", "--set", "LLM_MODEL=a=b", "--port", "1"],
        ] {
            let (command, settings) = Arguments::parse_from(line).into_settings();
            assert!(matches!(command, Command::Index(_)));
            let expected = [("PORT", "1"), ("ASKBOOK_BOOK", "docs"), ("LLM_MODEL", "a=b")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(settings, expected);
        }
    }

    #[test]
    fn ready_passages_are_a_book() {
        for (file, book) in [("a.txt", "jsonl:a.txt"), ("-", "jsonl:-")] {
            let line = ["askbook", "index", "--jsonl", file];
            let (_, settings) = Arguments::parse_from(line).into_settings();
            assert_eq!(settings, [("ASKBOOK_BOOK".to_owned(), book.to_owned())]);
        }
    }

    #[test]
    fn without_a_command_it_serves() {
        let (command, settings) = Arguments::parse_from(["askbook"]).into_settings();
        assert!(matches!(command, Command::Serve) && settings.is_empty());
    }
}
