//! Databricks, and Spark without it. Plain tables of Spark are Parquet, which can neither delete rows nor merge.
//!
//! Rows come from queries of files by path, which both document, and which need no session. A list of files is
//! a pattern: `{a,b}`. Spark ignores files of a list that are missing, so each insert counts the rows. `spark.sql`
//! runs a query only when its result is read. An insert is run at once, so it repeats the checks before it.
//!
//! Two dialects differ in details. Tables of `databricks` have its default format, which is Delta, and it does
//! not take settings of Spark. Tables of `spark` are Parquet, since Spark 3.5 would make tables of text, in which
//! a line end ends a row.
//!
//! Limits of Spark: an insert into Parquet moves its files at the end, one by one. If this is interrupted, rows of
//! the run stay in the table, and loads of this run fail until the tables are made anew. A colon in the path of an
//! export cannot be part of a pattern. `spark` is tested in Spark. `databricks` is only parsed.

use crate::id::RunId;
use crate::warehouse::append::{Append, Leftovers, Readable};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{
    self, Fixed, Limit, backslash_literal as literal, in_backticks, standard_definition,
};
use crate::warehouse::location::{Location, below};
use crate::warehouse::tables::Shape;
use crate::warehouse::{ExportSource, SourceError};

/// Databricks: SQL warehouses and clusters.
pub static DATABRICKS: Dialect = dialect(
    &Names {
        name: "databricks",
        title: "Databricks",
        version: "Databricks Runtime 13.3 or later",
        help: "Databricks Runtime 13.3 or later; reads Parquet",
    },
    check_databricks,
    &Details {
        table_options: comment,
        notes: |_| {
            "-- Databricks reads the files with the rights of an external location or a volume.\n".to_owned()
        },
        prepare: |_| String::new(),
        read: |source, _, group| read(group, &databricks_url(&source.location).unwrap_or_default()),
    },
);

/// Spark without Databricks.
pub static SPARK: Dialect = dialect(
    &Names {
        name: "spark",
        title: "Spark",
        version: "Spark 3.5 or later",
        help: "Spark 3.5 or later; reads Parquet",
    },
    check_spark,
    &Details {
        table_options: |shape| format!("\nUSING parquet{}", comment(shape)),
        notes: spark_notes,
        prepare: |_| TIMES.to_owned(),
        read: |source, _, group| read(group, &spark_url(&source.location)),
    },
);

/// Names of a dialect.
struct Names {
    name: &'static str,
    title: &'static str,
    version: &'static str,
    help: &'static str,
}

