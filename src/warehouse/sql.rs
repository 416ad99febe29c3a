//! Pieces of SQL that several dialects share.

use crate::contact_read::Status;
use crate::table::Column;

/// Returns a column's name, quoted if it is a keyword in DuckDB or PostgreSQL.
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

/// Returns the SQL condition that a `coverage` row of this name is decisive.
pub(super) fn decides(name: &str) -> String {
    format!("{name}.status IN ({})", decisive())
}

/// Returns the decisive statuses as literals, separated by commas.
pub(super) fn decisive() -> String {
    let statuses = Status::ALL.into_iter().filter(|status| status.decides());
    statuses.map(|status| format!("'{}'", status.as_str())).collect::<Vec<_>>().join(", ")
}
