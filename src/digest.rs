//! SHA-256 of files and texts, as used in the manifest and `checksums.sha256`.
//!
//! Layer 1.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::durable::{self, OnPath, Opened, StorageError};

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Formats a hash as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| hex_digits(*byte)).map(char::from).collect()
}

/// Returns the two lower-case hex digits of a byte.
pub fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]
}

/// Returns the SHA-256 of bytes in memory, as lower-case hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns the SHA-256 of a file, as lower-case hex, and the number of bytes read. Symbolic links are not
/// followed.
///
/// # Errors
/// If the file is missing, is not a regular file, or cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<(String, u64), StorageError> {
    match durable::open(path)? {
        Opened::File(file, size) => sha256_of_open(file, size).on("read", path),
        Opened::Missing => Err(StorageError::new("read", path, io::ErrorKind::NotFound.into())),
        Opened::NotRegular => Err(durable::not_a_regular_file(path)),
    }
}

/// Returns the SHA-256 of an open file, as lower-case hex, and the number of bytes read. `size` is the
/// approximate size.
///
/// # Errors
/// If the file cannot be read.
pub fn sha256_of_open(mut file: File, size: u64) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    // One byte more than the size, so that one read reaches the end of a small file.
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
