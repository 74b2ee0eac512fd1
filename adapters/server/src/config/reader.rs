use figment::Figment;

use super::Problems;

/// Reads settings out of the merged layers, and keeps what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) merged: &'a Figment,
    pub(super) problems: &'a mut Problems,
}

impl Reader<'_> {
    /// The value of a setting that has a default.
    pub(super) fn required<T>(
        &mut self,
        setting: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.optional(setting, parse).flatten()
    }

    /// The value of a setting that may be absent. The outer `None` says that it is wrong.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    pub(super) fn optional<T>(
        &mut self,
        setting: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let Some(text) = text(self.merged, setting) else { return Some(None) };
        match parse(&text) {
            Ok(value) => Some(Some(value)),
            Err(expectation) => {
                let (name, source) = origin(self.merged, setting);
                self.problems.add(format!("{name} ({source}) {expectation}"));
                None
            }
        }
    }
}

/// The text of a setting.
pub(super) fn text(merged: &Figment, setting: &str) -> Option<String> {
    merged.find_value(setting).ok()?.into_string()
}

/// The name by which a setting was given, and by whom.
pub(super) fn origin(merged: &Figment, setting: &str) -> (String, String) {
    let metadata = merged.find_metadata(setting);
    let name = metadata.map_or(setting, |metadata| &metadata.name);
    let source = metadata.and_then(|metadata| metadata.source.as_ref()?.custom());
    (name.to_owned(), source.unwrap_or("default").to_owned())
}
