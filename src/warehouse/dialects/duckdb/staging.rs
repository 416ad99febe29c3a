//! `staged_<table>` in DuckDB: views over the files that the manifests name, Parquet and JSONL.

use std::fmt::Write as _;

use super::{DUCKDB, STOP_AT_ERRORS, names};
use crate::layout::{ERASED, MANIFEST, PRUNED, RUNS};
use crate::table::{Column, Kind, Table};
use crate::warehouse::sql::{literal, name};
use crate::warehouse::{ExportSource, Purpose, session};

/// Maximum length of a line, and maximum size of a manifest. DuckDB reserves memory for two of them per
/// thread.
const LONGEST_LINE: u32 = 64 << 20;

/// Endings of JSONL files, with their compression. DuckDB does not find it out itself if the path contains a question mark.
const LINES: [(&str, &str); 3] = [(".jsonl", "uncompressed"), (".jsonl.gz", "gzip"), (".jsonl.zst", "zstd")];

/// Type of the erasures in their record, as far as a script needs them.
const ERASURES: &str =
    r#"STRUCT(runs STRUCT(files STRUCT(path VARCHAR, "after" STRUCT(sha256 VARCHAR))[])[])[]"#;

/// Returns the statements that create the views.
pub(super) fn staging(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let mut sql = STOP_AT_ERRORS.to_owned();
    match source {
        // Writing to a string cannot fail.
        Some(source) => {
            let _ = writeln!(sql, "SET VARIABLE chatzy_export = {};", literal(&source.path));
        }
        None => sql.push_str("-- Say first where the export is: SET VARIABLE chatzy_export = './export';\n"),
    }
    if purpose == Purpose::Merge {
        sql.push_str(&session::are_there(super::tables_are_there));
    }
    sql.push_str("\nBEGIN;\n");
    sql.push_str(&names::check());
    sql.push_str(&manifests());
    sql.push_str(&files(source, purpose));
    for table in Table::ALL {
        sql.push_str(&view(table));
    }
    sql
}

