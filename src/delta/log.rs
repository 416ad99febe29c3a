//! Reads and replays the Delta log of a table.

use std::collections::BTreeMap;
use std::path::Path;

use super::action::{Action, Add, MetaData, Protocol};
use super::names;
use crate::durable::{self, Content, NOT_REGULAR, StorageError};
use crate::layout;
use crate::output::ExportPath;
use crate::printable::first_chars;
use crate::store::{READ_AT_ONCE, Store};
use crate::table::Table;

/// Maximum size of a version. It has space for more than 100,000 files.
const MAX_VERSION: u64 = 64 << 20;
/// Maximum number of files of a table.
const MAX_FILES: usize = 1 << 20;

/// A log as it is on the disk.
pub struct Log {
    pub(super) table: Table,
    /// The next version to be written.
    pub(super) next: u64,
    pub(super) metadata: Option<MetaData>,
    pub(super) has_protocol: bool,
    pub(super) entries: BTreeMap<ExportPath, Entry>,
    /// Reasons not to rely on the log. The rest of it is not read.
    pub faults: Vec<Fault>,
    /// Files that do not belong to the log, such as checkpoints. Paths are relative to the export.
    pub others: Vec<String>,
    /// Versions that were being written when a command was interrupted.
    pub(super) temporary: Vec<String>,
}

/// A file that a log names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) bytes: u64,
    pub(super) rows: Option<u64>,
    pub(super) partition: BTreeMap<String, Option<String>>,
}

/// A reason not to rely on a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path relative to the export.
    pub path: String,
    /// Kind of the fault.
    pub kind: FaultKind,
    /// Description of the fault.
    pub what: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Another program wrote the version.
    Foreign,
    /// The version cannot be read.
    Unreadable,
    /// The version is missing.
    Missing,
    /// It is not a regular file.
    NotRegular,
}

impl Log {
    /// Reads the log of a table. It is empty if there is none.
    ///
    /// # Errors
    /// If the folder cannot be listed, or a file cannot be read.
    pub fn read(out: &Store, table: Table) -> Result<Self, StorageError> {
        let mut log = Self {
            table,
            next: 0,
            metadata: None,
            has_protocol: false,
            entries: BTreeMap::new(),
            faults: Vec::new(),
            others: Vec::new(),
            temporary: Vec::new(),
        };
        let folder = layout::delta_log(table.name());
        let mut versions = Vec::new();
        for found in out.list(&folder)? {
            let name = found.path.strip_prefix(&folder).and_then(|name| name.strip_prefix('/'));
            match name.and_then(names::version_of) {
                Some(version) => versions.push((version, found.path)),
                None if names::is_temporary(&found.path) => log.temporary.push(found.path),
                None if found.path == folder => log.fault(&folder, FaultKind::NotRegular, NOT_REGULAR),
                None => log.others.push(found.path),
            }
        }
        for some in versions.chunks(READ_AT_ONCE) {
            if log.faults.is_empty() {
                log.read_versions(out, some)?;
            }
        }
        if log.faults.is_empty() && log.next > 0 && (log.metadata.is_none() || !log.has_protocol) {
            let path = names::version_path(table, 0);
            log.fault(&path, FaultKind::Unreadable, "the log names no protocol or no columns");
        }
        Ok(log)
    }

    /// True if the log has no version.
    pub fn is_missing(&self) -> bool {
        self.next == 0 && self.faults.is_empty()
    }

    /// Paths of the versions, relative to the export.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let table = self.table;
        (0..self.next).map(move |version| names::version_path(table, version))
    }

    fn fault(&mut self, path: &str, kind: FaultKind, what: impl Into<String>) {
        self.faults.push(Fault { path: path.to_owned(), kind, what: what.into() });
    }

    fn read_versions(&mut self, out: &Store, versions: &[(u64, String)]) -> Result<(), StorageError> {
        let paths: Vec<&Path> = versions.iter().map(|(_, path)| Path::new(path)).collect();
        for ((version, path), content) in versions.iter().zip(out.read_several(&paths, MAX_VERSION)?) {
            if *version != self.next {
                let missing = names::version_path(self.table, self.next);
                self.fault(&missing, FaultKind::Missing, format!("it is missing, but the log has {path}"));
                return Ok(());
            }
            self.next += 1;
            let replayed = match content {
                Content::Bytes(text) => self.replay(&text),
                Content::Missing => Err((FaultKind::Missing, "it is missing".to_owned())),
                Content::NotRegular => Err((FaultKind::NotRegular, NOT_REGULAR.to_owned())),
                Content::TooLarge(limit) => Err((FaultKind::Unreadable, durable::too_large(limit))),
            };
            if let Err((kind, what)) = replayed {
                self.fault(path, kind, what);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Applies a version.
    fn replay(&mut self, text: &[u8]) -> Result<(), (FaultKind, String)> {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut is_ours = false;
        for (at, line) in lines.enumerate() {
            let action: Action = serde_json::from_slice(line).map_err(|error| {
                let what = format!("its line {} is not an action of this program ({error})", at + 1);
                (if is_ours { FaultKind::Unreadable } else { FaultKind::Foreign }, first_chars(&what))
            })?;
            match action {
                Action::CommitInfo(info) if info.is_ours() => is_ours = true,
                Action::CommitInfo(info) => return Err((FaultKind::Foreign, written_by(&info.engine_info))),
                _ if !is_ours => return Err((FaultKind::Foreign, written_by(""))),
                action => self.apply(action).map_err(|what| (FaultKind::Unreadable, what))?,
            }
        }
        if is_ours { Ok(()) } else { Err((FaultKind::Unreadable, "it is empty".to_owned())) }
    }

    fn apply(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::CommitInfo(_) => {}
            Action::Protocol(Protocol::OURS) => self.has_protocol = true,
            Action::Protocol(other) => {
                let Protocol { min_reader_version, min_writer_version } = other;
                return Err(format!(
                    "it requires a reader of version {min_reader_version} and a writer of version {min_writer_version}"
                ));
            }
            Action::MetaData(metadata) => self.metadata = Some(metadata),
            Action::Add(add) => self.add(add)?,
            Action::Remove(remove) => drop(self.entries.remove(&self.path(&remove.path)?)),
        }
        Ok(())
    }

    fn add(&mut self, add: Add) -> Result<(), String> {
        let path = self.path(&add.path)?;
        if add.deletion_vector.is_some() {
            return Err(format!("it removes single rows of {path}"));
        }
        let rows = add.rows();
        let entry = Entry { bytes: add.size, rows, partition: add.partition_values };
        self.entries.insert(path, entry);
        if self.entries.len() > MAX_FILES {
            return Err(format!("the log names more than {MAX_FILES} files"));
        }
        Ok(())
    }

    fn path(&self, entry: &str) -> Result<ExportPath, String> {
        names::decoded(self.table, entry)
            .ok_or_else(|| format!("it names {:?}, which is no file of this table", first_chars(entry)))
    }
}

fn written_by(engine: &str) -> String {
    let engine = if engine.is_empty() { "another program".to_owned() } else { first_chars(engine) };
    format!("{engine} wrote it: only this program may write to the log")
}
