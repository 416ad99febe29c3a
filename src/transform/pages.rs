//! The pages of one contact: as many in memory as fit, the others read from the spool when they are needed.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::prefetch::Prefetch;
use crate::json::Document;
use crate::record;
use crate::spool::{Ledger, Pass, Reader, RecordLocation, SpoolError, SpooledPage};

/// Where pages come from.
pub struct Source<'a> {
    pub ledger: &'a Ledger,
    pub spool_folder: PathBuf,
    pub reader: Reader,
}

impl Source<'_> {
    /// A page; none if it is no JSON, which only answers are that were spooled before they were read.
    fn page(&mut self, place: RecordLocation) -> Result<Option<Arc<Document<'static>>>, SpoolError> {
        if let Some(document) = self.ledger.recent().take(place) {
            return Ok(Some(document));
        }
        Ok(parse(self.reader.body(place)?))
    }
}

/// A spooled body as a page. Invalid UTF-8 is repaired; the spool keeps the bytes as they came.
pub fn parse(body: Vec<u8>) -> Option<Arc<Document<'static>>> {
    let text = match String::from_utf8(body) {
        Ok(text) => text,
        Err(invalid) => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
    };
    record::read_json(text).ok().map(Arc::new)
}

/// Bytes of pages kept of one contact. A history that fits is unpacked and read once.
const KEPT_BYTES: usize = 48 << 20;
/// Pages above this are not read ahead: several of them would not fit in memory.
const LARGE: usize = 2 << 20;
/// Fewer pages than this are not worth a thread.
const MANY: usize = 16;

/// Pages that were read.
#[derive(Default)]
pub struct Pages {
    places: Vec<SpooledPage>,
    documents: Vec<Option<Arc<Document<'static>>>>,
    /// Kept pages, the one longest unused first.
    kept: VecDeque<u32>,
    kept_bytes: usize,
    /// The largest page seen, in bytes.
    largest: usize,
    /// Those that are being read ahead, and which they are that have not come yet.
    prefetch: Option<Prefetch>,
    expected: Vec<bool>,
}

impl Pages {
    /// Adds a page behind the others; gives its number.
    pub fn push(&mut self, place: SpooledPage) -> u32 {
        self.places.push(place);
        self.documents.push(None);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// Where they stand, in their order.
    pub fn places(&self) -> &[SpooledPage] {
        &self.places
    }

    /// The read that a page belongs to.
    pub fn pass(&self, page: u32) -> Pass {
        self.places[page as usize].pass
    }

    /// Says in which order pages will be needed from now on.
    pub fn expect(
        &mut self,
        pages: impl Iterator<Item = u32>,
        source: &Source<'_>,
    ) -> Result<(), SpoolError> {
        if self.largest > LARGE {
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
        if missing.len() >= MANY {
            self.prefetch = Some(Prefetch::start(&source.spool_folder, missing)?);
            self.expected = expected;
        }
        Ok(())
    }

    /// A page; none if it is no JSON.
    pub fn get(
        &mut self,
        page: u32,
        source: &mut Source<'_>,
    ) -> Result<Option<&Document<'static>>, SpoolError> {
        let at = page as usize;
        if self.documents[at].is_none() && !self.comes_ahead(page)? {
            let document = source.page(self.places[at].place)?;
            self.keep(page, document);
        }
        Ok(self.documents[at].as_deref())
    }

    /// Says that pages before this one are not likely to be needed any more.
    pub fn leave_behind(&mut self, page: u32) {
        while let Some(oldest) = self.kept.front().copied().filter(|oldest| *oldest < page) {
            self.kept.pop_front();
            self.drop_document(oldest);
        }
    }

    /// Takes the page from those that are read ahead; false where it is not among them.
    fn comes_ahead(&mut self, page: u32) -> Result<bool, SpoolError> {
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

    /// Drops the pages read longest ago. Rows are asked for in the order of time, which is the order of the pages or
    /// its reverse, so the oldest read is as good a guess as any, and costs no bookkeeping on each row.
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
