//! Redshift. Files get into temporary tables by `COPY`, which takes columns by their position.
//!
//! `COPY` reads the objects whose names begin with a text, so each statement has the name of one file, and the rows
//! are counted. Files have times without a zone for it. They are UTC, and so is the session.
//!
//! A text has at most 65,535 bytes. `COPY` fails if a text is longer, so nothing is cut, but such a run cannot be
//! loaded. `extra` is SUPER, or a string if Redshift cannot parse it. `raw` is text, byte for byte.
//!
//! The temporary tables are dropped at the end. If a load fails, the next one needs a new session.
//!
//! Tests parse the scripts, and run a translation of them in DuckDB. They have not run in Redshift.

use crate::id::RunId;
use crate::table::{Column, Kind};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{
    self, Fixed, Limit, escaped_literal as literal, in_double_quotes, standard_definition,
};
use crate::warehouse::location::{Location, below};
use crate::warehouse::replace::Replace;
use crate::warehouse::{ExportSource, SourceError};

/// Redshift.
pub static REDSHIFT: Dialect = Dialect {
    name: "redshift",
    aliases: &[],
    title: "Redshift",
    version: "Redshift",
    help: "Redshift; reads Parquet from s3://",
    types: Types {
        text: "VARCHAR(65535)",
        time: "TIMESTAMPTZ",
        integer: "BIGINT",
        boolean: "BOOLEAN",
        json: "SUPER",
        raw: "VARCHAR(65535)",
    },
    failing: |message| format!("SELECT CAST({} AS INTEGER);\n", literal(message)),
    fail_if: |count, message| {
        format!(
            "SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS VARCHAR) || {} AS INTEGER) END FROM (SELECT (\n{count}\n) AS wrong);\n",
            literal(&format!(" {message}"))
        )
    },
    check,
    strategy: Strategy::Replace(
        Fixed {
            column: in_double_quotes,
            literal,
            time: |time| {
                let text = time.trim_end_matches('Z').replace('T', " ");
                format!("CAST({} AS TIMESTAMPTZ)", literal(&format!("{text}+00")))
            },
            typed: fixed::cast,
            defined: in_double_quotes,
            definition: standard_definition,
            column_comment: None,
            table_options: |_| String::new(),
            view: fixed::view,
            in_view: str::to_owned,
            tables_note: "",
            notes: |_| {
                "-- Run it with: psql -v ON_ERROR_STOP=1 -f FILE\n-- Redshift reads the files with its default IAM role. The bucket is in its region.\n".to_owned()
            },
            prepare: |_| "\nSET timezone TO 'UTC';\n".to_owned(),
            limit: Limit::None,
        },
        Replace {
            temp_table: |name, columns| format!("CREATE TEMP TABLE {name} ({columns});\n"),
            staged_type: |dialect, column| match column.kind {
                Kind::Json => dialect.types.text,
                Kind::Ts => "TIMESTAMP",
                _ => dialect.type_of(column),
            },
            stage,
            value,
            begin: "BEGIN;\n",
            commit: COMMIT,
        },
    ),
};

const COMMIT: &str = "
COMMIT;
DROP TABLE staged_contacts, staged_conversations, staged_messages, staged_channel_records, staged_coverage, chatzy_due;
";

fn check(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(REDSHIFT.title)?;
    source.has_channel(REDSHIFT.title)?;
    match &source.location {
        Location::S3 { .. } => Ok(()),
        _ => Err(source.unreachable(REDSHIFT.title, "S3 of AWS (s3://), for example with rclone copy")),
    }
}

fn stage(source: &ExportSource, _: &RunId, group: &FileGroup<'_>) -> String {
    let Location::S3 { bucket, prefix, .. } = &source.location else { return String::new() };
    let copy = |path: &&str| {
        let url = literal(&format!("s3://{bucket}/{}", below(prefix, path)));
        format!("COPY staged_{} FROM {url} IAM_ROLE default FORMAT AS PARQUET;\n", group.table.name())
    };
    group.paths.iter().map(copy).collect()
}

