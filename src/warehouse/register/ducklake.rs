//! The SQL script for DuckLake. One transaction registers the files of all runs.
//!
//! DuckLake opens the files of a table to delete rows, also missing ones. If the export no longer has a registered file, the
//! script therefore drops the tables, and registers all files again in new ones.

use std::fmt::Write as _;

use super::{Registry, data_files};
use crate::table::{Column, Kind, Table};
use crate::time::format_time;
use crate::warehouse::chain::{Position, positions};
use crate::warehouse::dialects::duckdb::{DUCKDB, STOP_AT_ERRORS};
use crate::warehouse::heading;
use crate::warehouse::session::runs;
use crate::warehouse::source::ExportSource;
use crate::warehouse::sql::{literal, name, names};

pub(super) static DUCKLAKE: Registry = Registry {
    name: "ducklake",
    title: "DuckLake",
    help: "DuckLake, attached as lake; SQL for DuckDB 1.5",
    check: |_, _| Ok(()),
    script,
    failing: |message| DUCKDB.failing(message),
};

const NOTE: &str = "\
-- First attach the lake under the name lake, as in: ATTACH 'ducklake:catalog.ducklake' AS lake (DATA_PATH 'lake');
-- The files stay those of the export, but DuckLake takes them for its own: never run ducklake_cleanup_old_files or
-- ducklake_merge_adjacent_files on these tables, and use the lake with an account that cannot write to the export.
";

/// Maximum number of rows in one statement.
const ROWS: usize = 1000;

fn script(source: &ExportSource, name: &str) -> String {
    let mut sql = heading("registers the runs of an export in a DuckLake, without copying their files");
    sql.push_str(NOTE);
    sql.push_str(&source.left_out());
    sql.push_str(STOP_AT_ERRORS);
    sql.push_str(ATTACHED);
    sql.push_str(&found(source));
    sql.push_str(&files(source, name));
    sql.push_str("\nBEGIN;\n");
    sql.push_str(&tables());
    sql.push_str(&registered());
    sql.push_str(&stale(source));
    sql.push_str(CHECKS);
    sql.push_str(&renewal());
    sql.push_str(&changes());
    sql.push_str(&views(source.is_part));
    sql.push_str("\nCOMMIT;\n");
    sql.push_str(&settings());
    sql.push_str(REPORT);
    sql
}

const ATTACHED: &str = "
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) = 0 THEN error('no DuckLake is attached as lake: first run, for example, ATTACH ''ducklake:catalog.ducklake'' AS lake') END
    FROM duckdb_databases() WHERE database_name = 'lake' AND type = 'ducklake');
";

/// Lists all known runs in `chatzy_found`.
fn found(source: &ExportSource) -> String {
    let null = || "NULL".to_owned();
    let row = |at: &Position<'_>| {
        let link = at.link;
        let previous = link.previous.as_ref().map_or_else(null, |run| literal(run.as_str()));
        let time = link.exported_at.map_or_else(null, |at| literal(&format_time(at).to_string()));
        let is_wanted = source.manifests.iter().any(|manifest| manifest.run_id == link.run_id);
        let is_there = is_wanted || source.others().any(|run| *run == link.run_id);
        let run = literal(link.run_id.as_str());
        format!("({run}, {previous}, {time}, {}, {is_there}, {is_wanted})", link.is_part)
    };
    let rows: Vec<_> = positions(&source.links).iter().map(row).collect();
    format!(
        "
-- All known runs: if the export has them, and if this script registers them.
CREATE OR REPLACE TEMP TABLE chatzy_found (
    run_id VARCHAR, previous_run_id VARCHAR, exported_at TIMESTAMP WITH TIME ZONE, is_part BOOLEAN, is_there BOOLEAN, is_wanted BOOLEAN);
{}",
        insert("chatzy_found", &rows)
    )
}

/// Lists the files of the runs to be registered in `chatzy_files`.
fn files(source: &ExportSource, name: &str) -> String {
    let of_run = |manifest| {
        data_files(manifest).map(|(table, file)| {
            let (run, path) = (literal(manifest.run_id.as_str()), literal(file.path.as_str()));
            format!("({run}, '{}', {path}, {}, {})", table.name(), file.rows, file.bytes)
        })
    };
    let rows: Vec<_> = source.manifests.iter().flat_map(of_run).collect();
    format!(
        "
-- The files of the runs, as their manifests name them.
SET VARIABLE chatzy_export = {};
CREATE OR REPLACE TEMP TABLE chatzy_files (run_id VARCHAR, table_name VARCHAR, path VARCHAR, row_count BIGINT, bytes BIGINT);
{}UPDATE chatzy_files SET path = getvariable('chatzy_export') || '/' || path;
-- A path as a pattern that fits this path alone.
CREATE OR REPLACE TEMP MACRO chatzy_pattern(path) AS regexp_replace(path, '([\\[*?])', '[\\1]', 'g');
",
        literal(name),
        insert("chatzy_files", &rows)
    )
}

