//! The pages of one contact, as text: as many in memory as fit, the others read from the spool when they are needed.

use std::collections::VecDeque;

use crate::spool::{PagePlace, Reader, SpoolError};

/// Bytes of page text kept of one contact. A history that fits is unpacked once.
const KEPT_BYTES: usize = 48 << 20;

/// Texts of pages.
pub struct Pages<'a> {
    places: &'a [PagePlace],
    texts: Vec<Option<String>>,
    /// Kept pages, the one longest unused first.
    kept: VecDeque<u32>,
    kept_bytes: usize,
}

impl<'a> Pages<'a> {
    pub fn new(places: &'a [PagePlace]) -> Self {
        Self { places, texts: vec![None; places.len()], kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// The text of a page. Invalid UTF-8 is repaired; the spool keeps the bytes as they came.
    pub fn text(&mut self, page: u32, reader: &mut Reader) -> Result<&str, SpoolError> {
        let at = page as usize;
        if self.texts[at].is_none() {
            let text = match String::from_utf8(reader.body(self.places[at].place)?) {
                Ok(text) => text,
                Err(invalid) => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
            };
            self.make_room(text.len());
            self.kept_bytes += text.len();
            self.kept.push_back(page);
            self.texts[at] = Some(text);
        }
        Ok(self.texts[at].as_deref().unwrap_or_default())
    }

    /// Drops the pages read longest ago. Rows are asked for in the order of time, which is the order of the pages or
    /// its reverse, so the oldest read is as good a guess as any, and costs no bookkeeping on each row.
    fn make_room(&mut self, bytes: usize) {
        while self.kept_bytes + bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            if let Some(text) = self.texts[oldest as usize].take() {
                self.kept_bytes -= text.len();
            }
        }
    }
}
