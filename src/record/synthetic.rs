//! Ids for messages that were sent without one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

use sha2::{Digest, Sha256};

use super::Conversation;
use crate::digest::hex_digits;
use crate::json::{Value, canonical};

/// Gives each message without an ID the name `x-` and a digest of its content. Equal ones get `-1`, `-2` and so on.
///
/// The digest excludes the conversation's ID: a message has the same name in a grouped and a flat response.
pub(super) fn name_messages(conversations: &mut [Conversation<'_>]) {
    let mut met: HashMap<String, u64> = HashMap::new();
    let messages = conversations.iter_mut().flat_map(|conversation| &mut conversation.messages);
    for message in messages.filter(|message| message.id.is_empty()) {
        let mut id = synthetic_id(message.value);
        let count = met.entry(id.clone()).or_default();
        if *count > 0 {
            id = format!("{id}-{count}");
        }
        *count += 1;
        message.id = Cow::Owned(id);
    }
}

fn synthetic_id(message: Value<'_>) -> String {
    let mut text = String::with_capacity(message.raw().len());
    canonical(message, Some("conversation_id"), &mut text);
    format!("x-{}", &*short_digest(text.as_bytes()))
}

/// The first 32 hex digits of a SHA-256, on the stack: there is one for each channel record. Derefs to `str`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortDigest([u8; 32]);

impl Deref for ShortDigest {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of hex digits")
    }
}

/// The first 32 hex digits of the SHA-256 of `text`.
pub fn short_digest(text: &[u8]) -> ShortDigest {
    let mut digest = [0; 32];
    for (digits, byte) in digest.as_chunks_mut().0.iter_mut().zip(Sha256::digest(text)) {
        *digits = hex_digits(byte);
    }
    ShortDigest(digest)
}
