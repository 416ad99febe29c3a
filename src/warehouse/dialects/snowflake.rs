//! Snowflake. Files get into tables by `COPY INTO` from a stage.

use crate::id::RunId;
use crate::table::{Column, Kind};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{self, Fixed, Limit, escaped_literal as literal, standard_definition};
use crate::warehouse::location::Location;
use crate::warehouse::replace::Replace;
use crate::warehouse::{ExportSource, SourceError};

/// Snowflake.
pub static SNOWFLAKE: Dialect = Dialect {
    name: "snowflake",
    aliases: &[],
    title: "Snowflake",
    version: "Snowflake",
    help: "Snowflake; takes Parquet through a stage",
    types: Types {
        text: "VARCHAR",
        time: "TIMESTAMP_TZ(6)",
        integer: "BIGINT",
        boolean: "BOOLEAN",
        json: "VARIANT",
        raw: "VARIANT",
    },
    failing: |message| format!("SELECT CAST({} AS INTEGER);\n", literal(message)),
    fail_if: |count, message| {
        format!(
            "SELECT CASE WHEN wrong > 0 THEN CAST(wrong || {} AS INTEGER) END FROM (SELECT (\n{count}\n) AS wrong);\n",
            literal(&format!(" {message}"))
        )
    },
    check,
    strategy: Strategy::Replace(
        Fixed {
            column,
            literal,
            time: |time| format!("TO_TIMESTAMP_TZ({})", literal(&time.replace('Z', "+00:00"))),
            typed: fixed::cast,
            defined: column,
            definition: standard_definition,
            column_comment: Some(|text| format!(" COMMENT {}", literal(text))),
            table_options: |shape| format!(" COMMENT = {}", literal(&shape.meaning)),
            view: fixed::view,
            in_view: str::to_owned,
            tables_note: "",
            notes,
            prepare,
            limit: Limit::None,
        },
        Replace {
            temp_table: |name, columns| format!("CREATE OR REPLACE TEMPORARY TABLE {name} ({columns});\n"),
            staged_type,
            stage,
            value,
            begin: "BEGIN;\n",
            commit: "\nCOMMIT;\n",
        },
    ),
};

/// Maximum number of files that a `COPY INTO` names.
const FILES_PER_COPY: usize = 1000;

/// Name of the stage with an export in an object store.
const STAGE: &str = "chatzy_export";
/// Name of the stage with the files of this machine.
const LOCAL_STAGE: &str = "chatzy_files";

fn column(name: &str) -> String {
    format!("\"{}\"", name.to_uppercase())
}

fn check(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(SNOWFLAKE.title)?;
    source.has_channel(SNOWFLAKE.title)?;
    source.has_account()?;
    match &source.location {
        // PUT takes them for patterns, escapes and parts of a URL.
        Location::Local(folder) if folder.contains(['*', '?', '[', ']', '\\', '%', '#']) => {
            Err(SourceError::OddPath { title: SNOWFLAKE.title, characters: r"* ? [ ] \ % #" })
        }
        _ => Ok(()),
    }
}

fn notes(source: &ExportSource) -> String {
    match source.location {
        Location::Local(_) => "-- Run it with a client that uploads files by PUT, such as snowsql or snow sql.\n",
        _ => {
            "-- The stage below reads public files. For others, create it before, with the same URL and a storage integration:\n\
             -- CREATE STAGE chatzy_export URL = '...' STORAGE_INTEGRATION = NAME\n"
        }
    }
    .to_owned()
}

