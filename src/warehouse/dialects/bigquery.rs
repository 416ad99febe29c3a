//! BigQuery. Files get into temporary tables by `LOAD DATA`, outside of the transaction.
//!
//! A script is one query with several statements, since temporary tables end with it. Tables have no dataset in
//! it, so it runs with a default dataset. Views need one: their statements take it from the session.
//!
//! JSON that BigQuery cannot parse becomes a JSON string. Numbers of `extra` with more digits than BigQuery
//! keeps are rounded. `raw` is text, byte for byte.
//!
//! Tests parse the scripts, and run a translation of them in DuckDB. They have not run in BigQuery.

use crate::id::RunId;
use crate::table::{Column, Kind};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{
    self, Fixed, Limit, backslash_literal as literal, in_backticks, standard_definition,
};
use crate::warehouse::location::{Location, below};
use crate::warehouse::replace::Replace;
use crate::warehouse::{ExportSource, SourceError};

/// BigQuery.
pub static BIGQUERY: Dialect = Dialect {
    name: "bigquery",
    aliases: &[],
    title: "BigQuery",
    version: "BigQuery",
    help: "BigQuery; reads Parquet from gs://",
    types: Types {
        text: "STRING",
        time: "TIMESTAMP",
        integer: "INT64",
        boolean: "BOOL",
        json: "JSON",
        raw: "STRING",
    },
    failing: |message| format!("SELECT ERROR({});\n", literal(message)),
    fail_if: |count, message| {
        format!(
            "SELECT IF(wrong > 0, ERROR(CONCAT(CAST(wrong AS STRING), {})), 0) FROM (SELECT (\n{count}\n) AS wrong);\n",
            literal(&format!(" {message}"))
        )
    },
    check,
    strategy: Strategy::Replace(
        Fixed {
            column: in_backticks,
            literal,
            time: |time| format!("TIMESTAMP {}", literal(time)),
            typed: fixed::cast,
            defined: in_backticks,
            definition: standard_definition,
            column_comment: Some(|text| format!(" OPTIONS (description = {})", literal(text))),
            table_options: |shape| format!("\nOPTIONS (description = {})", literal(&shape.meaning)),
            view,
            in_view: |name| format!("{DATASET}.{name}"),
            tables_note: RUN,
            notes: |_| RUN.to_owned(),
            prepare: |_| String::new(),
            limit: Limit::Script(1_000_000),
        },
        Replace {
            temp_table: |name, columns| format!("CREATE OR REPLACE TEMP TABLE {name} ({columns});\n"),
            staged_type: |dialect, column| match column.kind {
                Kind::Json => dialect.types.text,
                _ => dialect.type_of(column),
            },
            stage,
            value,
            begin: "BEGIN TRANSACTION;\n",
            commit: "\nCOMMIT TRANSACTION;\n",
        },
    ),
};

const RUN: &str =
    "-- Run it as one query, with a dataset: bq query --use_legacy_sql=false --dataset_id=DATASET < FILE\n";

/// Stands for the dataset in the text of a view.
const DATASET: &str = "chatzy_dataset";

/// Maximum number of files that a statement loads. The limit of BigQuery is 10,000.
const FILES_PER_LOAD: usize = 5000;

fn check(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(BIGQUERY.title)?;
    source.has_channel(BIGQUERY.title)?;
    match &source.location {
        Location::Gs { prefix, .. } if prefix.contains('*') => {
            Err(SourceError::OddPath { title: BIGQUERY.title, characters: "*" })
        }
        Location::Gs { .. } => Ok(()),
        _ => {
            Err(source
                .unreachable(BIGQUERY.title, "Google Cloud Storage (gs://), for example with rclone copy"))
        }
    }
}

/// A view needs the dataset of its tables.
fn view(name: &str, query: &str) -> String {
    format!(
        "EXECUTE IMMEDIATE REPLACE(r\"\"\"
CREATE OR REPLACE VIEW {name} AS
{query}
\"\"\", '{DATASET}', CONCAT('`', COALESCE(@@dataset_project_id, @@project_id), '`.`', @@dataset_id, '`'));\n"
    )
}

fn stage(source: &ExportSource, _: &RunId, group: &FileGroup<'_>) -> String {
    let Location::Gs { bucket, prefix } = &source.location else { return String::new() };
    let uri = |path: &&str| literal(&format!("gs://{bucket}/{}", below(prefix, path)));
    let load = |paths: &[&str]| {
        let uris: Vec<_> = paths.iter().map(uri).collect();
        format!(
            "LOAD DATA INTO TEMP TABLE staged_{} FROM FILES (format = 'PARQUET', uris = [{}]);\n",
            group.table.name(),
            uris.join(", ")
        )
    };
    group.paths.chunks(FILES_PER_LOAD).map(load).collect()
}

