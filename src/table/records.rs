//! The channel records table: one row per member of a message's record arrays.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::id::{Channel, ContactId};
use crate::json::Value;
use crate::record::{ShortDigest, short_digest};

use super::columns::TableBuilder;
use super::payload::{Lifted, with_lifted};
use super::{Builders, Table};

/// Capacity of the buffer for hashed text that is kept between two messages, in bytes.
const KEPT_HASHED: usize = 64 << 10;

/// The message whose records are appended.
pub(super) struct Owner<'a> {
    pub(super) message_id: &'a str,
    pub(super) conversation_id: Option<&'a str>,
    pub(super) contact_id: &'a ContactId,
    pub(super) message_time: Option<i64>,
}

/// Appends a row per member of `array`, and calls `flush_large` after each.
pub(super) fn append<E>(
    builders: &mut Builders,
    owner: &Owner<'_>,
    channel: Channel,
    array: Value<'_>,
    flush_large: &mut impl FnMut(&mut Builders) -> Result<(), E>,
) -> Result<(), E> {
    let mut before = Before::default();
    let mut hashed = std::mem::take(builders.hashed());
    for (index, member) in array.elements().enumerate() {
        let equal_before = before.equal_to(member.raw());
        let id = record_id(owner.message_id, channel, member.raw(), equal_before, &mut hashed);
        let table = builders.table(Table::ChannelRecords);
        with_lifted(member, |lifted| {
            append_row(table, owner, channel, &Row { id: &id, index, member, lifted });
        });
        flush_large(builders)?;
    }
    hashed.clear();
    hashed.shrink_to(KEPT_HASHED);
    *builders.hashed() = hashed;
    Ok(())
}

struct Row<'a> {
    id: &'a str,
    index: usize,
    member: Value<'a>,
    lifted: &'a Lifted<'a>,
}

fn append_row(table: &mut TableBuilder, owner: &Owner<'_>, channel: Channel, row: &Row<'_>) {
    let lifted = row.lifted;
    table.text("record_id", Some(row.id));
    table.text("message_id", Some(owner.message_id));
    table.text("conversation_id", owner.conversation_id);
    table.text("contact_id", Some(owner.contact_id.as_str()));
    table.text("channel", Some(channel.as_str()));
    table.count("record_index", row.index as u64);
    table.text("status", lifted.status.as_deref());
    table.time("created_at", lifted.created_at);
    table.time("event_at", lifted.event_at);
    table.text("event_type", Some(lifted.event_type.as_str()));
    table.text("message_type", lifted.message_type.as_deref());
    table.text("direction", lifted.direction.map(super::payload::Direction::as_str));
    table.text("platform_message_id", lifted.platform_message_id.as_deref());
    table.text("related_message_id", lifted.related_message_id.as_deref());
    table.text("sender_id", lifted.sender_id.as_deref());
    table.text("recipient_id", lifted.recipient_id.as_deref());
    table.text("text", lifted.text.as_deref());
    table.text("template_name", lifted.template_name.as_deref());
    table.text("media_id", lifted.media_id.as_deref());
    table.text("media_url", lifted.media_url.as_deref());
    table.text("media_mime_type", lifted.media_mime_type.as_deref());
    table.int("error_code", lifted.error_code);
    table.text("error_title", lifted.error_title.as_deref());
    table.text("error_details", lifted.error_details.as_deref());
    table.text("pricing_category", lifted.pricing_category.as_deref());
    table.text("raw", Some(row.member.raw()));
    table.end_message_row(owner.message_time);
}

/// Returns an ID that is equal for equal records, even if more records follow. `text` is a buffer.
fn record_id(
    message_id: &str,
    channel: Channel,
    raw: &str,
    equal_before: usize,
    text: &mut Vec<u8>,
) -> ShortDigest {
    const SEPARATOR: u8 = 0x1f;
    // Hashed as one piece, since each update of the hash takes a few dozen nanoseconds.
    text.clear();
    for part in [message_id, channel.as_str(), raw] {
        text.extend_from_slice(part.as_bytes());
        text.push(SEPARATOR);
    }
    // Nearly all records differ from the previous ones.
    let number: Cow<'_, str> = if equal_before == 0 { "0".into() } else { equal_before.to_string().into() };
    text.extend_from_slice(number.as_bytes());
    short_digest(text)
}

/// Earlier members of an array.
#[derive(Default)]
struct Before<'a> {
    few: [&'a str; FEW],
    count: usize,
    many: HashMap<&'a str, usize>,
}

/// From this number of members, a hash map is faster than comparing them all.
const FEW: usize = 16;

impl<'a> Before<'a> {
    /// Returns the number of earlier equal records, and adds `raw` to them.
    fn equal_to(&mut self, raw: &'a str) -> usize {
        if let Some(free) = self.few.get_mut(self.count) {
            *free = raw;
            let equal = self.few.iter().take(self.count).filter(|before| **before == raw).count();
            self.count += 1;
            return equal;
        }
        if self.many.is_empty() {
            for before in &self.few {
                *self.many.entry(before).or_default() += 1;
            }
        }
        let count = self.many.entry(raw).or_default();
        *count += 1;
        *count - 1
    }
}
