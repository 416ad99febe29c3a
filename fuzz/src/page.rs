//! One answer of the API: to a page, to the rows of four tables.

use std::convert::Infallible;

use arrow::array::RecordBatch;
use chatzy_export::internals::id::ContactId;
use chatzy_export::internals::record::{
    Conversation, Message, Page, PageError, Shape, read_json, read_page, text_of,
};
use chatzy_export::internals::table::{
    Builders, ContactInput, ConversationColumns, Stamp, Table, Totals, created_at,
};
use lenient_json::{Document, Kind, Value, last_wins, push_string};

use super::kept::{Belongs, Row, assert_kept, assert_sound, is_as_sent};

const ARRAYS: [&str; 3] = ["wa_messages", "instagram_messages", "messenger_messages"];
const CONTACT: &str = "c1";

/// What reads as a page flattens, the same each time, into one row a message, with nothing dropped.
pub fn check(input: &[u8]) {
    let text = text_of(input);
    let document = match read_json(&*text) {
        Ok(document) => document,
        Err(refusal) => return check_refusal(&text, &refusal),
    };
    let page = match read_page(&document) {
        Ok(page) => page,
        Err(refusal) => return check_refusal(&text, &refusal),
    };
    let tables = flatten(&page);
    assert_eq!(tables, flatten(&read_page(&document).unwrap()), "flattening is deterministic");
    let [contacts, conversations, messages, records] = &tables;
    check_contact(&page, Row::all(contacts).next().unwrap());
    check_conversations(&page, conversations);
    check_messages(&page, messages, records);
}

/// Only what no reader takes is malformed, and what the service says is told without control characters.
fn check_refusal(text: &str, refusal: &PageError) {
    assert_eq!(matches!(refusal, PageError::Malformed(_)), Document::parse(text).is_err(), "{refusal}");
    let told = refusal.to_string();
    assert!(told.len() < 4000 && !told.contains(|c: char| c.is_control() || c == '\u{202e}'), "{told:?}");
}

/// The contacts, conversations, messages and channel records of a page.
fn flatten(page: &Page<'_>) -> [RecordBatch; 4] {
    let contact_id: ContactId = CONTACT.parse().unwrap();
    let mut builders = Builders::new(&Stamp { run_id: "run-1".parse().unwrap(), exported_at: 0 });
    let unplaced: Vec<String> = page.unplaced.iter().map(|value| value.raw().to_owned()).collect();
    let mut all = Totals::default();
    for conversation in &page.conversations {
        let mut totals = Totals::default();
        for message in &conversation.messages {
            totals.add(created_at(message));
            all.add(created_at(message));
            let columns = columns(conversation, message);
            let Ok(()) = builders.message(&contact_id, &columns, None, message, |_| Ok::<_, Infallible>(()));
        }
        builders.conversation(&contact_id, &ConversationColumns::read(conversation), totals);
    }
    builders.contact(&ContactInput {
        id: &contact_id,
        contact: page.contact,
        siblings: &page.siblings,
        unplaced: &unplaced,
        conversation_count: page.conversations.len() as u64,
        totals: all,
    });
    [Table::Contacts, Table::Conversations, Table::Messages, Table::ChannelRecords].map(|table| {
        let pending = builders.rows(table);
        let rows = builders.take(table);
        assert_eq!(rows.as_ref().map_or(0, |rows| rows.batch.num_rows()), pending);
        rows.inspect(assert_sound).map_or_else(|| RecordBatch::new_empty(table.arrow()), |rows| rows.batch)
    })
}

fn columns(conversation: &Conversation<'_>, message: &Message<'_>) -> ConversationColumns {
    match conversation.shape {
        Shape::Grouped => ConversationColumns::read(conversation),
        Shape::Flat => ConversationColumns::flat(message.conversation_id.as_deref()),
    }
}

