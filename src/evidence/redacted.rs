//! The view of a redacted package: rows without personal data, by the user's policy.
//!
//! Beside the rows, a redacted package leaves out what would show the original: the files and manifests of the
//! runs, the responses of the API, and the names of the contacts that the user selected.

use std::cell::RefCell;
use std::rc::Rc;

use arrow::array::RecordBatch;
use serde_json::json;

use super::EvidenceError;
use super::bag::Bag;
use super::view::View;
use crate::output::manifest::Previous;
use crate::redaction::{KnownValues, Redaction};
use crate::table::Table;

/// A redaction that the view shares with the maker of the package.
pub(super) type SharedRedaction = Rc<RefCell<Redaction>>;

/// Shows rows as the policy leaves them.
pub(super) struct Redacted {
    redaction: SharedRedaction,
    known: KnownValues,
    has_begun: bool,
}

impl Redacted {
    pub(super) fn new(redaction: &SharedRedaction) -> Self {
        Self { redaction: Rc::clone(redaction), known: KnownValues::default(), has_begun: false }
    }
}

impl View for Redacted {
    fn learn(&mut self, table: Table, rows: &RecordBatch) {
        self.known.add(table, rows);
    }

    fn shown(&mut self, table: Table, rows: &RecordBatch) -> RecordBatch {
        let mut redaction = self.redaction.borrow_mut();
        if !self.has_begun {
            // A contact without rows is known from its row of `coverage` only.
            self.known.add(table, rows);
            redaction.begin_contact(&self.known);
            self.has_begun = true;
        }
        redaction.apply(table, rows)
    }

    fn end_contact(&mut self) {
        self.known = KnownValues::default();
        self.has_begun = false;
    }
}

/// Writes `redaction.json`: what was done, and the manifests of the runs that the rows come from.
pub(super) fn write(bag: &mut Bag, redaction: &Redaction, runs: &[Previous]) -> Result<(), EvidenceError> {
    let runs: Vec<_> =
        runs.iter().map(|run| json!({ "run_id": run.run_id, "manifest_sha256": run.sha256 })).collect();
    let record = json!({ "redaction": redaction.report(), "runs": runs });
    bag.write("data/custody/redaction.json", format!("{record:#}\n").as_bytes())?;
    Ok(())
}
