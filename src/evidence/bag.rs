//! The package as a bag of BagIt 1.0 (RFC 8493): payload below `data/`, and lists of SHA-256 beside it.
//!
//! The lists have the form of `sha256sum`. File names consist of `A-Z`, `a-z`, `0-9` and `. _ = / -`: validators
//! disagree on how others are escaped.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::durable::{self, OnPath, StorageError};

/// Folder of the payload.
const PAYLOAD: &str = "data/";
/// List of the payload.
const MANIFEST: &str = "manifest-sha256.txt";
/// List of the other files. It covers the payload through [`MANIFEST`].
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// Facts about the bag.
pub(super) const INFO: &str = "bag-info.txt";

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path below the package.
    pub(super) path: String,
    /// SHA-256, as lower-case hex.
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

/// A package that is being made.
pub(super) struct Bag {
    root: PathBuf,
    payload: Vec<Entry>,
    tags: Vec<Entry>,
}

impl Bag {
    /// Creates a package in an empty folder.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), payload: Vec::new(), tags: Vec::new() }
    }

    /// Creates a file at a path below the package.
    pub(super) fn create(&self, path: impl Into<String>) -> Result<BagFile, StorageError> {
        let name = path.into();
        debug_assert!(is_portable(&name), "{name}");
        let path = self.root.join(&name);
        if let Some(folder) = path.parent() {
            durable::create_dir_all_unsynced(folder)?;
        }
        let out = BufWriter::new(durable::create_new(&path)?);
        Ok(BagFile { name, path, out, hasher: Sha256::new(), bytes: 0 })
    }

    /// Closes a file, and lists it.
    pub(super) fn close(&mut self, file: BagFile) -> Result<Entry, StorageError> {
        let entry = file.finish()?;
        let list = if entry.path.starts_with(PAYLOAD) { &mut self.payload } else { &mut self.tags };
        list.push(entry.clone());
        Ok(entry)
    }

    /// Writes a whole file.
    pub(super) fn write(&mut self, path: &str, content: &[u8]) -> Result<Entry, StorageError> {
        let mut file = self.create(path)?;
        file.put(content)?;
        self.close(file)
    }

    /// Writes the lists and the facts, `LABEL: VALUE` each, and makes everything durable.
    pub(super) fn finish(mut self, facts: &[(&str, String)]) -> Result<(), StorageError> {
        self.payload.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let bytes: u64 = self.payload.iter().map(|entry| entry.bytes).sum();
        self.write("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")?;
        let oxum = format!("{bytes}.{}", self.payload.len());
        let size = bytesize::ByteSize(bytes).to_string();
        let own = [("Payload-Oxum", oxum), ("Bag-Size", size)];
        let known = facts.iter().chain(&own).filter(|(_, value)| !value.is_empty());
        let info: Vec<String> =
            known.map(|(label, value)| format!("{label}: {}\n", value.replace(['\r', '\n'], " "))).collect();
        self.write(INFO, info.concat().as_bytes())?;
        let payload = lines(&self.payload);
        self.write(MANIFEST, payload.as_bytes())?;
        self.tags.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let tags = lines(&self.tags);
        self.write(TAG_MANIFEST, tags.as_bytes())?;
        durable::sync_file_system(&self.root)
    }
}

/// Returns a list in the form of `sha256sum`.
fn lines(entries: &[Entry]) -> String {
    let lines: Vec<String> =
        entries.iter().map(|entry| format!("{}  {}\n", entry.sha256, entry.path)).collect();
    lines.concat()
}

/// True if all tools and file systems accept the name.
pub(super) fn is_portable(path: &str) -> bool {
    path.len() <= 200 && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._=/-".contains(&byte))
}

/// An open file of a package. It is hashed as it is written.
pub(super) struct BagFile {
    name: String,
    path: PathBuf,
    out: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl BagFile {
    /// Path of the file, for errors.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let written = self.write_all(bytes);
        written.on("write", &self.path)
    }

    fn finish(mut self) -> Result<Entry, StorageError> {
        self.out.flush().on("write", &self.path)?;
        Ok(Entry { path: self.name, sha256: hex(&self.hasher.finalize()), bytes: self.bytes })
    }
}

impl Write for BagFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
