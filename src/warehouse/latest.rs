//! Views of the latest version of each contact over all runs.

use std::fmt::Write as _;

use super::dialect::{Dialect, names};
use super::{ExportSource, Purpose, decides, duckdb, heading, postgres};
use crate::table::Table;

/// The script that makes the views `latest_<table>`.
pub fn latest(dialect: Dialect, source: Option<&ExportSource>) -> String {
    let mut sql = heading("views of the latest version of each contact over all runs of an export");
    sql.push_str(&match dialect {
        Dialect::DuckDb => duckdb::staging(source, Purpose::Latest),
        Dialect::Postgres => postgres::staging(source, Purpose::Latest),
    });
    // DuckDB's views read a list of files that belongs to the session.
    let create = match dialect {
        Dialect::DuckDb => "CREATE OR REPLACE TEMP VIEW",
        Dialect::Postgres => "CREATE OR REPLACE VIEW",
    };
    let columns = names(Table::Coverage.columns());
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "
-- The run that has a contact's latest version: the last that has read it.
{create} latest_coverage AS
SELECT {columns}
FROM (
    SELECT *, row_number() OVER (PARTITION BY contact_id ORDER BY exported_at DESC, run_id DESC) AS place
    FROM staged_coverage WHERE {}
) AS ranked
WHERE place = 1;\n",
        decides("staged_coverage")
    );
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        let _ = write!(
            sql,
            "
{create} latest_{table} AS
SELECT {columns}
FROM staged_{table}
WHERE (contact_id, run_id) IN (SELECT contact_id, run_id FROM latest_coverage);\n",
            table = table.name(),
            columns = names(table.columns()),
        );
    }
    sql.push_str("\nCOMMIT;\n");
    sql
}
