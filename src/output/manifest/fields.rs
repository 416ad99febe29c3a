//! The fields that the runs of an export have met, and their changes between runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Fields of one table that the runs of an export have met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFields {
    /// Contacts with rows in the table, summed over the runs.
    pub contacts: u64,
    /// Columns that had values.
    #[serde(default)]
    pub columns: BTreeMap<String, Seen>,
    /// Fields that were in `extra`.
    #[serde(default)]
    pub extra: BTreeMap<String, Seen>,
}

/// Counts of a field since the run that met it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Rows of the table since the field was first met.
    pub rows: u64,
    /// Rows in which the field has a value.
    pub values: u64,
}

/// One difference between the fields of a run and those of earlier runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// Name of the table.
    pub table: String,
    /// Name of the column, or of the field in `extra`.
    pub field: String,
    /// `appeared`, `vanished`, `has_values` or `became_null`. Later versions may add others.
    pub change: String,
}

/// True for a count that is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These are the forms of version 0.1.0. Later fields have defaults.
    #[test]
    fn the_forms_of_the_first_version_are_read() {
        let change = r#"{"table":"messages","field":"mood","change":"appeared"}"#;
        let known = r#"{"contacts":2,"columns":{"role":{"rows":3,"values":1}},"extra":{}}"#;
        assert_eq!(serde_json::from_str::<SchemaChange>(change).unwrap().field, "mood");
        assert_eq!(serde_json::from_str::<KnownFields>(known).unwrap().columns["role"].values, 1);
    }
}
