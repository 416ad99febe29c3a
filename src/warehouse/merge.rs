//! The load of new runs into the tables: by contact, in one transaction.

use std::fmt::Write as _;

use super::dialect::{Dialect, names};
use super::{ExportSource, Purpose, decides, duckdb, heading, postgres};
use crate::table::Table;

/// The script that loads those runs of an export that the tables do not hold yet.
pub fn merge(dialect: Dialect, source: Option<&ExportSource>) -> String {
    let mut sql = heading("loads the runs of an export that are not loaded yet");
    sql.push_str(match dialect {
        Dialect::DuckDb => {
            "-- The tables are made by: chatzy-export schema --format duckdb\n\
             -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows.\n"
        }
        Dialect::Postgres => {
            "-- The tables are made by: chatzy-export schema --format postgres\n\
             -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows. For psql.\n"
        }
    });
    sql.push_str(&match dialect {
        Dialect::DuckDb => duckdb::staging(source, Purpose::Merge),
        Dialect::Postgres => postgres::staging(source, Purpose::Merge),
    });
    sql.push_str(&load(dialect));
    sql
}

fn load(dialect: Dialect) -> String {
    let coverage = names(Table::Coverage.columns());
    let due = match dialect {
        Dialect::DuckDb => "CREATE OR REPLACE TEMP TABLE chatzy_due AS",
        Dialect::Postgres => "CREATE TEMP TABLE chatzy_due ON COMMIT DROP AS",
    };
    let mut sql = format!(
        "
DELETE FROM coverage WHERE run_id IN (SELECT run_id FROM staged_coverage);
INSERT INTO coverage ({coverage})
SELECT {coverage} FROM staged_coverage;

-- The contacts to be replaced, and the run that has them: not where the rows of a newer one are here.
{due}
SELECT staged.contact_id, staged.run_id
FROM staged_coverage AS staged
WHERE {staged_decides}
  AND NOT EXISTS (
    SELECT 1 FROM coverage AS newer
    WHERE newer.contact_id = staged.contact_id
      AND {newer_decides}
      AND (newer.exported_at, newer.run_id) > (staged.exported_at, staged.run_id));\n",
        staged_decides = decides("staged"),
        newer_decides = decides("newer"),
    );
    if dialect == Dialect::Postgres {
        sql.push_str("ANALYZE chatzy_due;\n");
    }
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
    sql.push_str(&check(dialect));
    sql.push_str("\nCOMMIT;\n");
    sql
}

/// Fails where files of a run were left out.
fn check(dialect: Dialect) -> String {
    let wrong = "    SELECT count(*) FROM coverage
    JOIN chatzy_due USING (contact_id, run_id)
    LEFT JOIN (
        SELECT contact_id, count(*) AS loaded FROM messages
        WHERE contact_id IN (SELECT contact_id FROM chatzy_due) GROUP BY contact_id
    ) AS found USING (contact_id)
    WHERE messages <> coalesce(loaded, 0)";
    let told = "contacts have more or fewer messages than their run has exported: nothing is loaded";
    match dialect {
        Dialect::DuckDb => format!(
            "CREATE OR REPLACE TEMP TABLE chatzy_check AS
SELECT CASE WHEN wrong > 0 THEN error(wrong || ' {told}') END AS checked FROM (SELECT (\n{wrong}) AS wrong);\n"
        ),
        Dialect::Postgres => format!(
            "DO $$
DECLARE wrong bigint;
BEGIN
    wrong := (\n{wrong});
    IF wrong > 0 THEN
        RAISE EXCEPTION '% {told}', wrong;
    END IF;
END $$;\n"
        ),
    }
}