fn insert(table: &str, rows: &[String]) -> String {
    let statement = |rows: &[String]| format!("INSERT INTO {table} VALUES\n    {};\n", rows.join(",\n    "));
    rows.chunks(ROWS).map(statement).collect()
}

/// Creates the tables of the lake. The columns have the types of the files, so JSON is text.
fn tables() -> String {
    let mut sql = String::new();
    for table in Table::ALL {
        let column = |column: &Column| {
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            format!("{} {}{not_null}", name(column), type_of(column))
        };
        let columns: Vec<_> = table.columns().iter().map(column).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            sql,
            "CREATE TABLE IF NOT EXISTS lake.{} (\n    {});",
            table.name(),
            columns.join(",\n    ")
        );
    }
    sql + "CREATE TABLE IF NOT EXISTS lake.chatzy_runs (
    run_id VARCHAR, previous_run_id VARCHAR, exported_at TIMESTAMP WITH TIME ZONE, is_part BOOLEAN);\n"
}

fn type_of(column: &Column) -> &'static str {
    match column.kind {
        Kind::Json => "VARCHAR",
        _ => DUCKDB.type_of(column),
    }
}

/// Lists the files in the lake in `chatzy_registered`, with the runs that wrote them.
fn registered() -> String {
    let list = |table: Table| {
        format!(
            "    SELECT '{name}' AS table_name, data_file AS path, data_file_size_bytes AS bytes FROM ducklake_list_files('lake', '{name}')",
            name = table.name()
        )
    };
    format!(
        "
-- The files in the lake, and the run in the name of each.
CREATE OR REPLACE TEMP TABLE chatzy_registered AS
SELECT file.*, run.run_id, run.is_part, run.is_there, run.is_wanted
FROM (
{}
) AS file
LEFT JOIN chatzy_found AS run ON starts_with(parse_filename(file.path), 'part-' || run.run_id || '-')
    AND regexp_full_match(substr(parse_filename(file.path), length(run.run_id) + 7), '[0-9]{{5,}}(-[0-9]{{5,}})?[.]parquet')
QUALIFY row_number() OVER (PARTITION BY file.table_name, file.path ORDER BY length(run.run_id) DESC) = 1;
",
        Table::ALL.map(list).join("\n    UNION ALL\n")
    )
}

/// Lists the files in the lake that the export no longer has in `chatzy_stale`.
fn stale(source: &ExportSource) -> String {
    format!(
        "
-- Files in the lake that are no longer as the export has them. A file of an unknown run that exists is newer than this script.
SET VARIABLE chatzy_paths = (
    SELECT coalesce(list(chatzy_pattern(path)), []) FROM chatzy_registered WHERE run_id IS NULL);
CREATE OR REPLACE TEMP TABLE chatzy_stale AS
SELECT registered.path, registered.run_id
FROM chatzy_registered AS registered
LEFT JOIN chatzy_files AS file ON file.path = registered.path
WHERE CASE
    WHEN file.path IS NOT NULL THEN file.bytes <> registered.bytes
    WHEN registered.run_id IS NULL THEN registered.path NOT IN (SELECT file FROM glob(getvariable('chatzy_paths')))
    ELSE registered.is_wanted OR NOT registered.is_there END;

SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('the lake has files that are not of this export, such as ' || min(path)
        || ': register each export in a lake of its own, or drop these tables if the export has moved') END
    FROM chatzy_registered WHERE NOT starts_with(path, getvariable('chatzy_export') || '/'));
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('the lake has {}, and this script registers {}: use a lake of its own') END
    FROM chatzy_registered WHERE is_part = {});
",
        if source.is_part { "whole contacts" } else { "parts of contacts" },
        if source.is_part { "parts of contacts" } else { "whole contacts" },
        !source.is_part
    )
}

/// Lists the files to be registered in `chatzy_new`, and checks them.
const CHECKS: &str = "
SET VARIABLE chatzy_is_renewed = (SELECT count(*) > 0 FROM chatzy_stale);
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('the export no longer has files that are in the lake, such as '
        || (SELECT min(path) FROM chatzy_stale) || ': print this script again, for all runs') END
    FROM chatzy_registered
    WHERE getvariable('chatzy_is_renewed') AND path NOT IN (SELECT path FROM chatzy_files UNION ALL SELECT path FROM chatzy_stale));
CREATE OR REPLACE TEMP TABLE chatzy_new AS
SELECT * FROM chatzy_files
WHERE getvariable('chatzy_is_renewed') OR path NOT IN (SELECT path FROM chatzy_registered);

-- Each file exists, with as many rows as its manifest says.
SET VARIABLE chatzy_paths = (SELECT coalesce(list(chatzy_pattern(path)), []) FROM chatzy_new);
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('the file ' || min(path) || ' is missing: run chatzy-export verify, or print this script again') END
    FROM chatzy_new WHERE path NOT IN (SELECT file FROM glob(getvariable('chatzy_paths'))));
