//! The table of settings. Everything that must know them reads it here: the layers, the check for
//! unknown names, `askbook config`, and `.env.example`.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use crate::book::Source;
use askbook_http::{ApiKeys, Protocol, Proxies};
use askbook_qdrant::Address;
use secrecy::SecretString;
use tracing_subscriber::filter::Targets;
use url::Url;

use super::reader::Reader;
use super::value::{
    self, EmbedderName, FallbackName, GeneratorName, LogFormat, QueryTask, RetrieverName,
    SessionsPlace, Switch,
};

/// One setting, as its owner sees it.
pub(super) struct Setting {
    /// Settings of one group stand together.
    pub(super) group: &'static str,
    /// The name of its variable; in a file the same in lower case.
    pub(super) name: &'static str,
    /// Other names that mean the same.
    pub(super) aliases: &'static [&'static str],
    /// What it is for, line by line.
    pub(super) about: &'static [&'static str],
    /// What it is when nobody says; `None` when it may be absent.
    pub(super) default: Option<&'static str>,
    /// Whether its value is never shown, and may be given as the name of a file that holds it.
    pub(super) secret: bool,
}

/// Makes, of one table, the list of [`Setting`]s and the struct of their checked values.
///
/// A row is `@secret NAME | ALIAS => field: Type, parser, default "text";`. Without a default
/// the field is an `Option<Type>`. The comment of a row is its text in `.env.example`.
macro_rules! settings {
    ($( $group:literal { $(
        $(#[doc = $about:literal])+
        $(@$secret:ident)? $name:ident $(| $alias:ident)*
            => $field:ident: $type:ty, $parse:expr $(, default $default:literal)?;
    )+ } )+) => {
        /// Every setting, in the order in which they are shown.
        pub(super) const SETTINGS: &[Setting] = &[$($(
            Setting {
                group: $group,
                name: stringify!($name),
                aliases: &[$(stringify!($alias)),*],
                about: &[$($about),+],
                default: settings!(@default $($default)?),
                secret: settings!(@secret $($secret)?),
            },
        )+)+];

        /// The checked value of every setting.
        #[derive(Clone, Debug)]
        #[cfg_attr(
            not(feature = "edge"),
            expect(dead_code, reason = "some are for the embedded engine")
        )]
        pub(crate) struct Settings {
            $($( pub(crate) $field: settings!(@type $type $(, $default)?), )+)+
        }

        impl Settings {
            /// Reads them all; `None` when one is wrong, which the reader then remembers.
            pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $($(
                    let $field =
                        settings!(@read reader, stringify!($name), $parse $(, $default)?);
                )+)+
                Some(Self { $($( $field: $field?, )+)+ })
            }
        }
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
    (@secret) => { false };
    (@secret secret) => { true };
    (@type $type:ty) => { Option<$type> };
    (@type $type:ty, $default:literal) => { $type };
    (@read $reader:ident, $name:expr, $parse:expr) => { $reader.optional($name, $parse) };
    (@read $reader:ident, $name:expr, $parse:expr, $default:literal) => {
        $reader.required($name, $parse)
    };
}

