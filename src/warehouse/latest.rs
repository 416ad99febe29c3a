//! Views of the latest version of each contact over all runs.

use std::fmt::Write as _;

use super::dialect::{Dialect, names};
use super::{ExportSource, Purpose, duckdb, heading, postgres, runs};
use crate::table::Table;

/// Returns the script that creates the views `latest_<table>`.
pub fn latest(dialect: Dialect, source: Option<&ExportSource>) -> String {
    let mut sql = heading("views of the latest version of each contact over all runs of an export");
    sql.push_str(&source.map_or_else(String::new, ExportSource::left_out));
    sql.push_str(&match dialect {
        Dialect::DuckDb => duckdb::staging(source, Purpose::Latest),
        Dialect::Postgres => postgres::staging(source, Purpose::Latest),
    });
    // The views of DuckDB read a list of files that belongs to the session.
    let create = match dialect {
        Dialect::DuckDb => "CREATE OR REPLACE TEMP VIEW",
        Dialect::Postgres => "CREATE OR REPLACE VIEW",
    };
    // Writing to a string cannot fail.
    let _ = match dialect {
        Dialect::DuckDb => {
            write!(sql, "\nCREATE OR REPLACE TEMP TABLE chatzy_order AS\n{};\n", runs::order("chatzy_found"))
        }
        Dialect::Postgres => {
            sql.push_str(&runs::add_links());
            write!(sql, "\nCREATE OR REPLACE VIEW chatzy_order AS\n{};\n", runs::order(runs::TABLE))
        }
    };
    let columns = names(Table::Coverage.columns());
    let is_part = source.is_some_and(|source| source.is_part);
    let _ = write!(
        sql,
        "
-- The run that has a contact's latest version: the last that has read it.
{create} latest_coverage AS
{};\n",
        runs::newest("staged_coverage", &columns, is_part, "")
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
