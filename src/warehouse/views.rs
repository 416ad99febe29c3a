//! Views of the latest version of each contact, over tables that hold the rows of all runs.

use std::fmt::Write as _;

use super::fixed::Script;
use super::sql::decisive;
use super::tables::RUNS;
use crate::table::Table;

/// Returns the statements that create the views `latest_<table>`. The tables have this prefix.
pub(super) fn create(script: Script<'_>, prefix: &str) -> String {
    let create = script.fixed.create_view;
    let mut sql = format!(
        "
-- The run that has a contact's latest version: the last that has read it. Runs are complete if coverage names them.
{create} latest_coverage AS
{};\n",
        newest(script, &script.all(Table::Coverage.columns()), &format!("{prefix}coverage"), "")
    );
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "
{create} latest_{table} AS
SELECT {columns}
FROM {prefix}{table}
JOIN (SELECT {key} FROM latest_coverage) AS newest USING ({key});\n",
            table = table.name(),
            columns = script.all(table.columns()),
            key = script.columns(&["contact_id", "run_id"]),
        );
    }
    sql
}

/// Returns the query for the newest decisive row of each contact in a `coverage`.
pub(super) fn newest(script: Script<'_>, columns: &str, coverage: &str, condition: &str) -> String {
    let c = |name: &str| script.column(name);
    format!(
        "SELECT {columns}
FROM (
    SELECT {all}, row_number() OVER (
        PARTITION BY {contact_id} ORDER BY {moment} DESC, {position} DESC, {exported_at} DESC, {run_id} DESC
    ) AS {rank}
    FROM {coverage}
    JOIN (
        SELECT {run_id}, {position}, max({exported_at}) OVER (PARTITION BY {chain} ORDER BY {position}) AS {moment}
        FROM {RUNS}
    ) AS runs USING ({run_id})
    WHERE {status} IN ({decisive}){condition}
) AS ranked
WHERE {rank} = 1",
        all = script.all(Table::Coverage.columns()),
        contact_id = c("contact_id"),
        moment = c("moment"),
        position = c("position"),
        exported_at = c("exported_at"),
        run_id = c("run_id"),
        rank = c("run_rank"),
        chain = c("chain"),
        status = c("status"),
        decisive = decisive(),
    )
}
