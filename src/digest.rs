//! SHA-256 of files and texts, as the manifest and `checksums.sha256` have it.
//!
//! Layer 1.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::durable::{self, OnPath, Opened, StorageError};

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Lower-case hex of a hash.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| hex_digits(*byte)).map(char::from).collect()
}

/// The two lower-case hex digits of a byte.
pub fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]
}

/// SHA-256 of bytes in memory, as lower-case hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file, as lower-case hex, and how many bytes were read. A symlink is not followed.
///
/// # Errors
/// When it is missing, no plain file, or cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<(String, u64), StorageError> {
    match durable::open(path)? {
        Opened::File(file, size) => sha256_of_open(file, size).on("read", path),
        Opened::Missing => Err(StorageError::new("read", path, io::ErrorKind::NotFound.into())),
        Opened::NotRegular => Err(durable::no_plain_file(path)),
    }
}

/// SHA-256 of an open file of about this size, as lower-case hex, and how many bytes were read.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of_open(mut file: File, size: u64) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    // One byte more, so that a small file is read to its end at once.
    let mut chunk = vec![0; usize::try_from(size).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES - 1) + 1];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((hex(&hasher.finalize()), bytes)),
            Ok(read) => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
