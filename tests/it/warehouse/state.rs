//! The rows of the five tables in one form, whatever engine or file they come from.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::TABLES;
use super::databases::{Database, Row};
use crate::support::export::json as read_json;

/// The type of each column, by table.
pub struct Kinds(BTreeMap<String, BTreeMap<String, String>>);

/// The rows of the tables, each as JSON, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct State(BTreeMap<String, Vec<String>>);

impl Kinds {
    /// Those of the newest run of an export.
    pub fn of(out: &Path) -> Self {
        let latest = read_json(&out.join("_runs/latest.json"));
        let manifest = read_json(&out.join(latest["manifest"].as_str().expect("a path")));
        let of_table = |table: &str| {
            let columns = manifest["tables"][table]["columns"].as_array().expect("columns").iter();
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let kinds = columns.map(|column| (text(&column["name"]), text(&column["type"])));
            (table.to_owned(), kinds.collect())
        };
        Self(TABLES.map(of_table).into())
    }

    /// The row with all columns of its table. Times are microseconds, and JSON is parsed.
    pub fn normal(&self, table: &str, mut row: Row) -> Row {
        let value = |(name, kind): (&String, &String)| {
            let value = row.remove(name).unwrap_or_default();
            (name.clone(), if value.is_null() { value } else { normal(kind, value) })
        };
        let normal = self.0[table].iter().map(value).collect();
        assert!(row.is_empty(), "{table} has other columns: {row:?}");
        normal
    }
}

fn normal(kind: &str, value: Value) -> Value {
    match (kind, value) {
        ("ts", Value::String(text)) => json!(microseconds(&text)),
        ("json", Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        // Engines print long integers as text.
        ("int", Value::String(text)) => json!(text.parse::<i64>().expect("an integer")),
        ("bool", Value::Number(number)) => json!(number.as_i64() == Some(1)),
        (_, value) => value,
    }
}

/// `2026-01-01 00:00:00`, with or without `T`, a fraction and the zone of UTC.
fn microseconds(text: &str) -> i64 {
    let utc = ["Z", "+00:00", "+00"].into_iter().find_map(|zone| text.strip_suffix(zone));
    let plain = utc.unwrap_or(text).replace('T', " ");
    let time = NaiveDateTime::parse_from_str(&plain, "%Y-%m-%d %H:%M:%S%.f");
    time.unwrap_or_else(|error| panic!("{text}: {error}")).and_utc().timestamp_micros()
}

impl State {
    pub fn of(tables: BTreeMap<String, Vec<Row>>, kinds: &Kinds) -> Self {
        let lines = |(table, rows): (String, Vec<Row>)| {
            let lines = rows.into_iter().map(|row| Value::Object(kinds.normal(&table, row)).to_string());
            let mut lines: Vec<_> = lines.collect();
            lines.sort();
            (table, lines)
        };
        Self(tables.into_iter().map(lines).collect())
    }

    /// The tables or views with this prefix after a script in a folder, in the same session.
    pub fn after(database: &Database, prefix: &str, script: &str, within: &Path, kinds: &Kinds) -> Self {
        let names = TABLES.map(|table| format!("{prefix}{table}"));
        let tables = database.tables(script, &names, within).into_iter();
        let found =
            tables.map(|(name, rows)| (name.strip_prefix(prefix).expect("its prefix").to_owned(), rows));
        Self::of(found.collect(), kinds)
    }

    /// The tables or views with this prefix.
    pub fn within(database: &Database, prefix: &str, kinds: &Kinds) -> Self {
        Self::after(database, prefix, "", Path::new("/"), kinds)
    }

    /// This table alone.
    pub fn only(mut self, table: &str) -> Self {
        self.0.retain(|name, _| name == table);
        self
    }

    /// Fails with the first rows that differ.
    pub fn assert_is(&self, expected: &Self, told: &str) {
        assert_eq!(self.0.keys().collect::<Vec<_>>(), expected.0.keys().collect::<Vec<_>>(), "{told}");
        for (table, lines) in &self.0 {
            let expected = &expected.0[table];
            if lines != expected {
                let only = |one: &[String], other: &[String]| {
                    let only: Vec<_> =
                        one.iter().filter(|line| !other.contains(line)).take(3).cloned().collect();
                    only.join("\n  ")
                };
                panic!(
                    "{told}: {table} has {} rows instead of {}\n  missing\n  {}\n  not expected\n  {}",
                    lines.len(),
                    expected.len(),
                    only(expected, lines),
                    only(lines, expected),
                );
            }
        }
    }
}
