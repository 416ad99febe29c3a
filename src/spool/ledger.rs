//! The index of the spool, in memory: the records of each contact, and whether its outcome is spooled.
//!
//! Fetch enters records as they are written. Transform waits here for contacts: each of its threads for one, in
//! about the order of the input. The index holds locations only: four bytes per contact, and 11 per page and
//! per outcome.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::finished::{FinishedRecords, Start};
use super::{Entry, Pass, Recent, RecordLocation};

/// A page of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpooledPage {
    /// Pass that the page belongs to.
    pub pass: Pass,
    /// Location of the page.
    pub place: RecordLocation,
}

/// News of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactUpdate {
    /// More pages, in the order of the history. Prefetched pages may have arrived earlier, but their order is
    /// the same. So the later one of two versions of a message does not depend on timing.
    Pages(Vec<SpooledPage>),
    /// Location of the contact's outcome.
    ContactFinished(RecordLocation),
}

#[derive(Debug)]
struct Inner {
    /// Start of each contact's records in `finished`. There may be millions of contacts, so it takes four
    /// bytes.
    starts: Vec<Start>,
    /// The pages of the contacts that are being read.
    open: HashMap<u32, Vec<SpooledPage>>,
    /// The outcomes, and the pages of all other contacts.
    finished: FinishedRecords,
    /// First page of the current read, for the few contacts that were read again. Earlier pages still count
    /// as read.
    current_from: HashMap<u32, u32>,
    closing: Option<Closing>,
    /// The waiting threads of transform.
    waiting: Vec<Waiting>,
    /// Contacts that transform has taken, as bits. If one of them is read again, transform starts over.
    taken: Vec<u64>,
    overtaken: bool,
}

/// A thread that waits for news of a contact.
#[derive(Debug)]
struct Waiting {
    contact: u32,
    news: Arc<Condvar>,
}

impl Inner {
    fn start(&self, contact: u32) -> Start {
        self.starts.get(contact as usize).copied().unwrap_or_default()
    }

    /// Number of pages of the contact.
    fn count(&self, contact: u32) -> usize {
        self.open.get(&contact).map_or_else(|| self.finished.pages(self.start(contact)).count(), Vec::len)
    }

    /// The contact's pages from this one on.
    fn pages(&self, contact: u32, from: usize) -> Vec<SpooledPage> {
        match self.open.get(&contact) {
            Some(pages) => pages.get(from..).unwrap_or_default().to_vec(),
            None => self.finished.pages(self.start(contact)).skip(from).collect(),
        }
    }

    /// Location of the contact's outcome.
    fn done(&self, contact: u32) -> Option<RecordLocation> {
        self.finished.done(self.start(contact))
    }

    fn add(&mut self, contact: u32, page: SpooledPage) {
        if contact as usize >= self.starts.len() {
            return;
        }
        if !self.open.contains_key(&contact) {
            let finished = self.pages(contact, 0);
            self.open.insert(contact, finished);
        }
        self.open.entry(contact).or_default().push(page);
    }

    fn finish(&mut self, contact: u32, done: RecordLocation) {
        let before = self.start(contact);
        let Some(start) = self.starts.get_mut(contact as usize) else { return };
        match self.open.remove(&contact) {
            // The records of an earlier read stay in the list, unused.
            Some(pages) => *start = self.finished.push(done, &pages),
            None if before != Start::default() => self.finished.replace_done(before, done),
            None => *start = self.finished.push(done, &[]),
        }
    }

    fn reopen(&mut self, contact: u32) {
        if contact as usize >= self.starts.len() {
            return;
        }
        let pages = u32::try_from(self.count(contact)).unwrap_or(u32::MAX);
        self.finished.withdraw(self.start(contact));
        self.current_from.insert(contact, pages);
        let (word, bit) = taken_bit(contact);
        self.overtaken |= self.taken.get(word).is_some_and(|bits| bits & bit != 0);
    }

    fn take(&mut self, contact: u32) {
        let (word, bit) = taken_bit(contact);
        if word >= self.taken.len() {
            self.taken.resize(word + 1, 0);
        }
        self.taken[word] |= bit;
    }
}

/// The word and the bit of a contact in a set of bits.
fn taken_bit(contact: u32) -> (usize, u64) {
    ((contact / u64::BITS) as usize, 1 << (contact % u64::BITS))
}

