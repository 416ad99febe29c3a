//! Reference sections of the table columns.

use super::table;
use crate::table::{Column, Kind, Table};

/// Returns a section per table.
pub(super) fn sections() -> impl Iterator<Item = (String, String)> {
    Table::ALL.into_iter().map(|of| {
        let rows = of.columns().iter().map(row);
        (format!("columns of {}", of.name()), table(&["column", "type", "meaning"], rows))
    })
}

fn row(column: &Column) -> Vec<String> {
    let kind = match column.kind {
        Kind::Str => "text",
        Kind::Ts => "time",
        Kind::Int => "integer",
        Kind::Bool => "boolean",
        Kind::Json => "JSON",
    };
    let kind = if column.nullable { kind.to_owned() } else { format!("{kind}, never null") };
    vec![format!("`{}`", column.name), kind, column.meaning.to_owned()]
}

#[test]
fn every_column_has_a_meaning() {
    for column in Table::ALL.into_iter().flat_map(Table::columns) {
        let meaning = column.meaning;
        let first = meaning.chars().next().unwrap_or_default();
        assert!(first.is_uppercase() || first == '`', "{}: {meaning:?}", column.name);
        assert!(!meaning.ends_with('.') && !meaning.contains('\n'), "{}: {meaning:?}", column.name);
    }
}
