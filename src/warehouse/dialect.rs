//! How the databases differ where they name and quote things.

use crate::table::{Column, Kind};

/// A database that the SQL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DuckDB, 1.3 or later.
    DuckDb,
    /// PostgreSQL, 14 or later.
    Postgres,
}

impl Dialect {
    /// The type of a column.
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
            // Of a record as it was received, json keeps the order of keys, doubled ones and the spelling of numbers.
            (Self::Postgres, Kind::Json) if column.name == "raw" => "json",
            (Self::Postgres, Kind::Json) => "jsonb",
        }
    }
}

/// A column's name: in quotes where both databases have the word for themselves.
pub(super) fn name(column: &Column) -> String {
    match column.name {
        "end" => "\"end\"".to_owned(),
        name => name.to_owned(),
    }
}

/// The names of columns, separated by commas.
pub(super) fn names(columns: &[Column]) -> String {
    columns.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
