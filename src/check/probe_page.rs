//! Reads pages of a contact, and keeps only IDs, conversations and times of their messages.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use crate::api::{Client, Counters, Failure, PageQuery};
use crate::id::ContactId;
use crate::record::{ContactAnswer, Shape};
use crate::settings::AskedShape;
use crate::table;

/// Reads pages of sampled contacts.
pub struct PageReader<'a> {
    pub client: &'a Client,
}

/// A message on a page, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbedMessage {
    /// Hash of the conversation and the message ID.
    pub key: u128,
    /// Hash of the conversation ID.
    pub conversation: u128,
    /// Microseconds since 1970.
    pub created_at: Option<i64>,
}

/// The facts about a page that the checks need.
#[derive(Clone, Debug, Default)]
pub struct ProbedPage {
    /// Messages in the order of the response.
    pub messages: Vec<ProbedMessage>,
    /// Size of the response, uncompressed.
    pub bytes: u64,
    /// True if the response shows that the contact exists.
    pub shows_contact: bool,
    /// True if the response contains the contact ID.
    pub names_contact: bool,
    /// The `limit` of the request.
    pub limit: u32,
}

impl PageReader<'_> {
    /// Reads a page. If it is too large for the server, the limit is halved.
    pub async fn page(
        &self,
        contact: &ContactId,
        offset: u64,
        mut limit: u32,
    ) -> Result<ProbedPage, Failure> {
        loop {
            let query = query(contact, offset, limit);
            match Box::pin(self.client.page(&query, &Counters::default(), inspect)).await {
                Ok((page, part)) => return Ok(ProbedPage { bytes: page.bytes.len() as u64, limit, ..part }),
                Err(Failure::AskLess) if limit > 1 => limit /= 2,
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// Returns the query for a page of all channels.
pub fn query(contact: &ContactId, offset: u64, limit: u32) -> PageQuery<'_> {
    PageQuery { contact, channel: None, offset, limit, shape: AskedShape::Grouped }
}

fn inspect(answer: &ContactAnswer<'_>) -> ProbedPage {
    let page = answer.page();
    let mut messages = Vec::with_capacity(page.message_count());
    for conversation in &page.conversations {
        for message in &conversation.messages {
            let of = match conversation.shape {
                Shape::Grouped => conversation.id.as_deref(),
                Shape::Flat => message.conversation_id.as_deref(),
            };
            let of = of.map_or(0, |of| xxh3_128(of.as_bytes()));
            messages.push(ProbedMessage {
                key: xxh3_128(message.id.as_bytes()) ^ of.rotate_left(1),
                conversation: of,
                created_at: table::created_at(message),
            });
        }
    }
    let (shows_contact, names_contact) = (!answer.is_absent(), answer.names_contact());
    ProbedPage { messages, shows_contact, names_contact, ..ProbedPage::default() }
}

impl ProbedPage {
    /// Number of messages.
    pub fn len(&self) -> u64 {
        self.messages.len() as u64
    }

    /// Returns the number of messages per conversation.
    pub fn by_conversation(&self) -> HashMap<u128, u64> {
        let mut counts = HashMap::new();
        for message in &self.messages {
            *counts.entry(message.conversation).or_default() += 1;
        }
        counts
    }

    /// Returns the largest number of messages of one conversation.
    pub fn largest(&self) -> u64 {
        self.by_conversation().into_values().max().unwrap_or(0)
    }

    /// Returns the keys of the messages.
    pub fn keys(&self) -> HashSet<u128> {
        self.messages.iter().map(|message| message.key).collect()
    }
}
