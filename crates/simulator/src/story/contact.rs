//! One contact: who it is, its conversations, and where each of its messages stands.
//!
//! A pure function of the seed and the contact ID. Nothing here grows with the number of messages.

use std::collections::BTreeMap;

use crate::channel::Channel;

use super::clock::Clock;
use super::dice::{self, Dice};
use super::ink::{self, OrNull, Quoted, Text, Time, Uuid};
use super::names::{AGENTS, TONGUES, Tongue};
use super::timeline::{MAX_CONVERSATIONS, Mask, Timeline};
use super::wild::{self, Fields, Oddity, Wild};

/// A contact with its conversations.
#[derive(Debug)]
pub struct Contact {
    /// The ID that was asked for.
    pub id: String,
    /// What all of the contact's randomness comes from.
    pub key: u64,
    /// Its messages when nothing was added or removed.
    pub size: u64,
    /// Which conversation each message belongs to.
    pub timeline: Timeline,
    /// When each message was written.
    pub clock: Clock,
    /// Its conversations, in the order of their first messages. None without messages.
    pub conversations: Vec<Conversation>,
    /// The contact's language.
    pub tongue: &'static Tongue,
    /// First name.
    pub first_name: &'static str,
    /// Last name, empty for some.
    pub last_name: &'static str,
    /// Telephone number without the plus sign, which is also its WhatsApp ID.
    pub phone: String,
    /// How odd it and what belongs to it is.
    pub wild: Wild,
    /// How often messages were edited since, by their place in time.
    pub edited: BTreeMap<u64, u64>,
}

/// A conversation of a contact.
#[derive(Debug)]
pub struct Conversation {
    /// Its ID.
    pub id: Uuid,
    /// What the conversation's own randomness comes from.
    pub key: u64,
    /// The channel it took place on.
    pub channel: Channel,
    /// `conversation_type`: the channel's name, or `whatsapp-template`.
    pub kind: &'static str,
    /// `conversation_status`.
    pub status: &'static str,
    /// The agent's address, if anyone was assigned.
    pub assigned_to: Option<String>,
    /// The bot that answers.
    pub chatbot_id: Uuid,
}

const KINDS: [(&str, Channel); 10] = [
    ("whatsapp", Channel::Whatsapp),
    ("whatsapp", Channel::Whatsapp),
    ("whatsapp", Channel::Whatsapp),
    ("whatsapp", Channel::Whatsapp),
    ("whatsapp", Channel::Whatsapp),
    ("whatsapp-template", Channel::Whatsapp),
    ("whatsapp-template", Channel::Whatsapp),
    ("instagram", Channel::Instagram),
    ("messenger", Channel::Messenger),
    ("website", Channel::Website),
];
const STATUSES: [&str; 5] = ["live", "closed", "closed", "resolved", "pending"];

impl Contact {
    /// The contact of this ID with `size` messages.
    pub fn new(seed: u64, id: &str, size: u64, wild: Wild) -> Self {
        let key = dice::key(seed, id);
        let mut dice = Dice::new(key, 1);
        let tongue = *dice.pick(&TONGUES);
        let (first_name, last_name) = (*dice.pick(tongue.first), *dice.pick(tongue.last));
        let mut phone = tongue.prefix.to_owned();
        ink::digits(&mut phone, &mut dice, 9);
        let most = u64::try_from(MAX_CONVERSATIONS).expect("a handful").min(size);
        // Of two throws the smaller: most contacts have one conversation or two.
        let count = if most == 0 { 0 } else { 1 + dice.below(most).min(dice.below(most)) };
        let (sizes, overlaps) = shares(&mut dice, size, count);
        Self {
            id: id.to_owned(),
            key,
            size,
            timeline: Timeline::new(&sizes, &overlaps),
            clock: Clock::new(dice::part(key, 2), size),
            conversations: (0..count).map(|place| Conversation::new(dice::part(key, 16 + place))).collect(),
            tongue,
            first_name,
            last_name,
            phone,
            wild,
            edited: BTreeMap::new(),
        }
    }

