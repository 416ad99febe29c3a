//! The form of a record on disk: mark, length, checksum, head, body.
//!
//! ```text
//! mark "\x89Czr" · payload bytes u32 · CRC-32C of the payload u32 · payload
//! payload: head bytes u24 · compression of the body u8 (0 zstd, 1 gzip) · head (JSON) · body
//! ```
//! Numbers are little-endian. With the mark, a scan distinguishes the torn end of an interrupted write from
//! damage before good records.
//!
//! In segments of version 1 all bodies are compressed with zstd, and the fourth byte is the highest of the length of the
//! head. It is zero, so both versions are read alike. The mark is the same in all versions: the scan of an earlier version
//! then reports a later segment, and does not take it for a torn one.

use std::io::{self, Cursor};

use zstd::zstd_safe::compress_bound;

use super::SpoolBody;
use crate::compression::Compression;

/// Starts every record. Its first byte is not ASCII, so text hardly contains it by chance.
pub const MARK: [u8; 4] = [0x89, b'C', b'z', b'r'];
/// Starts every segment: name and version of the format.
pub const SEGMENT_HEAD: &[u8; 8] = b"CZSPOOL2";
/// Starts the segments of earlier versions that are still read.
pub const OLD_SEGMENT_HEAD: &[u8; 8] = b"CZSPOOL1";
/// Bytes before the payload.
pub const FRAME_BYTES: usize = 12;
/// Maximum length of a payload, above that of the largest accepted response. It bounds the allocation for a
/// damaged length.
const MAX_PAYLOAD: usize = 128 << 20;
/// A fast level of zstd, since the spool is written once and mostly read once or never. Pages of the service
/// compress to 23 % at 1,120 MB/s. With level 1 they compress to 16 % at 800 MB/s.
const BODY_LEVEL: i32 = -5;

/// Encodes records, with one buffer and one compressor.
pub struct Framer {
    compressor: zstd::bulk::Compressor<'static>,
    buffer: Vec<u8>,
}

impl Framer {
    pub fn new() -> io::Result<Self> {
        Ok(Self { compressor: zstd::bulk::Compressor::new(BODY_LEVEL)?, buffer: Vec::new() })
    }

    /// The record as written to disk.
    pub fn frame(&mut self, head: &[u8], body: &SpoolBody) -> io::Result<&[u8]> {
        let compression = match body {
            SpoolBody::Compressed(body) => body.compression,
            SpoolBody::Plain(_) => Compression::Zstd,
        };
        let [low, middle, high, 0] = length(head.len())? else {
            return Err(io::Error::other("a head of over 16 MiB"));
        };
        self.buffer.clear();
        self.buffer.extend(MARK);
        self.buffer.extend([0; FRAME_BYTES - MARK.len()]);
        self.buffer.extend([low, middle, high, code(compression)]);
        self.buffer.extend(head);
        match body {
            SpoolBody::Compressed(body) => self.buffer.extend(&body.bytes),
            SpoolBody::Plain(body) if body.is_empty() => {}
            SpoolBody::Plain(body) => self.compress(body)?,
        }
        let payload = &self.buffer[FRAME_BYTES..];
        let (bytes, crc) = (length(payload.len())?, crc32c::crc32c(payload));
        self.buffer[4..8].copy_from_slice(&bytes);
        self.buffer[8..FRAME_BYTES].copy_from_slice(&crc.to_le_bytes());
        Ok(&self.buffer)
    }

    /// Compresses a body to the end of the buffer.
    fn compress(&mut self, body: &[u8]) -> io::Result<()> {
        let end = self.buffer.len();
        self.buffer.reserve(compress_bound(body.len()));
        let mut rest = Cursor::new(&mut self.buffer);
        rest.set_position(end as u64);
        self.compressor.compress_to_buffer(body, &mut rest).map(drop)
    }

    /// Frees the memory of an unusually large record.
    pub fn shrink(&mut self) {
        const KEEP: usize = 1 << 20;
        self.buffer.clear();
        self.buffer.shrink_to(KEEP);
    }
}

/// The code of a compression in a record.
fn code(compression: Compression) -> u8 {
    match compression {
        Compression::Zstd => 0,
        Compression::Gzip => 1,
    }
}

fn length(bytes: usize) -> io::Result<[u8; 4]> {
    let bytes = u32::try_from(bytes).map_err(|_| io::Error::other("a record of over 4 GiB"))?;
    Ok(bytes.to_le_bytes())
}

/// Length of the payload, if `frame` starts a record.
pub fn payload_bytes(frame: &[u8]) -> Result<usize, &'static str> {
    if frame.len() < FRAME_BYTES || frame[..4] != MARK {
        return Err("no record starts here");
    }
    match number(&frame[4..8]) {
        bytes if bytes > MAX_PAYLOAD => Err("invalid length"),
        bytes => Ok(bytes),
    }
}

/// A record whose checksum is verified.
pub struct Record<'a> {
    pub head: &'a [u8],
    pub compression: Compression,
    /// The compressed body.
    pub body: &'a [u8],
}

/// Opens a record and verifies its checksum.
pub fn open(record: &[u8]) -> Result<Record<'_>, &'static str> {
    let bytes = payload_bytes(record)?;
    let payload = &record[FRAME_BYTES..];
    if payload.len() != bytes {
        return Err("cut short");
    }
    if crc32c::crc32c(payload) as usize != number(&record[8..FRAME_BYTES]) {
        return Err("checksum does not match");
    }
    let ([low, middle, high, code], rest) = payload.split_first_chunk().ok_or("no head")?;
    let head_bytes = number(&[*low, *middle, *high]);
    let (head, body) = rest.split_at_checked(head_bytes).ok_or("head longer than the record")?;
    let compression =
        [Compression::Zstd, Compression::Gzip].into_iter().find(|each| self::code(*each) == *code);
    Ok(Record { head, compression: compression.ok_or("unknown compression")?, body })
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
