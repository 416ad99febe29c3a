//! One message: who says it, what, when, and the JSON text of it.

use crate::channel::Channel;

use super::contact::{Contact, Conversation};
use super::dice::{self, Dice};
use super::ink::{Text, Time, Uuid, put};
use super::wild::{self, Fields, Oddity};
use super::{events, whatsapp};

/// Bytes of JSON that a message takes on average; a little more than enough to size buffers with.
pub const AVERAGE_BYTES: usize = 850;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The contact.
    User,
    /// The bot.
    Assistant,
    /// A person of the support.
    Agent,
}

/// Whether a message says which conversation it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// It carries a `conversation_id`.
    WithConversation,
    /// It does not: it stands inside its conversation, or in a list without these IDs.
    Bare,
}

/// The roles of the six lines of a script.
const TURNS: [Role; 6] = [Role::User, Role::Assistant, Role::User, Role::Agent, Role::User, Role::Assistant];

impl Role {
    fn as_str(self) -> &'static str {
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
    /// Whose message it is.
    pub contact: &'a Contact,
    /// The conversation it belongs to.
    pub conversation: &'a Conversation,
    /// Its place in time.
    pub index: u64,
    /// How many messages of the conversation come before it.
    pub rank: u64,
    /// What the message's own randomness comes from.
    pub key: u64,
    /// When it was written, Unix milliseconds.
    pub at: i64,
    /// Who wrote it.
    pub role: Role,
}

impl<'a> Message<'a> {
    /// Message `index`, counted from 0 in the order of time.
    pub fn new(contact: &'a Contact, index: u64) -> Self {
        let owner = contact.timeline.owner(index);
        let conversation = &contact.conversations[owner];
        let rank = contact.timeline.rank(1 << owner, index);
        let turn = usize::try_from(rank % 6).expect("below six");
        // A template opens the conversation, so its first line is not the customer's.
        let role =
            if rank == 0 && conversation.kind == "whatsapp-template" { Role::Assistant } else { TURNS[turn] };
        let (key, at) = (message_key(contact, index), contact.clock.at(index));
        Self { contact, conversation, index, rank, key, at, role }
    }

    /// What is odd about it.
    pub fn oddity(&self) -> Option<&'static Oddity> {
        self.contact.wild.oddity(&wild::MESSAGE, self.key)
    }

    /// Its ID, where nothing odd stands in its place.
    pub fn id(&self) -> Uuid {
        match self.oddity() {
            Some(Oddity::Twin) if self.index > 0 => id_of(message_key(self.contact, self.index - 1)),
            _ => id_of(self.key),
        }
    }

    /// Whether it is the template that opens a conversation.
    pub fn is_template(&self) -> bool {
        self.rank == 0 && self.conversation.kind == "whatsapp-template"
    }

    /// The key of the message before it in the conversation, for replies and reactions.
    pub fn previous_key(&self) -> Option<u64> {
        let owner = self.contact.conversations.iter().position(|other| other.key == self.conversation.key)?;
        let before = self.contact.timeline.nth(1 << owner, self.rank.checked_sub(1)?)?;
        Some(message_key(self.contact, before))
    }

    /// Appends the message's object.
    pub fn write(&self, out: &mut String, naming: Naming) {
        let mut body = String::with_capacity(256);
        let mut records = String::new();
        match self.conversation.channel {
            Channel::Whatsapp => whatsapp::write(self, &mut body, &mut records),
            Channel::Instagram | Channel::Messenger => {
                self.say(&mut body);
                events::write(self, &body, &mut records);
            }
            Channel::Website => self.say(&mut body),
        }
        if let Some(times) = self.contact.edited.get(&self.index) {
            put!(&mut body, " (edited {times})");
        }
        let mut fields = Fields::open(out, self.oddity(), self.key);
        fields.put("message_id", Text(self.id()));
        if naming == Naming::WithConversation {
            self.conversation.lend_id(&mut fields, self.contact.wild);
        }
        fields.put("content", Text(&body));
        fields.put("role", Text(self.role.as_str()));
        fields.put("created_at", Text(Time(self.at)));
        fields.put("message_order", self.rank + 1);
        for (field, channel) in [
            ("wa_messages", Channel::Whatsapp),
            ("instagram_messages", Channel::Instagram),
            ("messenger_messages", Channel::Messenger),
        ] {
            let members = if channel == self.conversation.channel { records.as_str() } else { "" };
            fields.put(field, format_args!("[{members}]"));
        }
        fields.close();
    }

    /// Appends what is said, as it stands between the quotes of a JSON string.
    pub fn say(&self, out: &mut String) {
        let tongue = self.contact.tongue;
        let mut scene = Dice::new(self.conversation.key, 1 + self.rank / 6);
        let script = scene.pick(tongue.scripts);
        let number = 100_000 + scene.below(900_000);
        let mut dice = Dice::new(self.key, 1);
        let turn = usize::try_from(self.rank % 6).expect("below six");
        self.fill(out, script[turn], number);
        if dice.one_in(3) {
            out.push_str(if dice.one_in(4) { "\\n\\n" } else { " " });
            let more = *dice.pick(tongue.more);
            self.fill(out, more, number);
        }
    }

    fn fill(&self, out: &mut String, line: &str, number: u64) {
        for piece in line.split_inclusive(['@', '#']) {
            if let Some(before) = piece.strip_suffix('@') {
                put!(out, "{before}{}", self.contact.first_name);
            } else if let Some(before) = piece.strip_suffix('#') {
                put!(out, "{before}{number}");
            } else {
                out.push_str(piece);
            }
        }
    }
}

/// The ID of the message with this key.
pub fn id_of(key: u64) -> Uuid {
    Uuid::new(&mut Dice::new(key, 0))
}

fn message_key(contact: &Contact, index: u64) -> u64 {
    dice::part(contact.key, index ^ (1 << 63))
}
