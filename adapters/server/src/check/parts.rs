//! The configuration: which parts were chosen and why, and what it warns of.

use super::Finding;
use crate::config::Config;

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let settings = &config.settings;
    let key = if settings.gemini_api_key.is_some() { "a Gemini key" } else { "no Gemini key" };
    let server = if settings.qdrant_url.is_some() { "a Qdrant server" } else { "no Qdrant server" };
    let part = |code, name: &str, setting, set: bool| {
        let why = if set {
            format!("{setting} says so")
        } else {
            format!("{setting} is not set, and there is {key} and {server}")
        };
        Finding::ok(code, format!("{name}: {why}"))
    };
    let mut findings = vec![
        part("embedder", config.embedder.name(), "ASKBOOK_EMBEDDER", settings.embedder.is_some()),
        part(
            "retriever",
            config.retriever.name(),
            "ASKBOOK_RETRIEVER",
            settings.retriever.is_some(),
        ),
        part(
            "generator",
            config.generator.name(),
            "ASKBOOK_GENERATOR",
            settings.generator.is_some(),
        ),
    ];
    findings.extend(
        config
            .warnings
            .iter()
            .map(|warning| Finding::warning("settings", warning, "change the setting as it says")),
    );
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn what_was_chosen_is_told_with_its_reason_and_what_is_odd_with_a_warning() {
        let config = Config::from_values([
            ("ASKBOOK_EMBEDDER", "memory"),
            ("ASKBOOK_DATA_DIR", "/nonexistent/askbook"),
            ("QDRANT_API_KEY", "s3cret"),
        ]);
        let findings = findings(&config.unwrap());
        assert_eq!(findings[0].what, "memory: ASKBOOK_EMBEDDER says so");
        let generator = "quote: ASKBOOK_GENERATOR is not set, and there is no Gemini key and no \
                         Qdrant server";
        assert_eq!(findings[2].what, generator);
        assert_eq!(findings[3].level, Level::Warning);
        assert!(findings[3].what.contains("QDRANT_API_KEY"));
        assert!(!format!("{findings:?}").contains("s3cret"));
    }
}
