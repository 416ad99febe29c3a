//! Scans a spool of an earlier attempt: checks every record and passes it to the caller, in order.
//!
//! The torn end of the last write is cut off. A bad record before a good one is reported as damage.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::frame::{self, FRAME_BYTES, MARK, OLD_SEGMENT_HEAD, SEGMENT_HEAD};
use super::{Entry, RecordLocation, SpoolError, segment_number, segment_path};
use crate::durable::{self, OnPath, StorageError};

/// Bytes of a segment that are searched at a time for a good record after a bad one.
const WINDOW_BYTES: usize = 1 << 20;

/// Scans all segments in `folder` and passes the head and the location of each record to `each`. Returns the
/// number of the next segment to write.
///
/// # Errors
/// When a segment is missing between others, cannot be read, or is damaged.
pub fn recover(folder: &Path, mut each: impl FnMut(Entry, RecordLocation)) -> Result<u32, SpoolError> {
    let mut number = 0;
    while segment_path(folder, number).exists() {
        scan(folder, number, &mut each)?;
        number += 1;
    }
    if later_segment_exists(folder, number)? {
        return Err(SpoolError::Damaged {
            path: segment_path(folder, number),
            offset: 0,
            what: "it is missing, but later ones exist",
        });
    }
    Ok(number)
}

/// True if a segment with at least this number exists.
fn later_segment_exists(folder: &Path, number: u32) -> Result<bool, StorageError> {
    for entry in std::fs::read_dir(folder).on("list", folder)? {
        let name = entry.on("list", folder)?.file_name();
        if segment_number(&name.to_string_lossy()).is_some_and(|found| found >= number) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn scan(folder: &Path, number: u32, each: &mut impl FnMut(Entry, RecordLocation)) -> Result<(), SpoolError> {
    let path = segment_path(folder, number);
    let file = durable::open_existing(&path)?;
    let total = file.metadata().on("inspect", &path)?.len();
    let is_last = !segment_path(folder, number + 1).exists();
    let mut segment =
        Segment { path, offset: 0, reader: BufReader::with_capacity(1 << 20, &file), record: Vec::new() };
    let mut head = [0; SEGMENT_HEAD.len()];
    let is_whole = segment.reader.read_exact(&mut head).is_ok();
    if !is_whole || ![SEGMENT_HEAD, OLD_SEGMENT_HEAD].contains(&&head) {
        if is_whole && is_of_other_version(head) {
            return Err(SpoolError::OtherVersion { path: segment.path });
        }
        return segment.bad(&file, total, is_last, "not a segment of this version");
    }
    segment.offset = head.len() as u64;
    while segment.offset < total {
        match segment.next_record(total)? {
            Err(what) => return segment.bad(&file, total, is_last, what),
            Ok(bytes) => {
                let record = match frame::open(&segment.record) {
                    Ok(record) => record,
                    Err(what) => return segment.bad(&file, total, is_last, what),
                };
                let Ok(entry) = serde_json::from_slice(record.head) else {
                    return segment.bad(&file, total, is_last, "unknown kind of record");
                };
                each(entry, RecordLocation { segment: number, offset: segment.offset, bytes });
                segment.offset += u64::from(bytes);
            }
        }
    }
    Ok(())
}

/// True for the head of a segment that a later version wrote.
fn is_of_other_version(head: [u8; SEGMENT_HEAD.len()]) -> bool {
    let [name @ .., version] = head;
    SEGMENT_HEAD.starts_with(&name) && version.is_ascii_alphanumeric()
}

struct Segment<'a> {
    path: PathBuf,
    offset: u64,
    reader: BufReader<&'a File>,
    record: Vec<u8>,
}

impl Segment<'_> {
    /// Reads the next record. Returns its length, or the reason why it is bad.
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
        Ok(u32::try_from(bytes).map_err(|_| "invalid length"))
    }

    /// Handles a bad record. It is cut off at the end of the last segment; it is damage if a good record
    /// follows.
    fn bad(&mut self, file: &File, total: u64, is_last: bool, what: &'static str) -> Result<(), SpoolError> {
        let damaged = SpoolError::Damaged { path: self.path.clone(), offset: self.offset, what };
        if !is_last || self.good_record_follows(total)? {
            return Err(damaged);
        }
        if self.offset == 0 {
            // The head is torn. The segment stays, empty, so that segment numbers have no gap.
            file.set_len(0).on("cut the torn end of", &self.path)?;
            file.write_all_at(SEGMENT_HEAD, 0).on("write", &self.path)?;
        } else {
            file.set_len(self.offset).on("cut the torn end of", &self.path)?;
        }
        file.sync_all().on("sync", &self.path)?;
        Ok(())
    }

    /// Searches for a mark that starts a good record, one window at a time.
    fn good_record_follows(&mut self, total: u64) -> Result<bool, SpoolError> {
        let mut window = vec![0; WINDOW_BYTES];
        let mut start = self.offset + 1;
        while start + FRAME_BYTES as u64 <= total {
            let bytes = usize::try_from(total - start).unwrap_or(usize::MAX).min(WINDOW_BYTES);
            self.reader.get_ref().read_exact_at(&mut window[..bytes], start).on("read", &self.path)?;
            for at in memmem::find_iter(&window[..bytes], &MARK) {
                if self.is_good_record(start + at as u64, total)? {
                    return Ok(true);
                }
            }
            // A mark may cross the border of two windows.
            start += (bytes - (MARK.len() - 1)) as u64;
        }
        Ok(false)
    }

    fn is_good_record(&mut self, offset: u64, total: u64) -> Result<bool, SpoolError> {
        let left = total - offset;
        if left < FRAME_BYTES as u64 {
            return Ok(false);
        }
        let file = *self.reader.get_ref();
        self.record.resize(FRAME_BYTES, 0);
        file.read_exact_at(&mut self.record, offset).on("read", &self.path)?;
        let Ok(payload) = frame::payload_bytes(&self.record) else { return Ok(false) };
        if (FRAME_BYTES + payload) as u64 > left {
            return Ok(false);
        }
        self.record.resize(FRAME_BYTES + payload, 0);
        file.read_exact_at(&mut self.record, offset).on("read", &self.path)?;
        Ok(frame::open(&self.record).is_ok())
    }
}
