//! The shape of a page of `get_contact_conversation_messages`, borrowed from the text of the response. [`listing`]
//! has the shape of the account's list of contacts.
//!
//! Reads what the API documents (`docs/api.md#messages-of-a-contact`). A value of another shape is kept as it is.
//! [`ContactAnswer`] decides which pages are answers to a request. `table` interprets the values.
//!
//! Layer 1: `fetch` reads pages for their message IDs, `transform` reads them again from the spool for their rows.

mod answer;
mod form;
pub mod listing;
mod member;
mod names;
mod read;
#[cfg(test)]
mod rule_tests;
mod synthetic;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;

use crate::json::{Kind, Malformed, Value};

pub use answer::{ContactAnswer, check};
pub use member::{MemberName, member, member_named};
pub use names::{article, members_found};
pub use read::{read_json, read_page};
pub use synthetic::{ShortDigest, short_digest};

/// Reasons for which a response is not a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not JSON, cut, or followed by more bytes.
    #[error("the answer is not well-formed JSON")]
    Malformed(#[from] Malformed),
    /// The service reports an error in a 200: what it says, shortened and with control characters escaped.
    #[error("the answer reports an error: {0}")]
    ErrorAnswer(String),
    /// JSON that is not the answer asked for: what was found in its place, without any value of it.
    #[error("{0}")]
    NotAnAnswer(String),
    /// More than memory is kept for.
    #[error("the answer holds over {MOST_PARTS} messages, or a message with as many members or records")]
    TooManyParts,
}

/// Maximum size of a response from the API or a raw archive, in bytes. The API runs on AWS Lambda, whose responses
/// end at 6 MB.
pub const MAX_ANSWER: usize = 64 << 20;

/// Maximum number of messages, conversations and other members on one page, and of members and records of one
/// message.
///
/// `limit` is at most 100, possibly for each of a thousand conversations. A text of a few megabytes can hold a million
/// empty messages, each 700 bytes in memory.
pub const MOST_PARTS: usize = 100_000;

/// One answer of the messages endpoint.
#[derive(Clone, Debug, Default)]
pub struct Page<'a> {
    /// `data.data.contact`, also when it is no object. None: missing or null.
    pub contact: Option<Value<'a>>,
    /// The other members of `data.data`; also a `conversations` or `messages` that is neither array nor null.
    pub siblings: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Members of `conversations` that are no objects.
    pub unplaced: Vec<Value<'a>>,
    /// The conversations in the order sent, then the messages of a flat answer as one more.
    pub conversations: Vec<Conversation<'a>>,
    /// Form of the answer, by which it is accepted or refused.
    form: form::Form<'a>,
}

/// Form in which the API sends the messages of a [`Conversation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Inside an object of `conversations`.
    Grouped,
    /// In `data.data.messages`; each may name its conversation.
    Flat,
}

/// One conversation as far as this page holds it.
#[derive(Clone, Debug)]
pub struct Conversation<'a> {
    /// Form in which its messages were sent.
    pub shape: Shape,
    /// `conversation_id` as text (see [`column_text`]); none when missing or null, and for the flat shape.
    pub id: Option<Cow<'a, str>>,
    /// Members of the object except `messages`, the last of repeated ones. A `messages` that is neither array nor null
    /// is included.
    pub fields: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Messages in the order sent.
    pub messages: Vec<Message<'a>>,
}

/// One message on a page.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// `message_id` as text, or the id computed for a message without one.
    pub id: Cow<'a, str>,
    /// The whole message as JSON.
    pub value: Value<'a>,
    /// Member `created_at` as sent.
    pub created_at: Option<Value<'a>>,
    /// Member `message_order` as sent.
    pub message_order: Option<Value<'a>>,
    /// Member `conversation_id` as text.
    pub conversation_id: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    /// A message whose ID and position are known because the page was read before.
    pub fn known(id: &'a str, value: Value<'a>) -> Self {
        Self { id: Cow::Borrowed(id), value, created_at: None, message_order: None, conversation_id: None }
    }
}

impl Page<'_> {
    /// Number of messages on the page.
    pub fn message_count(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.messages.len()).sum()
    }
}

/// The text of an answer: invalid UTF-8 is repaired with U+FFFD, the bytes themselves stay in the spool.
pub fn text_of(body: &[u8]) -> Cow<'_, str> {
    // Nearly every body is valid, and checking is much faster than repairing.
    simdutf8::basic::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// Maximum size of a body whose text is copied, in bytes. The standard library checks text in place, but takes
/// three times as long as a fast check and a copy. Large bodies must not be in memory twice.
const MAX_COPIED: usize = 1 << 20;

/// The text of an answer as [`text_of`] returns it, and the bytes if they are not valid UTF-8.
pub fn into_text(mut body: Vec<u8>) -> (String, Option<Vec<u8>>) {
    if body.len() > MAX_COPIED {
        match String::from_utf8(body) {
            Ok(text) => return (text, None),
            Err(invalid) => body = invalid.into_bytes(),
        }
    }
    match text_of(&body) {
        Cow::Borrowed(text) => (text.to_owned(), None),
        Cow::Owned(repaired) => (repaired, Some(body)),
    }
}

/// A value as a text column takes it: a string's text, any other's JSON text, null for null.
pub fn column_text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::Null => None,
        Kind::String => value.text(),
        Kind::Bool | Kind::Number | Kind::Array | Kind::Object | Kind::NonStandard => {
            Some(Cow::Borrowed(value.raw()))
        }
    }
}
