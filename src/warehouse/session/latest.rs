//! Views of the latest version of each contact over all runs.

use std::fmt::Write as _;

use super::{Session, runs};
use crate::table::Table;
use crate::warehouse::sql::names;
use crate::warehouse::{ExportSource, Purpose, heading};

/// Returns the script that creates the views `latest_<table>`.
pub fn latest(session: &Session, source: Option<&ExportSource>) -> String {
    let mut sql = heading("views of the latest version of each contact over all runs of an export");
    sql.push_str(&source.map_or_else(String::new, ExportSource::left_out));
    sql.push_str(&(session.staging)(source, Purpose::Latest));
    sql.push_str(&(session.latest_order)());
    let create = session.create_view;
    let columns = names(Table::Coverage.columns());
    let is_part = source.is_some_and(|source| source.is_part);
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "
-- The run that has a contact's latest version: the last that has read it.
{create} latest_coverage AS
{};\n",
        runs::newest("staged_coverage", "chatzy_order", &columns, is_part, "")
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
