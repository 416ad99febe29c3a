//! Trino, and Athena, which is Trino with other statements for tables. The tables are Iceberg, so that rows of an
//! interrupted load can be deleted.
//!
//! An external table reads a folder, not a list of files. The scripts therefore make one for each folder of a table,
//! and select the files by the hidden column `$path`. Columns are found by name. Times are read as numbers, since
//! tables of Hive round times to milliseconds.
//!
//! Folders of partitions are part of an external table in Athena. Trino reads them if the catalog has
//! `hive.recursive-directories=true`. Otherwise the rows are too few, and the load fails before it changes a
//! table. The value of a `channel` is a constant of the script.
//!
//! Athena runs one statement at a time and has times without a zone in its tables: they are UTC.
//!
//! Tests parse the scripts, and run a translation of them in DuckDB. They have not run in Trino or Athena.

use crate::table::{Column, Kind, Table};
use crate::warehouse::append::{Append, Leftovers, Readable};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{
    self, Fixed, Limit, backslash_literal, in_backticks, in_double_quotes, standard_definition,
};
use crate::warehouse::location::Location;
use crate::warehouse::sql::literal;
use crate::warehouse::{ExportSource, SourceError};

/// Types of columns in Trino.
const TYPES: Types = Types {
    text: "varchar",
    time: "timestamp(6) with time zone",
    integer: "bigint",
    boolean: "boolean",
    json: "varchar",
    raw: "varchar",
};

/// Trino. The catalog of the session is Iceberg, and a catalog `hive` reads files.
pub static TRINO: Dialect = Dialect {
    name: "trino",
    aliases: &[],
    title: "Trino",
    version: "Trino with a catalog of Iceberg",
    help: "Trino; reads Parquet from s3://, gs:// and az:// through a catalog hive",
    types: TYPES,
    failing,
    fail_if,
    check: |source| check(source, &TRINO, "an object store (s3://, gs:// or az://)"),
    strategy: Strategy::Append(
        Fixed {
            column: in_double_quotes,
            literal,
            time: |time| format!("TIMESTAMP '{} UTC'", plain_time(time)),
            typed: fixed::cast,
            defined: in_double_quotes,
            definition: standard_definition,
            column_comment: Some(|text| format!(" COMMENT {}", literal(text))),
            table_options: |shape| format!("\nCOMMENT {}", literal(&shape.meaning)),
            view: fixed::view,
            in_view: str::to_owned,
            tables_note: TRINO_RUN,
            notes: trino_notes,
            prepare: trino_prepare,
            limit: Limit::Statement(1_000_000),
        },
        Append {
            read: |source, _, group| read(source, group, &TRINO, TRINO_FILES),
            value: |_, name| name,
            leftovers: Leftovers::Delete,
            finish: |source| drop_files(source, "DROP TABLE", TRINO_FILES),
            atomic: "",
        },
    ),
};

/// Athena. Its tables are in a folder of S3 that the user chooses.
pub static ATHENA: Dialect = Dialect {
    name: "athena",
    aliases: &[],
    title: "Athena",
    version: "Athena",
    help: "Athena; reads Parquet from s3://",
    types: Types { time: "timestamp(6)", ..TYPES },
    failing,
    fail_if,
    check: check_athena,
    strategy: Strategy::Append(
        Fixed {
            column: in_double_quotes,
            literal,
            time: |time| format!("TIMESTAMP '{}'", plain_time(time)),
            typed: fixed::cast,
            defined: in_backticks,
            definition: |type_name, _| hive_type(type_name).to_owned(),
            column_comment: Some(|text| format!(" COMMENT {}", backslash_literal(text))),
            table_options: |shape| {
                format!(
                    "\nLOCATION 's3://BUCKET/FOLDER/{}/'\nTBLPROPERTIES ('table_type' = 'ICEBERG')",
                    shape.name
                )
            },
            view: fixed::view,
            in_view: str::to_owned,
            tables_note: "-- Replace BUCKET and FOLDER: the tables are stored there. Run one statement at a time.\n",
            notes: |_| "-- Run one statement at a time, and stop at the first error.\n".to_owned(),
            prepare: athena_prepare,
            limit: Limit::Statement(262_144),
        },
        Append {
            read: |source, _, group| read(source, group, &ATHENA, ATHENA_FILES),
            value: |_, name| name,
            leftovers: Leftovers::Delete,
            finish: |source| drop_files(source, "DROP TABLE IF EXISTS", ATHENA_FILES),
            atomic: "",
        },
    ),
};

/// Beginning of the names of external tables in Trino. They are in a schema of their own.
const TRINO_FILES: &str = "hive.chatzy_files.";
/// Beginning of the names of external tables in Athena.
const ATHENA_FILES: &str = "chatzy_files_";

const TRINO_RUN: &str =
    "-- Run it in a catalog of Iceberg: trino --catalog iceberg --schema SCHEMA -f FILE\n";

fn failing(message: &str) -> String {
    format!("SELECT CAST({} AS bigint);\n", literal(message))
}

fn fail_if(count: &str, message: &str) -> String {
    format!(
        "SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || {} AS bigint) END FROM (SELECT (\n{count}\n) AS wrong);\n",
        literal(&format!(" {message}"))
    )
}

fn plain_time(time: &str) -> String {
    time.trim_end_matches('Z').replace('T', " ")
}

fn check(source: &ExportSource, dialect: &Dialect, target: &'static str) -> Result<(), SourceError> {
    source.is_parquet(dialect.title)?;
    source.has_account()?;
    match source.location {
        Location::Local(_) => Err(source.unreachable(dialect.title, target)),
        _ => Ok(()),
    }
}

