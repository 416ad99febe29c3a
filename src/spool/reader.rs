//! Reads single records by location, and verifies each again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Opened;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::{Entry, RecordLocation, SpoolError, frame, segment_path};
use crate::durable::{self, OnPath};

/// Maximum size of a decompressed body. Fetch accepts less from the API, so only damaged records reach it.
const MAX_BODY: usize = 80 << 20;

/// Maximum buffer kept between reads. The memory of rare larger records is freed.
const KEPT_BUFFER: usize = 1 << 20;

/// Maximum number of open segments. A contact's pages are in few segments.
const MAX_OPEN: usize = 8;

/// Reads records by location.
pub struct Reader {
    folder: PathBuf,
    max_open: usize,
    segments: BTreeMap<u32, File>,
    record: Vec<u8>,
}

impl Reader {
    /// A reader of the segments in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, max_open: MAX_OPEN, segments: BTreeMap::new(), record: Vec::new() }
    }

    /// Keeps fewer segments open, as one of several readers.
    #[must_use]
    pub fn one_of(self, readers: usize) -> Self {
        Self { max_open: (MAX_OPEN / readers.max(1)).max(2), ..self }
    }

    /// The body of a page: the response as received.
    ///
    /// # Errors
    /// When the record cannot be read or is damaged.
    pub fn body(&mut self, place: RecordLocation) -> Result<Vec<u8>, SpoolError> {
        self.body_after(place, |_| {})
    }

    /// The body of a page. `before` is called with its size before memory for it is taken.
    ///
    /// # Errors
    /// When the record cannot be read or is damaged.
    pub fn body_after(
        &mut self,
        place: RecordLocation,
        before: impl FnOnce(usize),
    ) -> Result<Vec<u8>, SpoolError> {
        let path = segment_path(&self.folder, place.segment);
        let damaged = |what| SpoolError::Damaged { path: path.clone(), offset: place.offset, what };
        let record = frame::open(self.record(place)?).map_err(damaged)?;
        let body = match record.body {
            [] => Vec::new(),
            body => record
                .compression
                .decompress_after(body, MAX_BODY, before)
                .ok_or_else(|| damaged("invalid size or compression"))?,
        };
        self.record.clear();
        self.record.shrink_to(KEPT_BUFFER);
        Ok(body)
    }

    /// The head of a record.
    ///
    /// # Errors
    /// When the record cannot be read or is damaged.
    pub fn entry(&mut self, place: RecordLocation) -> Result<Entry, SpoolError> {
        let path = segment_path(&self.folder, place.segment);
        let damaged = |what| SpoolError::Damaged { path: path.clone(), offset: place.offset, what };
        let record = frame::open(self.record(place)?).map_err(damaged)?;
        serde_json::from_slice(record.head).map_err(|_| damaged("unknown kind of record"))
    }

    fn record(&mut self, place: RecordLocation) -> Result<&[u8], SpoolError> {
        let path = segment_path(&self.folder, place.segment);
        if self.segments.len() >= self.max_open && !self.segments.contains_key(&place.segment) {
            // Transform reads the segments in order.
            self.segments.pop_first();
        }
        let file = match self.segments.entry(place.segment) {
            Opened::Occupied(open) => open.into_mut(),
            Opened::Vacant(free) => free.insert(durable::open_existing(&path)?),
        };
        self.record.resize(place.bytes as usize, 0);
        match file.read_exact_at(&mut self.record, place.offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(SpoolError::Damaged { path, offset: place.offset, what: "cut short" })
            }
            read => {
                read.on("read", &path)?;
                Ok(&self.record)
            }
        }
    }
}
