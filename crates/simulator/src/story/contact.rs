//! One contact with its conversations: a pure function of the seed and the contact ID.
//!
//! Its size in memory does not depend on the number of messages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::channel::Channel;

use super::canaries::Canaries;
use super::json_out::{self, OrNull, Quoted, Text, Time, Uuid};
use super::names::{AGENTS, LANGUAGES, Language};
use super::oddities::{self, Fields, Oddity, Wild};
use super::rng::{self, Rng};
use super::timeline::{MAX_CONVERSATIONS, Mask, Timeline};
use super::times::Times;

/// A contact with its conversations.
#[derive(Debug)]
pub struct Contact {
    /// The requested ID.
    pub id: String,
    /// Seed of the contact's random content.
    pub key: u64,
    /// Number of original messages.
    pub size: u64,
    /// Assignment of messages to conversations.
    pub timeline: Timeline,
    /// Times of the messages.
    pub times: Times,
    /// The conversations, in the order of their first messages. Empty without messages.
    pub conversations: Vec<Conversation>,
    /// The contact's language.
    pub language: &'static Language,
    /// First name.
    pub first_name: Cow<'static, str>,
    /// Last name, empty for some.
    pub last_name: Cow<'static, str>,
    /// Phone number without the plus sign. It is also the WhatsApp ID.
    pub phone: String,
    /// Probability and kind of oddities.
    pub wild: Wild,
    /// Probability that an outgoing message has receipts.
    pub receipts: f64,
    /// Number of edits per message, by index.
    pub edited: BTreeMap<u64, u64>,
    /// Planted personal data, if asked for.
    pub canaries: Option<Canaries>,
}

/// A conversation of a contact.
#[derive(Debug)]
pub struct Conversation {
    /// The ID.
    pub id: Uuid,
    /// Seed of the conversation's random content.
    pub key: u64,
    /// The channel.
    pub channel: Channel,
    /// `conversation_type`: the channel's name, or `whatsapp-template`.
    pub kind: &'static str,
    /// `conversation_status`.
    pub status: &'static str,
    /// Address of the assigned agent, if any.
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
        let key = rng::key(seed, id);
        let mut rng = Rng::new(key, 1);
        let language = *rng.pick(&LANGUAGES);
        let (first_name, last_name) = (*rng.pick(language.first), *rng.pick(language.last));
        let mut phone = language.prefix.to_owned();
        json_out::digits(&mut phone, &mut rng, 9);
        let most = u64::try_from(MAX_CONVERSATIONS).expect("a handful").min(size);
        // The smaller of two random numbers: most contacts have one or two conversations.
        let count = if most == 0 { 0 } else { 1 + rng.below(most).min(rng.below(most)) };
        let (sizes, overlaps) = shares(&mut rng, size, count);
        Self {
            id: id.to_owned(),
            key,
            size,
            timeline: Timeline::new(&sizes, &overlaps),
            times: Times::new(rng::part(key, 2), size),
            conversations: (0..count).map(|place| Conversation::new(rng::part(key, 16 + place))).collect(),
            language,
            first_name: first_name.into(),
            last_name: last_name.into(),
            phone,
            wild,
            receipts: 1.0,
            edited: BTreeMap::new(),
            canaries: None,
        }
    }

    /// The contact with canaries. They include its names.
    pub fn with_canaries(self) -> Self {
        let canaries = Canaries::new(self.key, &self.phone);
        let first_name = canaries.first_name.clone().into();
        let last_name = canaries.last_name.clone().into();
        Self { first_name, last_name, canaries: Some(canaries), ..self }
    }

    /// The mask of all conversations, or of those of one channel.
    pub fn mask(&self, channel: Option<Channel>) -> Mask {
        let wanted =
            |conversation: &Conversation| channel.is_none_or(|channel| channel == conversation.channel);
        let bits = self.conversations.iter().enumerate().filter(|(_, conversation)| wanted(conversation));
        bits.fold(0, |mask, (place, _)| mask | (1 << place))
    }

    /// Index of the message that no page can contain without an error, for IDs with `poison-`.
    pub fn poison(&self) -> Option<u64> {
        let poisoned = self.id.starts_with("poison-") && self.size > 0;
        poisoned.then(|| Rng::new(self.key, 4).below(self.size))
    }

    /// Appends the object of the contact. `last` is its newest message.
    pub fn write(&self, out: &mut String, owner: &str, last: Option<u64>) {
        let mut rng = Rng::new(self.key, 3);
        let (blacklisted, frozen) = (rng.one_in(40), rng.one_in(30));
        let until = frozen.then(|| Time(self.times.at(self.size) + 86_400_000));
        let mut fields = Fields::open(out, self.wild.oddity(&oddities::CONTACT, self.key), self.key);
        fields.put("contact_id", Quoted(&self.id));
        fields.put("user_email_id", Quoted(owner));
        fields.put("first_name", Text(&self.first_name));
        fields.put("last_name", Text(&self.last_name));
        fields.put("phone_number", Text(format_args!("+{}", self.phone)));
        fields.put("created_at", Text(Time(self.times.created())));
        fields.put("last_interacted_at", OrNull(last.map(|index| Time(self.times.at(index)))));
        fields.put("contact_queries", rng.below(60));
        fields.put("is_blacklisted", blacklisted);
        fields.put("is_frozen", frozen);
        fields.put("frozen_until", OrNull(until));
        if let Some(canaries) = &self.canaries {
            fields.put("profile", canaries.profile());
        }
        fields.close();
    }
}

impl Conversation {
    fn new(key: u64) -> Self {
        let mut rng = Rng::new(key, 0);
        let (id, chatbot_id) = (Uuid::new(&mut rng), Uuid::new(&mut rng));
        let (kind, channel) = *rng.pick(&KINDS);
        let assigned = !rng.one_in(3);
        let assigned_to = assigned.then(|| format!("{}@shop.example", rng.pick(&AGENTS)));
        Self { id, key, channel, kind, status: *rng.pick(&STATUSES), assigned_to, chatbot_id }
    }

    /// The oddity of the conversation, if any.
    fn oddity(&self, wild: Wild) -> Option<&'static Oddity> {
        wild.oddity(&oddities::CONVERSATION, self.key)
    }

    /// Appends the `conversation_id` to a message.
    pub fn lend_id(&self, fields: &mut Fields<'_>, wild: Wild) {
        fields.lend(self.oddity(wild), self.key, "conversation_id", Text(self.id));
    }

    /// Appends the object of the conversation. `write_messages` appends its messages.
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

/// Divides `size` messages among `count` conversations without an empty one. The second result is the overlap of neighbors.
fn shares(rng: &mut Rng, size: u64, count: u64) -> (Vec<u64>, Vec<u64>) {
    let mut left = size;
    let sizes = (0..count).map(|place| {
        let others = count - place - 1;
        let share =
            if others == 0 { left } else { 1 + rng.below((left - others).min(2 * left / (others + 1))) };
        left -= share;
        share
    });
    let sizes: Vec<u64> = sizes.collect();
    let overlaps = sizes.iter().map(|_| if rng.one_in(3) { 0 } else { rng.below(200) });
    let overlaps = overlaps.collect();
    (sizes, overlaps)
}