SET VARIABLE chatzy_footers = (
    SELECT CASE WHEN count(*) = 0 THEN 'SELECT NULL::VARCHAR AS file_name, 0 AS num_rows, 0 AS file_size_bytes WHERE false'
        ELSE 'FROM parquet_file_metadata([' || string_agg('''' || replace(chatzy_pattern(path), '''', '''''') || '''', ', ') || '])' END
    FROM chatzy_new);
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('the file ' || min(path) || ' has other rows than its manifest says: run chatzy-export verify, or print this script again') END
    FROM chatzy_new LEFT JOIN query(getvariable('chatzy_footers')) AS footer ON footer.file_name = chatzy_new.path
    WHERE footer.num_rows IS DISTINCT FROM chatzy_new.row_count OR footer.file_size_bytes IS DISTINCT FROM chatzy_new.bytes);
";

/// Drops the tables and creates them again, if a registered file is stale. A statement that drops a table has no
/// condition, but the search path may have one.
fn renewal() -> String {
    let names = Table::ALL.map(|table| literal(table.name())).join(", ");
    let drops = Table::ALL.map(|table| format!("DROP TABLE IF EXISTS {};\n", table.name())).concat();
    format!(
        "
-- Stale files leave the lake with their tables. The search path leads to the tables only then, and nowhere otherwise.
SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('this session has a temporary table ' || min(table_name) || ': run this script in another one') END
    FROM duckdb_tables() WHERE temporary AND table_name IN ({names}));
SET VARIABLE chatzy_search_path = current_setting('search_path');
SET search_path = CASE WHEN getvariable('chatzy_is_renewed') THEN 'lake.main' ELSE 'temp.main' END;
{drops}SET search_path = getvariable('chatzy_search_path');
{}",
        tables()
    )
}

/// Registers the files and the order of the runs.
fn changes() -> String {
    let mut sql = "\n-- As queries, since CALL prints an empty table for each.".to_owned();
    // Writing to a string cannot fail.
    for table in Table::ALL {
        let _ = write!(
            sql,
            "
SET VARIABLE chatzy_paths = (SELECT coalesce(list(chatzy_pattern(path)), []) FROM chatzy_new WHERE table_name = '{table}');
SET VARIABLE chatzy_done = (SELECT count(*) FROM ducklake_add_data_files('lake', '{table}', getvariable('chatzy_paths'), allow_missing => true));
",
            table = table.name()
        );
    }
    sql + "
-- The order of runs is that of their manifests; a clock may be set back. Two scripts that register files at a time both
-- write this table, so the second one fails.
CREATE OR REPLACE TEMP TABLE chatzy_links AS
SELECT run_id, coalesce(found.previous_run_id, known.previous_run_id) AS previous_run_id,
    coalesce(found.exported_at, known.exported_at) AS exported_at, coalesce(found.is_part, known.is_part) AS is_part
FROM chatzy_found AS found FULL JOIN lake.chatzy_runs AS known USING (run_id);
SET VARIABLE chatzy_is_changed = (
    SELECT getvariable('chatzy_is_renewed') OR EXISTS (FROM chatzy_new)
        OR EXISTS (FROM chatzy_links EXCEPT FROM lake.chatzy_runs));
DELETE FROM lake.chatzy_runs WHERE getvariable('chatzy_is_changed');
INSERT INTO lake.chatzy_runs SELECT * FROM chatzy_links WHERE getvariable('chatzy_is_changed');
"
}

/// Creates the views of the latest version of each contact.
fn views(is_part: bool) -> String {
    let create = "CREATE VIEW IF NOT EXISTS lake.";
    let coverage = names(Table::Coverage.columns());
    let mut sql = format!(
        "
{create}chatzy_order AS
{};
{create}latest_coverage AS
{};\n",
        runs::order("lake.chatzy_runs"),
        runs::newest("lake.coverage", "lake.chatzy_order", &coverage, is_part, "")
    );
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "{create}latest_{table} AS
SELECT {columns} FROM lake.{table}
WHERE (contact_id, run_id) IN (SELECT contact_id, run_id FROM lake.latest_coverage);\n",
            table = table.name(),
            columns = names(table.columns())
        );
    }
    sql
}

/// Compaction of the whole lake would copy the files of the export.
fn settings() -> String {
    let set = |table: Table| {
        format!(
            "SET VARIABLE chatzy_done = (SELECT count(*) FROM ducklake_set_option('lake', 'auto_compact', false, table_name => '{}'));\n",
            table.name()
        )
    };
    Table::ALL.map(set).concat()
}

/// Shows the changes by run.
const REPORT: &str = "
SELECT run_id, 'registered' AS change, count(*) AS files, sum(row_count)::BIGINT AS \"rows\" FROM chatzy_new GROUP BY run_id
UNION ALL
SELECT coalesce(run_id, path), 'removed, since the export no longer has it', count(*), NULL FROM chatzy_stale
WHERE run_id IS NULL OR run_id NOT IN (SELECT run_id FROM chatzy_new)
GROUP BY 1
ORDER BY 2, 1;
";
