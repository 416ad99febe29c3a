//! Rows of an export, read by other readers: `serde_json` for plain JSONL, pyarrow and DuckDB for all
//! formats.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::export::read;

/// The program that reads.
#[derive(Clone, Copy)]
pub enum Reader {
    Pyarrow,
    DuckDb,
}

/// The rows of a table, in the order of its files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows(pub Vec<Value>);

impl Rows {
    pub fn of_jsonl(out: &Path, manifest: &Value, table: &str) -> Self {
        let files = manifest["files"].as_array().expect("files").iter();
        let paths = files.filter(|file| file["table"] == table).map(|file| file["path"].as_str());
        let texts = paths.map(|path| read(&out.join(path.expect("a path"))));
        let rows = texts.flat_map(|text| {
            text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect::<Vec<_>>()
        });
        Self(rows.collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The values of a column as text. Null is empty.
    pub fn column(&self, name: &str) -> Vec<String> {
        let text = |row: &Value| match &row[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.0.iter().map(text).collect()
    }

    /// The message IDs of a contact. Fails if one occurs twice.
    pub fn message_ids(&self, contact: &str) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for row in self.0.iter().filter(|row| row["contact_id"] == contact) {
            let id = row["message_id"].as_str().expect("an ID");
            assert!(ids.insert(id.to_owned()), "message {id} of {contact} is there twice");
        }
        ids
    }

    /// The row of a contact.
    pub fn of_contact(&self, contact: &str) -> &Value {
        let mut rows = self.0.iter().filter(|row| row["contact_id"] == contact);
        let row = rows.next().unwrap_or_else(|| panic!("no row for {contact}"));
        assert!(rows.next().is_none(), "two rows for {contact}");
        row
    }

    /// The rows without values that differ between two runs over the same responses.
    pub fn without_run(mut self) -> Self {
        const OF_THE_RUN: [&str; 8] = [
            "run_id",
            "exported_at",
            "fetch_started_at",
            "fetch_finished_at",
            "pages",
            "requests",
            "retries",
            "rereads",
        ];
        for row in self.0.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
        }
        self
    }
}

/// The Python that has pyarrow and DuckDB.
pub fn python() -> &'static str {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/venv/bin/python");
    assert!(
        Path::new(python).exists(),
        "the tests read exports with pyarrow and DuckDB: run `make test`, or scripts/test-tools.sh first"
    );
    python
}

/// All tables of the newest export, whatever its format. Times are microseconds, `json` columns are JSON values.
pub fn all(out: &Path, reader: Reader) -> BTreeMap<String, Rows> {
    let mut command = Command::new(python());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/read_table.py")).arg(out);
    if matches!(reader, Reader::DuckDb) {
        command.arg("--duckdb");
    }
    let output = command.output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut tables: BTreeMap<String, Rows> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let (table, row): (String, Value) = serde_json::from_str(line).expect("a table and a row");
        tables.entry(table).or_default().0.push(row);
    }
    tables
}
