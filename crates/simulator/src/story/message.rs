//! One message: its author, its time and its place in the conversation.

use super::contact::{Contact, Conversation};
use super::json_out::Uuid;
use super::oddities::{self, Oddity};
use super::rng::{self, Rng};

/// Author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The contact.
    User,
    /// The bot.
    Assistant,
    /// A member of the support team.
    Agent,
}

/// The roles of the six lines of a script.
const TURNS: [Role; 6] = [Role::User, Role::Assistant, Role::User, Role::Agent, Role::User, Role::Assistant];

impl Role {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Agent => "agent",
        }
    }
}

/// Message `index` of a contact.
#[derive(Debug)]
pub struct Message<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// The conversation.
    pub conversation: &'a Conversation,
    /// Number of messages of the contact before this one.
    pub index: u64,
    /// Number of messages of the conversation before this one.
    pub rank: u64,
    /// Seed of the message's random content.
    pub key: u64,
    /// Time in Unix milliseconds.
    pub at: i64,
    /// The author.
    pub role: Role,
}

impl<'a> Message<'a> {
    /// Message `index`, from 0, oldest first.
    pub fn new(contact: &'a Contact, index: u64) -> Self {
        let owner = contact.timeline.owner(index);
        let conversation = &contact.conversations[owner];
        let rank = contact.timeline.rank(1 << owner, index);
        let turn = usize::try_from(rank % 6).expect("below six");
        // A template opens the conversation, so the customer does not write its first line.
        let role =
            if rank == 0 && conversation.kind == "whatsapp-template" { Role::Assistant } else { TURNS[turn] };
        let (key, at) = (message_key(contact, index), contact.times.at(index));
        Self { contact, conversation, index, rank, key, at, role }
    }

    /// The oddity of the message, if any.
    pub fn oddity(&self) -> Option<&'static Oddity> {
        self.contact.wild.oddity(&oddities::MESSAGE, self.key)
    }

    /// The ID, unless an oddity replaces it.
    pub fn id(&self) -> Uuid {
        match self.oddity() {
            Some(Oddity::Twin) if self.index > 0 => id_of(message_key(self.contact, self.index - 1)),
            _ => id_of(self.key),
        }
    }

    /// True if the message, an outgoing one, has receipts.
    pub fn has_receipts(&self) -> bool {
        Rng::new(self.key, 5).happens(self.contact.receipts)
    }

    /// True for the template that opens a conversation.
    pub fn is_template(&self) -> bool {
        self.rank == 0 && self.conversation.kind == "whatsapp-template"
    }

    /// Key of the previous message of the conversation, for replies and reactions.
    pub fn previous_key(&self) -> Option<u64> {
        let owner = self.contact.conversations.iter().position(|other| other.key == self.conversation.key)?;
        let before = self.contact.timeline.nth(1 << owner, self.rank.checked_sub(1)?)?;
        Some(message_key(self.contact, before))
    }
}

/// The ID of the message with this key.
pub fn id_of(key: u64) -> Uuid {
    Uuid::new(&mut Rng::new(key, 0))
}

fn message_key(contact: &Contact, index: u64) -> u64 {
    rng::part(contact.key, index ^ (1 << 63))
}