    /// The mask of all conversations, or of those of one channel.
    pub fn mask(&self, channel: Option<Channel>) -> Mask {
        let wanted =
            |conversation: &Conversation| channel.is_none_or(|channel| channel == conversation.channel);
        let bits = self.conversations.iter().enumerate().filter(|(_, conversation)| wanted(conversation));
        bits.fold(0, |mask, (place, _)| mask | (1 << place))
    }

    /// The place of the one message that the service chokes on, for IDs that ask for one (`poison-…`).
    pub fn poison(&self) -> Option<u64> {
        let poisoned = self.id.starts_with("poison-") && self.size > 0;
        poisoned.then(|| Dice::new(self.key, 4).below(self.size))
    }

    /// Appends the contact's object, `last` being its newest message.
    pub fn write(&self, out: &mut String, owner: &str, last: Option<u64>) {
        let mut dice = Dice::new(self.key, 3);
        let (blacklisted, frozen) = (dice.one_in(40), dice.one_in(30));
        let until = frozen.then(|| Time(self.clock.at(self.size) + 86_400_000));
        let mut fields = Fields::open(out, self.wild.oddity(&wild::CONTACT, self.key), self.key);
        fields.put("contact_id", Quoted(&self.id));
        fields.put("user_email_id", Quoted(owner));
        fields.put("first_name", Text(self.first_name));
        fields.put("last_name", Text(self.last_name));
        fields.put("phone_number", Text(format_args!("+{}", self.phone)));
        fields.put("created_at", Text(Time(self.clock.created())));
        fields.put("last_interacted_at", OrNull(last.map(|index| Time(self.clock.at(index)))));
        fields.put("contact_queries", dice.below(60));
        fields.put("is_blacklisted", blacklisted);
        fields.put("is_frozen", frozen);
        fields.put("frozen_until", OrNull(until));
        fields.close();
    }
}

impl Conversation {
    fn new(key: u64) -> Self {
        let mut dice = Dice::new(key, 0);
        let (id, chatbot_id) = (Uuid::new(&mut dice), Uuid::new(&mut dice));
        let (kind, channel) = *dice.pick(&KINDS);
        let assigned = !dice.one_in(3);
        let assigned_to = assigned.then(|| format!("{}@shop.example", dice.pick(&AGENTS)));
        Self { id, key, channel, kind, status: *dice.pick(&STATUSES), assigned_to, chatbot_id }
    }

    /// What is odd about it.
    fn oddity(&self, wild: Wild) -> Option<&'static Oddity> {
        wild.oddity(&wild::CONVERSATION, self.key)
    }

    /// Appends the `conversation_id` of a message of it.
    pub fn lend_id(&self, fields: &mut Fields<'_>, wild: Wild) {
        fields.lend(self.oddity(wild), self.key, "conversation_id", Text(self.id));
    }

    /// Appends the conversation's object, whose messages `write_messages` appends.
    pub fn write(&self, out: &mut String, wild: Wild, write_messages: impl FnOnce(&mut String)) {
        let mut fields = Fields::open(out, self.oddity(wild), self.key);
        fields.put("conversation_id", Text(self.id));
        fields.put("conversation_status", Text(self.status));
        fields.put("conversation_type", Text(self.kind));
        fields.put("assigned_to", OrNull(self.assigned_to.as_ref()));
        fields.put("chatbot_id", Text(self.chatbot_id));
        fields.put("messages", "[");
        write_messages(fields.out);
        fields.out.push(']');
        fields.close();
    }
}

/// Divides `size` messages among `count` conversations, none of them empty, and says how far neighbours overlap.
fn shares(dice: &mut Dice, size: u64, count: u64) -> (Vec<u64>, Vec<u64>) {
    let mut left = size;
    let sizes = (0..count).map(|place| {
        let others = count - place - 1;
        let share =
            if others == 0 { left } else { 1 + dice.below((left - others).min(2 * left / (others + 1))) };
        left -= share;
        share
    });
    let sizes: Vec<u64> = sizes.collect();
    let overlaps = sizes.iter().map(|_| if dice.one_in(3) { 0 } else { dice.below(200) });
    let overlaps = overlaps.collect();
    (sizes, overlaps)
}
