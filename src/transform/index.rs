//! The index of one contact's messages: which there are, where each stands, and what it sorts by.
//!
//! About 150 bytes a message, so that a history of a million fits in memory while its text does not.

use std::collections::HashMap;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::record::{Message, Page, Shape};
use crate::settings::Window;
use crate::table::{self, ConversationColumns, Totals};

/// One message.
#[derive(Debug)]
pub struct Indexed {
    pub conversation: u32,
    pub page: u32,
    /// Its number in the page's document.
    pub value: u32,
    pub created_at: Option<i64>,
    pub message_order: Option<i64>,
    id_start: usize,
    id_bytes: u32,
    /// Tells versions of one message apart.
    digest: u64,
}

/// One conversation, or the messages that share the lack of one.
#[derive(Debug)]
pub struct Conversation {
    pub columns: ConversationColumns,
    pub totals: Totals,
}

/// What makes conversations the same.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Id(String),
    /// Without an id: told apart by what else is known of them.
    Nameless(String),
}

/// The index.
#[derive(Default)]
pub struct Index {
    pub messages: Vec<Indexed>,
    pub conversations: Vec<Conversation>,
    ids: String,
    by_id: HashMap<u128, u32>,
    by_key: HashMap<Key, u32>,
}

impl Index {
    /// Takes a page's messages in. Of two versions of a message the later read wins; an identical one changes nothing.
    pub fn add(&mut self, page: u32, records: &Page<'_>) {
        for conversation in &records.conversations {
            match conversation.shape {
                Shape::Grouped => {
                    let columns = ConversationColumns::read(conversation);
                    let key = match &columns.id {
                        Some(id) => Key::Id(id.clone()),
                        None => Key::Nameless(format!("{columns:?}")),
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
                            None => self
                                .known_or(Key::Nameless(String::new()), || ConversationColumns::flat(None)),
                        };
                        self.message(at, page, message);
                    }
                }
            }
        }
    }

    /// The id of a message.
    pub fn id(&self, message: &Indexed) -> &str {
        self.ids.get(message.id_start..message.id_start + message.id_bytes as usize).unwrap_or_default()
    }

    /// Counts the messages of each conversation and of all; to be called when all pages are in.
    pub fn count(&mut self) -> Totals {
        let mut all = Totals::default();
        for message in &self.messages {
            all.add(message.created_at);
            self.conversations[message.conversation as usize].totals.add(message.created_at);
        }
        all
    }

    /// The conversation's number; what is known of it is replaced by what this page says.
    fn conversation(&mut self, key: Key, columns: ConversationColumns) -> u32 {
        if let Some(at) = self.by_key.get(&key) {
            self.conversations[*at as usize].columns = columns;
            return *at;
        }
        self.new_conversation(key, columns)
    }

    /// The conversation that a message names itself, standing in none or in one without an id. What is known of it
    /// is not replaced; where nothing is, what stood around the message is the best there is.
    fn named_conversation(&mut self, id: &str, around: &ConversationColumns) -> u32 {
        self.known_or(Key::Id(id.to_owned()), || {
            let mut columns = around.clone();
            columns.id = Some(id.to_owned());
            columns
        })
    }

    fn known_or(&mut self, key: Key, columns: impl FnOnce() -> ConversationColumns) -> u32 {
        match self.by_key.get(&key) {
            Some(at) => *at,
            None => self.new_conversation(key, columns()),
        }
    }

    fn new_conversation(&mut self, key: Key, columns: ConversationColumns) -> u32 {
        let at = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        self.conversations.push(Conversation { columns, totals: Totals::default() });
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
        let mut indexed = Indexed {
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

    /// Drops the messages outside the window. They were needed until now: a later version may have moved into it.
    pub fn keep(&mut self, window: Window) {
        self.messages.retain(|message| window.holds(message.created_at));
        self.by_id = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::Index;
    use crate::json::Document;
    use crate::record::read_page;

    /// Each conversation as `id status: messages`.
    fn conversations(page: &str) -> Vec<String> {
        let mut index = Index::default();
        index.add(0, &read_page(&Document::parse(page).unwrap()).unwrap());
        index.count();
        let line = |conversation: &super::Conversation| {
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
