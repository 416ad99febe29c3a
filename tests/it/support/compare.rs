//! Compares two exports by everything that must not depend on how they were made.

use std::collections::BTreeMap;

use crate::support::export::Outcome;
use crate::support::tables::Rows;

/// The parts of an export that must not depend on how it was made: names and rows of all files.
#[derive(Debug, Default, PartialEq)]
pub struct Substance {
    pub files: Vec<(String, u64)>,
    pub tables: BTreeMap<String, Rows>,
}

pub fn substance(outcome: &Outcome) -> Substance {
    let manifest = outcome.manifest();
    let run_id = manifest["run_id"].as_str().unwrap();
    let file = |file: &serde_json::Value| {
        (file["path"].as_str().unwrap().replace(run_id, "RUN"), file["rows"].as_u64().unwrap())
    };
    // The number of requests, and so of responses, is random.
    let files = manifest["files"].as_array().unwrap().iter();
    let tables = manifest["tables"].as_object().unwrap().keys();
    Substance {
        files: files.filter(|file| file["table"] != "raw").map(file).collect(),
        tables: tables.map(|table| (table.clone(), outcome.rows(table).without_run())).collect(),
    }
}

pub fn assert_same(substance: &Substance, reference: &Substance, told: &str) {
    assert_eq!(substance.files, reference.files, "{told}");
    for (table, rows) in &reference.tables {
        let resumed = &substance.tables[table];
        assert_eq!(resumed.len(), rows.len(), "rows of {table} ({told})");
        for (expected, row) in rows.0.iter().zip(&resumed.0) {
            assert_eq!(row, expected, "{table} ({told})");
        }
    }
}
