//! Where settings come from: each source becomes a layer of texts, which figment lays one over
//! the other. Nothing is typed here, because figment's own typed sources print what they could
//! not read, and that may be a key.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::Problems;
use super::setting::{Named, SETTINGS, find, like};

/// A value that was given for a setting. Has no `Debug`: it may be a key.
pub(super) struct Given {
    /// The setting's own name.
    pub(super) setting: &'static str,
    /// The name by which it was given, spelled as it was.
    pub(super) name: String,
    /// By whom.
    pub(super) source: String,
    value: String,
    in_file: bool,
}

/// What to think of names that are not settings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strangers {
    /// They are mistakes.
    Refused,
    /// They belong to others, unless they begin with `ASKBOOK_`.
    Ignored,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone()).source(self.source.as_str())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let value = Value::from(self.value.clone());
        Ok(Profile::Default.collect(Dict::from([(self.setting.to_owned(), value)])))
    }
}

/// What the settings are when nobody says.
pub(super) fn defaults() -> Vec<Given> {
    let given = |name: &'static str, value: &str| Given {
        setting: name,
        name: name.to_owned(),
        source: "default".to_owned(),
        value: value.to_owned(),
        in_file: false,
    };
    SETTINGS.iter().filter_map(|setting| Some(given(setting.name, setting.default?))).collect()
}

/// The settings among these names and values. Names are taken in capitals or not; values are
/// freed of the spaces and quotes that come with pasting; what is then empty counts as absent.
pub(super) fn layer(
    source: &str,
    pairs: impl IntoIterator<Item = (String, String)>,
    strangers: Strangers,
    problems: &mut Problems,
) -> Vec<Given> {
    let mut layer = Vec::new();
    for (name, value) in pairs {
        let value = unquoted(&value);
        if value.is_empty() {
            continue;
        }
        let capitals = match strangers {
            Strangers::Refused => name.to_ascii_uppercase(),
            Strangers::Ignored => name.clone(),
        };
        let Some(Named { setting, in_file }) = find(&capitals) else {
            let ours = capitals.starts_with("ASKBOOK_") && !is_service_link(&capitals, value);
            if ours || strangers == Strangers::Refused {
                problems.add(unknown(&name, &capitals, source));
            }
            continue;
        };
        let value = if in_file { small_file(Path::new(value)) } else { Ok(value.to_owned()) };
        match value {
            Ok(value) if unquoted(&value).is_empty() => {
                problems.add(format!("{name} ({source}) names an empty file"));
            }
            Ok(value) => {
                let value = unquoted(&value).to_owned();
                let source = source.to_owned();
                layer.push(Given { setting: setting.name, name, source, value, in_file });
            }
            Err(error) => problems.add(format!(
                "{name} ({source}) must name a file that can be read: {}",
                error.kind()
            )),
        }
    }
    layer
}

/// The text of a file that holds one value, up to far more than any value has.
fn small_file(path: &Path) -> io::Result<String> {
    const LIMIT: u64 = 64 << 10;
    let mut text = String::new();
    File::open(path)?.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// The variables of a `.env` file in this folder, if there is one.
pub(super) fn dotenv(folder: &Path, problems: &mut Problems) -> Vec<Given> {
    const SOURCE: &str = ".env";
    let text = match fs::read_to_string(folder.join(SOURCE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.add(format!("{SOURCE} cannot be read: {}", error.kind()));
            return Vec::new();
        }
    };
    let text = text.trim_start_matches('\u{FEFF}');
    let mut pairs = Vec::new();
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok(pair) => pairs.push(pair),
            Err(error) => problems.add(unreadable_line(text, &error)),
        }
    }
    layer(SOURCE, pairs, Strangers::Ignored, problems)
}