/// Differences between the two dialects.
struct Details {
    table_options: fn(&Shape) -> String,
    notes: fn(&ExportSource) -> String,
    prepare: fn(&ExportSource) -> String,
    read: fn(&ExportSource, &RunId, &FileGroup<'_>) -> Readable,
}

/// Maximum number of files in one list.
const FILES_PER_LIST: usize = 500;

/// Characters that patterns take for something else.
const PATTERN: [char; 8] = ['\\', '{', '}', '[', ']', '*', '?', ','];

/// Settings under which times before the year 1900 are written as they are.
const TIMES: &str = "
SET spark.sql.parquet.outputTimestampType = TIMESTAMP_MICROS;
SET spark.sql.parquet.datetimeRebaseModeInWrite = CORRECTED;
";

const fn dialect(
    names: &Names,
    check: fn(&ExportSource) -> Result<(), SourceError>,
    details: &Details,
) -> Dialect {
    Dialect {
        name: names.name,
        aliases: &[],
        title: names.title,
        version: names.version,
        help: names.help,
        types: Types {
            text: "STRING",
            time: "TIMESTAMP",
            integer: "BIGINT",
            boolean: "BOOLEAN",
            json: "STRING",
            raw: "STRING",
        },
        failing,
        fail_if,
        check,
        strategy: Strategy::Append(
            Fixed {
                column: in_backticks,
                literal,
                time: |time| format!("TIMESTAMP {}", literal(time)),
                typed: fixed::cast,
                defined: in_backticks,
                definition: standard_definition,
                column_comment: Some(|text| format!(" COMMENT {}", literal(text))),
                table_options: details.table_options,
                view: fixed::view,
                in_view: str::to_owned,
                tables_note: "",
                notes: details.notes,
                prepare: details.prepare,
                limit: Limit::None,
            },
            Append {
                read: details.read,
                value: |_, name| name,
                leftovers: Leftovers::Keep(require),
                finish: |_| String::new(),
                atomic: "",
            },
        ),
    }
}

/// The second statement fails also if the result of the first one is not read.
fn failing(message: &str) -> String {
    format!("SELECT raise_error({});\nUSE `{}`;\n", literal(message), message.replace('`', "``"))
}

fn fail_if(count: &str, message: &str) -> String {
    format!(
        "SELECT CASE WHEN wrong > 0 THEN {} END FROM (SELECT (\n{count}\n) AS wrong);\n",
        raise("wrong", message)
    )
}

fn require(count: &str, message: &str) -> String {
    format!(
        "(SELECT CASE WHEN wrong > 0 THEN {} ELSE true END FROM (SELECT (\n{count}\n) AS wrong))",
        raise("wrong", message)
    )
}

fn raise(number: &str, message: &str) -> String {
    format!("raise_error(concat({number}, {}))", literal(&format!(" {message}")))
}

fn comment(shape: &Shape) -> String {
    format!("\nCOMMENT {}", literal(&shape.meaning))
}

fn check_databricks(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(DATABRICKS.title)?;
    source.has_account()?;
    let Some(url) = databricks_url(&source.location) else {
        return Err(source.unreachable(DATABRICKS.title, "an object store or a volume (/Volumes/…)"));
    };
    check_colon(&url, DATABRICKS.title)
}

fn check_spark(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(SPARK.title)?;
    source.has_account()?;
    check_colon(&spark_url(&source.location), SPARK.title)
}

fn check_colon(url: &str, title: &'static str) -> Result<(), SourceError> {
    let path = url.split_once("://").or_else(|| url.split_once("file:")).map_or(url, |(_, path)| path);
    if path.contains(':') { Err(SourceError::OddPath { title, characters: ":" }) } else { Ok(()) }
}

fn spark_notes(source: &ExportSource) -> String {
    let run = "-- Run it with: spark-sql -f FILE\n";
    let packages = match source.location {
        Location::Local(_) => return run.to_owned(),
        Location::S3 { .. } => "hadoop-aws, which reads s3a://",
        Location::Gs { .. } => "the Cloud Storage connector, which reads gs://",
        Location::Az { .. } => "hadoop-azure, which reads abfss://",
    };
    format!("{run}-- Spark needs {packages}, and its settings with credentials.\n")
}

/// Returns the URL of an export in Databricks, or `None` if Databricks cannot read it.
fn databricks_url(location: &Location) -> Option<String> {
    match location {
        Location::Local(path) if path.starts_with("/Volumes/") => Some(path.clone()),
        Location::Local(_) => None,
        _ => Some(url(location, "s3")),
    }
}

fn spark_url(location: &Location) -> String {
    url(location, "s3a")
}

fn url(location: &Location, s3: &str) -> String {
    let (base, prefix) = match location {
        Location::Local(path) => return format!("file:{path}"),
        Location::S3 { bucket, prefix, .. } => (format!("{s3}://{bucket}"), prefix),
        Location::Gs { bucket, prefix } => (format!("gs://{bucket}"), prefix),
        Location::Az { container, prefix, account, .. } => {
            let account = account.as_deref().unwrap_or("ACCOUNT");
            (format!("abfss://{container}@{account}.dfs.core.windows.net"), prefix)
        }
    };
    if prefix.is_empty() { base } else { format!("{base}/{prefix}") }
}

fn read(group: &FileGroup<'_>, folder: &str) -> Readable {
    let escaped: String =
        folder.chars().flat_map(|c| PATTERN.contains(&c).then_some('\\').into_iter().chain([c])).collect();
    let relation = |paths: &[&str]| {
        let files = match paths {
            [path] => (*path).to_owned(),
            _ => format!("{{{}}}", paths.join(",")),
        };
        format!("parquet.`{}`", below(&escaped, &files).replace('`', "``"))
    };
    let from = group.paths.chunks(FILES_PER_LIST).map(relation).collect();
    Readable { from, ..Readable::default() }
}

#[cfg(test)]
mod tests;
