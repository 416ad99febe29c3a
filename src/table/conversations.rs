//! The conversations table, and the columns that messages inherit from their conversation.

use crate::id::ContactId;
use crate::json::{Document, Value};
use crate::record::{Conversation, column_text};

use super::builders::Totals;
use super::extra::members_text;
use super::{Builders, Table};

/// The columns of a conversation. They are owned, since they outlive the page they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationColumns {
    /// The `conversation_id`. A conversation without one has no row, but its messages still inherit its
    /// columns.
    pub id: Option<String>,
    /// Status of the conversation.
    pub status: Option<String>,
    /// Type of the conversation.
    pub conversation_type: Option<String>,
    /// Person or team that the conversation is assigned to.
    pub assigned_to: Option<String>,
    /// Chatbot of the conversation.
    pub chatbot_id: Option<String>,
    /// All other members, as the text of one object.
    pub extra: Option<String>,
    contact: Option<OwnContact>,
}

/// The `contact_id` that a conversation states itself. It goes to `extra` only if it differs from the
/// requested one, which is known when the row is made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnContact {
    id: String,
    extra_without: Option<String>,
}

impl ConversationColumns {
    /// Reads a conversation of a page.
    pub fn read(conversation: &Conversation<'_>) -> Self {
        let mut columns = Self { id: conversation.id.as_deref().map(str::to_owned), ..Self::default() };
        let text = |value: Value<'_>| column_text(value).map(std::borrow::Cow::into_owned);
        let mut others = Vec::new();
        let mut contact_id = None;
        for (name, value) in &conversation.fields {
            match &**name {
                "conversation_id" => {}
                "conversation_status" => columns.status = text(*value),
                "conversation_type" => columns.conversation_type = text(*value),
                "assigned_to" => columns.assigned_to = text(*value),
                "chatbot_id" => columns.chatbot_id = text(*value),
                "contact_id" if value.is_null() => {}
                name_of_other => {
                    if name_of_other == "contact_id" {
                        contact_id = text(*value);
                    }
                    others.push((name.clone(), *value));
                }
            }
        }
        columns.extra = members_text(&others);
        columns.contact = contact_id.map(|id| {
            others.retain(|(name, _)| name != "contact_id");
            OwnContact { id, extra_without: members_text(&others) }
        });
        columns
    }

    /// Creates the conversation of messages in a flat response, of which only the ID is known.
    pub fn flat(id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..Self::default() }
    }

    fn extra_under(&self, contact_id: &ContactId) -> Option<&str> {
        match &self.contact {
            Some(own) if own.id == contact_id.as_str() => own.extra_without.as_deref(),
            _ => self.extra.as_deref(),
        }
    }
}

impl Builders {
    /// Appends a row to the conversations table, unless the conversation has no ID.
    pub fn conversation(
        &mut self,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        totals: Totals,
    ) {
        let Some(id) = &conversation.id else { return };
        let extra = conversation.extra_under(contact_id);
        if let Some(extra) = extra.and_then(|text| Document::parse(text).ok()) {
            extra.root().members().for_each(|(name, _)| self.unknown().count(Table::Conversations, &name));
        }
        let table = self.table(Table::Conversations);
        table.text("conversation_id", Some(id));
        table.text("contact_id", Some(contact_id.as_str()));
        table.text("conversation_status", conversation.status.as_deref());
        table.text("conversation_type", conversation.conversation_type.as_deref());
        table.text("assigned_to", conversation.assigned_to.as_deref());
        table.text("chatbot_id", conversation.chatbot_id.as_deref());
        table.count("message_count", totals.messages);
        table.time("first_message_at", totals.first);
        table.time("last_message_at", totals.last);
        table.text("extra", extra);
        table.end_row();
    }
}
