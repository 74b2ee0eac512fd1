//! What a client of `ChatKit` asks for.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::item::{Input, Order};
use crate::json;
use crate::problem::{Code, Problem};

/// A request as it arrives: what it wants, and what for.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    params: Option<Map<String, Value>>,
}

/// What is wanted. All that version 1.6.5 of the protocol knows.
#[derive(Debug)]
pub(super) enum Request {
    Create(CreateThread),
    Add(AddMessage),
    Retry(ItemOf),
    Get(ThreadOf),
    List(Paging),
    Items(ItemsOf),
    Feedback(Rate),
    Rename(Rename),
    Delete(ThreadOf),
    /// What there is no occasion for here, answered by a stream.
    Unwanted(ThreadOf),
    /// What there is no occasion for here, answered at once.
    Unsupported(&'static str),
}

#[derive(Debug, Deserialize)]
pub(super) struct CreateThread {
    pub(super) input: Input,
}

#[derive(Debug, Deserialize)]
pub(super) struct AddMessage {
    pub(super) thread_id: String,
    pub(super) input: Input,
}

#[derive(Debug, Deserialize)]
pub(super) struct ItemOf {
    pub(super) thread_id: String,
    pub(super) item_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ThreadOf {
    pub(super) thread_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ItemsOf {
    pub(super) thread_id: String,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
    #[serde(default)]
    order: Order,
    after: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rename {
    pub(super) thread_id: String,
    pub(super) title: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rate {
    pub(super) thread_id: String,
    pub(super) item_ids: Vec<String>,
    pub(super) kind: Kind,
}

/// What a reader thinks of an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Positive,
    Negative,
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    #[serde(default, deserialize_with = "limit")]
    pub(super) limit: Option<usize>,
    #[serde(default)]
    pub(super) order: Order,
    /// The id of the last one of the page before.
    pub(super) after: Option<String>,
}

impl ItemsOf {
    pub(super) fn paging(self) -> Paging {
        Paging { limit: self.limit, order: self.order, after: self.after }
    }
}

/// A number, which may be written as a text; 0 or less is none.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a whole number")]
    enum Limit {
        Number(i64),
        Text(String),
        None,
    }
    let number = match Limit::deserialize(deserializer)? {
        Limit::Number(number) => number,
        Limit::Text(text) => {
            text.trim().parse().map_err(|_| serde::de::Error::custom("must be a whole number"))?
        }
        Limit::None => 0,
    };
    Ok(usize::try_from(number).ok().filter(|number| *number > 0))
}

impl Envelope {
    /// What is wanted, if it can be understood.
    pub(super) fn open(self) -> Result<Request, Problem> {
        let params = self.params;
        Ok(match &*self.kind {
            "threads.create" => Request::Create(read(params)?),
            "threads.add_user_message" => Request::Add(read(params)?),
            "threads.retry_after_item" => Request::Retry(read(params)?),
            "threads.get_by_id" => Request::Get(read(params)?),
            "threads.list" => Request::List(read(params)?),
            "items.list" => Request::Items(read(params)?),
            "items.feedback" => Request::Feedback(read(params)?),
            "threads.update" => Request::Rename(read(params)?),
            "threads.delete" => Request::Delete(read(params)?),
            "threads.add_client_tool_output"
            | "threads.add_structured_input"
            | "threads.custom_action" => Request::Unwanted(read(params)?),
            "threads.sync_custom_action" => Request::Unsupported("there is nothing to act on here"),
            "attachments.create" | "attachments.delete" => Request::Unsupported(NO_ATTACHMENTS),
            "input.transcribe" => {
                Request::Unsupported("this server does not listen: write the question")
            }
            _ => {
                let detail = "`type` is no request of the ChatKit protocol (1.6.5)";
                return Err(Problem::new(Code::InvalidField, detail).at("type"));
            }
        })
    }
}

pub(super) const NO_ATTACHMENTS: &str =
    "this server answers from its book and takes no files: ask without the attachment";

fn read<T: DeserializeOwned>(params: Option<Map<String, Value>>) -> Result<T, Problem> {
    let Some(params) = params else {
        return Err(Problem::new(Code::InvalidField, "missing field `params`"));
    };
    json::read(Value::Object(params), "params")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(kind: &str, params: &Value) -> Result<Request, Problem> {
        let envelope = json!({"type": kind, "params": params, "metadata": {"a": 1}, "more": []});
        serde_json::from_value::<Envelope>(envelope).unwrap().open()
    }

    #[test]
    fn every_request_of_the_protocol_is_understood() {
        let input = json!({
            "content": [{"type": "input_text", "text": "a", "new": 1}], "attachments": [],
            "inference_options": {"model": null, "tool_choice": {"id": "x"}}, "quoted_text": null,
        });
        let thread =
            json!({"thread_id": "thr_1", "item_id": "msg_1", "title": "T", "result": null});
        for (kind, params) in [
            ("threads.create", json!({"input": input})),
            ("threads.add_user_message", json!({"input": input, "thread_id": "thr_1"})),
            ("threads.retry_after_item", thread.clone()),
            ("threads.add_client_tool_output", thread.clone()),
            ("threads.add_structured_input", thread.clone()),
            ("threads.custom_action", thread.clone()),
            ("threads.get_by_id", thread.clone()),
            ("threads.list", json!({})),
            ("items.list", thread.clone()),
            ("items.feedback", json!({"thread_id": "t", "item_ids": [], "kind": "positive"})),
            ("threads.update", thread.clone()),
            ("threads.delete", thread.clone()),
            ("attachments.create", json!({"name": "a", "size": 1, "mime_type": "text/plain"})),
            ("attachments.delete", json!({"attachment_id": "a"})),
            ("input.transcribe", json!({"audio_base64": "", "mime_type": "audio/mp4"})),
            ("threads.sync_custom_action", thread),
        ] {
            open(kind, &params).unwrap();
        }
    }

    #[test]
    fn a_limit_is_read_leniently() {
        for (limit, read) in [
            (json!(9), Some(9)),
            (json!("9"), Some(9)),
            (json!(9999), Some(9999)),
            (json!(0), None),
            (json!(-1), None),
            (Value::Null, None),
        ] {
            let Ok(Request::List(paging)) = open("threads.list", &json!({"limit": limit})) else {
                panic!("{limit}")
            };
            assert_eq!(paging.limit, read, "{limit}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_place() {
        let one = json!({"content": [{"type": "input_text", "text": 1}], "attachments": [],
                         "inference_options": {}});
        let unknown = json!({"content": [{"type": "s3cret"}], "attachments": [],
                             "inference_options": {}});
        for (kind, params, detail) in [
            ("s3cret", json!({}), "`type` is no request of the ChatKit protocol (1.6.5)"),
            ("threads.get_by_id", json!({}), "`params`: missing field `thread_id`"),
            ("threads.get_by_id", json!({"thread_id": 1}), "`params.thread_id` must be a string"),
            ("threads.list", json!({"limit": "many"}), "`params.limit` must be a whole number"),
            ("threads.list", json!({"order": "s3cret"}), "`params.order` must be `asc` or `desc`"),
            ("threads.create", json!({"input": one}), "`params.input.content[0]` must be a string"),
            (
                "threads.create",
                json!({"input": unknown}),
                "`params.input.content[0].type` must be `input_text`",
            ),
            ("threads.create", json!({"input": {}}), "`params.input`: missing field"),
        ] {
            let problem = open(kind, &params).unwrap_err();
            assert!(problem.detail.starts_with(detail), "{}", problem.detail);
            assert!(!problem.detail.contains("s3cret"), "{}", problem.detail);
            assert_eq!(problem.code, Code::InvalidField);
        }
    }
}
