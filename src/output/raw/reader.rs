//! Reads a file of the archive line by line, and hashes it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::RawLine;
use super::line::read;
use crate::digest::hex;
use crate::durable::{self, OnPath, Opened, StorageError};
use crate::output::ExportPath;
use crate::record::MAX_ANSWER;
use crate::store::Store;

/// Maximum length of a line: a response, whose bytes take at most two bytes each, and the other keys.
const MAX_LINE: usize = 2 * MAX_ANSWER + (32 << 20);
/// Capacity of the line buffer that is kept between two lines.
const KEPT_LINE: usize = 1 << 20;
/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Error of reading an archive.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// A file operation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The archive holds a response that is larger than this version accepts.
    #[error(
        "line {line} of the raw archive {} is larger than this version accepts (responses of {} MiB): rebuild with the version of chatzy-export that wrote it",
        path.display(),
        MAX_ANSWER >> 20
    )]
    TooLarge {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
    },
    /// The content is not what was written.
    #[error("the raw archive {} is damaged: {what}", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
}

/// Reads a file and hashes it.
struct Hashed {
    file: File,
    hasher: Sha256,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Reads one file of an archive.
pub struct RawReader {
    path: PathBuf,
    text: BufReader<zstd::Decoder<'static, BufReader<Hashed>>>,
    line: Vec<u8>,
    rows: u64,
}

impl RawReader {
    /// Opens a file of the export in the folder `from`.
    ///
    /// # Errors
    /// When it is missing, is not a regular file, or cannot be opened.
    pub fn open(from: &Store, file: &ExportPath) -> Result<Self, RawError> {
        let path = from.join(file);
        let file = match from.open(file)? {
            Opened::File(file, _) => file,
            Opened::Missing => {
                return Err(StorageError::new("read", &path, io::ErrorKind::NotFound.into()).into());
            }
            Opened::NotRegular => {
                return Err(RawError::Damaged { path, what: durable::NOT_REGULAR.to_owned() });
            }
        };
        let hashed = Hashed { file, hasher: Sha256::new(), bytes: 0 };
        let decoder = zstd::Decoder::new(hashed).on("read", &path)?;
        let text = BufReader::with_capacity(BUFFER_BYTES, decoder);
        Ok(Self { path, text, line: Vec::new(), rows: 0 })
    }

    /// Returns the next line; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or the line is not one of an archive.
    pub fn next(&mut self) -> Result<Option<RawLine>, RawError> {
        self.line.clear();
        self.line.shrink_to(KEPT_LINE);
        let read_bytes = (&mut self.text).take(MAX_LINE as u64).read_until(b'\n', &mut self.line);
        match read_bytes {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            // An error with an OS code comes from the file system. The decoder uses the same type for invalid
            // bytes.
            Err(error) if error.raw_os_error().is_some() => {
                return Err(StorageError::new("read", &self.path, error).into());
            }
            Err(error) => return Err(self.damaged(error.to_string())),
        }
        self.rows += 1;
        if self.line.len() == MAX_LINE {
            return Err(self.too_large());
        }
        if self.line.pop() != Some(b'\n') {
            return Err(self.damaged(format!("line {} has no end", self.rows)));
        }
        let line = read(&self.line).map_err(|what| self.damaged(format!("line {}: {what}", self.rows)))?;
        if let RawLine::Answer(_, body) = &line
            && body.len() > MAX_ANSWER
        {
            return Err(self.too_large());
        }
        Ok(Some(line))
    }

    /// Returns the text of the line that was read last, without its end.
    pub fn text(&self) -> &[u8] {
        &self.line
    }

    /// Returns the file's SHA-256, its bytes and its lines. Call it after all lines are read.
    pub fn finish(self) -> (String, u64, u64) {
        let Hashed { hasher, bytes, .. } = self.text.into_inner().finish().into_inner();
        (hex(&hasher.finalize()), bytes, self.rows)
    }

    fn too_large(&self) -> RawError {
        RawError::TooLarge { path: self.path.clone(), line: self.rows }
    }

    fn damaged(&self, what: String) -> RawError {
        RawError::Damaged { path: self.path.clone(), what }
    }
}
