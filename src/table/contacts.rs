//! The contacts table: the fields of a contact, and other members of the response.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::id::ContactId;
use crate::json::{Document, Kind, Value};
use crate::record::column_text;

use super::builders::Totals;
use super::extra::{Extra, Sent, object_text, push_value};
use super::value::{boolean, int, time};
use super::{Builders, Table};

/// Source of a row of the contacts table.
#[derive(Clone, Copy, Debug)]
pub struct ContactInput<'a> {
    /// ID of the requested contact.
    pub id: &'a ContactId,
    /// Value of `data.data.contact`; `None` if missing or null.
    pub contact: Option<Value<'a>>,
    /// Other members of `data.data`.
    pub siblings: &'a [(Cow<'a, str>, Value<'a>)],
    /// JSON texts of elements of `conversations` that have no row: values that are not objects, and objects
    /// without an ID, without their messages.
    pub unplaced: &'a [String],
    /// Number of exported conversations.
    pub conversation_count: u64,
    /// Number of exported messages.
    pub totals: Totals,
}

/// Fields of a contact that have a column.
#[derive(Default)]
struct Fields<'a> {
    contact_id: Option<Sent<'a>>,
    user_email_id: Option<Value<'a>>,
    first_name: Option<Value<'a>>,
    last_name: Option<Value<'a>>,
    phone_number: Option<Value<'a>>,
    created_at: Option<Sent<'a>>,
    last_interacted_at: Option<Sent<'a>>,
    contact_queries: Option<Sent<'a>>,
    is_blacklisted: Option<Sent<'a>>,
    is_frozen: Option<Sent<'a>>,
    frozen_until: Option<Sent<'a>>,
}

impl<'a> Fields<'a> {
    fn read(contact: Value<'a>, extra: &mut Extra<'a>) -> Self {
        let mut fields = Self::default();
        if contact.kind() != Kind::Object {
            extra.add(0, "contact", contact);
        }
        for (position, (name, value)) in contact.members().enumerate() {
            let sent = Some(Sent { position, value });
            match &*name {
                "contact_id" => fields.contact_id = sent,
                "user_email_id" => fields.user_email_id = Some(value),
                "first_name" => fields.first_name = Some(value),
                "last_name" => fields.last_name = Some(value),
                "phone_number" => fields.phone_number = Some(value),
                "created_at" => fields.created_at = sent,
                "last_interacted_at" => fields.last_interacted_at = sent,
                "contact_queries" => fields.contact_queries = sent,
                "is_blacklisted" => fields.is_blacklisted = sent,
                "is_frozen" => fields.is_frozen = sent,
                "frozen_until" => fields.frozen_until = sent,
                _ => extra.add(position, name, value),
            }
        }
        fields
    }
}

impl Builders {
    /// Appends a row to the contacts table.
    pub fn contact(&mut self, input: &ContactInput<'_>) {
        let mut extra = Extra::default();
        let fields = input.contact.map(|contact| Fields::read(contact, &mut extra)).unwrap_or_default();
        extra.keep_other_id(input.id, fields.contact_id);
        let created_at = extra.fit("created_at", fields.created_at, time);
        let last_interacted_at = extra.fit("last_interacted_at", fields.last_interacted_at, time);
        let contact_queries = extra.fit("contact_queries", fields.contact_queries, int);
        let is_blacklisted = extra.fit("is_blacklisted", fields.is_blacklisted, boolean);
        let is_frozen = extra.fit("is_frozen", fields.is_frozen, boolean);
        let frozen_until = extra.fit("frozen_until", fields.frozen_until, time);
        let unplaced = unplaced_text(input.unplaced);
        let unplaced = unplaced.and_then(|text| document_of(&text));
        let members =
            with_surroundings(extra.into_members(), input.siblings, unplaced.as_ref().map(Document::root));
        let extra = object_text(&members, Table::Contacts, self.unknown());

        let table = self.table(Table::Contacts);
        table.text("contact_id", Some(input.id.as_str()));
        table.text("user_email_id", fields.user_email_id.and_then(column_text).as_deref());
        table.text("first_name", fields.first_name.and_then(column_text).as_deref());
        table.text("last_name", fields.last_name.and_then(column_text).as_deref());
        table.text("phone_number", fields.phone_number.and_then(column_text).as_deref());
        table.time("created_at", created_at);
        table.time("last_interacted_at", last_interacted_at);
        table.int("contact_queries", contact_queries);
        table.boolean("is_blacklisted", is_blacklisted);
        table.boolean("is_frozen", is_frozen);
        table.time("frozen_until", frozen_until);
        table.count("conversation_count", input.conversation_count);
        table.count("message_count", input.totals.messages);
        table.time("first_message_at", input.totals.first);
        table.time("last_message_at", input.totals.last);
        table.text("extra", extra.as_deref());
        table.end_row();
    }
}

/// Returns the unplaced conversations as the text of an array; `None` if there are none.
fn unplaced_text(unplaced: &[String]) -> Option<String> {
    if unplaced.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (index, conversation) in unplaced.iter().enumerate() {
        text.push(if index == 0 { '[' } else { ',' });
        match Document::parse(conversation) {
            Ok(document) => push_value(&mut text, document.root()),
            Err(_) => crate::json::push_string(&mut text, conversation),
        }
    }
    text.push(']');
    Some(text)
}

/// Returns the text as a value, or as a string if it may contain more than one document.
fn document_of(text: &str) -> Option<Document<'static>> {
    Document::parse(text.to_owned()).ok().or_else(|| {
        let mut quoted = String::new();
        crate::json::push_string(&mut quoted, text);
        Document::parse(quoted).ok()
    })
}

/// Returns the contact's own extra members, then those beside the contact. A repeated name gets the prefix
/// `data.`.
fn with_surroundings<'a>(
    mut members: Vec<(Cow<'a, str>, Value<'a>)>,
    siblings: &[(Cow<'a, str>, Value<'a>)],
    unplaced: Option<Value<'a>>,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    if siblings.is_empty() && unplaced.is_none() {
        return members;
    }
    let mut names: HashSet<_> = members.iter().map(|(name, _)| name.clone()).collect();
    let unplaced = unplaced.map(|value| (Cow::Borrowed("conversations"), value));
    for (mut name, value) in siblings.iter().cloned().chain(unplaced) {
        while !names.insert(name.clone()) {
            name = Cow::Owned(format!("data.{name}"));
        }
        members.push((name, value));
    }
    members
}
