//! The tables as Markdown: the data dictionary of `--format markdown`, and sections of `docs/reference.md`.

use std::fmt::Write as _;

use crate::table::schema::SCHEMA_VERSION;
use crate::table::{Kind, NOTES, SAMPLE_JOINS, Table, diagram};

/// Describes all tables, their keys and joins.
pub(super) fn tables() -> String {
    let mut text = format!(
        "# Tables of an export\n\nWritten by chatzy-export {}, schema version {SCHEMA_VERSION}.\n\n## Keys\n\n{}\n## Types\n\n{}",
        env!("CARGO_PKG_VERSION"),
        keys(),
        types()
    );
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## Table `{}`\n\n{}", table.name(), columns(table));
    }
    let _ = write!(text, "\n## Sample joins\n\n{}", sample_joins());
    text
}

/// Returns the diagram of the keys, and the notes.
pub fn keys() -> String {
    let mut text = format!("```text\n{}```\n\n", diagram());
    for note in NOTES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {note}");
    }
    text
}

/// Returns the types of the columns.
pub fn types() -> String {
    let row = |kind: Kind| vec![kind.word().to_owned(), code(kind.name()), in_parquet(kind).to_owned()];
    table(
        &["type", "in the manifest", "in Parquet"],
        [Kind::Str, Kind::Ts, Kind::Int, Kind::Bool, Kind::Json].map(row),
    )
}

fn in_parquet(kind: Kind) -> &'static str {
    match kind {
        Kind::Str => "string",
        Kind::Ts => "timestamp in microseconds, UTC",
        Kind::Int => "int64",
        Kind::Bool => "boolean",
        Kind::Json => "string with JSON text",
    }
}

/// Returns the meaning, the key, the joins and the columns of a table.
pub fn columns(of: Table) -> String {
    let mut text = format!("{} Key: {}.\n", of.meaning(), codes(&of.key_over_runs()));
    let joins: Vec<_> =
        of.joins().map(|to| format!("- joins `{}` on {}", to.name(), codes(&to.key_over_runs()))).collect();
    if !joins.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}", joins.join("\n"));
    }
    let rows = of.columns().iter().map(|column| {
        let null = if column.nullable { "yes" } else { "no" };
        let cells = [code(column.name), column.kind.word().to_owned(), null.to_owned()];
        [&cells[..], &[column.meaning.to_owned(), code(column.example)]].concat()
    });
    text.push('\n');
    text.push_str(&table(&["column", "type", "null?", "meaning", "example"], rows));
    text
}

/// Returns the queries that join tables.
pub fn sample_joins() -> String {
    let blocks = SAMPLE_JOINS.map(|join| format!("{}:\n\n```sql\n{}\n```\n", join.title, join.sql));
    blocks.join("\n")
}

/// Formats a Markdown table.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(headings.len()));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes(names: &[&str]) -> String {
    names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
}
