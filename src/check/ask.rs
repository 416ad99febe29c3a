//! Asking for pages of a contact, and what is seen of them: which messages, of which conversations, when they were made.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use crate::api::{Client, Counters, Failure, PageQuery};
use crate::id::ContactId;
use crate::record::{ContactAnswer, Shape};
use crate::settings::AskedShape;
use crate::table;

/// Asks for pages.
pub struct Asker<'a> {
    /// The API.
    pub client: &'a Client,
}

/// A message on a page. Of its text nothing is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which, by its conversation and ID.
    pub key: u128,
    /// Of which conversation.
    pub conversation: u128,
    /// Microseconds since 1970.
    pub created_at: Option<i64>,
}

/// What is seen of a page.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// In the order sent.
    pub messages: Vec<Seen>,
    /// Bytes of the answer, unpacked.
    pub bytes: u64,
    /// True if the answer shows that the contact exists.
    pub shows_contact: bool,
    /// True if it names the contact.
    pub names_contact: bool,
    /// The limit that it was answered with.
    pub limit: u32,
}

impl Asker<'_> {
    /// Asks for a page; for half of it where it is too much for the server.
    pub async fn page(&self, contact: &ContactId, offset: u64, mut limit: u32) -> Result<Part, Failure> {
        loop {
            let query = query(contact, offset, limit);
            match Box::pin(self.client.page(&query, &Counters::default(), see)).await {
                Ok((page, part)) => return Ok(Part { bytes: page.bytes.len() as u64, limit, ..part }),
                Err(Failure::AskLess) if limit > 1 => limit /= 2,
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// The question for a page of all channels.
pub fn query(contact: &ContactId, offset: u64, limit: u32) -> PageQuery<'_> {
    PageQuery { contact, channel: None, offset, limit, shape: AskedShape::Grouped }
}

fn see(answer: &ContactAnswer<'_>) -> Part {
    let page = answer.page();
    let mut messages = Vec::with_capacity(page.message_count());
    for conversation in &page.conversations {
        for message in &conversation.messages {
            let of = match conversation.shape {
                Shape::Grouped => conversation.id.as_deref(),
                Shape::Flat => message.conversation_id.as_deref(),
            };
            let of = of.map_or(0, |of| xxh3_128(of.as_bytes()));
            messages.push(Seen {
                key: xxh3_128(message.id.as_bytes()) ^ of.rotate_left(1),
                conversation: of,
                created_at: table::created_at(message),
            });
        }
    }
    let (shows_contact, names_contact) = (!answer.is_absent(), answer.names_contact());
    Part { messages, shows_contact, names_contact, ..Part::default() }
}

impl Part {
    /// How many messages.
    pub fn len(&self) -> u64 {
        self.messages.len() as u64
    }

    /// How many there are of each conversation.
    pub fn of_each(&self) -> HashMap<u128, u64> {
        let mut counts = HashMap::new();
        for message in &self.messages {
            *counts.entry(message.conversation).or_default() += 1;
        }
        counts
    }

    /// How many there are of the conversation with most.
    pub fn largest(&self) -> u64 {
        self.of_each().into_values().max().unwrap_or(0)
    }

    /// Which messages.
    pub fn keys(&self) -> HashSet<u128> {
        self.messages.iter().map(|message| message.key).collect()
    }
}
