//! The messages of a page and its JSON.

use crate::channel::Channel;

use super::drift::Snapshot;
use super::options::{Grouping, Order, PageOptions, Toggle};
use super::story::render::{self, AVERAGE_BYTES, Naming};
use super::story::{Contact, Mask, Message, Rng, rng};

/// Messages per page if the request has no limit, or the limit is ignored.
const DEFAULT_LIMIT: u64 = 50;
/// The maximum limit of a request.
const MAX_LIMIT: u64 = 100;

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The contact.
    pub contact_id: String,
    /// Only messages of conversations on this channel.
    pub channel: Option<Channel>,
    /// Maximum number of messages.
    pub limit: u64,
    /// Number of messages to skip.
    pub offset: u64,
    /// The shape of the response.
    pub shape: Shape,
}

/// The shape of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Messages inside their conversations.
    Grouped,
    /// One list of messages.
    Flat,
}

impl Query {
    /// Parses a query. The error is the message of the 400 response.
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

/// Parses the limit of a query.
pub fn limit(value: &str) -> Result<u64, &'static str> {
    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or("limit must be between 1 and 100")
}

/// The indices of the messages of a page, in the order of the page.
pub fn select(options: &PageOptions, contact: &Contact, snapshot: &Snapshot, query: &Query) -> Vec<u64> {
    let (offset, limit) = bounds(options, rng::part(contact.key, 5), query.offset, query.limit);
    let slice = |mask: Mask| {
        let count = snapshot.count(mask);
        let places = (offset..offset.saturating_add(limit)).take_while(move |place| *place < count);
        places.filter_map(move |place| match options.order {
            Order::Newest => snapshot.nth(mask, count - 1 - place),
            Order::Oldest => snapshot.nth(mask, place),
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

/// Offset and limit of a page after the options are applied. `key` seeds the random short pages.
pub fn bounds(options: &PageOptions, key: u64, offset: u64, limit: u64) -> (u64, u64) {
    let offset = if options.ignore_offset { 0 } else { offset };
    let limit = if options.ignore_limit { DEFAULT_LIMIT } else { limit };
    let limit = limit.min(options.clamp.unwrap_or(limit)).max(1);
    let mut rng = Rng::new(key, offset);
    let lacks = if rng.happens(options.short_pages) { rng.below(limit) } else { 0 };
    (offset, limit - lacks)
}

/// JSON of a response with these messages.
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
    // Conversations are in the order of their first message on the page.
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
                render::write(&Message::new(contact, *index), out, Naming::Bare);
            }
        });
    }
}

fn flat(out: &mut String, contact: &Contact, page: &[u64], ids: Toggle) {
    out.push_str(",\"messages\":[");
    for (place, index) in page.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        let naming = if ids == Toggle::On { Naming::WithConversation } else { Naming::Bare };
        render::write(&Message::new(contact, *index), out, naming);
    }
}
