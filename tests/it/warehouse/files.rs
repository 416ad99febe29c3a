//! The rows in the files of an export, read by pyarrow.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::databases::Row;
use super::state::Kinds;
use crate::promises::root;
use crate::support::tables::python;

/// Rows by run and table.
pub type Files = BTreeMap<(String, String), Vec<Row>>;

/// The rows of all runs.
pub fn rows_in_files(out: &Path, kinds: &Kinds) -> Files {
    let mut command = Command::new(python());
    command.arg("-B").arg(root().join("tests/it/warehouse/engines/read_runs.py")).arg(out);
    let output = command.output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rows = Files::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let (run, table, row): (String, String, Row) = serde_json::from_str(line).expect("a row");
        rows.entry((run, table.clone())).or_default().push(kinds.normal(&table, row));
    }
    rows
}
