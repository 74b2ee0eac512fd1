//! Fields that go by several names, as existing front ends call them.

use askbook::question::QuestionError;

use crate::problem::{Code, Problem};

/// The text of a question that was sent under one of several names, the first of which is the
/// one in the document.
///
/// # Errors
/// Two names say different things, or nothing is said under any.
pub(super) fn question_text<const N: usize>(
    sent: [(&'static str, Option<String>); N],
) -> Result<Named<String>, Problem> {
    let documented = sent.first().map_or("", |(name, _)| name);
    let blank = sent.iter().find(|(_, text)| text.is_some()).map(|(name, _)| *name);
    one_text(sent)?.ok_or_else(|| match blank {
        Some(name) => refused(QuestionError::Empty, name),
        None => Problem::new(Code::InvalidField, format!("missing field `{documented}`")),
    })
}

/// Why a question whose text is in the field `text` cannot be asked.
pub(crate) fn refused(error: QuestionError, text: &str) -> Problem {
    match error {
        QuestionError::Empty => Problem::from(error).at(text),
        // Its message says which part it is about.
        QuestionError::TooLong { .. } => error.into(),
    }
}

/// What was sent, and under which name.
pub(super) struct Named<T> {
    pub(super) name: &'static str,
    pub(super) value: T,
}

impl<T> Named<T> {
    pub(super) fn value(self) -> T {
        self.value
    }
}

/// What was sent under one of several names, as it was sent; nothing when all of it is blank.
///
/// # Errors
/// Two names say different things, and not only in the blanks around them.
pub(super) fn one_text<const N: usize>(
    sent: [(&'static str, Option<String>); N],
) -> Result<Option<Named<String>>, Problem> {
    let said = sent.map(|(name, text)| (name, text.filter(|text| !text.trim().is_empty())));
    one(said, |first, second| first.trim() == second.trim())
}

/// What was sent under one of several names; `same` says whether two of them agree.
///
/// # Errors
/// Two names say different things.
pub(super) fn one<T, const N: usize>(
    sent: [(&'static str, Option<T>); N],
    same: impl Fn(&T, &T) -> bool,
) -> Result<Option<Named<T>>, Problem> {
    let mut first: Option<Named<T>> = None;
    for (name, value) in sent {
        let Some(value) = value else { continue };
        match &first {
            None => first = Some(Named { name, value }),
            Some(first) if same(&first.value, &value) => {}
            Some(first) => {
                let detail = format!(
                    "`{}` and `{name}` are names of one thing and say different things: send one \
                     of them",
                    first.name
                );
                return Err(Problem::new(Code::ConflictingFields, detail).at(name));
            }
        }
    }
    Ok(first)
}
