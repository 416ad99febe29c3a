//! `GET /_truth?contact_id=…`: the current messages of a contact as JSON lines, oldest first. Tests compare exports with it.

use bytes::Bytes;

use super::drift::Snapshot;
use super::story::json_out::{Text, Time};
use super::story::{Contact, Fields, Mask, Message};

/// Lines per piece of the body.
const CHUNK: u64 = 1000;

/// The lines of the response that are not sent yet.
#[derive(Debug)]
pub struct Truth {
    contact: Contact,
    snapshot: Snapshot,
    mask: Mask,
    next: u64,
}

impl Truth {
    /// All messages of the contact.
    pub fn new(contact: Contact, snapshot: Snapshot) -> Self {
        let mask = contact.mask(None);
        Self { contact, snapshot, mask, next: 0 }
    }

    /// The next lines. `None` after the last.
    pub fn next_lines(&mut self) -> Option<Bytes> {
        let mut lines = String::new();
        for rank in self.next..self.next + CHUNK {
            let Some(index) = self.snapshot.nth(self.mask, rank) else { break };
            let message = Message::new(&self.contact, index);
            // Odd fields are as served. Other oddities do not show here.
            let mut fields =
                Fields::open(&mut lines, message.oddity().filter(|odd| odd.is_of_a_field()), message.key);
            fields.put("message_id", Text(message.id()));
            message.conversation.lend_id(&mut fields, self.contact.wild);
            fields.put("created_at", Text(Time(message.at)));
            fields.put("edited", self.contact.edited.get(&index).copied().unwrap_or(0));
            fields.put("stable", self.snapshot.is_stable(index));
            fields.close();
            lines.push('\n');
        }
        self.next += CHUNK;
        (!lines.is_empty()).then(|| lines.into())
    }
}
