//! The pages of one contact: as many as fit are in memory, and the others are read from the spool on demand.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::prefetch::Prefetch;
use super::turns::Held;
use crate::json::Document;
use crate::record;
use crate::spool::{Ledger, Pass, Reader, RecordLocation, SpoolError, SpooledPage};

/// Sources of pages: memory, then the spool.
pub struct Source<'a> {
    pub ledger: &'a Ledger,
    /// True if the thread must end.
    pub stop: &'a AtomicBool,
    pub spool_folder: PathBuf,
    pub reader: Reader,
    /// Bytes that the contact holds.
    pub held: Held<'a>,
}

impl Source<'_> {
    /// A page. `None` if it is not JSON: earlier versions spooled responses before they parsed them.
    fn page(&mut self, place: RecordLocation) -> Result<Option<Arc<Document<'static>>>, SpoolError> {
        let recent = self.ledger.recent();
        if let Some(bytes) = recent.memory(place) {
            self.held.add(bytes * PAGE_AND_ROWS);
        }
        if let Some(document) = recent.take(place) {
            return Ok(Some(document));
        }
        let held = &mut self.held;
        Ok(parse(self.reader.body_after(place, |bytes| held.add(bytes * PAGE_AND_ROWS))?))
    }
}

/// Parses a spooled body. Invalid UTF-8 is replaced; the spool keeps the original bytes.
pub fn parse(body: Vec<u8>) -> Option<Arc<Document<'static>>> {
    let (text, _) = record::into_text(body);
    record::read_json(text).ok().map(Arc::new)
}

/// Bytes to hold for each byte of a page: the page and its rows, until they are in a batch.
const PAGE_AND_ROWS: usize = 2;
/// Maximum bytes of one contact's pages in memory. A history that fits is decompressed and parsed once.
const KEPT_BYTES: usize = 48 << 20;
/// Size of a page, in bytes, above which none is prefetched: several of them would not fit in memory.
const MAX_PREFETCHED: usize = 2 << 20;
/// Minimum number of pages that are worth a thread.
const MIN_PREFETCHED: usize = 16;

/// Pages of a contact.
#[derive(Default)]
pub struct Pages {
    places: Vec<SpooledPage>,
    documents: Vec<Option<Arc<Document<'static>>>>,
    /// Numbers of the pages in memory, the one read longest ago first.
    kept: VecDeque<u32>,
    kept_bytes: usize,
    /// The largest page seen, in bytes.
    largest: usize,
    prefetch: Option<Prefetch>,
    /// By page: true if it is prefetched and has not arrived yet.
    expected: Vec<bool>,
}

impl Pages {
    /// Adds a page after the others and returns its number.
    pub fn push(&mut self, place: SpooledPage) -> u32 {
        self.places.push(place);
        self.documents.push(None);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// Locations of the pages, in order.
    pub fn places(&self) -> &[SpooledPage] {
        &self.places
    }

    /// The pass that a page belongs to.
    pub fn pass(&self, page: u32) -> Pass {
        self.places[page as usize].pass
    }

    /// Announces the order in which pages are needed from now on.
    pub fn expect(
        &mut self,
        pages: impl Iterator<Item = u32>,
        source: &Source<'_>,
    ) -> Result<(), SpoolError> {
        // Only one thread prefetches. The others have their pages in memory, or wait for their turn to read them.
        if self.largest > MAX_PREFETCHED || !source.held.is_head() {
            return Ok(());
        }
        let mut expected = vec![false; self.places.len()];
        let mut missing = Vec::new();
        for page in pages {
            let at = page as usize;
            if self.documents[at].is_none() && !expected[at] {
                expected[at] = true;
                missing.push((page, self.places[at].place));
            }
        }
        if missing.len() >= MIN_PREFETCHED {
            self.prefetch = Some(Prefetch::start(&source.spool_folder, missing)?);
            self.expected = expected;
        }
        Ok(())
    }

    /// A page. `None` if it is not JSON.
    pub fn get(
        &mut self,
        page: u32,
        source: &mut Source<'_>,
    ) -> Result<Option<&Document<'static>>, SpoolError> {
        let at = page as usize;
        if self.documents[at].is_none() && !self.take_prefetched(page)? {
            let document = source.page(self.places[at].place)?;
            self.keep(page, document);
        }
        Ok(self.documents[at].as_deref())
    }

    /// Frees the pages before this one, which are unlikely to be needed again.
    pub fn release_before(&mut self, page: u32) {
        while let Some(oldest) = self.kept.front().copied().filter(|oldest| *oldest < page) {
            self.kept.pop_front();
            self.drop_document(oldest);
        }
    }

    /// Waits for the page if it is prefetched. Returns false if it is not.
    fn take_prefetched(&mut self, page: u32) -> Result<bool, SpoolError> {
        if !self.expected.get(page as usize).is_some_and(|expected| *expected) {
            return Ok(false);
        }
        while let Some(read) = self.prefetch.as_mut().and_then(Prefetch::next) {
            let (next, document) = read?;
            self.expected[next as usize] = false;
            self.keep(next, document);
            if next == page {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn keep(&mut self, page: u32, document: Option<Arc<Document<'static>>>) {
        let Some(document) = document else { return };
        let bytes = document.memory();
        self.largest = self.largest.max(bytes);
        self.make_room(bytes);
        self.kept_bytes += bytes;
        self.kept.push_back(page);
        self.documents[page as usize] = Some(document);
    }

    /// Drops the pages read longest ago. Rows are chronological, and pages are in that order or its reverse.
    /// So this choice is as good as any other, and needs no bookkeeping per row.
    fn make_room(&mut self, bytes: usize) {
        while self.kept_bytes + bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.drop_document(oldest);
        }
    }

    fn drop_document(&mut self, page: u32) {
        if let Some(document) = self.documents[page as usize].take() {
            self.kept_bytes -= document.memory();
        }
    }
}