settings! {
    "Server" {
        /// The address to listen on; 0.0.0.0 listens on every interface.
        HOST => host: IpAddr, value::ip_address, default "127.0.0.1";
        /// The port to listen on; 0 takes any free one.
        PORT => port: u16, value::port, default "8000";
        /// The origins whose pages may ask from a browser, such as https://book.example.org;
        /// several are separated by commas or spaces. `*` lets every page ask, without cookies.
        /// The pages of this server may always ask.
        ALLOWED_ORIGINS | CORS_ORIGINS | FRONTEND_URL
            => allowed_origins: value::Origins, value::origins;
        /// How long a question may take altogether, in milliseconds.
        ASKBOOK_DEADLINE_MS => deadline: Duration, value::milliseconds, default "30000";
        /// The longest request body, in bytes.
        ASKBOOK_BODY_BYTES => body_bytes: NonZeroUsize, value::positive, default "65536";
        /// How many connections are open at once, as far as the process may have so many files
        /// open. When there are more, those give way that wait for their clients.
        ASKBOOK_MAX_CONNECTIONS => max_connections: NonZeroUsize, value::positive, default "16384";
        /// How many questions are answered at once; more are refused at once.
        ASKBOOK_MAX_QUESTIONS => max_questions: NonZeroUsize, value::positive, default "512";
        /// How many threads answer; 0 for as many as there are processors. One answers hundreds of
        /// questions a second, without the cost of working together.
        ASKBOOK_THREADS => threads: Option<NonZeroU32>, value::limit, default "1";
        /// How long everything goes on after SIGTERM or SIGINT while /ready says 503, in
        /// milliseconds: as long as a load balancer takes to notice it.
        ASKBOOK_DRAIN_MS => drain: Duration, value::milliseconds_or_none, default "0";
        /// How long open requests may go on after that, in milliseconds.
        ASKBOOK_SHUTDOWN_MS => shutdown: Duration, value::milliseconds, default "10000";
    }
    "Clients" {
        /// The proxies in front of this server, as addresses or networks such as 127.0.0.1 or
        /// 10.0.0.0/8: what they say of where a request comes from is believed (X-Forwarded-For,
        /// Forwarded). Without them, all readers behind a proxy count as one.
        ASKBOOK_TRUSTED_PROXIES => trusted_proxies: Proxies, value::proxies;
        /// How many questions, searches and ratings come through from one address (of IPv6: one
        /// network, /64) in a minute, and as many at once; 0 for no limit.
        ASKBOOK_ADDRESS_PER_MINUTE
            => address_limit: Option<NonZeroU32>, value::limit, default "30";
        /// How many questions of one conversation, beside that; 0 for no limit.
        ASKBOOK_SESSION_PER_MINUTE
            => session_limit: Option<NonZeroU32>, value::limit, default "15";
        /// How many requests with one key, in place of that of its address; 0 for no limit.
        ASKBOOK_KEY_PER_MINUTE => key_limit: Option<NonZeroU32>, value::limit, default "600";
        /// Keys by which other servers ask, from any origin (Authorization: Bearer KEY), of at least
        /// 16 characters each; several are separated by commas, spaces or lines.
        @secret ASKBOOK_API_KEYS => api_keys: ApiKeys, value::api_keys;
        /// Whether everything but /health takes one of these keys: on or off.
        ASKBOOK_REQUIRE_KEY => require_key: Switch, value::choice, default "off";
        /// The protocols of other clients that are spoken: ai-sdk (/ai-sdk/chat), openai (/v1),
        /// chatkit (/chatkit), several separated by commas, or none.
        ASKBOOK_WIRES
            => wires: Vec<Protocol>, value::wires, default "ai-sdk, openai, chatkit";
    }
    "Book" {
        /// The folder of the Docusaurus site, or its docs folder alone; or a file of ready passages,
        /// one JSON object a line (passages.jsonl, or jsonl:FILE with any other name). Unless it is
        /// set, the book last given to `askbook index` is used, with the address, path and build
        /// that were given with it.
        ASKBOOK_BOOK => book: Source, value::text, default "docs";
        /// Where the site is published, with its base path, such as https://book.example.org/;
        /// sources then have full addresses. Unless it is set, they are paths
        /// (/docs/intro#setup). A base path alone, such as /project/, goes before these.
        ASKBOOK_SITE_URL => site_url: String, value::site_url;
        /// The path of the docs on the site (`routeBasePath`); / when the site is only docs. Unless
        /// it is set: what the site's configuration says, or /docs.
        ASKBOOK_ROUTE_BASE_PATH => route_base_path: String, value::text;
        /// The folder of the built site, such as build, to read its HTML in place of the sources.
        ASKBOOK_FROM_BUILD => from_build: PathBuf, value::text;
        /// The folder for the embedded index and what else askbook remembers.
        ASKBOOK_DATA_DIR => data_dir: PathBuf, value::text, default ".askbook";
        /// How often a server looks whether `askbook index` has put a new embedded index into
        /// service, in milliseconds.
        ASKBOOK_INDEX_REFRESH_MS
            => index_refresh: Duration, value::milliseconds, default "5000";
    }
    "Parts" {
        /// What turns text into vectors: gemini (meaning), bm25 (terms), hybrid (both) or memory (for
        /// trials). Unless it is set: hybrid when GEMINI_API_KEY and QDRANT_URL are set, else bm25.
        ASKBOOK_EMBEDDER => embedder: EmbedderName, value::choice;
        /// Where passages are found: qdrant, edge (embedded, on disk) or memory. Unless it is
        /// set: qdrant when QDRANT_URL is set, else edge.
        ASKBOOK_RETRIEVER => retriever: RetrieverName, value::choice;
        /// What writes the answers: gemini, quote (the book's own sentences, without a model) or
        /// memory (for trials). Unless it is set: gemini when GEMINI_API_KEY is set, else quote.
        ASKBOOK_GENERATOR => generator: GeneratorName, value::choice;
        /// What answers when no model does: quote (the book's own sentences) or none (an error).
        ASKBOOK_FALLBACK => fallback: FallbackName, value::choice, default "quote";
        /// Where conversations are kept: memory, or the address of a Redis server that several
        /// askbook servers share, such as redis://:PASSWORD@redis.example:6379/0 (rediss:// with
        /// TLS). Unless it is set: memory.
        @secret ASKBOOK_SESSIONS => sessions: SessionsPlace, value::sessions;
        /// How long a call to Redis may take, in milliseconds; without an answer this server goes
        /// on by itself.
        ASKBOOK_REDIS_TIMEOUT_MS
            => redis_timeout: Duration, value::milliseconds, default "100";
    }
    "Gemini" {
        /// The key of the Gemini API, from https://aistudio.google.com/apikey.
        @secret GEMINI_API_KEY | GOOGLE_API_KEY | GOOGLE_GEMINI_API_KEY
            => gemini_api_key: SecretString, value::secret;
        /// Where the API is; another address is for a stand-in.
        GEMINI_BASE_URL
            => gemini_base_url: Url, value::url,
            default "https://generativelanguage.googleapis.com";
        /// The proxy for calls to Gemini. HTTPS_PROXY is not read.
        ASKBOOK_GEMINI_PROXY => gemini_proxy: Url, value::url;
        /// The model that writes.
        GEMINI_MODEL | GENERATIVE_MODEL | LLM_MODEL
            => gemini_model: String, value::model, default "gemini-3.5-flash-lite";
        /// A second model that writes, with the same key, when the first one does not answer.
        GEMINI_FALLBACK_MODEL => gemini_fallback_model: String, value::model;
        /// The model that embeds. An index is read with the model that it was made with.
        EMBEDDING_MODEL => embedding_model: String, value::model, default "gemini-embedding-001";
        /// The size of the vectors, from 128 to 3072. Unless it is set: that of the index, and
        /// 768 for a new one.
        EMBEDDING_DIMENSIONS => embedding_dimensions: NonZeroUsize, value::dimensions;
        /// What questions are embedded as: RETRIEVAL_QUERY or QUESTION_ANSWERING.
        ASKBOOK_QUERY_TASK => query_task: QueryTask, value::choice, default "RETRIEVAL_QUERY";
        /// The version of the API.
        ASKBOOK_GEMINI_API_VERSION => gemini_api_version: String, value::model, default "v1beta";
        /// How much the model thinks first: MINIMAL, LOW, MEDIUM or HIGH, as far as it can; NONE
        /// leaves it to the model, as those before 3.5 want it.
        ASKBOOK_GEMINI_THINKING_LEVEL
            => gemini_thinking_level: Option<String>, value::thinking_level, default "MINIMAL";
        /// The longest answer, thoughts included, in tokens.
        ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS
            => gemini_max_output_tokens: NonZeroU32, value::positive, default "4096";
        /// How long one call to Gemini or Qdrant may take, in milliseconds; for an answer, how
        /// long it may stay silent.
        ASKBOOK_UPSTREAM_TIMEOUT_MS
            => upstream_timeout: Duration, value::milliseconds, default "10000";
        /// How many calls each model and Qdrant may have at once, at most: askbook finds out how many
        /// they answer in time, and refuses more at once in place of letting them wait.
        ASKBOOK_UPSTREAM_CALLS
            => upstream_calls: NonZeroUsize, value::positive, default "256";
        /// Whether a question that is embedded, or a search in Qdrant, is asked for once more when
        /// that takes longer than nearly all others did: on or off. Of 100 calls at most three are
        /// made again so, and never one for an answer.
        ASKBOOK_HEDGE => hedge: Switch, value::choice, default "on";
        /// How long the models may take to write an answer, in milliseconds; with a fallback model
        /// half of it each. Unless it is set: two thirds of ASKBOOK_DEADLINE_MS.
        ASKBOOK_ANSWER_MS => answer_timeout: Duration, value::milliseconds;
        /// How long the model may take to say a follow-up as a question of its own, in
        /// milliseconds; it is searched for as it is then. Unless it is set: a twentieth of
        /// ASKBOOK_DEADLINE_MS.
        ASKBOOK_CONDENSE_MS => condense_timeout: Duration, value::milliseconds;
    }
    "Qdrant" {
        /// Where Qdrant is. Port 6333, or none, means gRPC on 6334.
        QDRANT_URL | QDRANT_HOST => qdrant_url: Address, value::qdrant_address;
        /// The key of the cluster.
        @secret QDRANT_API_KEY => qdrant_api_key: SecretString, value::secret;
        /// The collection that holds the book.
        QDRANT_COLLECTION_NAME | QDRANT_COLLECTION | COLLECTION_NAME
            => qdrant_collection: String, value::text;
        /// How old the copy of a collection that has no terms to search by may become, in seconds:
        /// by this copy, in ASKBOOK_DATA_DIR, hybrid searches it by terms too, also while Qdrant is
        /// out of reach. 0 for no copy.
        ASKBOOK_MIRROR_REFRESH_S
            => mirror_refresh: Option<Duration>, value::seconds_or_never, default "3600";
        /// The vector to search by, in a collection that has several of one size.
        ASKBOOK_QDRANT_VECTOR => qdrant_vector: String, value::text;
        /// Where a point's payload holds the text, such as metadata.text. Unless they are set,
        /// this and the next three are found out.
        ASKBOOK_QDRANT_TEXT_FIELD => qdrant_text_field: String, value::text;
        /// Where it holds the address of the page.
        ASKBOOK_QDRANT_URL_FIELD => qdrant_url_field: String, value::text;
        /// Where it holds the title of the page.
        ASKBOOK_QDRANT_TITLE_FIELD => qdrant_title_field: String, value::text;
        /// Where it holds the heading.
        ASKBOOK_QDRANT_SECTION_FIELD => qdrant_section_field: String, value::text;
    }
    "Answers" {
        /// The language of the book, for its word stems.
        ASKBOOK_LANGUAGE => language: String, value::text, default "english";
        /// How many passages an answer is made from, at most.
        ASKBOOK_PASSAGES => passages: NonZeroUsize, value::positive, default "12";
        /// How many of them are of one page, at most.
        ASKBOOK_PASSAGES_PER_PAGE
            => passages_per_page: NonZeroUsize, value::positive, default "4";
        /// How much of them is read, in tokens.
        ASKBOOK_PASSAGE_TOKENS => passage_tokens: NonZeroUsize, value::positive, default "4000";
        /// How much of the conversation is read, in tokens; 0 for none of it.
        ASKBOOK_HISTORY_TOKENS => history_tokens: usize, value::number, default "1000";
        /// The answer when the book does not say.
        ASKBOOK_REFUSAL => refusal: String, value::text, default "The book does not say.";
    }
    "Questions and conversations" {
        /// The longest question, in characters.
        ASKBOOK_MESSAGE_CHARS => message_chars: NonZeroUsize, value::positive, default "4000";
        /// The longest selected text that comes with a question, in characters.
        ASKBOOK_SELECTION_CHARS => selection_chars: NonZeroUsize, value::positive, default "10000";
        /// How long a conversation is remembered after its last question, in seconds.
        ASKBOOK_SESSION_TTL_S => session_ttl: Duration, value::seconds, default "3600";
        /// How many exchanges of a conversation are remembered.
        ASKBOOK_SESSION_TURNS => session_turns: NonZeroUsize, value::positive, default "20";
        /// How much all conversations together may take, in bytes; the oldest go first.
        ASKBOOK_SESSION_BYTES => session_bytes: NonZeroUsize, value::positive, default "16777216";
    }
    "Spending" {
        /// How many calls to Gemini readers' questions may cost in a day (UTC); 0 for any number. A
        /// question costs one call to two, a follow-up one more. At a ceiling answers are quoted
        /// from the book. What the owner runs (`askbook index`, `ask`, `eval`) is not counted.
        ASKBOOK_SPEND_CALLS_PER_DAY
            => spend_calls_per_day: Option<u64>, value::ceiling, default "10000";
        /// How many calls in a minute; 0 for any number.
        ASKBOOK_SPEND_CALLS_PER_MINUTE
            => spend_calls_per_minute: Option<u64>, value::ceiling, default "0";
        /// How many tokens, read and written, in a day (UTC); 0 for any number.
        ASKBOOK_SPEND_TOKENS_PER_DAY
            => spend_tokens_per_day: Option<u64>, value::ceiling, default "0";
        /// How many tokens in a minute; 0 for any number.
        ASKBOOK_SPEND_TOKENS_PER_MINUTE
            => spend_tokens_per_minute: Option<u64>, value::ceiling, default "0";
        /// How much money in a day (UTC), such as 2.50, in the currency of the prices below; 0 for
        /// any amount.
        ASKBOOK_SPEND_MONEY_PER_DAY
            => spend_money_per_day: Option<u64>, value::money_ceiling, default "0";
        /// How much money in a minute; 0 for any amount.
        ASKBOOK_SPEND_MONEY_PER_MINUTE
            => spend_money_per_minute: Option<u64>, value::money_ceiling, default "0";
        /// What a million tokens cost that the writing model reads, in your currency, such as 0.10;
        /// with a fallback model, the higher price of the two.
        ASKBOOK_PRICE_INPUT => price_input: u64, value::money, default "0";
        /// What a million tokens cost that it writes, thoughts included.
        ASKBOOK_PRICE_OUTPUT => price_output: u64, value::money, default "0";
        /// What a million tokens cost that the embedding model reads.
        ASKBOOK_PRICE_EMBEDDING => price_embedding: u64, value::money, default "0";
        /// How much memory the vectors of questions may take, in bytes, so that a question that was
        /// asked before need not be embedded again; 0 for none.
        ASKBOOK_EMBEDDING_CACHE_BYTES
            => embedding_cache: Option<NonZeroUsize>, value::bytes_or_none, default "8388608";
        /// How much memory answers may take, in bytes: the same question, without a conversation
        /// before it, over the same passages is then answered without asking the model again. 0
        /// for none.
        ASKBOOK_ANSWER_CACHE_BYTES
            => answer_cache: Option<NonZeroUsize>, value::bytes_or_none, default "8388608";
        /// How long an answer is kept so, in seconds.
        ASKBOOK_ANSWER_CACHE_TTL_S
            => answer_cache_ttl: Duration, value::seconds, default "3600";
    }
    "What readers miss" {
        /// Whether questions that the book did not answer, and those whose answer was rated bad,
        /// are written to ASKBOOK_DATA_DIR, for `askbook gaps`: on or off.
        ASKBOOK_JOURNAL => journal: Switch, value::choice, default "on";
        /// How much of them is kept, in bytes; the oldest go first.
        ASKBOOK_JOURNAL_BYTES => journal_bytes: u64, value::journal_bytes, default "16777216";
    }
    "Logs, metrics and settings" {
        /// How much is logged: error, warn, info, debug or trace; finer with targets, such as
        /// info,askbook_http=debug.
        LOG_LEVEL => log_level: Targets, value::log_level, default "info";
        /// How it is written: pretty, json (one object a line and nothing else), or auto (pretty
        /// on a terminal, else json).
        ASKBOOK_LOG_FORMAT => log_format: LogFormat, value::choice, default "auto";
        /// The address at which Prometheus reads metrics, such as 127.0.0.1:9464. Whoever reaches it
        /// may read them. Unless it is set there are none.
        ASKBOOK_METRICS => metrics: SocketAddr, value::socket_address;
        /// A settings file in place of askbook.toml, which is read when it is there. It holds the
        /// names of this list in lower case: port = 8000.
        ASKBOOK_CONFIG => config_file: PathBuf, value::text;
    }
}