fn value(column: &Column, name: String) -> String {
    match column.kind {
        Kind::Ts => format!("{name} AT TIME ZONE 'UTC'"),
        Kind::Json if column.name != "raw" => {
            format!("CASE WHEN can_json_parse({name}) THEN json_parse({name}) ELSE CAST({name} AS SUPER) END")
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::REDSHIFT;
    use crate::warehouse::fixture::{File, outline, source};

    const FILES: [File<'_>; 2] =
        [("contacts", "part-n-00000.parquet", 2), ("coverage", "part-n-00000.parquet", 3)];

    #[test]
    fn a_load_names_each_file() {
        let export = source("s3://bucket/it's", &[("n", &FILES)]);
        let script = REDSHIFT.merge(Some(&export)).unwrap();
        let (staging, rest) = script.split_once("\n-- The order of runs").unwrap();
        insta::assert_snapshot!(outline(staging), @r#"
        -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
        -- The tables are made by: chatzy-export schema --format redshift
        -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows. Run one …
        -- Run it with: psql -v ON_ERROR_STOP=1 -f FILE
        -- Redshift reads the files with its default IAM role. The bucket is in its region.

        SET timezone TO 'UTC';

        -- The rows of the files.
        CREATE TEMP TABLE staged_contacts ("contact_id" VARCHAR(65535), "user_email_id" VARCHAR(65535), "fir…
        CREATE TEMP TABLE staged_conversations ("conversation_id" VARCHAR(65535), "contact_id" VARCHAR(65535…
        CREATE TEMP TABLE staged_messages ("message_id" VARCHAR(65535), "conversation_id" VARCHAR(65535), "c…
        CREATE TEMP TABLE staged_channel_records ("record_id" VARCHAR(65535), "message_id" VARCHAR(65535), "…
        CREATE TEMP TABLE staged_coverage ("contact_id" VARCHAR(65535), "status" VARCHAR(65535), "messages" …
        CREATE TEMP TABLE chatzy_due ("contact_id" VARCHAR(65535), "run_id" VARCHAR(65535));
        -- The run n.
        COPY staged_contacts FROM 's3://bucket/it''s/contacts/part-n-00000.parquet' IAM_ROLE default FORMAT …
        COPY staged_coverage FROM 's3://bucket/it''s/coverage/part-n-00000.parquet' IAM_ROLE default FORMAT …

        -- The files have the rows that the manifests count.
        SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS VARCHAR) || ' rows too many or too few: the run n…
            SELECT coalesce(max(abs(n - 2)), 0)
            FROM (SELECT count(*) AS n FROM staged_contacts WHERE "run_id" = 'n') AS counted
        ) AS wrong);
        SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS VARCHAR) || ' rows too many or too few: the run n…
            SELECT coalesce(max(abs(n - 3)), 0)
            FROM (SELECT count(*) AS n FROM staged_coverage WHERE "run_id" = 'n') AS counted
        ) AS wrong);
        SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS VARCHAR) || ' rows of the run n have another expo…
            SELECT count(*) FROM staged_coverage
            WHERE "exported_at" <> CAST('2026-11-20 02:00:00.000000+00' AS TIMESTAMPTZ) AND "run_id" = 'n'
        ) AS wrong);

        BEGIN;
        "#);
        let contacts = rest.split("\n\n").find(|part| part.starts_with("DELETE FROM contacts")).unwrap();
        insta::assert_snapshot!(contacts, @r#"
        DELETE FROM contacts WHERE "contact_id" IN (SELECT "contact_id" FROM chatzy_due);
        INSERT INTO contacts ("contact_id", "user_email_id", "first_name", "last_name", "phone_number", "created_at", "last_interacted_at", "contact_queries", "is_blacklisted", "is_frozen", "frozen_until", "conversation_count", "message_count", "first_message_at", "last_message_at", "extra", "exported_at", "run_id")
        SELECT "contact_id", "user_email_id", "first_name", "last_name", "phone_number", "created_at" AT TIME ZONE 'UTC', "last_interacted_at" AT TIME ZONE 'UTC', "contact_queries", "is_blacklisted", "is_frozen", "frozen_until" AT TIME ZONE 'UTC', "conversation_count", "message_count", "first_message_at" AT TIME ZONE 'UTC', "last_message_at" AT TIME ZONE 'UTC', CASE WHEN can_json_parse("extra") THEN json_parse("extra") ELSE CAST("extra" AS SUPER) END, "exported_at" AT TIME ZONE 'UTC', "run_id"
        FROM staged_contacts
        JOIN chatzy_due USING ("contact_id", "run_id");
        "#);
        insta::assert_snapshot!(rest.rsplit("\n\n").next().unwrap(), @r"
        COMMIT;
        DROP TABLE staged_contacts, staged_conversations, staged_messages, staged_channel_records, staged_coverage, chatzy_due;
        ");
    }

    #[test]
    fn a_message_cannot_end_its_literal() {
        insta::assert_snapshot!(REDSHIFT.failing("a'b\\'; \n--"), @r"SELECT CAST('a''b\\'';  --' AS INTEGER);");
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        let told = |root: &str, path: &str| {
            let export = source(root, &[("n", &[("messages", path, 1)])]);
            REDSHIFT.merge(Some(&export)).unwrap_err().to_string()
        };
        insta::assert_snapshot!(told("gs://bucket", "part-n-00000.parquet"), @"Redshift cannot read gs://bucket: copy the export to S3 of AWS (s3://), for example with rclone copy, and give its path or URL there");
        insta::assert_snapshot!(told("s3://bucket", "channel=website/part-n-00000.parquet"), @"the run n is partitioned by channel, so its files do not contain the channel, and Redshift does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run");
    }
}
