//! `documents.csv`: one row for each page of a transcript and each file for review platforms.

use std::borrow::Cow;

use super::bag::{Bag, Entry};
use super::person::Person;
use super::tables::CsvFile;
use super::{rsmf, transcript};
use crate::durable::StorageError;
use crate::time::format_time;

const COLUMNS: [&str; 11] = [
    "path",
    "type",
    "contact_number",
    "contact_id",
    "conversation_id",
    "cite_from",
    "cite_to",
    "messages",
    "first_message_at",
    "last_message_at",
    "sha256",
];

/// The open list.
pub(super) struct Documents(CsvFile);

/// A document of messages.
struct Document<'a> {
    entry: &'a Entry,
    kind: &'static str,
    conversation_id: Option<&'a str>,
    cites: (&'a str, &'a str),
    times: (Option<i64>, Option<i64>),
    messages: u64,
}

impl Documents {
    pub(super) fn create(bag: &Bag) -> Result<Self, StorageError> {
        CsvFile::create(bag, "data/csv/documents", COLUMNS.map(str::to_owned).to_vec()).map(Self)
    }

    /// Lists a page of a transcript.
    pub(super) fn transcript(
        &mut self,
        bag: &mut Bag,
        person: &Person,
        page: &transcript::Written,
    ) -> Result<(), StorageError> {
        let document = Document {
            entry: &page.entry,
            kind: "transcript",
            conversation_id: None,
            cites: (&page.cites.0, &page.cites.1),
            times: page.times,
            messages: page.messages,
        };
        self.add(bag, person, &document)
    }

    /// Lists a file for review platforms.
    pub(super) fn review_file(
        &mut self,
        bag: &mut Bag,
        person: &Person,
        file: &rsmf::Written,
    ) -> Result<(), StorageError> {
        let document = Document {
            entry: &file.entry,
            kind: "rsmf",
            conversation_id: file.conversation_id.as_deref(),
            cites: (&file.cites.0, &file.cites.1),
            times: file.times,
            messages: file.messages,
        };
        self.add(bag, person, &document)
    }

    fn add(&mut self, bag: &mut Bag, person: &Person, document: &Document) -> Result<(), StorageError> {
        let time = |at: Option<i64>| at.map(|at| Cow::Owned(format_time(at).to_string()));
        let number = |number: u64| Some(Cow::Owned(number.to_string()));
        self.0.write(
            bag,
            [
                Some(document.entry.path.as_str().into()),
                Some(document.kind.into()),
                number(person.number),
                Some(person.contact_id.as_str().into()),
                document.conversation_id.map(Cow::Borrowed),
                Some(document.cites.0.into()),
                Some(document.cites.1.into()),
                number(document.messages),
                time(document.times.0),
                time(document.times.1),
                Some(document.entry.sha256.as_str().into()),
            ],
        )
    }

    /// Closes the list.
    pub(super) fn finish(self, bag: &mut Bag) -> Result<(), StorageError> {
        self.0.finish(bag)
    }
}
