//! `GET /_truth?contact_id=…`: what a contact holds now, one JSON line a message, oldest first. Tests compare what was
//! exported with it.

use bytes::Bytes;

use super::drift::Living;
use super::story::ink::{Text, Time};
use super::story::{Contact, Fields, Mask, Message};

/// Lines that are made at a time.
const CHUNK: u64 = 1000;

/// The lines still to be sent.
#[derive(Debug)]
pub struct Truth {
    contact: Contact,
    living: Living,
    mask: Mask,
    next: u64,
}

impl Truth {
    /// All messages of the contact.
    pub fn new(contact: Contact, living: Living) -> Self {
        let mask = contact.mask(None);
        Self { contact, living, mask, next: 0 }
    }

    /// Some more lines, or none when all are sent.
    pub fn next_lines(&mut self) -> Option<Bytes> {
        let mut lines = String::new();
        for rank in self.next..self.next + CHUNK {
            let Some(index) = self.living.nth(self.mask, rank) else { break };
            let message = Message::new(&self.contact, index);
            // Fields are as served, where they are odd too; what else is odd about a message is not told.
            let mut fields =
                Fields::open(&mut lines, message.oddity().filter(|odd| odd.is_of_a_field()), message.key);
            fields.put("message_id", Text(message.id()));
            message.conversation.lend_id(&mut fields, self.contact.wild);
            fields.put("created_at", Text(Time(message.at)));
            fields.put("edited", self.contact.edited.get(&index).copied().unwrap_or(0));
            fields.put("stable", self.living.is_stable(index));
            fields.close();
            lines.push('\n');
        }
        self.next += CHUNK;
        (!lines.is_empty()).then(|| lines.into())
    }
}
