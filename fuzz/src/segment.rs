//! Segments of a spool as the format's description has them, made without the code that is checked.

use std::io::Write;
use std::path::Path;

use chatzy_export::internals::durable;
use chatzy_export::internals::spool::Entry;

/// What a segment starts with.
pub const HEAD: &[u8; 8] = b"CZSPOOL1";
const MARK: [u8; 4] = [0x89, b'C', b'z', b'r'];

/// A record of this payload: mark, length, checksum, payload.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut record = MARK.to_vec();
    record.extend(length.to_le_bytes());
    record.extend(crc32c::crc32c(payload).to_le_bytes());
    record.extend(payload);
    record
}

/// A record of this head and body.
pub fn record(entry: &Entry, body: &[u8]) -> Vec<u8> {
    let head = serde_json::to_vec(entry).unwrap();
    let mut payload = u32::try_from(head.len()).unwrap().to_le_bytes().to_vec();
    payload.extend(head);
    if !body.is_empty() {
        payload.extend(zstd::bulk::compress(body, 1).unwrap());
    }
    frame(&payload)
}

/// Writes a segment into its file.
pub fn write(folder: &Path, number: usize, bytes: &[u8]) {
    let mut file = durable::create_new(&path(folder, number)).unwrap();
    file.write_all(bytes).unwrap();
}

/// A segment's bytes.
pub fn bytes(folder: &Path, number: usize) -> Vec<u8> {
    std::fs::read(path(folder, number)).unwrap()
}

fn path(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("seg-{number:05}.spool"))
}
