//! `staged_<table>` in DuckDB: views over the files that the manifests name, Parquet and JSONL.

use std::fmt::Write as _;

use super::dialect::{Dialect, literal, name};
use super::{ExportSource, Purpose};
use crate::table::{Column, Kind, Table};

/// The longest line and the largest manifest that are read. DuckDB takes memory for two of them and thread.
const LONGEST_LINE: u32 = 64 << 20;

/// The statements that make the views.
pub(super) fn staging(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let mut sql = String::new();
    match source {
        // Writing to a string cannot fail.
        Some(source) => {
            let _ = writeln!(sql, "SET VARIABLE chatzy_export = {};", literal(&source.path));
        }
        None => sql.push_str("-- Say first where the export is: SET VARIABLE chatzy_export = './export';\n"),
    }
    sql.push_str("\nBEGIN;\n\n-- The files of the runs, as their manifests name them.\n");
    let _ = write!(
        sql,
        "CREATE OR REPLACE TEMP TABLE chatzy_files AS
SELECT run.run_id, file.\"table\" AS table_name, getvariable('chatzy_export') || '/' || file.path AS path
FROM (
    SELECT run_id, unnest(files) AS file
    FROM read_json(
        getvariable('chatzy_export') || '/_runs/*/manifest.json', maximum_object_size = {LONGEST_LINE},
        columns = {{run_id: 'VARCHAR', files: 'STRUCT(\"table\" VARCHAR, path VARCHAR)[]'}})
) AS run
WHERE {};\n",
        of_runs(source, purpose)
    );
    for table in Table::ALL {
        sql.push_str(&view(table));
    }
    sql
}

/// Which runs are looked at.
fn of_runs(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let mut conditions = vec![match purpose {
        Purpose::Merge => "run.run_id NOT IN (SELECT run_id FROM coverage)".to_owned(),
        Purpose::Latest => "true".to_owned(),
    }];
    if let Some(run) = source.and_then(|source| source.run.as_ref()) {
        conditions.push(format!("run.run_id = {}", literal(run.as_str())));
    }
    conditions.join(" AND ")
}

fn view(table: Table) -> String {
    let (table_name, columns) = (table.name(), table.columns());
    let selected: Vec<_> = columns.iter().map(|column| value(table, column)).collect();
    // The columns are there, whatever files there are: none, or those of a version with fewer of them.
    let none: Vec<_> =
        columns.iter().map(|column| format!("NULL::{} AS {}", read_as(column), name(column))).collect();
    let none = format!("(SELECT {}, NULL::VARCHAR AS filename WHERE false)", none.join(", "));
    let kinds: Vec<_> = columns
        .iter()
        .map(|column| format!("{}: ''{}''", name(column), Dialect::DuckDb.type_of(column)))
        .collect();
    let kinds = kinds.join(", ");
    format!(
        "
SET VARIABLE chatzy_{table_name} = (
    SELECT 'FROM {none}'
        || coalesce(' UNION ALL BY NAME FROM read_parquet([' || {parquet} || '], filename = true, hive_partitioning = false, union_by_name = true)', '')
        || coalesce(' UNION ALL BY NAME FROM read_json([' || {jsonl} || '], filename = true, hive_partitioning = false, format = ''newline_delimited'', maximum_object_size = {LONGEST_LINE}, columns = {{{kinds}}})', '')
    FROM chatzy_files WHERE table_name = '{table_name}');
CREATE OR REPLACE TEMP VIEW staged_{table_name} AS
SELECT {selected}
FROM query(getvariable('chatzy_{table_name}'));\n",
        parquet = paths("NOT contains(path, '.jsonl')"),
        jsonl = paths("contains(path, '.jsonl')"),
        selected = selected.join(",\n    "),
    )
}

/// The paths for which a condition holds, as a list of literals; null if there is none.
fn paths(condition: &str) -> String {
    format!("string_agg('''' || replace(path, '''', '''''') || '''', ', ') FILTER ({condition})")
}

/// The type in which both kinds of files meet.
fn read_as(column: &Column) -> &'static str {
    match column.kind {
        Kind::Json => "VARCHAR",
        _ => Dialect::DuckDb.type_of(column),
    }
}

fn value(table: Table, column: &Column) -> String {
    let name = name(column);
    match column.kind {
        // A record that is no JSON stands as a string, as in JSONL.
        Kind::Json => {
            // read_json makes NULL of a record that is the JSON value null.
            let text = if column.nullable { name.clone() } else { format!("coalesce({name}, 'null')") };
            format!("CASE WHEN json_valid({text}) THEN {text} ELSE to_json({text}) END::JSON AS {name}")
        }
        // Where the files are partitioned by it they leave it to their path.
        Kind::Str if column.name == "channel" && table.is_per_message() => format!(
            "coalesce({name}, nullif(nullif(regexp_extract(filename, '/channel=([^/]*)/', 1), ''), '__HIVE_DEFAULT_PARTITION__')) AS {name}"
        ),
        _ => name,
    }
}
