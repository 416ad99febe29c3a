//! `CREATE TABLE` statements, with the keys of `docs/tables.md#rows`.

use std::fmt::Write as _;

use super::{Session, runs};
use crate::table::{Table, plain};
use crate::warehouse::dialect::Dialect;
use crate::warehouse::heading;
use crate::warehouse::sql::{literal, name};

/// Returns the statements that create the tables.
pub fn create_tables(dialect: &Dialect, session: &Session) -> String {
    let mut sql = heading("the tables");
    sql.push_str(session.tables_note);
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = write!(sql, "\nCREATE TABLE IF NOT EXISTS {} (\n", table.name());
        for column in table.columns() {
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            let _ = writeln!(sql, "    {} {}{not_null},", name(column), dialect.type_of(column));
        }
        let _ = write!(sql, "    PRIMARY KEY ({})\n);\n", key(table).join(", "));
    }
    let _ = write!(
        sql,
        "\n-- The order of the runs that are loaded, for --merge.\n{}",
        runs::create_table(dialect)
    );
    sql.push_str(session.indexes);
    sql.push_str(&comments());
    sql
}

/// Returns statements that fail if the database lacks the tables.
pub(in crate::warehouse) fn are_there(tables_are_there: fn(&str, &str) -> String) -> String {
    let names = Table::ALL.map(|table| format!("'{}'", table.name())).join(", ");
    tables_are_there(&names, "chatzy-export schema --format")
}

/// Returns the key columns of a loaded table. `coverage` keeps the rows of every run.
fn key(table: Table) -> Vec<&'static str> {
    match table {
        Table::Coverage => [table.key(), &["run_id"]].concat(),
        _ => table.key().to_vec(),
    }
}

/// Returns statements that attach the meanings to the tables and their columns.
fn comments() -> String {
    let mut sql = String::new();
    for table in Table::ALL {
        let text = literal(&plain(table.meaning()));
        // Writing to a string cannot fail.
        let _ = write!(sql, "\nCOMMENT ON TABLE {} IS {text};\n", table.name());
        for column in table.columns() {
            let text = literal(&plain(column.meaning));
            let _ = writeln!(sql, "COMMENT ON COLUMN {}.{} IS {text};", table.name(), name(column));
        }
    }
    sql
}
