//! The values of a conversation.

use std::fmt;

use uuid::Uuid;

/// Names a reply. Drawn by whoever asks, new for each question, random (UUID version 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub Uuid);

/// What the client says about the conversation that its question belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which one it is.
    pub session: Session,
    /// What the client says was said before, oldest first. It is taken for what it is, text of
    /// the client, and only where askbook itself remembers nothing.
    pub history: Vec<Turn>,
}

/// Which conversation a question belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// A new one.
    New,
    /// The one of this name, if it is still known.
    Resumed(SessionId),
    /// One whose name was not issued by askbook.
    Foreign,
    /// The client keeps it; nothing is remembered here.
    Stateless,
}

impl Conversation {
    /// The beginning of one.
    pub fn new() -> Self {
        Self { session: Session::New, history: Vec::new() }
    }
}

impl Default for Conversation {
    fn default() -> Self {
        Self::new()
    }
}

/// Names a conversation. Whoever knows it can read the conversation's effect, so it is random
/// (128 bits), issued by the server only, and hidden from `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// The text is not the name of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is 32 lowercase hexadecimal digits, as the server issued it")]
pub struct SessionIdError;

impl SessionId {
    /// The name made of these random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Reads a name as a client sent it back.
    ///
    /// # Errors
    /// Anything but 32 lowercase hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, SessionIdError> {
        let well_formed = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(SessionIdError) }
    }

    /// As it goes to the client.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person who asks.
    Reader,
    /// askbook.
    Book,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// By whom.
    pub role: Role,
    /// What.
    pub text: String,
}

/// A question and the answer that it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The reader's question.
    pub question: String,
    /// The finished answer.
    pub answer: String,
}

impl Exchange {
    /// The two turns, in order.
    pub fn into_turns(self) -> [Turn; 2] {
        [
            Turn { role: Role::Reader, text: self.question },
            Turn { role: Role::Book, text: self.answer },
        ]
    }
}