fn value(column: &Column, name: String) -> String {
    match column.kind {
        Kind::Json if column.name != "raw" => format!(
            "IF({name} IS NULL, NULL, COALESCE(SAFE.PARSE_JSON({name}, wide_number_mode => 'round'), TO_JSON({name})))"
        ),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::BIGQUERY;
    use crate::warehouse::fixture::{File, outline, source};

    const FILES: [File<'_>; 2] =
        [("messages", "month=2026-11/part-n-00000.parquet", 2), ("coverage", "part-n-00000.parquet", 3)];

    #[test]
    fn a_load_names_each_file() {
        let export = source("gs://bucket/it's", &[("n", &FILES)]);
        let script = BIGQUERY.merge(Some(&export)).unwrap();
        let (staging, _) = script.split_once("\n-- The order of runs").unwrap();
        insta::assert_snapshot!(outline(staging), @r"
        -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
        -- The tables are made by: chatzy-export schema --format bigquery
        -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows. Run one …
        -- Run it as one query, with a dataset: bq query --use_legacy_sql=false --dataset_id=DATASET < FILE

        -- The rows of the files.
        CREATE OR REPLACE TEMP TABLE staged_contacts (`contact_id` STRING, `user_email_id` STRING, `first_na…
        CREATE OR REPLACE TEMP TABLE staged_conversations (`conversation_id` STRING, `contact_id` STRING, `c…
        CREATE OR REPLACE TEMP TABLE staged_messages (`message_id` STRING, `conversation_id` STRING, `contac…
        CREATE OR REPLACE TEMP TABLE staged_channel_records (`record_id` STRING, `message_id` STRING, `conve…
        CREATE OR REPLACE TEMP TABLE staged_coverage (`contact_id` STRING, `status` STRING, `messages` INT64…
        CREATE OR REPLACE TEMP TABLE chatzy_due (`contact_id` STRING, `run_id` STRING);
        -- The run n.
        LOAD DATA INTO TEMP TABLE staged_messages FROM FILES (format = 'PARQUET', uris = ['gs://bucket/it\'s…
        LOAD DATA INTO TEMP TABLE staged_coverage FROM FILES (format = 'PARQUET', uris = ['gs://bucket/it\'s…

        -- The files have the rows that the manifests count.
        SELECT IF(wrong > 0, ERROR(CONCAT(CAST(wrong AS STRING), ' rows too many or too few: the run n has 2…
            SELECT coalesce(max(abs(n - 2)), 0)
            FROM (SELECT count(*) AS n FROM staged_messages WHERE `run_id` = 'n') AS counted
        ) AS wrong);
        SELECT IF(wrong > 0, ERROR(CONCAT(CAST(wrong AS STRING), ' rows too many or too few: the run n has 3…
            SELECT coalesce(max(abs(n - 3)), 0)
            FROM (SELECT count(*) AS n FROM staged_coverage WHERE `run_id` = 'n') AS counted
        ) AS wrong);
        SELECT IF(wrong > 0, ERROR(CONCAT(CAST(wrong AS STRING), ' rows of the run n have another exported_a…
            SELECT count(*) FROM staged_coverage
            WHERE `exported_at` <> TIMESTAMP '2026-11-20T02:00:00.000000Z' AND `run_id` = 'n'
        ) AS wrong);

        BEGIN TRANSACTION;
        ");
    }

    #[test]
    fn views_name_the_dataset() {
        let export = source("gs://bucket", &[("n", &FILES)]);
        let script = BIGQUERY.latest(Some(&export)).unwrap();
        assert_eq!(script.matches("EXECUTE IMMEDIATE").count(), 5, "{script}");
        assert!(script.contains("FROM chatzy_dataset.all_coverage"), "{script}");
    }

    #[test]
    fn a_message_cannot_end_its_literal() {
        insta::assert_snapshot!(BIGQUERY.failing("a'b\\'; \n--"), @r"SELECT ERROR('a\'b\\\';  --');");
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        let told = |root: &str, path: &str| {
            let export = source(root, &[("n", &[("messages", path, 1)])]);
            BIGQUERY.merge(Some(&export)).unwrap_err().to_string()
        };
        insta::assert_snapshot!(told("s3://bucket", "part-n-00000.parquet"), @"BigQuery cannot read s3://bucket: copy the export to Google Cloud Storage (gs://), for example with rclone copy, and give its path or URL there");
        insta::assert_snapshot!(told("gs://bucket/a*", "part-n-00000.parquet"), @"BigQuery does not take the characters * in paths literally: rename or copy the export, and give its new path");
        insta::assert_snapshot!(told("gs://bucket", "channel=website/part-n-00000.parquet"), @"the run n is partitioned by channel, so its files do not contain the channel, and BigQuery does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run");
        let many: Vec<File<'_>> = vec![("messages", "part-n-00000.parquet", 1); 30_000];
        let export = source("gs://bucket", &[("n", &many)]);
        insta::assert_snapshot!(BIGQUERY.merge(Some(&export)).unwrap_err().to_string(), @"BigQuery takes scripts of at most 1000000 bytes, but this export needs 1361134: load some runs at a time with --run ID or --loaded FILE, or make fewer files with chatzy-export snapshot");
    }
}
