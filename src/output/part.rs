//! An open staged file. It is opened by name for each group, closed again, and hashed as it grows.
//!
//! Thousands of files may be unfinished at once if the output is partitioned by date. None of them holds a
//! file descriptor between two groups.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::durable::{self, OnPath, StorageError};

/// An unfinished staged file.
pub(super) struct PartFile {
    path: PathBuf,
    state: State,
    hasher: Sha256,
    bytes: u64,
    /// First error of the file system. It is kept here because the encoders wrap it.
    failure: Option<StorageError>,
}

enum State {
    /// The file does not exist yet.
    Absent,
    /// The file exists, but is not open.
    Parked,
    Open(File),
}

/// Size and hash of a written and synced file.
pub(super) struct Finished {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl PartFile {
    /// Prepares a file at `path`. The first write creates it.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: State::Absent, hasher: Sha256::new(), bytes: 0, failure: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Closes the file descriptor until the next write.
    pub(super) fn park(&mut self) {
        if matches!(self.state, State::Open(_)) {
            self.state = State::Parked;
        }
    }

    /// Removes and returns the error that made a write fail, if any.
    pub(super) fn take_failure(&mut self) -> Option<StorageError> {
        self.failure.take()
    }

    /// Makes the content durable. The name becomes durable when the folder is synced.
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
                durable::remove_file(&self.path)?; // a killed run may have left one
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
