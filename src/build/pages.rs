//! The pages of one contact: as many in memory as fit, the others read from the spool when they are needed.

use std::collections::VecDeque;

use crate::json::Document;
use crate::record;
use crate::spool::{PagePlace, Reader, SpoolError};

/// Bytes of pages kept of one contact. A history that fits is unpacked and read once.
const KEPT_BYTES: usize = 48 << 20;

/// Pages that were read.
pub struct Pages<'a> {
    places: &'a [PagePlace],
    documents: Vec<Option<Document<'static>>>,
    /// Kept pages, the one longest unused first.
    kept: VecDeque<u32>,
    kept_bytes: usize,
}

impl<'a> Pages<'a> {
    pub fn new(places: &'a [PagePlace]) -> Self {
        let documents = places.iter().map(|_| None).collect();
        Self { places, documents, kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// A page; none if it is no JSON, which only answers are that were spooled before they were read. Invalid UTF-8 is
    /// repaired; the spool keeps the bytes as they came.
    pub fn get(&mut self, page: u32, reader: &mut Reader) -> Result<Option<&Document<'static>>, SpoolError> {
        let at = page as usize;
        if self.documents[at].is_none() {
            let text = match String::from_utf8(reader.body(self.places[at].place)?) {
                Ok(text) => text,
                Err(invalid) => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
            };
            let Ok(document) = record::read_json(text) else { return Ok(None) };
            self.make_room(document.memory());
            self.kept_bytes += document.memory();
            self.kept.push_back(page);
            self.documents[at] = Some(document);
        }
        Ok(self.documents[at].as_ref())
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
