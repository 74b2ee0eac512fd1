//! Error replies over the wire.

use askbook::error::Stage;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Serialize;

use crate::problem::{Code, Problem};

/// An error reply (RFC 9457).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Problem", example)]
pub(crate) struct ProblemDocument {
    /// Names the kind of problem: `urn:askbook:problem:` and the code.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    type_uri: String,
    /// The kind of problem, for people.
    title: String,
    /// The status of the reply.
    status: u16,
    /// What happened and what to do.
    detail: String,
    code: Code,
    /// Names the request in the server's log.
    request_id: String,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<StageName>,
    /// The field of the body that is at fault, if it is one: a JSON pointer (RFC 6901) as a
    /// fragment.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// In how many seconds to try again, if that is known.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// The addresses that there are, when the one that was asked for is none of them.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<String>>,
}

impl ProblemDocument {
    pub(crate) fn new(problem: &Problem, request_id: &str, routes: Option<Vec<String>>) -> Self {
        Self {
            type_uri: format!("urn:askbook:problem:{}", problem.code),
            title: problem.code.title().to_owned(),
            status: problem.code.status().as_u16(),
            detail: problem.detail.to_string(),
            code: problem.code,
            request_id: request_id.to_owned(),
            stage: problem.stage.map(StageName::from),
            pointer: problem.field.as_ref().map(|field| format!("#/{field}")),
            retry_after: problem.retry_after(),
            routes,
        }
    }
}

impl Example for ProblemDocument {
    fn example() -> Self {
        let detail = "the message is empty: write a question";
        let problem = Problem::new(Code::EmptyMessage, detail).at("message");
        Self::new(&problem, "5f2b7a90c4d1", None)
    }
}

/// The step of a chat or a search that failed.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "Stage", rename_all = "snake_case", remote = "Stage")]
#[serde(rename_all = "snake_case")]
enum StageName {
    Session,
    Embed,
    Retrieve,
    Generate,
}
