//! The policy: an action for each column, and what to search for in texts.

use std::collections::BTreeMap;
use std::path::Path;

use super::find::{Names, Patterns};
use super::policy_file::{self, PolicyError};
use super::replacement::Replacement;
use crate::table::{Column, Kind, Table};

/// Action on the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Keep,
    Drop,
    Mask,
    Last4,
    Pseudonym,
    Day,
    Month,
    Detect,
}

impl Action {
    pub(super) const ALL: [Self; 8] = [
        Self::Keep,
        Self::Drop,
        Self::Mask,
        Self::Last4,
        Self::Pseudonym,
        Self::Day,
        Self::Month,
        Self::Detect,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::Last4 => "last4",
            Self::Pseudonym => "pseudonym",
            Self::Day => "day",
            Self::Month => "month",
            Self::Detect => "detect",
        }
    }

    /// True if values of this kind can be treated so.
    pub(super) fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Keep | Self::Drop => true,
            Self::Mask | Self::Last4 | Self::Pseudonym => kind == Kind::Str,
            Self::Detect => matches!(kind, Kind::Str | Kind::Json),
            Self::Day | Self::Month => kind == Kind::Ts,
        }
    }
}

/// A redaction policy.
#[derive(Debug)]
pub struct Policy {
    pub(super) sha256: String,
    pub(super) words_sha256: Option<String>,
    /// Actions by table and column name. All columns are in it.
    pub(super) actions: BTreeMap<(Table, &'static str), Action>,
    /// True if values of the contact are searched for.
    pub(super) known: bool,
    pub(super) patterns: Patterns,
    pub(super) words: Names,
    pub(super) replacement: Replacement,
}

impl Policy {
    /// Reads a policy, and its list of words.
    ///
    /// # Errors
    /// If a file cannot be read, or the policy has a mistake.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        policy_file::read(path)
    }

    /// Returns a policy with all columns, their meanings and a safe suggestion for each.
    pub fn template() -> String {
        super::template::template()
    }

    /// Returns a reason why the policy needs a key, if it does.
    pub fn needs_key(&self) -> Option<String> {
        let mut actions = self.actions.iter();
        let column = actions.find(|(_, action)| **action == Action::Pseudonym);
        match column {
            Some(((table, name), _)) => {
                Some(format!("the policy has a pseudonym for {}.{name}", table.name()))
            }
            None if self.replacement.has_pseudonym() => {
                Some("the policy's detect.replace has {pseudonym}".to_owned())
            }
            None => None,
        }
    }

    pub(super) fn action(&self, table: Table, column: &Column) -> Action {
        self.actions.get(&(table, column.name)).copied().unwrap_or(Action::Drop)
    }
}
