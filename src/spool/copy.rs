//! Copies a segment whose sync failed to a new file, which then takes its name.
//!
//! The kernel may have dropped data that it could not write, so each record is verified during the copy.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::SpoolError;
use super::frame::{self, FRAME_BYTES, SEGMENT_HEAD};
use crate::durable::{self, OnPath};

/// Copies the first `end` bytes, which are whole records. Returns the synced copy, open at its end.
pub(super) fn copy_segment(from: &File, path: &Path, end: u64) -> Result<File, SpoolError> {
    let beside = path.with_added_extension("copy");
    durable::remove_file(&beside)?; // left by a killed run
    let mut copy = durable::create_new(&beside)?;
    copy.write_all(SEGMENT_HEAD).on("write", &beside)?;
    let mut record = Vec::new();
    let mut offset = SEGMENT_HEAD.len() as u64;
    while offset < end {
        let damaged = |what| SpoolError::Damaged { path: path.to_owned(), offset, what };
        record.resize(FRAME_BYTES, 0);
        from.read_exact_at(&mut record, offset).on("read", path)?;
        record.resize(FRAME_BYTES + frame::payload_bytes(&record).map_err(damaged)?, 0);
        from.read_exact_at(&mut record, offset).on("read", path)?;
        frame::open(&record).map_err(damaged)?;
        copy.write_all(&record).on("write", &beside)?;
        offset += record.len() as u64;
    }
    durable::sync(&copy, &beside)?;
    durable::rename(&beside, path)?;
    durable::sync_dir(path.parent().unwrap_or(path))?;
    Ok(copy)
}
