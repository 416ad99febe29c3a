//! The index of one contact's messages: the location and the sort key of each.
//!
//! It takes about 150 bytes per message. The index of a million messages fits in memory; their text does not.

use std::collections::HashMap;

use ahash::RandomState;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::record::{Message, Page, Shape};
use crate::settings::Window;
use crate::table::{self, ConversationColumns, Totals};

#[derive(Debug)]
pub struct IndexedMessage {
    pub conversation: u32,
    pub page: u32,
    /// Number of the value in the page's document.
    pub value: u32,
    pub created_at: Option<i64>,
    pub message_order: Option<i64>,
    id_start: usize,
    id_bytes: u32,
    /// Hash of the message, which distinguishes its versions.
    digest: u64,
}

/// A conversation, or the messages without a conversation.
#[derive(Debug)]
pub struct IndexedConversation {
    pub columns: ConversationColumns,
    pub totals: Totals,
}

/// Identity of a conversation.
#[derive(PartialEq, Eq, Hash)]
enum ConversationKey {
    Id(String),
    /// Without an ID: the text of all its columns.
    Nameless(String),
}

#[derive(Default)]
pub struct Index {
    pub messages: Vec<IndexedMessage>,
    pub conversations: Vec<IndexedConversation>,
    ids: String,
    by_id: HashMap<u128, u32, RandomState>,
    by_key: HashMap<ConversationKey, u32>,
}

impl Index {
    /// Adds the messages of a page. Of two versions of a message the one read later wins. Identical versions
    /// change nothing.
    pub fn add(&mut self, page: u32, records: &Page<'_>) {
        for conversation in &records.conversations {
            match conversation.shape {
                Shape::Grouped => {
                    let columns = ConversationColumns::read(conversation);
                    let key = match &columns.id {
                        Some(id) => ConversationKey::Id(id.clone()),
                        None => ConversationKey::Nameless(format!("{columns:?}")),
                    };
                    let nameless = columns.id.is_none().then(|| columns.clone());
                    let at = self.conversation(key, columns);
                    for message in &conversation.messages {
                        let named = nameless.as_ref().zip(message.conversation_id.as_deref());
                        let at = named.map_or(at, |(around, id)| self.named_conversation(id, around));
                        self.message(at, page, message);
                    }
                }
                Shape::Flat => {
                    for message in &conversation.messages {
                        let at = match message.conversation_id.as_deref() {
                            Some(id) => self.named_conversation(id, &ConversationColumns::flat(None)),
                            None => self.get_or_add(ConversationKey::Nameless(String::new()), || {
                                ConversationColumns::flat(None)
                            }),
                        };
                        self.message(at, page, message);
                    }
                }
            }
        }
    }

    /// The ID of a message.
    pub fn id(&self, message: &IndexedMessage) -> &str {
        self.ids.get(message.id_start..message.id_start + message.id_bytes as usize).unwrap_or_default()
    }

    /// Counts the messages of each conversation, and of all. Call it once, after the last page.
    pub fn count(&mut self) -> Totals {
        let mut all = Totals::default();
        for message in &self.messages {
            all.add(message.created_at);
            self.conversations[message.conversation as usize].totals.add(message.created_at);
        }
        all
    }

    /// The conversation's number. The columns of this page replace the known ones.
    fn conversation(&mut self, key: ConversationKey, columns: ConversationColumns) -> u32 {
        if let Some(at) = self.by_key.get(&key) {
            self.conversations[*at as usize].columns = columns;
            return *at;
        }
        self.new_conversation(key, columns)
    }

    /// The conversation that a message names, where the message is outside a conversation or in one without
    /// an ID. Known columns stay. A new conversation gets the columns `around` the message.
    fn named_conversation(&mut self, id: &str, around: &ConversationColumns) -> u32 {
        self.get_or_add(ConversationKey::Id(id.to_owned()), || {
            let mut columns = around.clone();
            columns.id = Some(id.to_owned());
            columns
        })
    }

    fn get_or_add(&mut self, key: ConversationKey, columns: impl FnOnce() -> ConversationColumns) -> u32 {
        match self.by_key.get(&key) {
            Some(at) => *at,
            None => self.new_conversation(key, columns()),
        }
    }

    fn new_conversation(&mut self, key: ConversationKey, columns: ConversationColumns) -> u32 {
        let at = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        self.conversations.push(IndexedConversation { columns, totals: Totals::default() });
        self.by_key.insert(key, at);
        at
    }

    fn message(&mut self, conversation: u32, page: u32, message: &Message<'_>) {
        let created_at = table::created_at(message);
        let raw = message.value.raw();
        let digest = xxh3_64(raw.as_bytes());
        let fingerprint = xxh3_128(message.id.as_bytes());
        let seen = self.by_id.get(&fingerprint).copied();
        if let Some(at) = seen {
            let before = &self.messages[at as usize];
            if before.digest == digest && before.conversation == conversation {
                return;
            }
        }
        let mut indexed = IndexedMessage {
            conversation,
            page,
            value: message.value.number(),
            created_at,
            message_order: table::message_order(message),
            id_start: self.ids.len(),
            id_bytes: u32::try_from(message.id.len()).unwrap_or(u32::MAX),
            digest,
        };
        if let Some(at) = seen {
            let before = &mut self.messages[at as usize];
            (indexed.id_start, indexed.id_bytes) = (before.id_start, before.id_bytes);
            *before = indexed;
        } else {
            self.ids.push_str(&message.id);
            let at = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
            self.by_id.insert(fingerprint, at);
            self.messages.push(indexed);
        }
    }

    /// Drops the messages outside the window. Call it after the last page: a later version of a message may
    /// be inside.
    pub fn drop_outside(&mut self, window: Window) {
        self.messages.retain(|message| window.holds(message.created_at));
        self.by_id = HashMap::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Index;
    use crate::json::Document;
    use crate::record::read_page;

    /// Each conversation as `ID status: messages`.
    fn conversations(page: &str) -> Vec<String> {
        let mut index = Index::default();
        index.add(0, &read_page(&Document::parse(page).unwrap()).unwrap());
        index.count();
        let line = |conversation: &super::IndexedConversation| {
            let columns = &conversation.columns;
            let status = columns.status.as_deref().unwrap_or("-");
            format!("{} {status}: {}", columns.id.as_deref().unwrap_or("-"), conversation.totals.messages)
        };
        index.conversations.iter().map(line).collect()
    }

    #[test]
    fn a_message_in_a_conversation_without_an_id_counts_for_the_one_it_names() {
        let page = r#"{"data":{"data":{"conversations":[
            {"conversation_id":"c1","conversation_status":"closed","messages":[{"message_id":"m1"}]},
            {"conversation_status":"open","messages":[
                {"message_id":"m2","conversation_id":"c1"},
                {"message_id":"m3","conversation_id":"c2"},
                {"message_id":"m4"}]}]}}}"#;
        assert_eq!(conversations(page), ["c1 closed: 2", "- open: 1", "c2 open: 1"]);
    }

    #[test]
    fn a_flat_message_counts_for_the_conversation_it_names() {
        let page = r#"{"data":{"data":{
            "conversations":[{"conversation_id":"c1","conversation_status":"open","messages":[]}],
            "messages":[
                {"message_id":"m1","conversation_id":"c1"},
                {"message_id":"m2","conversation_id":"c2"},
                {"message_id":"m3"}]}}}"#;
        assert_eq!(conversations(page), ["c1 open: 1", "c2 -: 1", "- -: 1"]);
    }
}