/// Reads the manifests and the records of pruned runs and erased contacts into `chatzy_manifests`, `chatzy_found` and
/// `chatzy_removed`.
fn manifests() -> String {
    format!(
        r#"
-- The path of the export as a pattern that fits this path alone.
SET VARIABLE chatzy_pattern = regexp_replace(getvariable('chatzy_export'), '([\[*?])', '[\1]', 'g');
-- Runs with --since, --until or --channel hold only parts of contacts.
CREATE OR REPLACE TEMP TABLE chatzy_manifests AS
SELECT {run_id} AS run_id, previous.run_id AS previous_run_id, started_at AS exported_at,
    coalesce(json_type(options.since), 'NULL') <> 'NULL' OR coalesce(json_type(options.until), 'NULL') <> 'NULL'
        OR coalesce(json_array_length(options.channel), 0) > 0 AS is_part,
    files
FROM read_json(
    getvariable('chatzy_pattern') || '/{RUNS}/*/{MANIFEST}', filename = true, maximum_object_size = {LONGEST_LINE},
    columns = {{manifest_version: 'VARCHAR', run_id: 'VARCHAR', started_at: 'TIMESTAMP WITH TIME ZONE', previous: 'STRUCT(run_id VARCHAR)',
        options: 'STRUCT(since JSON, until JSON, channel JSON)', files: 'STRUCT("table" VARCHAR, path VARCHAR)[]'}});
SET VARIABLE chatzy_pruned = coalesce((
    SELECT any_value('SELECT unnest(pruned) AS run FROM read_json(''' || replace(getvariable('chatzy_pattern'), '''', '''''')
        || '/{PRUNED}'', columns = {{pruned: ''STRUCT(run_id VARCHAR, previous STRUCT(run_id VARCHAR))[]''}})')
    FROM glob(getvariable('chatzy_pattern') || '/{PRUNED}')
), 'SELECT NULL::STRUCT(run_id VARCHAR, previous STRUCT(run_id VARCHAR)) AS run WHERE false');
CREATE OR REPLACE TEMP TABLE chatzy_found AS
SELECT run_id, previous_run_id, exported_at, is_part FROM chatzy_manifests
UNION ALL
SELECT run.run_id, run.previous.run_id, NULL, false FROM query(getvariable('chatzy_pruned'));
-- Files of which no row was left when contacts were erased. The manifests still name them.
SET VARIABLE chatzy_erased = coalesce((
    SELECT any_value('SELECT unnest(erasures) AS erasure FROM read_json(''' || replace(getvariable('chatzy_pattern'), '''', '''''')
        || '/{ERASED}'', maximum_object_size = {LONGEST_LINE}, columns = {{erasures: ''{ERASURES}''}})')
    FROM glob(getvariable('chatzy_pattern') || '/{ERASED}')
), 'SELECT unnest(NULL::{ERASURES}) AS erasure');
CREATE OR REPLACE TEMP TABLE chatzy_removed AS
SELECT file.path AS path FROM (
    SELECT unnest(run.files) AS file FROM (SELECT unnest(erasure.runs) AS run FROM query(getvariable('chatzy_erased'))))
WHERE file."after" IS NULL;
"#,
        run_id = names::checked_run_id(),
    )
}

/// Lists the files of the selected runs in `chatzy_files`.
fn files(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let runs = match source.and_then(|source| source.run.as_ref()) {
        // A selected run may have only parts of contacts.
        Some(run) => format!("run_id = {}", literal(run.as_str())),
        None => "NOT is_part".to_owned(),
    };
    let new = match purpose {
        Purpose::Merge => " AND run_id NOT IN (SELECT run_id FROM coverage)",
        Purpose::Latest => "",
    };
    format!(
        r#"SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) = 0 THEN error('no run to load in ' || getvariable('chatzy_export')
        || ': runs with --since, --until or --channel need --run ID --partial') END
    FROM chatzy_manifests WHERE {runs});

-- The files of the runs, as their manifests name them.
CREATE OR REPLACE TEMP TABLE chatzy_files AS
SELECT run_id, file."table" AS table_name,
    CASE WHEN {is_file}
        THEN regexp_replace(getvariable('chatzy_export') || '/' || file.path, '([\[*?])', '[\1]', 'g')
        ELSE error('the manifest of the run ' || run_id || ' names a path that is not one of its files') END AS path
FROM (SELECT run_id, unnest(files) AS file FROM chatzy_manifests WHERE {runs}{new})
WHERE file.path NOT IN (SELECT path FROM chatzy_removed);
"#,
        is_file = names::IS_FILE,
    )
}

fn view(table: Table) -> String {
    let (table_name, columns) = (table.name(), table.columns());
    let selected: Vec<_> = columns.iter().map(|column| value(table, column)).collect();
    // The columns exist even without files, or with files of a version that has fewer columns.
    let none: Vec<_> =
        columns.iter().map(|column| format!("NULL::{} AS {}", read_as(column), name(column))).collect();
    let none = format!("(SELECT {}, NULL::VARCHAR AS filename WHERE false)", none.join(", "));
    let kinds: Vec<_> =
        columns.iter().map(|column| format!("{}: ''{}''", name(column), DUCKDB.type_of(column))).collect();
    let kinds = kinds.join(", ");
    let lines = |(ending, compression)| {
        format!(
            "        || coalesce(' UNION ALL BY NAME FROM read_json([' || {} || '], filename = true, hive_partitioning = false, format = ''newline_delimited'', compression = ''{compression}'', maximum_object_size = {LONGEST_LINE}, columns = {{{kinds}}})', '')\n",
            paths(ending)
        )
    };
    format!(
        "
SET VARIABLE chatzy_{table_name} = (
    SELECT 'FROM {none}'
        || coalesce(' UNION ALL BY NAME FROM read_parquet([' || {parquet} || '], filename = true, hive_partitioning = false, union_by_name = true)', '')
{lines}    FROM chatzy_files WHERE table_name = '{table_name}');
CREATE OR REPLACE TEMP VIEW staged_{table_name} AS
SELECT {selected}
FROM query(getvariable('chatzy_{table_name}'));\n",
        parquet = paths(".parquet"),
        lines = LINES.map(lines).concat(),
        selected = selected.join(",\n    "),
    )
}

/// Returns the paths with this ending, as a list of literals; null if there are none.
fn paths(ending: &str) -> String {
    format!(
        "string_agg('''' || replace(path, '''', '''''') || '''', ', ') FILTER (ends_with(path, '{ending}'))"
    )
}

/// Returns the common type of both kinds of files.
fn read_as(column: &Column) -> &'static str {
    match column.kind {
        Kind::Json => "VARCHAR",
        _ => DUCKDB.type_of(column),
    }
}

fn value(table: Table, column: &Column) -> String {
    let name = name(column);
    match column.kind {
        // A record that is not JSON is a string, as in JSONL.
        Kind::Json => {
            // read_json converts the JSON value null to NULL.
            let text = if column.nullable { name.clone() } else { format!("coalesce({name}, 'null')") };
            format!("CASE WHEN json_valid({text}) THEN {text} ELSE to_json({text}) END::JSON AS {name}")
        }
        // Files that are partitioned by channel have it only in their path.
        Kind::Str if column.name == "channel" && table.is_per_message() => format!(
            "coalesce({name}, nullif(nullif(regexp_extract(filename, '{}/(?:[^/=]+=[^/]*/)*channel=([^/]*)/(?:[^/=]+=[^/]*/)*[^/=]*$', 1), ''), '__HIVE_DEFAULT_PARTITION__')) AS {name}",
            table.name()
        ),
        _ => name,
    }
}
