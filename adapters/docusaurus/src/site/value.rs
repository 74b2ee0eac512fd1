//! Values of a configuration, as far as they are known without running it.

use std::collections::BTreeMap;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `null` or `undefined`: as if it were not there.
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Object),
    /// A function.
    Function,
    /// What only running the configuration could tell.
    Unknown {
        /// Where it is written, from 1.
        line: usize,
        /// What it probably is: the literal that stands in for what is not set.
        likely: Option<Box<Value>>,
    },
}

/// The entries of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) entries: BTreeMap<String, Value>,
    /// The line where something unknown is spread into it.
    pub(crate) open: Option<usize>,
}

impl Value {
    pub(crate) fn unknown(line: usize) -> Self {
        Self::Unknown { line, likely: None }
    }

    /// An entry of an object; `Nothing` where there is none.
    pub(crate) fn get(&self, key: &str) -> Self {
        match self {
            Self::Object(object) => match (object.entries.get(key), object.open) {
                (Some(value), _) => value.clone(),
                (None, Some(line)) => Self::unknown(line),
                (None, None) => Self::Nothing,
            },
            Self::Unknown { line, likely } => match likely.as_ref().map(|likely| likely.get(key)) {
                Some(Self::Nothing) | None => Self::unknown(*line),
                Some(likely) => Self::Unknown { line: *line, likely: Some(Box::new(likely)) },
            },
            _ => Self::Nothing,
        }
    }

    /// Whether JavaScript takes it for true; `None` when it is not known.
    pub(crate) fn is_truthy(&self) -> Option<bool> {
        match self {
            Self::Nothing => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Number(value) => Some(*value != 0.0),
            Self::Text(text) => Some(!text.is_empty()),
            Self::List(_) | Self::Object(_) | Self::Function => Some(true),
            Self::Unknown { .. } => None,
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nothing,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(value) => Self::Number(value.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => {
                Self::List(items.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, value.into())).collect();
                Self::Object(Object { entries, open: None })
            }
        }
    }
}
