//! A text for a visitor before its language is known: a key of the catalogues with what is put into it.

use super::Texts;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// What a text is called in every catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) &'static str);

/// A text for a visitor. Between nodes it travels as words: nodes of every release read those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub(super) Form);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Words that are the same in every language.
    Said(Cow<'static, str>),
    /// A text of the catalogues.
    Keyed(Key, Vec<(&'static str, Value)>),
}

/// What is put into a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u64),
    Text(String),
    Message(Message),
}

impl Key {
    /// The text with this put into it.
    pub(crate) fn with(self, name: &'static str, value: impl Into<Value>) -> Message {
        Message::from(self).with(name, value)
    }
}

impl Message {
    /// The same with one more thing put into it.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Form::Keyed(_, values) = &mut self.0 {
            values.push((name, value.into()));
        }
        self
    }

    /// The same in words of this language.
    pub(crate) fn said_in(&self, texts: &Texts) -> Self {
        texts.say(self).into()
    }
}

/// In English.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Texts::english().say(self).fmt(f)
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl From<Key> for Message {
    fn from(key: Key) -> Self {
        Self(Form::Keyed(key, Vec::new()))
    }
}

impl From<&'static str> for Message {
    fn from(words: &'static str) -> Self {
        Self(Form::Said(Cow::Borrowed(words)))
    }
}

impl From<String> for Message {
    fn from(words: String) -> Self {
        Self(Form::Said(Cow::Owned(words)))
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
            }
        }

        /// Templates hand on what they have by reference.
        impl From<&$number> for Value {
            fn from(number: &$number) -> Self {
                Self::from(*number)
            }
        })*
    };
}

numbers!(u8, u32, u64, usize);

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Message> for Value {
    fn from(message: &Message) -> Self {
        Self::Message(message.clone())
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}
