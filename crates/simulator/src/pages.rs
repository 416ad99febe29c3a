//! Which messages a request gets, and the JSON text of the page.

use crate::channel::Channel;

use super::drift::Living;
use super::options::{Grouping, Order, PageOptions, Toggle};
use super::story::message::{AVERAGE_BYTES, Naming};
use super::story::{Contact, Dice, Mask, Message, dice};

/// Messages of an answer when no limit was asked for, or it is ignored.
const DEFAULT_LIMIT: u64 = 50;
/// The greatest limit that may be asked for.
const MAX_LIMIT: u64 = 100;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose messages.
    pub contact_id: String,
    /// Only those of conversations on this channel.
    pub channel: Option<Channel>,
    /// At most so many.
    pub limit: u64,
    /// After so many.
    pub offset: u64,
    /// The shape of the answer.
    pub shape: Shape,
}

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Messages inside their conversations.
    Grouped,
    /// One list of messages.
    Flat,
}

impl Query {
    /// Reads the query, or says what is wrong with it.
    pub fn parse(query: &str) -> Result<Self, &'static str> {
        let mut parsed = Self {
            contact_id: String::new(),
            channel: None,
            limit: DEFAULT_LIMIT,
            offset: 0,
            shape: Shape::Grouped,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "contact_id" => parsed.contact_id = value.into_owned(),
                "channel" => {
                    let unknown = "channel must be whatsapp, instagram, messenger or website";
                    parsed.channel = Some(Channel::named(&value).ok_or(unknown)?);
                }
                "limit" => parsed.limit = limit(&value)?,
                "offset" => parsed.offset = value.parse().map_err(|_| "offset must be 0 or more")?,
                "grouped_conversations" if value.eq_ignore_ascii_case("false") => parsed.shape = Shape::Flat,
                _ => {}
            }
        }
        if parsed.contact_id.is_empty() { Err("contact_id is required") } else { Ok(parsed) }
    }
}

/// Reads a limit of either list.
pub fn limit(value: &str) -> Result<u64, &'static str> {
    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or("limit must be between 1 and 100")
}

/// The messages of a page, in its order, by their places in time.
pub fn select(options: &PageOptions, contact: &Contact, living: &Living, query: &Query) -> Vec<u64> {
    let (offset, limit) = bounds(options, dice::part(contact.key, 5), query.offset, query.limit);
    let slice = |mask: Mask| {
        let count = living.count(mask);
        let places = (offset..offset.saturating_add(limit)).take_while(move |place| *place < count);
        places.filter_map(move |place| match options.order {
            Order::Newest => living.nth(mask, count - 1 - place),
            Order::Oldest => living.nth(mask, place),
        })
    };
    let mask = contact.mask(query.channel);
    if options.per_conversation {
        let conversations = (0..contact.conversations.len()).map(|place| 1 << place);
        conversations.filter(|one| mask & one != 0).flat_map(slice).collect()
    } else {
        slice(mask).collect()
    }
}

/// Where a page begins and how much it holds at most, of what was asked for. Its chances follow from `key`.
pub fn bounds(options: &PageOptions, key: u64, offset: u64, limit: u64) -> (u64, u64) {
    let offset = if options.ignore_offset { 0 } else { offset };
    let limit = if options.ignore_limit { DEFAULT_LIMIT } else { limit };
    let limit = limit.min(options.clamp.unwrap_or(limit)).max(1);
    let mut dice = Dice::new(key, offset);
    let lacks = if dice.happens(options.short_pages) { dice.below(limit) } else { 0 };
    (offset, limit - lacks)
}

/// The JSON text of an answer with these messages.
pub fn write(
    options: &PageOptions,
    contact: &Contact,
    last: Option<u64>,
    page: &[u64],
    shape: Shape,
    owner: &str,
) -> String {
    let mut out = String::with_capacity(AVERAGE_BYTES * page.len() + 1000);
    out.push_str("{\"data\":{\"data\":{\"contact\":");
    contact.write(&mut out, owner, last);
    let shape = match options.grouping {
        Grouping::Asked => shape,
        Grouping::Always => Shape::Grouped,
        Grouping::Never => Shape::Flat,
    };
    match shape {
        Shape::Grouped => grouped(&mut out, contact, page),
        Shape::Flat => flat(&mut out, contact, page, options.flat_ids),
    }
    out.push_str("]}}}");
    out
}

fn grouped(out: &mut String, contact: &Contact, page: &[u64]) {
    out.push_str(",\"conversations\":[");
    // Conversations come in the order in which the page first touches them.
    let mut owners: Vec<usize> = Vec::new();
    for index in page {
        let owner = contact.timeline.owner(*index);
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    for (place, owner) in owners.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        contact.conversations[*owner].write(out, contact.wild, |out| {
            let mut comma = "";
            for index in page.iter().filter(|index| contact.timeline.owner(**index) == *owner) {
                out.push_str(comma);
                comma = ",";
                Message::new(contact, *index).write(out, Naming::Bare);
            }
        });
    }
}

fn flat(out: &mut String, contact: &Contact, page: &[u64], ids: Toggle) {
    out.push_str(",\"messages\":[");
    for (place, index) in page.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        let message = Message::new(contact, *index);
        message.write(out, if ids == Toggle::On { Naming::WithConversation } else { Naming::Bare });
    }
}
