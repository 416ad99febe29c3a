//! Short messages for review platforms: Relativity Short Message Format 2.0.
//!
//! A file has the messages of one conversation and one day in UTC. [`file`](mod@file) is the mail that contains
//! them, [`events`] the JSON inside. Facts about the format: Relativity, "Relativity short message format", and
//! its public JSON schema of version 2.0.0.

mod events;
mod file;

use chrono::NaiveDate;

use super::bag::{Bag, Entry};
use super::message::Message;
use super::person::Person;
use super::transcript::clock::Clock;
use crate::durable::StorageError;
use crate::output::manifest::Tool;

/// Events of a file. A review platform warns above it.
const MAX_EVENTS: usize = 10_000;
/// Bytes of text of a file. It bounds the memory.
const MAX_BYTES: usize = 32 << 20;

/// A file that was written.
pub(super) struct Written {
    pub(super) entry: Entry,
    pub(super) conversation_id: Option<String>,
    pub(super) cites: (String, String),
    pub(super) times: (Option<i64>, Option<i64>),
    pub(super) messages: u64,
}

/// Facts that all files of a package share.
pub(super) struct Facts<'a> {
    pub(super) tool: &'a Tool,
    /// Address of the account's owner.
    pub(super) account: Option<&'a str>,
}

/// Writes the files of one contact.
pub(super) struct Files<'a> {
    person: &'a Person,
    facts: Facts<'a>,
    messages: Vec<Message>,
    bytes: usize,
    key: Option<(String, Option<NaiveDate>)>,
    files: u64,
}

impl<'a> Files<'a> {
    pub(super) fn new(person: &'a Person, facts: Facts<'a>) -> Self {
        Self { person, facts, messages: Vec::new(), bytes: 0, key: None, files: 0 }
    }

    /// Appends a message. Returns a file that ended before it.
    pub(super) fn push(&mut self, bag: &mut Bag, message: Message) -> Result<Option<Written>, StorageError> {
        let id = message.conversation_id.clone().unwrap_or_default();
        let key = Some((id, message.created_at.map(Clock::day)));
        let is_full = self.messages.len() == MAX_EVENTS || self.bytes > MAX_BYTES;
        let ended = if self.key != key || is_full { self.flush(bag)? } else { None };
        self.key = key;
        self.bytes += message.content.as_ref().map_or(0, String::len);
        self.messages.push(message);
        Ok(ended)
    }

    /// Writes the last file.
    pub(super) fn finish(mut self, bag: &mut Bag) -> Result<Option<Written>, StorageError> {
        self.flush(bag)
    }

    fn flush(&mut self, bag: &mut Bag) -> Result<Option<Written>, StorageError> {
        self.bytes = 0;
        let messages = std::mem::take(&mut self.messages);
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok(None) };
        self.files += 1;
        let path = format!("data/rsmf/{:05}/{:05}.rsmf", self.person.number, self.files);
        let text = file::text(self.person, &self.facts, &messages);
        let times = messages.iter().filter_map(|message| message.created_at);
        let times = (times.clone().min(), times.max());
        Ok(Some(Written {
            entry: bag.write(&path, &text)?,
            conversation_id: first.conversation_id.clone(),
            cites: (first.cite.clone(), last.cite.clone()),
            times,
            messages: messages.len() as u64,
        }))
    }
}
