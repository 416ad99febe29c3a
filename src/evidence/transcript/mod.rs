//! The transcript of a contact: pages of HTML for people.
//!
//! A page has at most [`PAGE`] messages: a browser shows and prints it in seconds. Pages run no script and send no
//! request. Messages are in the order of the tables: by conversation, then by time.

pub(super) mod clock;
mod index;
mod lines;
mod message;
mod page;

use super::bag::{Bag, Entry};
use super::message::Message;
use super::person::Person;
use crate::durable::StorageError;
use clock::Clock;
pub(super) use index::Contents;
pub(super) use message::sender;
use page::Page;

/// Messages of a page.
const PAGE: u64 = 1000;
/// Style of all pages of a package.
pub(super) const STYLE: &str = include_str!("style.css");

/// Facts that every page names.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Reference of the case.
    pub(super) reference: Option<String>,
    /// ID of the package.
    pub(super) package_id: String,
}

/// A page that was written.
pub(super) struct Written {
    pub(super) entry: Entry,
    pub(super) cites: (String, String),
    pub(super) times: (Option<i64>, Option<i64>),
    pub(super) messages: u64,
}

/// Writes the pages of one contact.
pub(super) struct Transcript<'a> {
    origin: &'a Origin,
    person: &'a Person,
    clock: &'a Clock,
    page: Page,
    number: u64,
    pub(super) written: Vec<Written>,
}

impl<'a> Transcript<'a> {
    pub(super) fn new(origin: &'a Origin, person: &'a Person, clock: &'a Clock) -> Self {
        Self { origin, person, clock, page: Page::default(), number: 1, written: Vec::new() }
    }

    /// Appends a message.
    pub(super) fn push(&mut self, bag: &mut Bag, message: &Message) -> Result<(), StorageError> {
        if self.page.messages == PAGE {
            self.flush(bag)?;
            self.number += 1;
        }
        self.page.push(message, self.person, self.clock);
        Ok(())
    }

    /// Writes the last page. A contact without messages has one page, too.
    pub(super) fn finish(mut self, bag: &mut Bag) -> Result<Vec<Written>, StorageError> {
        self.flush(bag)?;
        Ok(self.written)
    }

    fn flush(&mut self, bag: &mut Bag) -> Result<(), StorageError> {
        let page = std::mem::take(&mut self.page);
        let pages = self.person.messages.div_ceil(PAGE).max(1);
        let text = page.document(self.origin, self.person, self.clock, (self.number, pages));
        let path = format!("{}/page-{:03}.html", self.person.folder(), self.number);
        let entry = bag.write(&path, text.as_bytes())?;
        let Page { first_cite, last_cite, times, messages, .. } = page;
        self.written.push(Written { entry, cites: (first_cite, last_cite), times, messages });
        Ok(())
    }
}
