use std::fmt;

use figment::Figment;

use super::reader;
use super::setting::SETTINGS;

/// Every setting with its value and its source, as `askbook config` prints them.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    name: &'static str,
    value: Option<String>,
    source: String,
}

impl Listing {
    /// The settings as they were given; secrets are left out here already.
    pub(super) fn of(merged: &Figment) -> Self {
        let lines = SETTINGS.iter().map(|setting| {
            let text = reader::text(merged, setting.name);
            let (name, source) = reader::origin(merged, setting.name);
            let source = if name.eq_ignore_ascii_case(setting.name) {
                source
            } else {
                format!("{name}, {source}")
            };
            let shown = |text| if setting.secret { "[redacted]".to_owned() } else { text };
            Line { name: setting.name, value: text.map(shown), source }
        });
        Self { lines: lines.collect() }
    }

    /// Notes what was chosen for a setting that nobody set.
    pub(super) fn choose(&mut self, name: &str, chosen: &str) {
        for line in self.lines.iter_mut().filter(|line| line.name == name) {
            line.value.get_or_insert_with(|| chosen.to_owned());
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { name, value, source } in &self.lines {
            match value {
                Some(value) => writeln!(f, "{:<60} # {source}", format!("{name}={value}"))?,
                None => writeln!(f, "{:<60} # not set", format!("# {name}="))?,
            }
        }
        Ok(())
    }
}
