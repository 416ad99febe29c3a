//! The unfinished uploads of a run: a file of JSON lines in its work folder.
//!
//! An upload is entered before its first part is sent, and again with its parts after the last one. So a resumed
//! run completes what was transferred, and removes what was not. Only an entry at the end of the file can be torn.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::durable::{self, OnPath, StorageError};
use crate::store::StagedFile;
use crate::store::staged::UPLOADS;

/// An upload of a staged file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Path of the file in the export.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// ID of the upload in the store.
    pub(super) id: String,
    /// IDs of the parts; `None` until all parts are transferred.
    #[serde(default)]
    pub(super) parts: Option<Vec<String>>,
}

impl Upload {
    /// True if it is an upload of this file with this content.
    pub(super) fn is_of(&self, file: &StagedFile) -> bool {
        self.bytes == file.bytes && self.sha256 == file.sha256
    }
}

/// The log, and the last entry of each file.
#[derive(Debug)]
pub(super) struct UploadLog {
    path: PathBuf,
    entries: HashMap<String, Upload>,
}

impl UploadLog {
    /// Reads the log of a work folder. It is empty if there is none.
    pub(super) fn read(work: &Path) -> Result<Self, StorageError> {
        let path = work.join(UPLOADS);
        let text = durable::read_if_exists(&path)?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n');
        let uploads = lines.filter_map(|line| serde_json::from_slice::<Upload>(line).ok());
        Ok(Self { path, entries: uploads.map(|upload| (upload.path.clone(), upload)).collect() })
    }

    /// The last entry of a file.
    pub(super) fn of(&self, path: &Path) -> Option<&Upload> {
        self.entries.get(path.to_str()?)
    }

    /// The last entries of all files.
    pub(super) fn all(&self) -> impl Iterator<Item = &Upload> {
        self.entries.values()
    }

    /// Adds an entry durably.
    pub(super) fn add(&mut self, upload: Upload) -> Result<(), StorageError> {
        let mut file = if durable::is_regular_file(&self.path)? {
            durable::open_existing(&self.path)?
        } else {
            durable::create_new(&self.path)?
        };
        let line = serde_json::to_vec(&upload)
            .map_err(|error| StorageError::new("encode", &self.path, error.into()))?;
        // The line end before the entry ends one that was torn.
        let entry = [b"\n", &*line, b"\n"].concat();
        file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&entry)).on("write", &self.path)?;
        durable::sync(&file, &self.path)?;
        self.entries.insert(upload.path.clone(), upload);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_entry_is_ignored_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let upload = |path: &str, parts| Upload {
            path: path.to_owned(),
            bytes: 1,
            sha256: "ab".to_owned(),
            id: "1".to_owned(),
            parts,
        };
        let mut log = UploadLog::read(folder.path()).unwrap();
        log.add(upload("a", None)).unwrap();
        log.add(upload("b", None)).unwrap();
        log.add(upload("a", Some(vec!["p".to_owned()]))).unwrap();
        let path = folder.path().join(UPLOADS);
        let text = std::fs::read(&path).unwrap();
        for length in 0..=text.len() {
            durable::replace(&path, &text[..length]).unwrap();
            let mut log = UploadLog::read(folder.path()).unwrap();
            log.add(upload("c", None)).unwrap();
            let again = UploadLog::read(folder.path()).unwrap();
            assert_eq!(again.of(Path::new("c")), Some(&upload("c", None)), "{length} bytes");
            assert!(again.of(Path::new("b")).is_none_or(|found| *found == upload("b", None)));
        }
    }
}
