//! The JSON object of a message, with its text and the records of its channel.

use crate::channel::Channel;

use super::content::say;
use super::json_out::{Text, Time, put};
use super::message::Message;
use super::oddities::Fields;
use super::{events, whatsapp};

/// Upper estimate of the average JSON size of a message, in bytes. It sizes buffers.
pub const AVERAGE_BYTES: usize = 850;

/// Presence of the conversation's ID in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The message has a `conversation_id`.
    WithConversation,
    /// The message has none: it is inside its conversation, or in a list without these IDs.
    Bare,
}

/// Appends the object of the message.
pub fn write(message: &Message<'_>, out: &mut String, naming: Naming) {
    let mut body = String::with_capacity(256);
    let mut records = String::new();
    match message.conversation.channel {
        Channel::Whatsapp => whatsapp::write(message, &mut body, &mut records),
        Channel::Instagram | Channel::Messenger => {
            say(message, &mut body);
            events::write(message, &body, &mut records);
        }
        Channel::Website => say(message, &mut body),
    }
    if let Some(times) = message.contact.edited.get(&message.index) {
        put!(&mut body, " (edited {times})");
    }
    let mut fields = Fields::open(out, message.oddity(), message.key);
    fields.put("message_id", Text(message.id()));
    if naming == Naming::WithConversation {
        message.conversation.lend_id(&mut fields, message.contact.wild);
    }
    fields.put("content", Text(&body));
    fields.put("role", Text(message.role.as_str()));
    fields.put("created_at", Text(Time(message.at)));
    fields.put("message_order", message.rank + 1);
    for (field, channel) in [
        ("wa_messages", Channel::Whatsapp),
        ("instagram_messages", Channel::Instagram),
        ("messenger_messages", Channel::Messenger),
    ] {
        let members = if channel == message.conversation.channel { records.as_str() } else { "" };
        fields.put(field, format_args!("[{members}]"));
    }
    fields.close();
}
