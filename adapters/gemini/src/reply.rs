use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Generated, Usage};

use crate::failure::{Failure, printable};
use crate::generate::GeminiGenerator;
use crate::wire::{ErrorResponse, GenerateResponse, UsageMetadata};

/// What has been read of a reply.
pub(crate) struct Reply<'a> {
    generator: &'a GeminiGenerator,
    /// Whether anything that can be seen was written.
    written: bool,
    /// Why the writing ended: the first reason other than `STOP`, which may come with any event.
    finish: Option<String>,
    version: String,
    usage: UsageMetadata,
    /// Of a try that wrote nothing.
    wasted: Option<Usage>,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(generator: &'a GeminiGenerator) -> Self {
        Self {
            generator,
            written: false,
            finish: None,
            version: String::new(),
            usage: UsageMetadata::default(),
            wasted: None,
        }
    }

    /// The text of an event.
    pub(crate) fn read(&mut self, event: GenerateResponse) -> Result<String, PortError> {
        if let Some(status) = event.error {
            return Err(Failure::from_status(&status, None, &self.generator.model).error);
        }
        if let Some(reason) = event.prompt_feedback.block_reason {
            let reason = printable(&reason);
            let message = format!("gemini declined the prompt ({reason})");
            return Err(PortError::new(ErrorKind::Blocked, message));
        }
        self.usage = event.usage_metadata.unwrap_or(self.usage);
        if !event.model_version.is_empty() {
            self.version = event.model_version;
        }
        let Some(candidate) = event.candidates.into_iter().next() else {
            return Ok(String::new());
        };
        if self.finish.as_deref().is_none_or(|reason| reason == "STOP") {
            self.finish = candidate.finish_reason.or(self.finish.take());
        }
        let parts = candidate.content.parts.into_iter().filter(|part| !part.thought);
        let text: String = parts.map(|part| part.text).collect();
        self.written |= !text.trim().is_empty();
        Ok(text)
    }

    /// The end of the answer; `None` when nothing was written for no reason, which happens at
    /// random, so that it is worth one more try.
    pub(crate) fn finish(&mut self, stray: &[u8]) -> Result<Option<Generated>, PortError> {
        if let Ok(response) = serde_json::from_slice::<ErrorResponse>(stray) {
            let failure = Failure::from_status(&response.status(), None, &self.generator.model);
            return Err(failure.error);
        }
        if let Some("MAX_TOKENS" | "CONTINUATION") = self.finish.as_deref() {
            return Err(malformed(self.cut_short()));
        }
        self.check_stopped_by_itself()?;
        let usage = self.spent();
        if self.written {
            let configured = &self.generator.model.id;
            let model = if self.version.is_empty() { configured } else { &self.version };
            return Ok(Some(Generated::End { model: model.clone(), usage }));
        }
        if self.wasted.is_some() {
            return Err(malformed("gemini wrote nothing, twice"));
        }
        (self.wasted, self.finish, self.usage) = (Some(usage), None, UsageMetadata::default());
        Ok(None)
    }

    /// Checks that the model had nothing more to write.
    pub(crate) fn check_stopped_by_itself(&self) -> Result<(), PortError> {
        match self.finish.as_deref() {
            Some("STOP") => Ok(()),
            Some(reason) => Err(stopped(reason)),
            None => Err(malformed("gemini's answer broke off")),
        }
    }

    fn cut_short(&self) -> String {
        let limit = self.generator.max_output_tokens;
        let thoughts = self.usage.thoughts;
        let what = if self.written { "cut gemini's answer" } else { "left gemini no answer" };
        format!(
            "ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS, {limit}, {what} ({thoughts} tokens were thoughts): \
             raise it, or lower ASKBOOK_GEMINI_THINKING_LEVEL"
        )
    }

    /// What all tries have cost.
    fn spent(&self) -> Usage {
        let wasted = self.wasted.unwrap_or_default();
        let written = self.usage.candidates.saturating_add(self.usage.thoughts);
        Usage {
            input_tokens: wasted.input_tokens.saturating_add(self.usage.prompt),
            output_tokens: wasted.output_tokens.saturating_add(written),
        }
    }
}

fn malformed(message: impl Into<String>) -> PortError {
    PortError::new(ErrorKind::Malformed, message)
}

/// What a reason to finish other than `STOP` and a limit means. Those that are new are taken for
/// faults.
fn stopped(reason: &str) -> PortError {
    let of_content = matches!(
        reason,
        "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "ESCALATION"
            | "MODEL_ARMOR"
    );
    let reason = printable(reason);
    if of_content {
        let message = format!("gemini stopped its answer for its content ({reason})");
        return PortError::new(ErrorKind::Blocked, message);
    }
    PortError::new(ErrorKind::Malformed, format!("gemini did not finish its answer ({reason})"))
}
