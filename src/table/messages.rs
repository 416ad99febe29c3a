//! The messages table. Each message is read in one pass, then its row and the rows of its channel records are
//! appended.

use std::borrow::Cow;

use crate::id::{Channel, ContactId};
use crate::json::{Kind, Value};
use crate::record::{MemberName, Message, column_text};

use super::conversations::ConversationColumns;
use super::extra::{Extra, Sent, object_text};
use super::records::{self, Owner};
use super::value::{int, time};
use super::{Builders, Table};

/// The channels that have record arrays, in the order of their records in the table.
const RECORD_CHANNELS: [Channel; 3] = [Channel::Whatsapp, Channel::Instagram, Channel::Messenger];
/// Names of the record arrays, by channel.
const RECORD_ARRAYS: [&str; 3] = ["wa_messages", "instagram_messages", "messenger_messages"];

/// Returns the creation time of the message as in its column: microseconds UTC.
pub fn created_at(message: &Message<'_>) -> Option<i64> {
    message.created_at.and_then(|value| time(value).fitting())
}

/// Returns the order of the message as in its column.
pub fn message_order(message: &Message<'_>) -> Option<i64> {
    message.message_order.and_then(|value| int(value).fitting())
}

/// The fields of a message that have a column or their own rows.
#[derive(Default)]
struct Fields<'a> {
    message_order: Option<Sent<'a>>,
    role: Option<Value<'a>>,
    content: Option<Value<'a>>,
    created_at: Option<Sent<'a>>,
    contact_id: Option<Sent<'a>>,
    conversation_id: Option<Sent<'a>>,
    conversation_type: Option<Sent<'a>>,
    conversation_status: Option<Sent<'a>>,
    assigned_to: Option<Sent<'a>>,
    chatbot_id: Option<Sent<'a>>,
    records: [Option<Sent<'a>>; 3],
}

impl<'a> Fields<'a> {
    fn read(message: Value<'a>, extra: &mut Extra<'a>) -> Self {
        let mut fields = Self::default();
        if message.kind() != Kind::Object {
            extra.add(0, "message", message);
        }
        for (position, (key, value)) in message.keyed().enumerate() {
            let sent = Some(Sent { position, value });
            match MemberName::of(key) {
                Some(MemberName::MessageId) => {}
                Some(MemberName::MessageOrder) => fields.message_order = sent,
                Some(MemberName::Role) => fields.role = Some(value),
                Some(MemberName::Content) => fields.content = Some(value),
                Some(MemberName::CreatedAt) => fields.created_at = sent,
                Some(MemberName::ContactId) => fields.contact_id = sent,
                Some(MemberName::ConversationId) => fields.conversation_id = sent,
                Some(MemberName::ConversationType) => fields.conversation_type = sent,
                Some(MemberName::ConversationStatus) => fields.conversation_status = sent,
                Some(MemberName::AssignedTo) => fields.assigned_to = sent,
                Some(MemberName::ChatbotId) => fields.chatbot_id = sent,
                Some(MemberName::WaMessages) => fields.records[0] = sent,
                Some(MemberName::InstagramMessages) => fields.records[1] = sent,
                Some(MemberName::MessengerMessages) => fields.records[2] = sent,
                _ => extra.add(position, key.name(), value),
            }
        }
        fields
    }
}

