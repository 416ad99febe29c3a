//! One file while it is written: opened by name for each group and closed again, hashed as it grows.
//!
//! Thousands of files may be unfinished at once when the output is partitioned by date; none of them holds a file
//! descriptor between two groups.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::durable::{self, OnPath, StorageError};

/// A staged file that is not finished.
pub(super) struct PartFile {
    path: PathBuf,
    state: State,
    hasher: Sha256,
    bytes: u64,
    /// The first refusal of the file system, kept because encoders wrap it beyond recognition.
    failure: Option<StorageError>,
}

enum State {
    /// Nothing is written, there is no file.
    Absent,
    /// There is a file, and nobody has it open.
    Parked,
    Open(File),
}

/// A file that is written and synced.
pub(super) struct Finished {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl PartFile {
    /// A file to be made at `path` with its first byte.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: State::Absent, hasher: Sha256::new(), bytes: 0, failure: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file descriptor back until the next write.
    pub(super) fn park(&mut self) {
        if matches!(self.state, State::Open(_)) {
            self.state = State::Parked;
        }
    }

    /// The refusal that made a write fail, if one did.
    pub(super) fn take_failure(&mut self) -> Option<StorageError> {
        self.failure.take()
    }

    /// Makes the content durable. The name becomes durable with the folder's sync.
    pub(super) fn finish(mut self) -> Result<Finished, StorageError> {
        let path = self.path.clone();
        durable::sync(self.open()?, &path)?;
        Ok(Finished { bytes: self.bytes, sha256: crate::digest::hex(&self.hasher.finalize()) })
    }

    fn open(&mut self) -> Result<&mut File, StorageError> {
        let file = match std::mem::replace(&mut self.state, State::Parked) {
            State::Open(file) => file,
            State::Parked => {
                let mut file = durable::open_existing(&self.path)?;
                file.seek(SeekFrom::End(0)).on("append to", &self.path)?;
                file
            }
            State::Absent => {
                if let Some(folder) = self.path.parent() {
                    durable::create_dir_all(folder)?;
                }
                durable::remove_file(&self.path)?; // what a killed run may have left
                durable::create_new(&self.path)?
            }
        };
        self.state = State::Open(file);
        match &mut self.state {
            State::Open(file) => Ok(file),
            State::Absent | State::Parked => unreachable!("the state was set on the line above"),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> Result<usize, StorageError> {
        let path = self.path.clone();
        self.open()?.write_all(bytes).on("write", &path)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.failure.is_some() {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.try_write(bytes).map_err(|error| {
            let again = io::Error::new(error.source.kind(), error.to_string());
            self.failure = Some(error);
            again
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
