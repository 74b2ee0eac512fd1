//! Gemini: whether the key works, and whether the models are there and can do what they are for.

use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Embedder as _, Generator as _};
use askbook_gemini::{Client, ListedModel};

use super::{Finding, Level, gemini};
use crate::config::Config;
use crate::wiring;

const KEY: &str = "gemini-key";

/// How many usable models are listed.
const LISTED: usize = 20;

/// Makes no call when Gemini is not one of the parts.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    let embeds = config.embedder.key();
    let writes = config.generator.key();
    let Some(key) = embeds.or(writes) else {
        let unused = config.settings.gemini_api_key.as_ref().map(|_| {
            let advice = "set ASKBOOK_EMBEDDER or ASKBOOK_GENERATOR, or leave the key out";
            Finding::note(KEY, "GEMINI_API_KEY is set, but no part calls Gemini", advice)
        });
        return unused.into_iter().collect();
    };
    let client = match wiring::gemini(config, key) {
        Ok(client) => client,
        Err(error) => return vec![Finding::misconfiguration(KEY, &error)],
    };
    let listed = match client.models().await {
        Ok(listed) => listed,
        Err(error) => return vec![Finding::failure(KEY, error)],
    };
    let works = format!("GEMINI_API_KEY works; it may use {} models", listed.len());
    let mut findings = vec![Finding::ok(KEY, works)];
    if embeds.is_some() {
        findings.push(embedding(config, &client, &listed).await);
    }
    if writes.is_some() {
        let settings = &config.settings;
        let fallback = settings.gemini_fallback_model.as_deref();
        // An answer can do without the second one.
        for (code, setting, id, worst) in [
            ("gemini-model", "GEMINI_MODEL", Some(settings.gemini_model.as_str()), Level::Error),
            ("fallback-model", "GEMINI_FALLBACK_MODEL", fallback, Level::Warning),
        ] {
            let Some(id) = id else { continue };
            let role = Role { code, setting, id, task: "write", can: |model| model.writes };
            let generator = wiring::gemini_generator(config, client.clone(), id);
            let finding = role.finding(&listed, generator.ready()).await;
            findings.push(Finding { level: finding.level.min(worst), ..finding });
        }
    }
    findings
}

async fn embedding(config: &Config, client: &Client, listed: &[ListedModel]) -> Finding {
    let role = Role {
        code: "embedding-model",
        setting: "EMBEDDING_MODEL",
        id: &config.settings.embedding_model,
        task: "embed",
        can: |model| model.embeds,
    };
    let ready = async { gemini::embedder(config, client.clone())?.ready().await };
    role.finding(listed, ready).await
}

/// What a model is for.
struct Role<'a> {
    code: &'static str,
    setting: &'static str,
    id: &'a str,
    /// What it must be able to do, for people.
    task: &'static str,
    can: fn(&ListedModel) -> bool,
}

impl Role<'_> {
    /// `ready` asks for the model by its name: not every model that serves a key is listed.
    async fn finding(
        &self,
        listed: &[ListedModel],
        ready: impl Future<Output = Result<(), PortError>>,
    ) -> Finding {
        let Self { code, id, task, .. } = self;
        match listed.iter().find(|model| model.id == *id) {
            Some(model) if (self.can)(model) => Finding::ok(code, format!("{id} can {task}")),
            Some(_) => Finding::error(code, format!("{id} cannot {task}"), self.advice(listed)),
            None => match ready.await {
                Ok(()) => Finding::ok(code, format!("{id} is there, though it is not listed")),
                Err(error) if error.kind() == ErrorKind::Misconfigured => {
                    let what = format!("gemini has no model {id} for this key");
                    Finding::error(code, what, self.advice(listed))
                }
                Err(error) => Finding::failure(code, error),
            },
        }
    }

    /// Lists the models that could take the role.
    fn advice(&self, listed: &[ListedModel]) -> String {
        let able = listed.iter().filter(|model| (self.can)(model)).map(|model| model.id.as_str());
        let able: Vec<&str> = able.collect();
        let more = if able.len() > LISTED { ", ..." } else { "" };
        match able.get(..able.len().min(LISTED)) {
            Some(shown) if !shown.is_empty() => {
                format!("set {} to one of: {}{more}", self.setting, shown.join(", "))
            }
            _ => format!("this key may use no model that can {}: take another one", self.task),
        }
    }
}

#[cfg(test)]
mod tests;