impl Builders {
    /// Appends a row to the messages table, and rows for its channel records.
    ///
    /// `requested` is the channel that the page was requested for. `flush_large` is called after every row
    /// and may take rows. A message of a few megabytes can have a million records, each with the message's
    /// IDs in its row.
    ///
    /// # Errors
    /// If `flush_large` fails. The message is then incomplete.
    pub fn message<E>(
        &mut self,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        requested: Option<Channel>,
        message: &Message<'_>,
        mut flush_large: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut extra = Extra::default();
        let fields = Fields::read(message.value, &mut extra);
        let message_order = extra.fit("message_order", fields.message_order, int);
        let created_at = extra.fit("created_at", fields.created_at, time);
        extra.keep_other_id(contact_id, fields.contact_id);
        let id = inherit(&mut extra, "conversation_id", conversation.id.as_deref(), fields.conversation_id);
        let kind = conversation.conversation_type.as_deref();
        let kind = inherit(&mut extra, "conversation_type", kind, fields.conversation_type);
        let status = conversation.status.as_deref();
        let status = inherit(&mut extra, "conversation_status", status, fields.conversation_status);
        let assigned_to = conversation.assigned_to.as_deref();
        let assigned_to = inherit(&mut extra, "assigned_to", assigned_to, fields.assigned_to);
        let chatbot_id = conversation.chatbot_id.as_deref();
        let chatbot_id = inherit(&mut extra, "chatbot_id", chatbot_id, fields.chatbot_id);
        let arrays = record_arrays(&mut extra, fields.records);
        let channel = channel(requested, arrays, kind.as_deref());
        let extra = object_text(&extra.into_members(), Table::Messages, self.unknown());

        let table = self.table(Table::Messages);
        table.text("message_id", Some(&message.id));
        table.text("conversation_id", id.as_deref());
        table.text("contact_id", Some(contact_id.as_str()));
        table.int("message_order", message_order);
        table.text("role", fields.role.and_then(column_text).as_deref());
        table.text("content", fields.content.and_then(column_text).as_deref());
        table.time("created_at", created_at);
        table.text("channel", channel.map(Channel::as_str));
        table.text("conversation_type", kind.as_deref());
        table.text("conversation_status", status.as_deref());
        table.text("assigned_to", assigned_to.as_deref());
        table.text("chatbot_id", chatbot_id.as_deref());
        table.text("extra", extra.as_deref());
        table.end_message_row(created_at);
        flush_large(self)?;

        let conversation_id = id.as_deref();
        let owner = Owner { message_id: &message.id, conversation_id, contact_id, message_time: created_at };
        for (channel, array) in RECORD_CHANNELS.into_iter().zip(arrays) {
            if let Some(array) = array {
                records::append(self, &owner, channel, array, &mut flush_large)?;
            }
        }
        Ok(())
    }
}

/// Returns the value of a column that a message inherits from its conversation. Its own value is used only if
/// the conversation has none. Otherwise a different own value goes to `extra`.
fn inherit<'a>(
    extra: &mut Extra<'a>,
    name: &'static str,
    inherited: Option<&'a str>,
    own: Option<Sent<'a>>,
) -> Option<Cow<'a, str>> {
    let stated = own.and_then(|own| column_text(own.value));
    let Some(inherited) = inherited else { return stated };
    if let Some(own) = own
        && stated.is_some_and(|stated| stated != inherited)
    {
        extra.add(own.position, name, own.value);
    }
    Some(Cow::Borrowed(inherited))
}

/// Returns the record arrays that are not empty. Other values than arrays and nulls go to `extra`.
fn record_arrays<'a>(extra: &mut Extra<'a>, sent: [Option<Sent<'a>>; 3]) -> [Option<Value<'a>>; 3] {
    let mut arrays = [None; 3];
    for ((array, name), sent) in arrays.iter_mut().zip(RECORD_ARRAYS).zip(sent) {
        let Some(sent) = sent.filter(|sent| !sent.value.is_null()) else { continue };
        if sent.value.kind() != Kind::Array {
            extra.add(sent.position, name, sent.value);
        } else if !sent.value.is_empty() {
            *array = Some(sent.value);
        }
    }
    arrays
}

fn channel(
    requested: Option<Channel>,
    arrays: [Option<Value<'_>>; 3],
    conversation_type: Option<&str>,
) -> Option<Channel> {
    let mut filled = RECORD_CHANNELS.into_iter().zip(arrays).filter(|(_, array)| array.is_some());
    let only = match (filled.next(), filled.next()) {
        (Some((channel, _)), None) => Some(channel),
        _ => None,
    };
    let named = |text: &str| Channel::ALL.into_iter().find(|channel| text.starts_with(channel.as_str()));
    requested.or(only).or_else(|| conversation_type.and_then(named))
}
