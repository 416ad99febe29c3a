//! Views of the latest version of each contact, over tables that hold the rows of all runs.

use std::fmt::Write as _;

use super::fixed::Script;
use super::sql::decisive;
use super::tables::RUNS;
use crate::table::Table;

/// Returns the statements that create the views `latest_<table>`. The tables have this prefix.
pub(super) fn create(script: Script<'_>, prefix: &str) -> String {
    let table = |name: &str| (script.fixed.in_view)(&format!("{prefix}{name}"));
    let coverage = table(Table::Coverage.name());
    let newest =
        newest(script, &script.all(Table::Coverage.columns()), &coverage, &(script.fixed.in_view)(RUNS), "");
    let mut sql = format!(
        "
-- The run that has a contact's latest version: the last that has read it. Runs are complete if coverage names them.
{}",
        (script.fixed.view)("latest_coverage", &newest)
    );
    for data in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        let query = format!(
            "SELECT {columns}
FROM {from}
JOIN (SELECT {key} FROM {latest}) AS newest USING ({key})",
            from = table(data.name()),
            latest = (script.fixed.in_view)("latest_coverage"),
            columns = script.all(data.columns()),
            key = script.columns(&["contact_id", "run_id"]),
        );
        // Writing to a string cannot fail.
        let _ = write!(sql, "\n{}", (script.fixed.view)(&format!("latest_{}", data.name()), &query));
    }
    sql
}

/// Returns the query for the newest decisive row of each contact in a `coverage`. Some databases require the frame
/// of the window.
pub(super) fn newest(
    script: Script<'_>,
    columns: &str,
    coverage: &str,
    runs: &str,
    condition: &str,
) -> String {
    let c = |name: &str| script.column(name);
    format!(
        "SELECT {columns}
FROM (
    SELECT {all}, row_number() OVER (
        PARTITION BY {contact_id} ORDER BY {moment} DESC, {position} DESC, {exported_at} DESC, {run_id} DESC
    ) AS {rank}
    FROM {coverage}
    JOIN (
        SELECT {run_id}, {position}, max({exported_at}) OVER (
            PARTITION BY {chain} ORDER BY {position}, {exported_at}, {run_id} ROWS UNBOUNDED PRECEDING
        ) AS {moment}
        FROM {runs}
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
