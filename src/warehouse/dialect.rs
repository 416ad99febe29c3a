//! Differences in names and quotes between the databases.

use crate::table::{Column, Kind};

/// Target database of the SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DuckDB 1.3 or later.
    DuckDb,
    /// PostgreSQL 14 or later.
    Postgres,
}

impl Dialect {
    /// Returns the type of a column.
    pub(super) fn type_of(self, column: &Column) -> &'static str {
        match (self, column.kind) {
            (Self::DuckDb, Kind::Str) => "VARCHAR",
            (Self::DuckDb, Kind::Ts) => "TIMESTAMP WITH TIME ZONE",
            (Self::DuckDb, Kind::Int) => "BIGINT",
            (Self::DuckDb, Kind::Bool) => "BOOLEAN",
            (Self::DuckDb, Kind::Json) => "JSON",
            (Self::Postgres, Kind::Str) => "text",
            (Self::Postgres, Kind::Ts) => "timestamptz",
            (Self::Postgres, Kind::Int) => "bigint",
            (Self::Postgres, Kind::Bool) => "boolean",
            // The type json keeps the order of keys, repeated keys and the spelling of numbers.
            (Self::Postgres, Kind::Json) if column.name == "raw" => "json",
            (Self::Postgres, Kind::Json) => "jsonb",
        }
    }
}

/// Returns a column's name, quoted if it is a keyword in one of the databases.
pub(super) fn name(column: &Column) -> String {
    match column.name {
        "end" => "\"end\"".to_owned(),
        name => name.to_owned(),
    }
}

/// Returns the names of columns, separated by commas.
pub(super) fn names(columns: &[Column]) -> String {
    columns.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Formats a text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
