//! The scan of a spool that an earlier attempt left: every record is checked and told to the caller, in order.
//!
//! The torn end of the last write is cut off. A bad record in front of good ones is damage, and said.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::frame::{self, FRAME_BYTES, MARK, SEGMENT_HEAD};
use super::{Entry, Place, SpoolError, segment_path};
use crate::durable::{self, OnPath};

/// Scans all segments in `folder` and gives each record's head and place to `seen`; gives the number of the next
/// segment to write.
///
/// # Errors
/// When a segment cannot be read, is damaged, or `seen` refuses a record.
pub fn recover(folder: &Path, mut seen: impl FnMut(Entry, Place)) -> Result<u32, SpoolError> {
    let mut number = 0;
    while segment_path(folder, number).exists() {
        scan(folder, number, &mut seen)?;
        number += 1;
    }
    Ok(number)
}

fn scan(folder: &Path, number: u32, seen: &mut impl FnMut(Entry, Place)) -> Result<(), SpoolError> {
    let path = segment_path(folder, number);
    let file = durable::open_existing(&path)?;
    let total = file.metadata().on("look at", &path)?.len();
    let is_last = !segment_path(folder, number + 1).exists();
    let mut segment =
        Segment { path, offset: 0, reader: BufReader::with_capacity(1 << 20, &file), record: Vec::new() };
    let mut head = [0; SEGMENT_HEAD.len()];
    let whole_head = segment.reader.read_exact(&mut head).is_ok();
    if !whole_head || &head != SEGMENT_HEAD {
        return segment.bad(&file, total, is_last, "no segment of this version");
    }
    segment.offset = head.len() as u64;
    while segment.offset < total {
        match segment.next_record(total)? {
            Err(what) => return segment.bad(&file, total, is_last, what),
            Ok(bytes) => {
                let (head, _) = match frame::open(&segment.record) {
                    Ok(parts) => parts,
                    Err(what) => return segment.bad(&file, total, is_last, what),
                };
                let Ok(entry) = serde_json::from_slice(head) else {
                    return segment.bad(&file, total, is_last, "unknown kind of record");
                };
                seen(entry, Place { segment: number, offset: segment.offset, bytes });
                segment.offset += u64::from(bytes);
            }
        }
    }
    Ok(())
}

struct Segment<'a> {
    path: PathBuf,
    offset: u64,
    reader: BufReader<&'a File>,
    record: Vec<u8>,
}

impl Segment<'_> {
    /// Reads the next record whole; its bytes, or why there is none.
    fn next_record(&mut self, total: u64) -> Result<Result<u32, &'static str>, SpoolError> {
        let left = total - self.offset;
        if left < FRAME_BYTES as u64 {
            return Ok(Err("cut short"));
        }
        self.record.resize(FRAME_BYTES, 0);
        self.reader.read_exact(&mut self.record).on("read", &self.path)?;
        let payload = match frame::payload_bytes(&self.record) {
            Ok(payload) => payload,
            Err(what) => return Ok(Err(what)),
        };
        let bytes = FRAME_BYTES + payload;
        if bytes as u64 > left {
            return Ok(Err("cut short"));
        }
        self.record.resize(bytes, 0);
        self.reader.read_exact(&mut self.record[FRAME_BYTES..]).on("read", &self.path)?;
        Ok(u32::try_from(bytes).map_err(|_| "impossible length"))
    }

    /// A bad record: cut off if it is the end of the last segment, damage if a good one follows it.
    fn bad(&self, file: &File, total: u64, is_last: bool, what: &'static str) -> Result<(), SpoolError> {
        let damaged = SpoolError::Damaged { path: self.path.clone(), offset: self.offset, what };
        if !is_last || self.good_record_follows(total)? {
            return Err(damaged);
        }
        if self.offset == 0 {
            // Cut inside its head. The segment stays, empty, so that the numbers have no gap.
            file.set_len(0).on("cut the torn end of", &self.path)?;
            file.write_all_at(SEGMENT_HEAD, 0).on("write", &self.path)?;
        } else {
            file.set_len(self.offset).on("cut the torn end of", &self.path)?;
        }
        file.sync_all().on("sync", &self.path)?;
        Ok(())
    }

    fn good_record_follows(&self, total: u64) -> Result<bool, SpoolError> {
        let left = usize::try_from(total.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let mut tail = vec![0; left];
        self.reader.get_ref().read_exact_at(&mut tail, self.offset).on("read", &self.path)?;
        let after_first = tail.get(1..).unwrap_or_default();
        Ok(memmem::find_iter(after_first, &MARK).any(|at| {
            let record = &after_first[at..];
            let whole = frame::payload_bytes(record).ok().and_then(|bytes| record.get(..FRAME_BYTES + bytes));
            whole.is_some_and(|record| frame::open(record).is_ok())
        }))
    }
}