fn check_athena(source: &ExportSource) -> Result<(), SourceError> {
    let target = "S3 of AWS (s3://), for example with rclone copy";
    match source.location {
        Location::S3 { .. } => check(source, &ATHENA, target),
        _ => Err(source.unreachable(ATHENA.title, target)),
    }
}

fn trino_notes(source: &ExportSource) -> String {
    let files = source.manifests.iter().flat_map(|manifest| &manifest.files);
    let recursive = if files.into_iter().any(|file| !file.partition.is_empty()) {
        "-- The catalog needs hive.recursive-directories=true, since the export is partitioned.\n"
    } else {
        ""
    };
    format!(
        "{TRINO_RUN}-- A catalog hive of the Hive connector reads the files, through tables in its schema chatzy_files.\n{recursive}"
    )
}

fn trino_prepare(source: &ExportSource) -> String {
    let table = |table: Table| {
        format!(
            "DROP TABLE IF EXISTS {TRINO_FILES}{name};\nCREATE TABLE {TRINO_FILES}{name} ({columns}) WITH (external_location = {folder}, format = 'PARQUET');\n",
            name = table.name(),
            columns = file_columns(table, in_double_quotes, |kind| if kind == Kind::Bool {
                "boolean"
            } else {
                number_or(kind, "varchar")
            }),
            folder = literal(&folder(source, table)),
        )
    };
    let tables: String = with_files(source).map(table).collect();
    format!("\nCREATE SCHEMA IF NOT EXISTS hive.chatzy_files;\n{tables}")
}

fn athena_prepare(source: &ExportSource) -> String {
    let table = |table: Table| {
        format!(
            "DROP TABLE IF EXISTS {ATHENA_FILES}{name};\nCREATE EXTERNAL TABLE {ATHENA_FILES}{name} ({columns}) STORED AS PARQUET LOCATION {folder};\n",
            name = table.name(),
            columns = file_columns(table, in_backticks, |kind| if kind == Kind::Bool {
                "boolean"
            } else {
                number_or(kind, "string")
            }),
            folder = backslash_literal(&format!("{}/", folder(source, table))),
        )
    };
    let tables: String = with_files(source).map(table).collect();
    format!("\n{tables}")
}

fn drop_files(source: &ExportSource, drop: &str, prefix: &str) -> String {
    let tables = with_files(source).map(|table| format!("{drop} {prefix}{};\n", table.name()));
    format!("\n{}", tables.collect::<String>())
}

/// Returns the tables that have files in a run to be loaded.
fn with_files(source: &ExportSource) -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| {
        let files = source.manifests.iter().flat_map(|manifest| &manifest.files);
        files.into_iter().any(|file| file.table == table.name())
    })
}

/// Returns the columns of an external table, with their types.
fn file_columns(table: Table, quote: fn(&str) -> String, type_of: fn(Kind) -> &'static str) -> String {
    let column = |column: &Column| format!("{} {}", quote(column.name), type_of(column.kind));
    table.columns().iter().map(column).collect::<Vec<_>>().join(", ")
}

/// Returns the type of numbers and times in files, or that of texts.
fn number_or(kind: Kind, text: &'static str) -> &'static str {
    match kind {
        Kind::Int | Kind::Ts => "bigint",
        _ => text,
    }
}

/// Returns the name of a type in statements of Athena that create tables.
fn hive_type(type_name: &str) -> &str {
    match type_name {
        "varchar" => "string",
        "timestamp(6)" => "timestamp",
        other => other,
    }
}

/// Returns the URL of an export.
fn root(location: &Location) -> String {
    let (base, prefix) = match location {
        Location::Local(path) => return path.clone(),
        Location::S3 { bucket, prefix, .. } => (format!("s3://{bucket}"), prefix),
        Location::Gs { bucket, prefix } => (format!("gs://{bucket}"), prefix),
        Location::Az { container, prefix, account, .. } => {
            let account = account.as_deref().unwrap_or_default();
            (format!("abfss://{container}@{account}.dfs.core.windows.net"), prefix)
        }
    };
    if prefix.is_empty() { base } else { format!("{base}/{prefix}") }
}

fn folder(source: &ExportSource, table: Table) -> String {
    format!("{}/{}", root(&source.location), table.name())
}

/// Selects the files of an external table. Times become those of the dialect.
fn read(source: &ExportSource, group: &FileGroup<'_>, dialect: &Dialect, prefix: &str) -> Readable {
    let value = |column: &Column| {
        let name = in_double_quotes(column.name);
        match column.kind {
            Kind::Ts => format!(
                "CAST(from_unixtime_nanos(CAST({name} AS decimal(20, 0)) * 1000) AS {}) AS {name}",
                dialect.types.time
            ),
            _ => name,
        }
    };
    let in_files = group.table.columns().iter().filter(|column| group.has(column));
    let columns: Vec<_> = in_files.map(value).collect();
    let root = root(&source.location);
    let paths: Vec<_> = group.paths.iter().map(|path| literal(&format!("{root}/{path}"))).collect();
    let from = format!(
        "(\n    SELECT {}\n    FROM {prefix}{}\n    WHERE \"$path\" IN ({})\n) AS files",
        columns.join(", "),
        group.table.name(),
        paths.join(", ")
    );
    Readable { from: vec![from], ..Readable::default() }
}

#[cfg(test)]
mod tests;
