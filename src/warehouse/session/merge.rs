//! Loads new runs into the tables, by contact, in one transaction.

use std::fmt::Write as _;

use super::{Session, runs};
use crate::table::Table;
use crate::warehouse::dialect::Dialect;
use crate::warehouse::sql::names;
use crate::warehouse::{ExportSource, Purpose, heading};

/// Returns the script that loads the runs of an export that are not loaded yet.
pub fn merge(dialect: &Dialect, session: &Session, source: Option<&ExportSource>) -> String {
    let mut sql = heading("loads the runs of an export that are not loaded yet");
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "-- The tables are made by: chatzy-export schema --format {}\n\
         -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows.{}\n",
        dialect.name, session.merge_note
    );
    sql.push_str(&source.map_or_else(String::new, ExportSource::left_out));
    sql.push_str(&(session.staging)(source, Purpose::Merge));
    sql.push_str(&runs::add_links());
    sql.push_str(&load(dialect, session, source.is_some_and(|source| source.is_part)));
    sql
}

fn load(dialect: &Dialect, session: &Session, is_part: bool) -> String {
    let coverage = names(Table::Coverage.columns());
    let mut sql = format!(
        "{order_table}
{order};

DELETE FROM coverage WHERE run_id IN (SELECT run_id FROM staged_coverage);
INSERT INTO coverage ({coverage})
SELECT {coverage} FROM staged_coverage;

-- The contacts to be replaced, and the run that has them: not where the rows of a newer one are here.
{due}
{newest}
AND (contact_id, run_id) IN (SELECT contact_id, run_id FROM staged_coverage);\n",
        order_table = (session.temp_table)("chatzy_order"),
        order = runs::order(runs::TABLE),
        due = (session.temp_table)("chatzy_due"),
        newest = runs::newest(
            "coverage",
            "chatzy_order",
            "contact_id, run_id",
            is_part,
            "\n        AND read.contact_id IN (SELECT contact_id FROM staged_coverage)"
        ),
    );
    sql.push_str(session.after_due);
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "
DELETE FROM {table} WHERE contact_id IN (SELECT contact_id FROM chatzy_due);
INSERT INTO {table} ({columns})
SELECT {columns} FROM staged_{table}
WHERE (contact_id, run_id) IN (SELECT contact_id, run_id FROM chatzy_due);\n",
            table = table.name(),
            columns = names(table.columns()),
        );
    }
    sql.push_str("\n-- All or nothing: each contact has as many messages as its run has exported.\n");
    sql.push_str(&(dialect.fail_if)(
        WRONG_COUNTS,
        "contacts have more or fewer messages than their run has exported: nothing is loaded",
    ));
    sql.push_str("\n-- No part of a contact stands among whole ones.\n");
    sql.push_str(&(dialect.fail_if)(
        &runs::parts_among_whole(),
        "contacts in the tables hold only parts, from runs with --since, --until or --channel: load such runs into tables of their own, and all others into new ones",
    ));
    sql.push_str("\nCOMMIT;\n");
    sql
}

/// Returns the query for the number of contacts whose messages differ from their run, because files of the
/// run are missing.
const WRONG_COUNTS: &str = "    SELECT count(*) FROM coverage
    JOIN chatzy_due USING (contact_id, run_id)
    LEFT JOIN (
        SELECT contact_id, count(*) AS loaded FROM messages
        WHERE contact_id IN (SELECT contact_id FROM chatzy_due) GROUP BY contact_id
    ) AS found USING (contact_id)
    WHERE messages <> coalesce(loaded, 0)";
