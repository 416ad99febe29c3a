//! The index of the spool, in memory: which records each contact has, and whether its last word is there.
//!
//! Fetch enters records as they are written; build waits here for the next contact in the order of the input. It holds
//! places only: four bytes for each contact, and 11 for each of its pages and for its last word.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::settled::{Settled, Start};
use super::{Entry, Pass, Recent, RecordLocation};

/// A page of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpooledPage {
    /// The read it belongs to.
    pub pass: Pass,
    /// Where it stands.
    pub place: RecordLocation,
}

/// What there is new of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactUpdate {
    /// More pages, in the order they were taken in, which is that of the history and not of time where some were asked for
    /// ahead of their turn: so which of two versions of a message counts as the later does not depend on timing.
    Pages(Vec<SpooledPage>),
    /// Its last word: the record of how it ended.
    Done(RecordLocation),
}

#[derive(Debug)]
struct Inner {
    /// Where the records of each contact begin in `settled`. There may be millions, so it is four bytes.
    starts: Vec<Start>,
    /// The pages of the contacts that are being read.
    open: HashMap<u32, Vec<SpooledPage>>,
    /// The last words, and the pages of all other contacts.
    settled: Settled,
    /// Pages before this one belong to a read that was given up; they count as read, but paging began anew after them.
    /// Few contacts have any.
    current_from: HashMap<u32, u32>,
    closing: Option<Closing>,
    /// The contact that build waits for.
    awaited: Option<u32>,
    /// How far build has come: a contact below this that is opened again makes it start over.
    built: usize,
    overtaken: bool,
}

impl Inner {
    fn start(&self, contact: u32) -> Start {
        self.starts.get(contact as usize).copied().unwrap_or_default()
    }

    /// Number of pages of the contact.
    fn count(&self, contact: u32) -> usize {
        self.open.get(&contact).map_or_else(|| self.settled.pages(self.start(contact)).count(), Vec::len)
    }

    /// The contact's pages from this one on.
    fn pages(&self, contact: u32, from: usize) -> Vec<SpooledPage> {
        match self.open.get(&contact) {
            Some(pages) => pages.get(from..).unwrap_or_default().to_vec(),
            None => self.settled.pages(self.start(contact)).skip(from).collect(),
        }
    }

    /// The record of the contact's last word.
    fn done(&self, contact: u32) -> Option<RecordLocation> {
        self.settled.done(self.start(contact))
    }

    fn add(&mut self, contact: u32, page: SpooledPage) {
        if contact as usize >= self.starts.len() {
            return;
        }
        if !self.open.contains_key(&contact) {
            let settled = self.pages(contact, 0);
            self.open.insert(contact, settled);
        }
        self.open.entry(contact).or_default().push(page);
    }

    fn settle(&mut self, contact: u32, done: RecordLocation) {
        let before = self.start(contact);
        let Some(start) = self.starts.get_mut(contact as usize) else { return };
        match self.open.remove(&contact) {
            // What stood of it there before, if it is read a second time, stays behind.
            Some(pages) => *start = self.settled.push(done, &pages),
            None if before != Start::default() => self.settled.replace_done(before, done),
            None => *start = self.settled.push(done, &[]),
        }
    }

    fn reopen(&mut self, contact: u32) {
        if contact as usize >= self.starts.len() {
            return;
        }
        let pages = u32::try_from(self.count(contact)).unwrap_or(u32::MAX);
        self.settled.withdraw(self.start(contact));
        self.current_from.insert(contact, pages);
        self.overtaken |= (contact as usize) < self.built;
    }
}

/// Why no more records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// All contacts have their last word.
    Complete,
    /// The run has stopped before that.
    Stopped,
}

/// The index.
#[derive(Debug)]
pub struct Ledger {
    inner: Mutex<Inner>,
    changed: Condvar,
    recent: Recent,
}

impl Ledger {
    /// An index for this many contacts, with no records.
    pub fn new(contacts: usize) -> Self {
        let inner = Inner {
            starts: vec![Start::default(); contacts],
            open: HashMap::new(),
            settled: Settled::default(),
            current_from: HashMap::new(),
            closing: None,
            awaited: None,
            built: 0,
            overtaken: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), recent: Recent::default() }
    }

    /// The pages that are still in memory.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Enters a record. One for a contact that is not in the input changes nothing.
    pub fn enter(&self, entry: &Entry, place: RecordLocation) {
        let mut inner = self.lock();
        let (Entry::Page { contact, .. } | Entry::Done { contact, .. } | Entry::Reopened { contact }) = entry;
        let is_awaited = inner.awaited == Some(*contact);
        match entry {
            Entry::Page { pass, .. } => inner.add(*contact, SpooledPage { pass: *pass, place }),
            Entry::Done { .. } => inner.settle(*contact, place),
            Entry::Reopened { .. } => inner.reopen(*contact),
        }
        drop(inner);
        // Build waits for one contact at a time; all others would wake it for nothing.
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Takes back the last word of a contact that had failed, so that it is read on from where it was.
    pub fn retry_failed(&self, contact: u32) {
        let mut inner = self.lock();
        let start = inner.start(contact);
        inner.settled.withdraw(start);
    }

    /// Whether the contact has its last word.
    pub fn is_done(&self, contact: u32) -> bool {
        self.lock().done(contact).is_some()
    }

    /// The pages of the contact's current read, which a resumed run pages on from.
    pub fn current_pages(&self, contact: u32) -> Vec<SpooledPage> {
        let inner = self.lock();
        let from = inner.current_from.get(&contact).copied().unwrap_or(0);
        inner.pages(contact, from as usize)
    }

    /// How many pages the contact has.
    pub fn page_count(&self, contact: u32) -> u64 {
        self.lock().count(contact) as u64
    }

    /// Waits for what there is of the contact beyond so many pages. `None` when the run has stopped before it came.
    pub fn wait_for(&self, contact: u32, known: usize) -> Option<ContactUpdate> {
        let mut inner = self.lock();
        loop {
            if inner.closing == Some(Closing::Stopped) {
                return None;
            }
            if contact as usize >= inner.starts.len() {
                return None;
            }
            let pages = inner.pages(contact, known);
            if !pages.is_empty() {
                return Some(ContactUpdate::Pages(pages));
            }
            if let Some(done) = inner.done(contact) {
                inner.built = inner.built.max(contact as usize + 1);
                return Some(ContactUpdate::Done(done));
            }
            if inner.closing.is_some() {
                return None;
            }
            self.recent.set_build_waits(true);
            inner.awaited = Some(contact);
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.awaited = None;
            self.recent.set_build_waits(false);
        }
    }

    /// The record of the contact's last word, if it has one.
    pub fn done(&self, contact: u32) -> Option<RecordLocation> {
        self.lock().done(contact)
    }

    /// No more records come: who waits for one is told.
    pub fn close(&self, closing: Closing) {
        let mut inner = self.lock();
        // A stop overrides: build may have heard that all is there, and is to stop all the same.
        if inner.closing.is_none() || closing == Closing::Stopped {
            inner.closing = Some(closing);
        }
        drop(inner);
        self.changed.notify_all();
    }

    /// Waits until no more records come; says why.
    pub fn wait_for_closing(&self) -> Closing {
        let mut inner = self.lock();
        loop {
            if let Some(closing) = inner.closing {
                return closing;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a contact that build had seen was opened again after: it then starts over. Asking resets it.
    pub fn take_overtaken(&self) -> bool {
        let mut inner = self.lock();
        inner.built = 0;
        std::mem::take(&mut inner.overtaken)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while holding it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