fn check_contact(page: &Page<'_>, row: Row<'_>) {
    let belongs = |name: &str, _: Value<'_>| match name {
        "user_email_id" | "first_name" | "last_name" | "phone_number" => Belongs::Text,
        "created_at" | "last_interacted_at" | "contact_queries" | "is_blacklisted" | "is_frozen"
        | "frozen_until" => Belongs::Fitting,
        "contact_id" => Belongs::Unless(CONTACT),
        _ => Belongs::Extra,
    };
    if let Some(contact) = page.contact {
        assert_kept(contact, row, belongs);
        assert!(contact.kind() == Kind::Object || row.is_in_extra("contact", contact));
    }
    let extra = row.text("extra").map(|extra| Document::parse(extra).unwrap());
    let extra: Vec<_> = extra.iter().flat_map(|extra| extra.root().members()).collect();
    for (name, value) in &page.siblings {
        let held = extra.iter().any(|(key, held)| key.ends_with(&**name) && is_as_sent(*held, *value));
        assert!(held, "{name:?} beside the contact is dropped");
    }
    let unplaced = extra.iter().filter(|(key, _)| key.ends_with("conversations"));
    let most = unplaced.map(|(_, list)| list.elements().count()).max().unwrap_or(0);
    assert!(most >= page.unplaced.len(), "a member of conversations is dropped");
}

fn check_conversations(page: &Page<'_>, batch: &RecordBatch) {
    let with_id: Vec<_> = page.conversations.iter().filter(|c| c.id.is_some()).collect();
    assert_eq!(batch.num_rows(), with_id.len());
    let belongs = |name: &str| match name {
        "conversation_id" | "conversation_status" | "conversation_type" | "assigned_to" | "chatbot_id" => {
            Belongs::Text
        }
        "contact_id" => Belongs::Unless(CONTACT),
        _ => Belongs::Extra,
    };
    for (conversation, row) in with_id.into_iter().zip(Row::all(batch)) {
        assert_eq!(row.text("conversation_id"), conversation.id.as_deref());
        for (name, value) in &conversation.fields {
            let mut text = String::from("{");
            push_string(&mut text, name);
            text.extend([":", value.raw(), "}"]);
            assert_kept(Document::parse(&text).unwrap().root(), row, |name, _| belongs(name));
        }
    }
}

fn check_messages(page: &Page<'_>, batch: &RecordBatch, records: &RecordBatch) {
    assert_eq!(batch.num_rows(), page.message_count());
    let mut records = Row::all(records);
    let messages = page.conversations.iter().flat_map(|conversation| &conversation.messages);
    for (message, row) in messages.zip(Row::all(batch)) {
        assert!(!message.id.is_empty() && row.text("message_id") == Some(&message.id));
        assert_kept(message.value, row, |name, value| match name {
            "content" | "role" => Belongs::Text,
            "created_at" | "message_order" => Belongs::Fitting,
            "conversation_id"
            | "conversation_type"
            | "conversation_status"
            | "assigned_to"
            | "chatbot_id" => Belongs::Lent,
            "contact_id" => Belongs::Unless(CONTACT),
            "message_id" => Belongs::Elsewhere,
            name if ARRAYS.contains(&name) && matches!(value.kind(), Kind::Array | Kind::Null) => {
                Belongs::Elsewhere
            }
            _ => Belongs::Extra,
        });
        if message.value.kind() != Kind::Object {
            assert!(row.is_in_extra("message", message.value));
        }
        let mut members: Vec<_> = message.value.members().collect();
        last_wins(&mut members);
        for array in ARRAYS {
            let sent = members.iter().filter(|(name, _)| name == array);
            for member in sent.flat_map(|(_, value)| value.elements()) {
                let record = records.next().unwrap();
                assert_eq!(record.text("raw"), Some(member.raw()));
                assert_eq!(record.text("message_id"), Some(&*message.id));
            }
        }
    }
    assert!(records.next().is_none(), "a record of no message");
}
