//! The order of runs in a database.
//!
//! `exported_at` alone is not an order, since a clock may be set back. The manifests define one, since each
//! names the previous run. The database keeps these links in `chatzy_runs`, and every load adds the ones it
//! finds. Links stay valid whenever and in whatever order runs are loaded, and after runs are pruned.
//! Positions would change when the beginning of the chain is pruned. A list in each script would lack the
//! runs that other scripts have loaded.
//!
//! A run's rank is its moment, then its position in the chain. The moment is the latest `exported_at` of the
//! run and of all earlier runs in the chain. Runs of one chain therefore keep its order. Runs that are not
//! linked, such as those of merged folders, are ordered by time.

use crate::warehouse::dialect::Dialect;
use crate::warehouse::sql::decides;

/// Name of the table of links.
pub(in crate::warehouse) const TABLE: &str = "chatzy_runs";

/// Creates the table of links if it does not exist.
pub(in crate::warehouse) fn create_table(dialect: &Dialect) -> String {
    let columns = columns(dialect);
    format!("CREATE TABLE IF NOT EXISTS {TABLE} ({columns}, PRIMARY KEY (run_id));\n")
}

/// Returns the columns of the links for `CREATE TABLE`.
pub(in crate::warehouse) fn columns(dialect: &Dialect) -> String {
    let types = &dialect.types;
    format!(
        "run_id {text}, previous_run_id {text}, exported_at {}, is_part {}",
        types.time,
        types.boolean,
        text = types.text
    )
}

/// Adds the links in `chatzy_found` to the table.
pub(in crate::warehouse) fn add_links() -> String {
    format!(
        "
-- The order of runs is that of their manifests; a clock may be set back.
INSERT INTO {TABLE} (run_id, previous_run_id, exported_at, is_part)
SELECT run_id, max(previous_run_id), max(exported_at), bool_or(is_part) FROM chatzy_found GROUP BY run_id
ON CONFLICT (run_id) DO UPDATE SET
    previous_run_id = coalesce({TABLE}.previous_run_id, excluded.previous_run_id),
    exported_at = coalesce({TABLE}.exported_at, excluded.exported_at),
    is_part = {TABLE}.is_part OR excluded.is_part;\n"
    )
}

/// Returns the query for `chatzy_order`: moment and position of each run, from a table of links.
pub(in crate::warehouse) fn order(links: &str) -> String {
    format!(
        "WITH RECURSIVE ranked (run_id, is_part, moment, position) AS (
    SELECT run_id, is_part, exported_at, 0 FROM {links} AS run
    WHERE NOT EXISTS (SELECT 1 FROM {links} AS earlier WHERE earlier.run_id = run.previous_run_id)
    UNION ALL
    SELECT run.run_id, run.is_part, greatest(ranked.moment, run.exported_at), ranked.position + 1
    FROM ranked JOIN {links} AS run ON run.previous_run_id = ranked.run_id
)
SELECT run_id, is_part, moment, position FROM ranked"
    )
}

/// Returns the query for the newest run of each contact among the rows of a `coverage`, as `contact_id` and
/// the given columns. The order of the runs is in a table or view. Rows of parts of contacts are not compared with those of whole contacts.
pub(in crate::warehouse) fn newest(
    coverage: &str,
    order: &str,
    columns: &str,
    is_part: bool,
    condition: &str,
) -> String {
    let kind = if is_part { "" } else { "NOT " };
    format!(
        "SELECT {columns}
FROM (
    SELECT read.*, row_number() OVER (
        PARTITION BY read.contact_id
        ORDER BY coalesce(run.moment, read.exported_at) DESC, coalesce(run.position, 0) DESC, read.exported_at DESC, read.run_id DESC
    ) AS place
    FROM {coverage} AS read
    LEFT JOIN {order} AS run ON run.run_id = read.run_id
    WHERE {decides} AND {kind}coalesce(run.is_part, false){condition}
) AS ranked
WHERE place = 1",
        decides = decides("read"),
    )
}

/// Returns the query for the number of contacts with only a part, if the tables also have whole contacts.
pub(in crate::warehouse) fn parts_among_whole() -> String {
    let is_part = |run_id: &str| format!("{run_id} IN (SELECT run_id FROM {TABLE} WHERE is_part)");
    format!(
        "    SELECT count(*) FROM contacts WHERE {}
    AND EXISTS (SELECT 1 FROM coverage WHERE NOT {})",
        is_part("run_id"),
        is_part("coverage.run_id"),
    )
}