/// The settings of a TOML file.
pub(super) fn file(path: &Path, problems: &mut Problems) -> Vec<Given> {
    let source = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.add(format!("the settings file {source} cannot be read: {}", error.kind()));
            return Vec::new();
        }
    };
    let mut pairs = Vec::new();
    match Toml::string(&text).data() {
        Ok(profiles) => {
            for (name, value) in profiles.into_values().flatten() {
                match plain(&value) {
                    _ if name == "askbook_config" => problems.add(format!(
                        "askbook_config ({source}) cannot stand in a settings file itself"
                    )),
                    Some(value) => pairs.push((name, value)),
                    None => problems.add(format!(
                        "{name} ({source}) is a table: settings stand at the top of the file, \
                         such as `port = 8000`"
                    )),
                }
            }
        }
        Err(error) => problems.add(format!("{source} is not TOML{}", place(&error.to_string()))),
    }
    layer(&source, pairs, Strangers::Refused, problems)
}

/// The variables of the environment over those of `.env`, which do not hide each other when
/// they have different names for one setting.
pub(super) fn variables(environment: Vec<Given>, dotenv: Vec<Given>) -> Vec<Given> {
    let hidden = |given: &Given| environment.iter().any(|other| other.name == given.name);
    let dotenv: Vec<Given> = dotenv.into_iter().filter(|given| !hidden(given)).collect();
    dotenv.into_iter().chain(environment).collect()
}

/// Reports settings that one layer gives twice, under different names and not alike.
pub(super) fn refuse_conflicts(layer: &[Given], problems: &mut Problems) {
    let mut settings: BTreeMap<&str, Vec<&Given>> = BTreeMap::new();
    for given in layer {
        settings.entry(given.setting).or_default().push(given);
    }
    for same in settings.into_values() {
        let alike =
            |other: &&Given| other.value == same[0].value && other.in_file == same[0].in_file;
        if same.iter().all(alike) {
            continue;
        }
        let names: Vec<String> =
            same.iter().map(|given| format!("{} ({})", given.name, given.source)).collect();
        problems.add(format!("{} say different things: keep one", names.join(" and ")));
    }
}

/// Kubernetes gives every container variables about every service (`ASKBOOK_SERVICE_HOST`,
/// `ASKBOOK_PORT=tcp://…` for one called askbook): they are not mistakes.
fn is_service_link(name: &str, value: &str) -> bool {
    name.starts_with("ASKBOOK_SERVICE_")
        || name.starts_with("ASKBOOK_PORT_")
        || name == "ASKBOOK_PORT" && value.contains("://")
}

fn unknown(name: &str, capitals: &str, source: &str) -> String {
    let hint = like(capitals).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    format!("{name} ({source}) is not a setting{hint}")
}

/// Without white space around, and without one pair of quotes.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value).trim()
}

/// A value of TOML as it would be written into a variable.
fn plain(value: &Value) -> Option<String> {
    if let Some(values) = value.as_array() {
        let values: Option<Vec<String>> = values.iter().map(plain).collect();
        return Some(values?.join(","));
    }
    let text = value.as_str().map(str::to_owned);
    let number = || value.to_i128().map(|number| number.to_string());
    let fraction = || value.to_f64().map(|number| number.to_string());
    let truth = || value.to_bool().map(|truth| truth.to_string());
    text.or_else(number).or_else(fraction).or_else(truth)
}

/// Where a TOML text is wrong. The rest of the message repeats the text, which may hold a key.
fn place(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    first.split_once(" at line ").map(|(_, place)| format!(": line {place}")).unwrap_or_default()
}

/// Where a `.env` text is wrong. The error itself repeats the line, which may hold a key.
fn unreadable_line(text: &str, error: &dotenvy::Error) -> String {
    let found = match error {
        dotenvy::Error::LineParse(piece, _) => text.find(piece.as_str()),
        _ => None,
    };
    let Some(at) = found else { return ".env cannot be read".to_owned() };
    let line = text[..at].matches('\n').count() + 1;
    format!(
        ".env cannot be read at line {line}: write NAME=value, and put a value that holds spaces, \
         `#`, `$` or quotes in single quotes"
    )
}
