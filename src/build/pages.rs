//! The pages of one contact: as many in memory as fit, the others read from the spool when they are needed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::json::Document;
use crate::record;
use crate::spool::{Ledger, PagePlace, Place, Reader, SpoolError};

/// Where pages come from.
pub struct Source<'a> {
    pub ledger: &'a Ledger,
    pub reader: Reader,
}

impl Source<'_> {
    /// Lets go of pages that nobody will ask for.
    pub fn forget(&self, pages: &[PagePlace]) {
        for page in pages {
            self.ledger.recent().take(page.place);
        }
    }

    /// A page; none if it is no JSON, which only answers are that were spooled before they were read. Invalid UTF-8 is
    /// repaired; the spool keeps the bytes as they came.
    fn page(&mut self, place: Place) -> Result<Option<Arc<Document<'static>>>, SpoolError> {
        if let Some(document) = self.ledger.recent().take(place) {
            return Ok(Some(document));
        }
        let text = match String::from_utf8(self.reader.body(place)?) {
            Ok(text) => text,
            Err(invalid) => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
        };
        Ok(record::read_json(text).ok().map(Arc::new))
    }
}

/// Bytes of pages kept of one contact. A history that fits is unpacked and read once.
const KEPT_BYTES: usize = 48 << 20;

/// Pages that were read.
pub struct Pages<'a> {
    places: &'a [PagePlace],
    documents: Vec<Option<Arc<Document<'static>>>>,
    /// Kept pages, the one longest unused first.
    kept: VecDeque<u32>,
    kept_bytes: usize,
}

impl<'a> Pages<'a> {
    pub fn new(places: &'a [PagePlace]) -> Self {
        let documents = places.iter().map(|_| None).collect();
        Self { places, documents, kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// A page; none if it is no JSON.
    pub fn get(
        &mut self,
        page: u32,
        source: &mut Source<'_>,
    ) -> Result<Option<&Document<'static>>, SpoolError> {
        let at = page as usize;
        if self.documents[at].is_none() {
            let Some(document) = source.page(self.places[at].place)? else { return Ok(None) };
            self.make_room(document.memory());
            self.kept_bytes += document.memory();
            self.kept.push_back(page);
            self.documents[at] = Some(document);
        }
        Ok(self.documents[at].as_deref())
    }

    /// Drops the pages read longest ago. Rows are asked for in the order of time, which is the order of the pages or
    /// its reverse, so the oldest read is as good a guess as any, and costs no bookkeeping on each row.
    fn make_room(&mut self, bytes: usize) {
        while self.kept_bytes + bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            if let Some(document) = self.documents[oldest as usize].take() {
                self.kept_bytes -= document.memory();
            }
        }
    }
}
