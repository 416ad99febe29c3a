//! Scripts that are fixed text: the generator names the files of each run, and the database decides nothing.
//!
//! Statements end with `;` at the end of a line, and nowhere else is a `;` at the end of a line. Comments are
//! whole lines.

use super::dialect::Dialect;
use super::tables::Shape;
use super::{ExportSource, SourceError};
use crate::id::RunId;
use crate::output::manifest::Manifest;
use crate::table::{Column, Table};

/// Differences between the databases with fixed scripts.
pub(super) struct Fixed {
    /// Returns the quoted name of a column.
    pub(super) column: fn(name: &str) -> String,
    /// Returns a text as a literal.
    pub(super) literal: fn(text: &str) -> String,
    /// Returns a time as a literal. It has the form `2026-11-20T02:00:00.000000Z`.
    pub(super) time: fn(time: &str) -> String,
    /// Returns a value with its type, for a column whose type no other row shows.
    pub(super) typed: fn(value: &str, type_name: &str) -> String,
    /// Returns the name of a column in a definition of a table.
    pub(super) defined: fn(name: &str) -> String,
    /// Returns the definition of a column with this type.
    pub(super) definition: fn(type_name: &str, nullable: bool) -> String,
    /// Returns the comment after a column's definition. If it is `None`, `COMMENT ON` statements follow.
    pub(super) column_comment: Option<fn(text: &str) -> String>,
    /// Returns the text after the columns of a table.
    pub(super) table_options: fn(&Shape) -> String,
    /// Returns the statement that creates a view, or replaces it.
    pub(super) view: fn(name: &str, query: &str) -> String,
    /// Returns the name of a table in the query of a view.
    pub(super) in_view: fn(name: &str) -> String,
    /// Comments on how to create the tables.
    pub(super) tables_note: &'static str,
    /// Returns comments on how to run a load, and what the database needs for it.
    pub(super) notes: fn(&ExportSource) -> String,
    /// Returns statements before a load.
    pub(super) prepare: fn(&ExportSource) -> String,
    /// Longest text that the database takes.
    pub(super) limit: Limit,
}

/// Longest text that a database takes.
pub(super) enum Limit {
    /// It takes the scripts of all exports.
    None,
    /// Maximum number of bytes of a script.
    Script(usize),
    /// Maximum number of bytes of a statement.
    Statement(usize),
}

impl Limit {
    /// Returns the script if it is not too long for the database with this name.
    ///
    /// # Errors
    /// If it is.
    pub(super) fn check(&self, sql: String, title: &'static str) -> Result<String, SourceError> {
        let (part, max, length) = match self {
            Self::None => return Ok(sql),
            Self::Script(max) => ("scripts", *max, sql.len()),
            Self::Statement(max) => {
                ("statements", *max, sql.split(";\n").map(str::len).max().unwrap_or_default())
            }
        };
        if length > max { Err(SourceError::TooLong { title, part, max, length }) } else { Ok(sql) }
    }
}

/// A check of a load.
#[derive(Clone)]
pub(super) struct Check {
    /// Query that returns a number. It is zero if nothing is wrong.
    pub(super) count: String,
    /// Message after the number.
    pub(super) message: String,
}

/// A dialect with the table of its fixed scripts.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) fixed: &'a Fixed,
}

impl Script<'_> {
    /// Returns the quoted name of a column.
    pub(super) fn column(self, name: &str) -> String {
        (self.fixed.column)(name)
    }

    /// Returns the quoted names of columns, separated by commas.
    pub(super) fn columns(self, names: &[&str]) -> String {
        names.iter().map(|name| self.column(name)).collect::<Vec<_>>().join(", ")
    }

    /// Returns the quoted names of a table's columns, separated by commas.
    pub(super) fn all(self, columns: &[Column]) -> String {
        self.columns(&columns.iter().map(|column| column.name).collect::<Vec<_>>())
    }

    /// Returns a text as a literal.
    pub(super) fn literal(self, text: &str) -> String {
        (self.fixed.literal)(text)
    }

    /// Returns texts as literals, separated by commas.
    pub(super) fn literals<'t>(self, texts: impl IntoIterator<Item = &'t str>) -> String {
        texts.into_iter().map(|text| self.literal(text)).collect::<Vec<_>>().join(", ")
    }

    /// Returns the definition of a column.
    pub(super) fn definition(self, column: &Column) -> String {
        (self.fixed.definition)(self.dialect.type_of(column), column.nullable)
    }

    /// Returns a statement that fails with a number and this message if a query returns more than zero.
    pub(super) fn fail_if(self, count: &str, message: &str) -> String {
        (self.dialect.fail_if)(count, message)
    }

    /// Returns a statement that fails if something is wrong.
    pub(super) fn fail(self, check: &Check) -> String {
        self.fail_if(&check.count, &check.message)
    }

    /// Returns a statement that fails unless a query returns the number of rows in a run's manifest. The
    /// column is `n`.
    pub(super) fn check_rows(self, count: &str, rows: u64, table: Table, run_id: &RunId) -> String {
        self.fail(&wrong_rows(count, rows, table, run_id, ""))
    }

    /// Returns a statement that fails if rows of a run have another time than its manifest.
    pub(super) fn check_times(self, from: &str, manifest: &Manifest, condition: &str) -> String {
        let time = (self.fixed.time)(&manifest.started_at);
        let exported_at = self.column("exported_at");
        self.fail_if(
            &format!("    SELECT count(*) FROM {from}\n    WHERE {exported_at} <> {time}{condition}"),
            &format!(
                "rows of the run {} have another exported_at than its manifest: set the time zone of the session to UTC",
                manifest.run_id
            ),
        )
    }
}

/// Returns the check that a query returns the number of rows in a run's manifest. The column is `n`.
pub(super) fn wrong_rows(count: &str, rows: u64, table: Table, run_id: &RunId, condition: &str) -> Check {
    Check {
        count: format!(
            "    SELECT coalesce(max(abs(n - {rows})), 0)\n    FROM ({count}) AS counted{condition}"
        ),
        message: format!(
            "rows too many or too few: the run {run_id} has {rows} in the table {}; a file is missing or has changed, or another load runs at the same time",
            table.name()
        ),
    }
}

/// Returns the definition of a column as in the SQL standard.
pub(super) fn standard_definition(type_name: &str, nullable: bool) -> String {
    format!("{type_name}{}", if nullable { "" } else { " NOT NULL" })
}

/// Returns a value with a type, as in the SQL standard.
pub(super) fn cast(value: &str, type_name: &str) -> String {
    format!("CAST({value} AS {type_name})")
}

/// Returns the statement that creates a view, as in most databases.
pub(super) fn view(name: &str, query: &str) -> String {
    format!("CREATE OR REPLACE VIEW {name} AS\n{query};\n")
}

/// Formats a text as a literal in which a backslash and a doubled quote escape.
pub(super) fn escaped_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

/// Formats a text as a literal in which a backslash escapes also quotes.
pub(super) fn backslash_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Returns a name in backticks.
pub(super) fn in_backticks(name: &str) -> String {
    format!("`{name}`")
}

/// Returns a name in double quotes.
pub(super) fn in_double_quotes(name: &str) -> String {
    format!("\"{name}\"")
}