/// How a name means a setting.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) setting: &'static Setting,
    /// Whether what is given is the name of a file that holds the value.
    pub(super) in_file: bool,
}

/// The setting that goes by this name, in capitals.
pub(super) fn find(name: &str) -> Option<Named> {
    let by_name = |name: &str| {
        SETTINGS.iter().find(|setting| setting.name == name || setting.aliases.contains(&name))
    };
    if let Some(setting) = by_name(name) {
        return Some(Named { setting, in_file: false });
    }
    let setting = by_name(name.strip_suffix("_FILE")?).filter(|setting| setting.secret)?;
    Some(Named { setting, in_file: true })
}

/// The name most like this one, in capitals, if one is like it at all.
pub(super) fn like(name: &str) -> Option<&'static str> {
    let alike = |candidate: &str| {
        let [name, candidate] = [name, candidate].map(|name| name.trim_start_matches("ASKBOOK_"));
        strsim::normalized_damerau_levenshtein(name, candidate)
    };
    SETTINGS
        .iter()
        .flat_map(|setting| std::iter::once(setting.name).chain(setting.aliases.iter().copied()))
        .map(|candidate| (candidate, alike(candidate)))
        .filter(|(_, likeness)| *likeness >= 0.6)
        .max_by(|(_, left), (_, right)| left.total_cmp(right))
        .map(|(candidate, _)| candidate)
}
