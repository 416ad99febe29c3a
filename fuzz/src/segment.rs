//! Segments of a spool as the format's description has them, made without the code that is checked.

use std::io::Write;
use std::path::Path;

use chatzy_export::internals::durable;
use chatzy_export::internals::spool::Entry;
use flate2::Compression;
use flate2::write::GzEncoder;

/// What a segment starts with.
pub const HEAD: &[u8; 8] = b"CZSPOOL2";
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

/// Form of a body in a record.
#[derive(Clone, Copy)]
pub enum BodyForm {
    Zstd,
    Gzip,
}

/// A record of this head and body. The length of the head has three bytes; the fourth is 1 if the body is gzip.
pub fn record(entry: &Entry, body: &[u8], form: BodyForm) -> Vec<u8> {
    let head = serde_json::to_vec(entry).unwrap();
    let (code, body) = match form {
        _ if body.is_empty() => (0, Vec::new()),
        BodyForm::Gzip if is_one_member(&gzip(body)) => (1, gzip(body)),
        BodyForm::Gzip | BodyForm::Zstd => (0, zstd::bulk::compress(body, 1).unwrap()),
    };
    let length = u32::try_from(head.len()).unwrap() | code << 24;
    frame(&[&length.to_le_bytes()[..], &head, &body].concat())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// True if no second member of a stream can start in the body.
fn is_one_member(body: &[u8]) -> bool {
    !body[1..].windows(3).any(|three| three == [0x1f, 0x8b, 8])
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