/// Reason for the end of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// All contacts are finished.
    Complete,
    /// The run stopped earlier.
    Stopped,
}

/// The index of a spool.
#[derive(Debug)]
pub struct Ledger {
    inner: Mutex<Inner>,
    /// Notified at the end of the records.
    changed: Condvar,
    recent: Recent,
}

impl Ledger {
    /// An empty index for this number of contacts.
    pub fn new(contacts: usize) -> Self {
        let inner = Inner {
            starts: vec![Start::default(); contacts],
            open: HashMap::new(),
            finished: FinishedRecords::default(),
            current_from: HashMap::new(),
            closing: None,
            waiting: Vec::new(),
            taken: Vec::new(),
            overtaken: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), recent: Recent::default() }
    }

    /// The pages that are still in memory.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Enters a record. A record of a contact that is not in the input is ignored.
    pub fn enter(&self, entry: &Entry, place: RecordLocation) {
        let mut inner = self.lock();
        let (Entry::Page { contact, .. } | Entry::Done { contact, .. } | Entry::Reopened { contact }) = entry;
        match entry {
            Entry::Page { pass, .. } => inner.add(*contact, SpooledPage { pass: *pass, place }),
            Entry::Done { .. } => inner.finish(*contact, place),
            Entry::Reopened { .. } => inner.reopen(*contact),
        }
        // Each thread waits for one contact. News of others need not wake it.
        for waiting in inner.waiting.iter().filter(|waiting| waiting.contact == *contact) {
            waiting.news.notify_all();
        }
    }

    /// Withdraws the outcome of a failed contact, so that its read continues.
    pub fn retry_failed(&self, contact: u32) {
        let mut inner = self.lock();
        let start = inner.start(contact);
        inner.finished.withdraw(start);
    }

    /// True if the contact is finished.
    pub fn is_done(&self, contact: u32) -> bool {
        self.lock().done(contact).is_some()
    }

    /// Pages of the contact's current read. A resumed run continues after them.
    pub fn current_pages(&self, contact: u32) -> Vec<SpooledPage> {
        let inner = self.lock();
        let from = inner.current_from.get(&contact).copied().unwrap_or(0);
        inner.pages(contact, from as usize)
    }

    /// Number of pages of the contact.
    pub fn page_count(&self, contact: u32) -> u64 {
        self.lock().count(contact) as u64
    }

    /// Waits for news of the contact after its first `known` pages. Returns `None` if the run stops first, or
    /// once `stop` is true; call [`Self::wake`] after setting it.
    pub fn wait_for(&self, contact: u32, known: usize, stop: &AtomicBool) -> Option<ContactUpdate> {
        let mut inner = self.lock();
        loop {
            if inner.closing == Some(Closing::Stopped) || stop.load(Ordering::Relaxed) {
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
                inner.take(contact);
                return Some(ContactUpdate::ContactFinished(done));
            }
            if inner.closing.is_some() {
                return None;
            }
            self.recent.begin_wait();
            let news = Arc::new(Condvar::new());
            inner.waiting.push(Waiting { contact, news: Arc::clone(&news) });
            inner = news.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.waiting.retain(|waiting| !Arc::ptr_eq(&waiting.news, &news));
            self.recent.end_wait();
        }
    }

    /// Wakes all threads that wait for a contact.
    pub fn wake(&self) {
        self.lock().waiting.iter().for_each(|waiting| waiting.news.notify_all());
    }

    /// Location of the contact's outcome, if it is finished.
    pub fn done(&self, contact: u32) -> Option<RecordLocation> {
        self.lock().done(contact)
    }

    /// Ends the records and wakes all waiting threads.
    pub fn close(&self, closing: Closing) {
        let mut inner = self.lock();
        // A stop overrides: it also ends a transform that already saw all records.
        if inner.closing.is_none() || closing == Closing::Stopped {
            inner.closing = Some(closing);
        }
        drop(inner);
        self.changed.notify_all();
        self.wake();
    }

    /// Waits for the end of the records and returns its reason.
    pub fn wait_for_closing(&self) -> Closing {
        let mut inner = self.lock();
        loop {
            if let Some(closing) = inner.closing {
                return closing;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// True if a contact that transform has taken was read again, so transform must start over. Resets this
    /// mark.
    pub fn take_overtaken(&self) -> bool {
        let mut inner = self.lock();
        inner.taken.clear();
        std::mem::take(&mut inner.overtaken)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No thread panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
