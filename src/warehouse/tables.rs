//! `CREATE TABLE`, with the keys of the contract.

use std::fmt::Write as _;

use super::dialect::{Dialect, name};
use super::heading;
use crate::table::Table;

/// The statements that make the tables.
pub fn create_tables(dialect: Dialect) -> String {
    let mut sql = heading("the tables");
    sql.push_str(match dialect {
        Dialect::DuckDb => {
            "-- The keys keep doubled rows out, at the cost of memory and disk; loads work without them too.\n"
        }
        Dialect::Postgres => "-- The database is to have the encoding UTF8.\n",
    });
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = write!(sql, "\nCREATE TABLE IF NOT EXISTS {} (\n", table.name());
        for column in table.columns() {
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            let _ = writeln!(sql, "    {} {}{not_null},", name(column), dialect.type_of(column));
        }
        let _ = write!(sql, "    PRIMARY KEY ({})\n);\n", key(table).join(", "));
    }
    if dialect == Dialect::Postgres {
        sql.push_str("\nCREATE INDEX IF NOT EXISTS coverage_run_id ON coverage (run_id);\n");
    }
    sql
}

/// What tells the rows of a loaded table apart. The contact comes first, by which rows are replaced; `coverage` keeps
/// the rows of every run.
fn key(table: Table) -> &'static [&'static str] {
    match table {
        Table::Contacts => &["contact_id"],
        Table::Conversations => &["contact_id", "conversation_id"],
        Table::Messages => &["contact_id", "message_id"],
        Table::ChannelRecords => &["contact_id", "record_id"],
        Table::Coverage => &["contact_id", "run_id"],
    }
}
