//! The wires of others: protocols that existing clients speak, each a module over the events of one
//! chat.
//!
//! A question that comes over one of them goes through the same `intake` as every other one, and
//! its answer is told by the same `streaming`. What differs is what requests and replies look like,
//! errors included. What a protocol can say and askbook has no use for is passed over: whoever
//! wrote the client did not write it for askbook.

pub(crate) mod ai_sdk;
pub(crate) mod chatkit;
mod held;
mod links;
pub(crate) mod openai;
mod transcript;

use poem::Response;

pub(crate) use self::ai_sdk::AiSdk;
pub(crate) use self::chatkit::ChatKit;
pub(crate) use self::openai::OpenAi;
use crate::problem::Problem;

/// A protocol of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The UI message stream of the AI SDK.
    AiSdk,
    /// OpenAI's chat completions.
    OpenAi,
    /// The server protocol of `ChatKit`.
    ChatKit,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AiSdk, Self::OpenAi, Self::ChatKit];

    /// As the owner of a server calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AiSdk => "ai-sdk",
            Self::OpenAi => "openai",
            Self::ChatKit => "chatkit",
        }
    }

    /// Where all its addresses begin.
    fn root(self) -> &'static str {
        match self {
            Self::AiSdk => "/ai-sdk/",
            Self::OpenAi => "/v1/",
            Self::ChatKit => "/chatkit",
        }
    }

    /// The one whose clients ask at this path, whether there is something or not.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| path.starts_with(protocol.root()))
    }

    /// Whether its clients always send a key, also where none is needed.
    pub(crate) fn always_sends_a_key(self) -> bool {
        self == Self::OpenAi
    }

    /// Makes this the reply that its clients take for the problem.
    pub(crate) fn refuse(self, problem: &Problem, response: &mut Response) {
        match self {
            Self::AiSdk => ai_sdk::refuse(problem, response),
            Self::OpenAi => openai::refuse(problem, response),
            Self::ChatKit => chatkit::refuse(problem, response),
        }
    }
}
