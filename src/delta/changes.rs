//! The differences between a log and the files that it should name.

use super::expected::{Expected, File};
use super::log::{Entry, Log};
use super::schema;
use crate::output::ExportPath;

/// The changes that a log needs. They are empty if it is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Difference of the columns, if the log has others.
    pub columns: Option<String>,
    /// Files that the log lacks.
    pub missing: Vec<ExportPath>,
    /// Files with another size, number of rows or partition in the log.
    pub different: Vec<ExportPath>,
    /// Files that the log should not name.
    pub superfluous: Vec<ExportPath>,
}

impl Changes {
    /// True if the log is right.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Log {
    /// Returns the changes that the log needs.
    pub fn changes(&self, expected: &Expected) -> Changes {
        let mut changes = Changes::default();
        if let Some(keys) = &expected.keys {
            changes.columns = match &self.metadata {
                None => Some("it has no columns".to_owned()),
                Some(metadata) => schema::difference(metadata, self.table, keys),
            };
        }
        for (path, file) in expected.of(self.table).filter(|(path, _)| expected.is_compared(path)) {
            match self.entries.get(path) {
                None => changes.missing.push(path.clone()),
                Some(entry) if !is_same(entry, file) => changes.different.push(path.clone()),
                Some(_) => {}
            }
        }
        let is_superfluous =
            |path: &&ExportPath| !expected.files.contains_key(*path) && expected.is_compared(path);
        changes.superfluous = self.entries.keys().filter(is_superfluous).cloned().collect();
        changes
    }
}

fn is_same(entry: &Entry, file: &File) -> bool {
    entry.bytes == file.bytes && entry.rows == Some(file.rows) && entry.partition == file.partition
}
