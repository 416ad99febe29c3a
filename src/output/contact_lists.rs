//! The lists of contacts beside a manifest: `failed.csv` and `not_found.csv`. Each is a contacts file, and is
//! absent if it has no contact.
//!
//! A list may have millions of contacts. It is written to its staged file contact by contact. Those of shards are
//! joined.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ExportPath;
use super::manifest::FileEntry;
use crate::contact_read::Status;
use crate::contacts::{FAILED_HEADER, NOT_FOUND_HEADER};
use crate::digest::hex;
use crate::durable::{self, OnPath, StorageError};
use crate::id::RunId;
use crate::layout::{FAILED, NOT_FOUND};

/// The lists of a run: contacts that failed, and contacts that do not exist.
pub struct ContactLists {
    failed: ContactListWriter,
    not_found: ContactListWriter,
}

impl ContactLists {
    /// Creates the writers of the lists below the staging folder.
    pub fn new(stage: &Path, run_id: &RunId) -> Self {
        let list = |name, header| ContactListWriter::new(stage, run_id, name, header);
        Self { failed: list(FAILED, FAILED_HEADER), not_found: list(NOT_FOUND, NOT_FOUND_HEADER) }
    }

    /// Adds the contact to the list of its status, if there is one. `line` is its line in the contacts file.
    ///
    /// # Errors
    /// If the file of the list cannot be created or written.
    pub fn add(
        &mut self,
        id: &str,
        status: Status,
        error: Option<&str>,
        line: Option<u64>,
    ) -> Result<(), StorageError> {
        match status {
            Status::Failed => {
                self.failed.push([id, error.unwrap_or_default().replace(['\r', '\n'], " ").as_str()])
            }
            Status::NotFound => {
                let line = line.map_or_else(String::new, |line| line.to_string());
                self.not_found.push([id, line.as_str()])
            }
            Status::Exported | Status::Empty | Status::Unresolved | Status::Unchanged => Ok(()),
        }
    }

    /// Makes the files durable, and their names. Returns the entries of the lists that have contacts.
    ///
    /// # Errors
    /// If a file cannot be written or synced.
    pub fn finish(self) -> Result<Vec<FileEntry>, StorageError> {
        Ok(self.failed.finish()?.into_iter().chain(self.not_found.finish()?).collect())
    }
}

/// The list of a shard, open for reading.
pub struct ListPart {
    pub file: File,
    /// Its path, for messages.
    pub path: PathBuf,
    pub rows: u64,
    pub sha256: String,
}

impl ContactLists {
    /// Joins the lists of shards with this name to one staged list. Returns its entry, or none without parts.
    ///
    /// # Errors
    /// If a part has changed, or a file cannot be read or written.
    pub fn join(
        stage: &Path,
        run_id: &RunId,
        name: &str,
        parts: Vec<ListPart>,
    ) -> Result<Option<FileEntry>, StorageError> {
        if parts.is_empty() {
            return Ok(None);
        }
        let path = ExportPath::of_run(run_id, name);
        let staged = stage.join(&path);
        let folder = staged.parent().unwrap_or(stage);
        durable::create_dir_all(folder)?;
        durable::remove_file(&staged)?; // of an earlier attempt
        let mut joined = Hashing::new(BufWriter::new(durable::create_new(&staged)?));
        let mut rows = 0;
        for (number, part) in parts.into_iter().enumerate() {
            rows += part.rows;
            let mut lines = Hashing::new(BufReader::new(part.file));
            let mut header = Vec::new();
            lines.read_line(&mut header).on("read", &part.path)?;
            if number == 0 {
                joined.write_all(&header).on("write", &staged)?;
            }
            io::copy(&mut lines, &mut joined).on("write", &staged)?;
            if hex(&lines.hasher.finalize()) != part.sha256 {
                let why = io::Error::other("it has changed since its shard finished");
                return Err(StorageError::new("read", &part.path, why));
            }
        }
        let Hashing { inner, hasher, bytes } = joined;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error).on("write", &staged)?;
        durable::sync(&file, &staged)?;
        durable::sync_dir(folder)?;
        Ok(Some(FileEntry::of_run(path, rows, bytes, hex(&hasher.finalize()))))
    }
}

/// Writer of one list. It creates the file with the first contact.
struct ContactListWriter {
    stage: PathBuf,
    path: ExportPath,
    header: &'static str,
    open: Option<csv::Writer<Hashing<BufWriter<File>>>>,
    rows: u64,
}

impl ContactListWriter {
    /// Creates the writer of the list with this name and header, below the staging folder.
    fn new(stage: &Path, run_id: &RunId, name: &str, header: &'static str) -> Self {
        let path = ExportPath::of_run(run_id, name);
        Self { stage: stage.to_owned(), path, header, open: None, rows: 0 }
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<(), StorageError> {
        let staged = self.stage.join(&self.path);
        let writer = match &mut self.open {
            Some(writer) => writer,
            closed => {
                durable::create_dir_all(staged.parent().unwrap_or(&self.stage))?;
                let file = BufWriter::new(durable::create_new(&staged)?);
                let writer = closed.insert(csv::Writer::from_writer(Hashing::new(file)));
                write(writer, self.header.split(','), &staged)?;
                writer
            }
        };
        write(writer, cells, &staged)?;
        self.rows += 1;
        Ok(())
    }

    /// Makes the file durable, and its name. Returns its entry, or none if the list has no contact.
    ///
    /// # Errors
    /// If the file cannot be written or synced.
    pub fn finish(self) -> Result<Option<FileEntry>, StorageError> {
        let Some(writer) = self.open else { return Ok(None) };
        let staged = self.stage.join(&self.path);
        let hashing = writer.into_inner().map_err(csv::IntoInnerError::into_error).on("write", &staged)?;
        let Hashing { inner, hasher, bytes } = hashing;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error).on("write", &staged)?;
        durable::sync(&file, &staged)?;
        durable::sync_dir(staged.parent().unwrap_or(&self.stage))?;
        Ok(Some(FileEntry::of_run(self.path, self.rows, bytes, hex(&hasher.finalize()))))
    }
}

fn write<'a>(
    writer: &mut csv::Writer<impl Write>,
    cells: impl IntoIterator<Item = &'a str>,
    path: &Path,
) -> Result<(), StorageError> {
    writer.write_record(cells).map_err(io::Error::from).on("write", path)
}

/// Hashes what is written or read.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: BufRead> Hashing<R> {
    /// Reads a line with its end.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        self.inner.read_until(b'\n', line)?;
        self.hasher.update(&*line);
        Ok(())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_of_file;

    #[test]
    fn a_list_is_a_file_with_its_hash_or_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let list =
            || ContactListWriter::new(folder.path(), &"r1".parse().unwrap(), "x.csv", "contact_id,why");
        assert_eq!(list().finish().unwrap(), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut writer = list();
        for (id, why) in [("a", "no"), ("b,\"c\"", "")] {
            writer.push([id, why]).unwrap();
        }
        let entry = writer.finish().unwrap().unwrap();
        let path = folder.path().join("_runs/r1/x.csv");
        assert_eq!(sha256_of_file(&path).unwrap(), (entry.sha256, entry.bytes));
        assert_eq!((entry.path.as_str(), entry.rows), ("_runs/r1/x.csv", 2));
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap(), @r#"
        contact_id,why
        a,no
        "b,""c""",
        "#);
    }
}
