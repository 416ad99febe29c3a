//! Ids for messages that were sent without one.

use std::borrow::Cow;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Conversation;
use crate::json::{Value, canonical};

/// Gives each message without an id `x-` and a digest of what it says; of equal ones the second gets `-1`, and so on.
///
/// The conversation's id is left out of the digest: the same message is the same in a grouped and a flat answer.
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
    format!("x-{}", short_digest([text.as_bytes()]))
}

/// The first 32 hex digits of the SHA-256 over `parts`, one behind the other.
pub fn short_digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    hash.finalize().iter().take(16).flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