fn prepare(source: &ExportSource) -> String {
    let stage = match &source.location {
        Location::Local(_) => format!("CREATE OR REPLACE TEMPORARY STAGE {LOCAL_STAGE};\n"),
        Location::S3 { bucket, prefix, endpoint: None, .. } => stage_of("s3", bucket, prefix, ""),
        Location::S3 { bucket, prefix, endpoint: Some(endpoint), .. } => {
            let (_, host) = endpoint.split_once("://").unwrap_or(("", endpoint));
            stage_of("s3compat", bucket, prefix, &format!(" ENDPOINT = {}", literal(host)))
        }
        Location::Gs { bucket, prefix } => stage_of("gcs", bucket, prefix, ""),
        Location::Az { container, prefix, account, .. } => {
            let account = account.as_deref().unwrap_or_default();
            stage_of("azure", &format!("{account}.blob.core.windows.net/{container}"), prefix, "")
        }
    };
    format!("\n{stage}")
}

fn stage_of(scheme: &str, bucket: &str, prefix: &str, options: &str) -> String {
    let slash = if prefix.is_empty() { "" } else { "/" };
    let url = literal(&format!("{scheme}://{bucket}/{prefix}{slash}"));
    format!("CREATE STAGE IF NOT EXISTS {STAGE} URL = {url}{options};\n")
}

fn stage(source: &ExportSource, run_id: &RunId, group: &FileGroup<'_>) -> String {
    let Location::Local(folder) = &source.location else {
        let copy = |paths: &[&str]| {
            let files: Vec<_> = paths.iter().map(|path| literal(path)).collect();
            copy(group, STAGE, &format!(" FILES = ({})", files.join(", ")))
        };
        return group.paths.chunks(FILES_PER_COPY).map(copy).collect();
    };
    let put = |path: &&str| {
        // The stage has the folders of the export under plain names.
        let (below, _) = path.rsplit_once('/').unwrap_or((path, ""));
        let below = below.replace(['=', '%'], "_");
        format!(
            "PUT {} @{LOCAL_STAGE}/{run_id}/{below} AUTO_COMPRESS = FALSE;\n",
            literal(&format!("file://{folder}/{path}"))
        )
    };
    let put: String = group.paths.iter().map(put).collect();
    put + &copy(group, &format!("{LOCAL_STAGE}/{run_id}/{}/", group.table.name()), "")
}

/// Returns the statement that adds the rows of staged files to a table.
fn copy(group: &FileGroup<'_>, stage: &str, files: &str) -> String {
    format!(
        "COPY INTO staged_{} FROM @{stage}{files} FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FORCE = TRUE;\n",
        group.table.name(),
    )
}

fn staged_type(dialect: &Dialect, column: &Column) -> &'static str {
    match column.kind {
        Kind::Json => dialect.types.text,
        _ => dialect.type_of(column),
    }
}

