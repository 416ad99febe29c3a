//! Made-up accounts in a spool.

use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::contact_id;
use crate::contact_read::{Outcome, PageRequest, Purpose, ServerBehavior, Status};
use crate::contacts::ContactList;
use crate::event::{Event, Observer};
use crate::record;
use crate::spool::{Closing, Entry, Ledger, RecordLocation, SpoolBody, Writer};

/// Messages per page.
const PER_PAGE: usize = 100;

struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: Event) {}
}

#[derive(Clone, Debug)]
pub enum Page {
    /// Messages with these numbers; `extra` names an unknown field.
    Messages { numbers: Range<usize>, conversations: usize, content: usize, records: usize, extra: u8 },
    /// A response that earlier versions accepted.
    Invalid,
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub pages: Vec<Page>,
    pub status: Status,
}

impl Contact {
    /// A history of this length, the newest page first.
    pub fn of_messages(messages: usize) -> Self {
        Self::of(messages, 20)
    }

    /// The same with messages of 5 KB.
    pub fn of_large_messages(messages: usize) -> Self {
        Self::of(messages, 5_000)
    }

    fn of(messages: usize, content: usize) -> Self {
        let pages = (0..messages).step_by(PER_PAGE).map(|start| Page::Messages {
            numbers: start..messages.min(start + PER_PAGE),
            conversations: 1,
            content,
            records: 1,
            extra: 0,
        });
        let mut pages: Vec<_> = pages.collect();
        pages.reverse();
        Self { pages, status: Status::Exported }
    }
}

fn page() -> impl Strategy<Value = Page> {
    let messages = (0..60_usize, 0..40_usize, 1..4_usize, 0..300_usize, 0..4_usize, 0..6_u8).prop_map(
        |(start, count, conversations, content, records, extra)| Page::Messages {
            numbers: start..start + count,
            conversations,
            content,
            records,
            extra,
        },
    );
    prop_oneof![20 => messages, 1 => Just(Page::Invalid)]
}

pub fn contact() -> impl Strategy<Value = Contact> {
    let status = prop_oneof![
        8 => Just(Status::Exported),
        1 => Just(Status::Failed),
        1 => Just(Status::NotFound),
        1 => Just(Status::Empty),
    ];
    (prop::collection::vec(page(), 0..4), status).prop_map(|(pages, status)| Contact { pages, status })
}

fn body(contact: usize, page: &Page) -> String {
    let Page::Messages { numbers, conversations, content, records, extra } = page else {
        return "<html>busy</html>".to_owned();
    };
    let mut texts = vec![String::new(); *conversations];
    for number in numbers.clone().rev() {
        let text = &mut texts[number % conversations];
        let comma = if text.is_empty() { "" } else { "," };
        let time = 1_763_000_000 + number * 40_000;
        let time = if number % 17 == 3 { "null".to_owned() } else { time.to_string() };
        let record = |at: usize| format!(r#"{{"id":"w{number}-{at}","status":"sent"}}"#);
        let records = (0..*records).map(record).collect::<Vec<_>>().join(",");
        write!(
            text,
            r#"{comma}{{"message_id":"c{contact}m{number}","created_at":{time},"content":"{}","odd{extra}":{number},"wa_messages":[{records}]}}"#,
            "x".repeat(*content)
        )
        .unwrap();
    }
    let conversation = |(at, messages): (usize, &String)| {
        format!(
            r#"{{"conversation_id":"c{contact}v{at}","conversation_type":"whatsapp","messages":[{messages}]}}"#
        )
    };
    let conversations = texts.iter().enumerate().map(conversation).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"data":{{"data":{{"contact":{{"contact_id":"c{contact}"}},"conversations":[{conversations}]}}}}}}"#
    )
}

fn outcome(contact: &Contact) -> Outcome {
    Outcome { status: contact.status, pages: contact.pages.len() as u64, ..Outcome::unchanged(7) }
}

/// A spool, and the records of each contact.
pub struct Spool {
    folder: TempDir,
    records: Vec<Vec<(Entry, RecordLocation, Option<String>)>>,
}

impl Spool {
    /// Spools the contacts that are due.
    pub fn new(contacts: &[Contact], is_due: impl Fn(usize) -> bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (writer, appender) = Writer::start(folder.path(), 0, Arc::new(Nobody)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let append = |entry: Entry, body: Option<String>| {
            let bytes = body.clone().map_or_else(Bytes::new, Bytes::from);
            let place = runtime.block_on(appender.append(&entry, SpoolBody::Plain(bytes))).unwrap();
            (entry, place, body)
        };
        let mut records = Vec::new();
        for (at, contact) in contacts.iter().enumerate() {
            let number = u32::try_from(at).unwrap();
            let mut own = Vec::new();
            for page in contact.pages.iter().filter(|_| is_due(at)) {
                let ask = PageRequest { offset: 0, limit: 100, overlap: 0, purpose: Purpose::Start };
                let entry = Entry::Page { contact: number, pass: None, ask, asked_at: None, at: 1 };
                own.push(append(entry, Some(body(at, page))));
            }
            if is_due(at) {
                let (outcome, learned) = (outcome(contact), ServerBehavior::default());
                let done = Entry::Done { contact: number, outcome, learned, first_page: None, messages: 0 };
                own.push(append(done, None));
            }
            records.push(own);
        }
        drop(appender);
        writer.finish().unwrap();
        Self { folder, records }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Number of contacts.
    pub fn contacts(&self) -> usize {
        self.records.len()
    }

    pub fn list(&self) -> ContactList {
        let ids: Vec<_> = (0..self.contacts()).map(contact_id).collect();
        ContactList::of_ids(&ids)
    }

    /// Enters all records and closes the ledger. The parsed pages of some contacts are in memory.
    pub fn enter_all(&self, ledger: &Ledger) {
        self.enter(ledger, 0..self.contacts());
        ledger.close(Closing::Complete);
    }

    pub fn enter(&self, ledger: &Ledger, contacts: Range<usize>) {
        for at in contacts {
            for (entry, place, body) in &self.records[at] {
                if let Some(document) = body.as_ref().filter(|_| at % 3 == 0)
                    && let Ok(document) = record::read_json(document.clone())
                {
                    ledger.recent().put(*place, Arc::new(document));
                }
                ledger.enter(entry, *place);
            }
        }
    }

    /// Location of a contact's first record.
    pub fn place(&self, contact: usize) -> RecordLocation {
        self.records[contact][0].1
    }

    /// A copy of the spool in which the first record of a contact is damaged.
    #[expect(clippy::disallowed_methods, reason = "damage is done on purpose")]
    pub fn damaged_copy(&self, contact: usize) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        let name = "seg-00000.spool";
        let mut bytes = fs::read(self.folder().join(name)).unwrap();
        let offset = usize::try_from(self.place(contact).offset).unwrap();
        bytes[offset + 20] ^= 0xff;
        fs::write(copy.path().join(name), bytes).unwrap();
        copy
    }
}
