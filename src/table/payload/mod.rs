//! Fields that Meta's platforms put into channel records. The event is found in its envelope, and its fields
//! are lifted.
//!
//! Nothing here fails. The record's `raw` keeps everything, even unrecognized fields.

mod envelope;
mod lift;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::value;
use crate::json::{Document, Value};

/// Columns that are lifted out of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lifted<'a> {
    pub(super) status: Option<Cow<'a, str>>,
    pub(super) created_at: Option<i64>,
    pub(super) event_at: Option<i64>,
    pub(super) event_type: EventType,
    pub(super) message_type: Option<Cow<'a, str>>,
    pub(super) direction: Option<Direction>,
    pub(super) platform_message_id: Option<Cow<'a, str>>,
    pub(super) related_message_id: Option<Cow<'a, str>>,
    pub(super) sender_id: Option<Cow<'a, str>>,
    pub(super) recipient_id: Option<Cow<'a, str>>,
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) template_name: Option<Cow<'a, str>>,
    pub(super) media_id: Option<Cow<'a, str>>,
    pub(super) media_url: Option<Cow<'a, str>>,
    pub(super) media_mime_type: Option<Cow<'a, str>>,
    pub(super) error_code: Option<i64>,
    pub(super) error_title: Option<Cow<'a, str>>,
    pub(super) error_details: Option<Cow<'a, str>>,
    pub(super) pricing_category: Option<Cow<'a, str>>,
}

/// Kind of event. The kinds are tried in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EventType {
    Status,
    Delivery,
    Read,
    Reaction,
    Postback,
    Edit,
    Echo,
    Message,
    SendAck,
    Referral,
    Error,
    #[default]
    Unknown,
}

impl EventType {
    /// Returns the name in the table.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Delivery => "delivery",
            Self::Read => "read",
            Self::Reaction => "reaction",
            Self::Postback => "postback",
            Self::Edit => "edit",
            Self::Echo => "echo",
            Self::Message => "message",
            Self::SendAck => "send_ack",
            Self::Referral => "referral",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// Direction of an event's message, as seen from the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    /// Returns the name in the table.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// Lifts the columns of `record`, a member of a record array. They may borrow from text that lives only
/// during the call: that of an envelope sent as a string.
pub(super) fn with_lifted<T>(record: Value<'_>, then: impl FnOnce(&Lifted<'_>) -> T) -> T {
    let envelope = envelope::Envelope::read(record);
    envelope::with_event(record, &envelope, |event| then(&lift::lift(&envelope, event)))
}

/// Facts about a record that have no column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The record reports that its message was deleted.
    pub is_deletion: bool,
    /// The record withdraws a reaction.
    pub is_withdrawal: bool,
}

/// Returns the marks of a record, given as in the column `raw`.
pub fn marks(raw: &str) -> Marks {
    let Ok(document) = Document::parse(raw) else { return Marks::default() };
    let record = document.root();
    envelope::with_event(record, &envelope::Envelope::read(record), |event| {
        let Some(event) = event else { return Marks::default() };
        let is_true = |value: Value<'_>| value::boolean(value).fitting() == Some(true);
        let is = |value: Option<Value<'_>>, text: &str| {
            value.and_then(Value::text).is_some_and(|found| found == text)
        };
        let reaction = event.reaction;
        Marks {
            is_deletion: event
                .message
                .and_then(|message| message.member("is_deleted").filter(|deleted| !deleted.is_null()))
                .is_some_and(is_true),
            is_withdrawal: reaction.is_some_and(|reaction| {
                is(reaction.member("action").filter(|action| !action.is_null()), "unreact")
                    || is(reaction.member("emoji"), "")
            }),
        }
    })
}
