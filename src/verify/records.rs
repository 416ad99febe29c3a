//! Reads the records of an export: pruned runs, erasures and holds. A record must have the form in which it is written.

use super::content::{Content, read_content};
use super::runs::with_cause;
use super::{DamageKind, Report};
use crate::durable::StorageError;
use crate::layout::{ERASED, HOLDS, PRUNED};
use crate::output::erased::Erasures;
use crate::output::holds::Holds;
use crate::output::manifest::ManifestError;
use crate::output::pruned::PrunedRuns;
use crate::store::Store;

/// A record of an export.
pub(super) trait Record: Sized {
    /// Path in the export.
    const PATH: &'static str;

    fn parse(text: &[u8]) -> Result<Self, ManifestError>;
    fn to_json(&self) -> String;
}

impl Record for PrunedRuns {
    const PATH: &'static str = PRUNED;

    fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(text)
    }

    fn to_json(&self) -> String {
        self.to_json()
    }
}

impl Record for Erasures {
    const PATH: &'static str = ERASED;

    fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(text)
    }

    fn to_json(&self) -> String {
        self.to_json()
    }
}

impl Record for Holds {
    const PATH: &'static str = HOLDS;

    fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(text)
    }

    fn to_json(&self) -> String {
        self.to_json()
    }
}

/// Reads a record, and reports its damage. Returns `None` if it is missing or cannot be read.
pub(super) fn read<R: Record>(out: &Store, report: &mut Report) -> Result<Option<R>, StorageError> {
    let mut add_damage = |kind, detail: &str| report.damage(None, R::PATH, kind, detail);
    match read_content(out, R::PATH)? {
        Content::Missing => {}
        Content::Rejected(kind, detail) => add_damage(kind, &detail),
        Content::Plain(text) => match R::parse(&text) {
            Ok(record) => {
                if record.to_json().as_bytes() != text {
                    let detail = "its content is the same, but its form has changed";
                    add_damage(DamageKind::Changed, detail);
                }
                return Ok(Some(record));
            }
            Err(error) => add_damage(DamageKind::Unreadable, &with_cause(&error)),
        },
    }
    Ok(None)
}
