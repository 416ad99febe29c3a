//! Counts of a redaction. They contain no value.

use std::collections::BTreeMap;

use serde::Serialize;

use super::find::{FoundBy, Kind};
use super::policy::Action;
use super::text::FindingCounts;
use crate::table::Table;

/// Record of a redaction, for the custody record of a package.
#[derive(Clone, Debug, Serialize)]
pub struct RedactionReport {
    /// SHA-256 of the policy file.
    pub policy_sha256: String,
    /// Keyed digest of the policy's list of words; `None` without a list or a key.
    pub words_digest: Option<String>,
    /// ID of the pseudonym key: equal for packages whose pseudonyms are equal.
    pub key_id: Option<String>,
    /// Rows by table.
    pub tables: BTreeMap<&'static str, RowCounts>,
    /// Values by column and rule.
    pub columns: Vec<ColumnCount>,
}

/// Rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows that passed through the redaction.
    pub rows: u64,
    /// Rows in which the policy leaves out or replaces a value.
    pub changed: u64,
    /// Rows in which personal data was found in a text.
    pub with_findings: u64,
}

/// Values of a column that a rule changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnCount {
    /// `table.column`.
    column: String,
    /// Action of the policy.
    rule: Action,
    /// Kind of the finding, for texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    /// Evidence for the finding, for texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_by: Option<FoundBy>,
    /// Number of values changed, or of findings.
    count: u64,
}

/// `table.column`, its action, and for texts kind and evidence.
type Rule = (String, Action, Option<(Kind, FoundBy)>);

/// Counts while rows pass.
#[derive(Debug, Default)]
pub(super) struct Tally {
    columns: BTreeMap<Rule, u64>,
    tables: BTreeMap<&'static str, RowCounts>,
}

impl Tally {
    pub(super) fn values(&mut self, table: Table, column: &str, action: Action, count: u64) {
        if count > 0 {
            let key = (format!("{}.{column}", table.name()), action, None);
            *self.columns.entry(key).or_default() += count;
        }
    }

    pub(super) fn findings(&mut self, column: &str, counts: FindingCounts) {
        for (finding, count) in counts {
            let key = (column.to_owned(), Action::Detect, Some(finding));
            *self.columns.entry(key).or_default() += count;
        }
    }

    pub(super) fn rows(&mut self, table: Table, added: RowCounts) {
        let counts = self.tables.entry(table.name()).or_default();
        counts.rows += added.rows;
        counts.changed += added.changed;
        counts.with_findings += added.with_findings;
    }

    pub(super) fn tables(&self) -> BTreeMap<&'static str, RowCounts> {
        self.tables.clone()
    }

    pub(super) fn columns(&self) -> Vec<ColumnCount> {
        let count = |((column, rule, finding), count): (&Rule, &u64)| {
            let (kind, found_by) = finding.unzip();
            ColumnCount { column: column.clone(), rule: *rule, kind, found_by, count: *count }
        };
        self.columns.iter().map(count).collect()
    }
}