fn value(column: &Column, name: String) -> String {
    match column.kind {
        // A text that is not JSON becomes a string.
        Kind::Json => format!("coalesce(try_parse_json({name}), to_variant({name}))"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::warehouse::files::Channel;
    use crate::warehouse::fixture::{outline, source};

    const FILES: [(&str, &str, u64); 2] =
        [("messages", "month=2026-11/part-n-00000.parquet", 2), ("coverage", "part-n-00000.parquet", 3)];

    #[test]
    fn a_load_names_each_file() {
        let export = source("/srv/it's/export", &[("n", &FILES)]);
        let script = SNOWFLAKE.merge(Some(&export)).unwrap();
        let (staging, _) = script.split_once("\nBEGIN;\n").unwrap();
        insta::assert_snapshot!(outline(staging), @r#"
        -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
        -- The tables are made by: chatzy-export schema --format snowflake
        -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows. Run one …
        -- Run it with a client that uploads files by PUT, such as snowsql or snow sql.

        CREATE OR REPLACE TEMPORARY STAGE chatzy_files;

        -- The rows of the files.
        CREATE OR REPLACE TEMPORARY TABLE staged_contacts ("CONTACT_ID" VARCHAR, "USER_EMAIL_ID" VARCHAR, "F…
        CREATE OR REPLACE TEMPORARY TABLE staged_conversations ("CONVERSATION_ID" VARCHAR, "CONTACT_ID" VARC…
        CREATE OR REPLACE TEMPORARY TABLE staged_messages ("MESSAGE_ID" VARCHAR, "CONVERSATION_ID" VARCHAR, …
        CREATE OR REPLACE TEMPORARY TABLE staged_channel_records ("RECORD_ID" VARCHAR, "MESSAGE_ID" VARCHAR,…
        CREATE OR REPLACE TEMPORARY TABLE staged_coverage ("CONTACT_ID" VARCHAR, "STATUS" VARCHAR, "MESSAGES…
        CREATE OR REPLACE TEMPORARY TABLE chatzy_due ("CONTACT_ID" VARCHAR, "RUN_ID" VARCHAR);
        -- The run n.
        PUT 'file:///srv/it''s/export/messages/month=2026-11/part-n-00000.parquet' @chatzy_files/n/messages/…
        COPY INTO staged_messages FROM @chatzy_files/n/messages/ FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_T…
        PUT 'file:///srv/it''s/export/coverage/part-n-00000.parquet' @chatzy_files/n/coverage AUTO_COMPRESS …
        COPY INTO staged_coverage FROM @chatzy_files/n/coverage/ FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_T…

        -- The files have the rows that the manifests count.
        SELECT CASE WHEN wrong > 0 THEN CAST(wrong || ' rows too many or too few: the run n has 2 in the tab…
            SELECT coalesce(max(abs(n - 2)), 0)
            FROM (SELECT count(*) AS n FROM staged_messages WHERE "RUN_ID" = 'n') AS counted
        ) AS wrong);
        SELECT CASE WHEN wrong > 0 THEN CAST(wrong || ' rows too many or too few: the run n has 3 in the tab…
            SELECT coalesce(max(abs(n - 3)), 0)
            FROM (SELECT count(*) AS n FROM staged_coverage WHERE "RUN_ID" = 'n') AS counted
        ) AS wrong);
        SELECT CASE WHEN wrong > 0 THEN CAST(wrong || ' rows of the run n have another exported_at than its …
            SELECT count(*) FROM staged_coverage
            WHERE "EXPORTED_AT" <> TO_TIMESTAMP_TZ('2026-11-20T02:00:00.000000+00:00') AND "RUN_ID" = 'n'
        ) AS wrong);
        "#);
    }

    #[test]
    fn a_load_is_one_transaction() {
        let export = source("/srv/it's/export", &[("n", &FILES)]);
        let script = SNOWFLAKE.merge(Some(&export)).unwrap();
        let (_, merge) = script.split_once("\nBEGIN;\n").unwrap();
        insta::assert_snapshot!(outline(merge), @r#"
        -- The order of runs is that of their manifests, since a clock may be set back.
        INSERT INTO chatzy_runs ("RUN_ID", "PREVIOUS_RUN_ID", "EXPORTED_AT", "IS_PART", "CHAIN", "POSITION")
        SELECT "RUN_ID", "PREVIOUS_RUN_ID", "EXPORTED_AT", "IS_PART", coalesce("KNOWN_CHAIN", "CHAIN"), "POS…
        FROM (
            SELECT found."RUN_ID" AS "RUN_ID", found."PREVIOUS_RUN_ID" AS "PREVIOUS_RUN_ID", found."EXPORTED…
                max(known."CHAIN") OVER (PARTITION BY found."CHAIN") AS "KNOWN_CHAIN",
                max(known."POSITION" - found."POSITION") OVER (PARTITION BY found."CHAIN") AS "SHIFT"
            FROM (
                SELECT CAST('n' AS VARCHAR) AS "RUN_ID", CAST(NULL AS VARCHAR) AS "PREVIOUS_RUN_ID", CAST(TO…
            ) AS found
            LEFT JOIN chatzy_runs AS known ON known."RUN_ID" = found."RUN_ID"
        ) AS numbered
        WHERE "KNOWN_RUN" IS NULL;

        -- Parts of contacts and whole ones do not mix.
        SELECT CASE WHEN wrong > 0 THEN CAST(wrong || ' runs in the tables hold only parts of contacts, beca…
            SELECT count(*) FROM chatzy_runs
            WHERE "IS_PART" AND "RUN_ID" IN (SELECT "RUN_ID" FROM coverage)
        ) AS wrong);

        -- Runs that are loaded already change nothing.
        DELETE FROM staged_coverage WHERE "RUN_ID" IN (SELECT "RUN_ID" FROM coverage);

        INSERT INTO coverage ("CONTACT_ID", "STATUS", "MESSAGES", "PAGES", "REQUESTS", "RETRIES", "REREADS",…
        SELECT "CONTACT_ID", "STATUS", "MESSAGES", "PAGES", "REQUESTS", "RETRIES", "REREADS", "END", "FIRST_…
        FROM staged_coverage;

        -- The contacts to be replaced, and the run that has them: not where the rows of a newer one are her…
        INSERT INTO chatzy_due ("CONTACT_ID", "RUN_ID")
        SELECT "CONTACT_ID", "RUN_ID"
        FROM (
            SELECT "CONTACT_ID", "STATUS", "MESSAGES", "PAGES", "REQUESTS", "RETRIES", "REREADS", "END", "FI…
                PARTITION BY "CONTACT_ID" ORDER BY "MOMENT" DESC, "POSITION" DESC, "EXPORTED_AT" DESC, "RUN_…
            ) AS "RUN_RANK"
            FROM coverage
            JOIN (
                SELECT "RUN_ID", "POSITION", max("EXPORTED_AT") OVER (
                    PARTITION BY "CHAIN" ORDER BY "POSITION", "EXPORTED_AT", "RUN_ID" ROWS UNBOUNDED PRECEDI…
                ) AS "MOMENT"
                FROM chatzy_runs
            ) AS runs USING ("RUN_ID")
            WHERE "STATUS" IN ('exported', 'empty', 'not_found', 'unresolved')
              AND "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM staged_coverage)
        ) AS ranked
        WHERE "RUN_RANK" = 1 AND "RUN_ID" IN (SELECT "RUN_ID" FROM staged_coverage);

        DELETE FROM contacts WHERE "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM chatzy_due);
        INSERT INTO contacts ("CONTACT_ID", "USER_EMAIL_ID", "FIRST_NAME", "LAST_NAME", "PHONE_NUMBER", "CRE…
        SELECT "CONTACT_ID", "USER_EMAIL_ID", "FIRST_NAME", "LAST_NAME", "PHONE_NUMBER", "CREATED_AT", "LAST…
        FROM staged_contacts
        JOIN chatzy_due USING ("CONTACT_ID", "RUN_ID");

        DELETE FROM conversations WHERE "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM chatzy_due);
        INSERT INTO conversations ("CONVERSATION_ID", "CONTACT_ID", "CONVERSATION_STATUS", "CONVERSATION_TYP…
        SELECT "CONVERSATION_ID", "CONTACT_ID", "CONVERSATION_STATUS", "CONVERSATION_TYPE", "ASSIGNED_TO", "…
        FROM staged_conversations
        JOIN chatzy_due USING ("CONTACT_ID", "RUN_ID");

        DELETE FROM messages WHERE "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM chatzy_due);
        INSERT INTO messages ("MESSAGE_ID", "CONVERSATION_ID", "CONTACT_ID", "MESSAGE_ORDER", "ROLE", "CONTE…
        SELECT "MESSAGE_ID", "CONVERSATION_ID", "CONTACT_ID", "MESSAGE_ORDER", "ROLE", "CONTENT", "CREATED_A…
        FROM staged_messages
        JOIN chatzy_due USING ("CONTACT_ID", "RUN_ID");

        DELETE FROM channel_records WHERE "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM chatzy_due);
        INSERT INTO channel_records ("RECORD_ID", "MESSAGE_ID", "CONVERSATION_ID", "CONTACT_ID", "CHANNEL", …
        SELECT "RECORD_ID", "MESSAGE_ID", "CONVERSATION_ID", "CONTACT_ID", "CHANNEL", "RECORD_INDEX", "STATU…
        FROM staged_channel_records
        JOIN chatzy_due USING ("CONTACT_ID", "RUN_ID");

        -- Each contact has as many messages as its run has exported.
        SELECT CASE WHEN wrong > 0 THEN CAST(wrong || ' contacts have more or fewer messages than their run …
            SELECT count(*)
            FROM (
                SELECT "CONTACT_ID", "MESSAGES" FROM coverage JOIN chatzy_due USING ("CONTACT_ID", "RUN_ID")
            ) AS expected
            LEFT JOIN (
                SELECT "CONTACT_ID" AS "LOADED_ID", count(*) AS "LOADED" FROM messages
                WHERE "CONTACT_ID" IN (SELECT "CONTACT_ID" FROM chatzy_due) GROUP BY "CONTACT_ID"
            ) AS found ON "LOADED_ID" = "CONTACT_ID"
            WHERE "MESSAGES" <> coalesce("LOADED", 0)
        ) AS wrong);

        COMMIT;
        "#);
    }

    #[test]
    fn a_message_cannot_end_its_literal() {
        insta::assert_snapshot!(SNOWFLAKE.failing("a'b\\'; \n--"), @r"SELECT CAST('a''b\\'';  --' AS INTEGER);");
    }

    #[test]
    fn stages_are_named_wherever_the_files_are() {
        let shown = |root: &str| {
            let export = source(root, &[("n", &FILES)]);
            let group = FileGroup {
                table: Table::Coverage,
                channel: Channel::InFiles,
                paths: vec!["coverage/a", "coverage/b"],
            };
            prepare(&export) + &stage(&export, &"n".parse().unwrap(), &group)
        };
        insta::assert_snapshot!(shown("/srv/it's {a,b} é"), @r"

        CREATE OR REPLACE TEMPORARY STAGE chatzy_files;
        PUT 'file:///srv/it''s {a,b} é/coverage/a' @chatzy_files/n/coverage AUTO_COMPRESS = FALSE;
        PUT 'file:///srv/it''s {a,b} é/coverage/b' @chatzy_files/n/coverage AUTO_COMPRESS = FALSE;
        COPY INTO staged_coverage FROM @chatzy_files/n/coverage/ FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FORCE = TRUE;
        ");
        insta::assert_snapshot!(shown("s3://bucket"), @r"

        CREATE STAGE IF NOT EXISTS chatzy_export URL = 's3://bucket/';
        COPY INTO staged_coverage FROM @chatzy_export FILES = ('coverage/a', 'coverage/b') FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FORCE = TRUE;
        ");
        insta::assert_snapshot!(shown("gs://bucket/a"), @r"

        CREATE STAGE IF NOT EXISTS chatzy_export URL = 'gcs://bucket/a/';
        COPY INTO staged_coverage FROM @chatzy_export FILES = ('coverage/a', 'coverage/b') FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FORCE = TRUE;
        ");
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        let told = |root: &str, path: &str| {
            let export = source(root, &[("n", &[("messages", path, 1)])]);
            SNOWFLAKE.merge(Some(&export)).unwrap_err().to_string()
        };
        insta::assert_snapshot!(told("/srv/a*", "part-n-00000.parquet"), @r"Snowflake does not take the characters * ? [ ] \ % # in paths literally: rename or copy the export, and give its new path");
        insta::assert_snapshot!(told("/srv", "channel=website/part-n-00000.parquet"), @"the run n is partitioned by channel, so its files do not contain the channel, and Snowflake does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run");
        insta::assert_snapshot!(told("/srv", "part-n-00000.jsonl.gz"), @"the run n is JSONL, but a load into Snowflake reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run");
        insta::assert_snapshot!(SNOWFLAKE.latest(None).unwrap_err().to_string(), @"the SQL for Snowflake names the files of an export: add --from PATH");
    }
}
