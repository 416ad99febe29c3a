//! The content of the page, read from the export.

use std::collections::BTreeMap;
use std::path::Path;

use super::ReportError;
use super::days::Days;
use crate::contact_read::Status;
use crate::durable::Opened;
use crate::id::RunId;
use crate::layout;
use crate::output::manifest::Manifest;
use crate::store::Store;
use crate::table::Table;
use crate::verify::quick_check::{Number, QuickCheck, RowsError, Text, quick_check, read_rows};

/// Maximum number of contacts in a list of the page. `failed.csv` and `not_found.csv` have all.
pub(super) const MAX_SHOWN: usize = 100;

/// The content of the page.
pub(super) struct Facts {
    pub(super) manifest: Manifest,
    /// Contacts by the status of their coverage.
    pub(super) statuses: BTreeMap<String, u64>,
    pub(super) failed: Troubled,
    pub(super) unresolved: Troubled,
    pub(super) not_found: Troubled,
    /// True if the run has `not_found.csv`. Earlier versions wrote none.
    pub(super) has_not_found_list: bool,
    pub(super) messages: Days,
}

/// Contacts with the same outcome: the first ones, and the number of all.
#[derive(Default)]
pub(super) struct Troubled {
    pub(super) shown: Vec<Trouble>,
    pub(super) all: u64,
}

/// A failed, unresolved or missing contact.
pub(super) struct Trouble {
    pub(super) contact: String,
    /// Line in the contacts file.
    pub(super) line: Option<i64>,
    /// Number of exported messages.
    pub(super) messages: i64,
    pub(super) reason: Option<String>,
}

/// Reads the content of the page from a run.
pub(super) fn gather(out: &Store, run: Option<&RunId>) -> Result<Facts, ReportError> {
    let manifest = match quick_check(out, run)? {
        QuickCheck::Sound(manifest) => *manifest,
        QuickCheck::Damaged(report) => {
            let first = report.damages.into_iter().next();
            let (path, detail) = first.map(|damage| (damage.path, damage.detail)).unwrap_or_default();
            return Err(ReportError::Damaged { path, detail });
        }
    };
    let path = layout::run_file(&manifest.run_id, layout::NOT_FOUND);
    let has_not_found_list = matches!(out.open(Path::new(&path))?, Opened::File(..));
    let mut facts = Facts {
        manifest,
        statuses: BTreeMap::new(),
        failed: Troubled::default(),
        unresolved: Troubled::default(),
        not_found: Troubled::default(),
        has_not_found_list,
        messages: Days::default(),
    };
    read_coverage(out, &mut facts)?;
    read_messages(out, &mut facts)?;
    Ok(facts)
}

fn read_coverage(out: &Store, facts: &mut Facts) -> Result<(), ReportError> {
    let wanted = ["contact_id", "status", "error", "messages", "input_line"];
    let Facts { manifest, statuses, failed, unresolved, not_found, .. } = facts;
    read_rows(out, manifest, Table::Coverage, &wanted, &mut |row| {
        let status = row.text(Text::Status).unwrap_or("null");
        match statuses.get_mut(status) {
            Some(count) => *count += 1,
            None => drop(statuses.insert(status.to_owned(), 1)),
        }
        let troubled = if status == Status::Failed.as_str() {
            &mut *failed
        } else if status == Status::Unresolved.as_str() {
            &mut *unresolved
        } else if status == Status::NotFound.as_str() {
            &mut *not_found
        } else {
            return;
        };
        troubled.all += 1;
        if troubled.shown.len() < MAX_SHOWN {
            troubled.shown.push(Trouble {
                contact: row.contact().to_owned(),
                line: row.number(Number::InputLine),
                messages: row.number(Number::Messages).unwrap_or_default(),
                reason: row.text(Text::Error).map(str::to_owned),
            });
        }
    })?;
    Ok(())
}

fn read_messages(out: &Store, facts: &mut Facts) -> Result<(), ReportError> {
    let Facts { manifest, messages, .. } = facts;
    read_rows(out, manifest, Table::Messages, &["created_at", "channel"], &mut |row| {
        messages.add(row.number(Number::CreatedAt), row.text(Text::Channel));
    })?;
    Ok(())
}

impl From<RowsError> for ReportError {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Storage(error) => error.into(),
            RowsError::Damaged { path, detail } => Self::Damaged { path, detail },
        }
    }
}
