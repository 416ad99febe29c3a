use super::{ATHENA, TRINO};
use crate::warehouse::fixture::{File, outline, source};

const FILES: [File<'_>; 2] = [
    ("messages", "month=2026-11/channel=website/part-n-00000.parquet", 2),
    ("coverage", "part-n-00000.parquet", 3),
];

#[test]
fn a_load_selects_each_file() {
    let export = source("s3://bucket/it's", &[("n", &FILES)]);
    let script = TRINO.merge(Some(&export)).unwrap();
    let (before, rest) = script.split_once("\n-- The order of runs").unwrap();
    insta::assert_snapshot!(outline(before), @r#"
    -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
    -- The tables and views are made by: chatzy-export schema --format trino
    -- The tables hold all loaded runs. Query the views latest_<table>. Run one load at a time.
    -- Run it in a catalog of Iceberg: trino --catalog iceberg --schema SCHEMA -f FILE
    -- A catalog hive of the Hive connector reads the files, through tables in its schema chatzy_files.
    -- The catalog needs hive.recursive-directories=true, since the export is partitioned.

    CREATE SCHEMA IF NOT EXISTS hive.chatzy_files;
    DROP TABLE IF EXISTS hive.chatzy_files.messages;
    CREATE TABLE hive.chatzy_files.messages ("message_id" varchar, "conversation_id" varchar, "contact_i…
    DROP TABLE IF EXISTS hive.chatzy_files.coverage;
    CREATE TABLE hive.chatzy_files.coverage ("contact_id" varchar, "status" varchar, "messages" bigint, …
    "#);
    let (_, run) = rest.split_once("\n-- Rows of a load").unwrap();
    insta::assert_snapshot!(outline(run), @r#"
     that was interrupted.
    DELETE FROM contacts WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage);
    DELETE FROM conversations WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage…
    DELETE FROM messages WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage);
    DELETE FROM channel_records WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM covera…

    -- The run n.
    SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || ' rows too many or too few: the run n…
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM (
        SELECT "message_id", "conversation_id", "contact_id", "message_order", "role", "content", CAST(f…
        FROM hive.chatzy_files.messages
        WHERE "$path" IN ('s3://bucket/it''s/messages/month=2026-11/channel=website/part-n-00000.parquet…
    ) AS files WHERE "run_id" = 'n') AS counted
        WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || ' rows too many or too few: the run n…
        SELECT coalesce(max(abs(n - 3)), 0)
        FROM (SELECT count(*) AS n FROM (
        SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", CAS…
        FROM hive.chatzy_files.coverage
        WHERE "$path" IN ('s3://bucket/it''s/coverage/part-n-00000.parquet')
    ) AS files WHERE "run_id" = 'n') AS counted
        WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || ' rows of the run n have another expo…
        SELECT count(*) FROM (
        SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", CAS…
        FROM hive.chatzy_files.coverage
        WHERE "$path" IN ('s3://bucket/it''s/coverage/part-n-00000.parquet')
    ) AS files
        WHERE "exported_at" <> TIMESTAMP '2026-11-20 02:00:00.000000 UTC' AND "run_id" = 'n' AND (SELECT…
    ) AS wrong);
    INSERT INTO messages ("message_id", "conversation_id", "contact_id", "message_order", "role", "conte…
    SELECT "message_id", "conversation_id", "contact_id", "message_order", "role", "content", "created_a…
    FROM (
        SELECT "message_id", "conversation_id", "contact_id", "message_order", "role", "content", CAST(f…
        FROM hive.chatzy_files.messages
        WHERE "$path" IN ('s3://bucket/it''s/messages/month=2026-11/channel=website/part-n-00000.parquet…
    ) AS files
    WHERE "run_id" = 'n'
      AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0;
    SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || ' rows too many or too few: the run n…
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM messages WHERE "run_id" = 'n') AS counted
        WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN CAST(CAST(wrong AS varchar) || ' contacts have more or fewer message…
        SELECT count(*)
        FROM (
            SELECT "contact_id", "messages" FROM (
        SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", CAS…
        FROM hive.chatzy_files.coverage
        WHERE "$path" IN ('s3://bucket/it''s/coverage/part-n-00000.parquet')
    ) AS files WHERE "run_id" = 'n' AND "status" IN ('exported', 'empty', 'not_found', 'unresolved')
        ) AS expected
        LEFT JOIN (
            SELECT "contact_id" AS "loaded_id", count(*) AS "loaded" FROM messages WHERE "run_id" = 'n' …
        ) AS found ON "loaded_id" = "contact_id"
        WHERE "messages" <> coalesce("loaded", 0) AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n…
    ) AS wrong);
    INSERT INTO coverage ("contact_id", "status", "messages", "pages", "requests", "retries", "rereads",…
    SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", "first_…
    FROM (
        SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", CAS…
        FROM hive.chatzy_files.coverage
        WHERE "$path" IN ('s3://bucket/it''s/coverage/part-n-00000.parquet')
    ) AS files
    WHERE "run_id" = 'n'
      AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0;

    DROP TABLE hive.chatzy_files.messages;
    DROP TABLE hive.chatzy_files.coverage;
    "#);
}

#[test]
fn athena_has_other_statements_for_tables() {
    let export = source("s3://bucket/it's", &[("n", &FILES)]);
    let script = ATHENA.latest(Some(&export)).unwrap();
    let (tables, _) = script.split_once("\n\nCREATE TABLE IF NOT EXISTS conversations").unwrap();
    insta::assert_snapshot!(outline(tables), @r"
    -- chatzy-export 0.1.0, schema version 1: views of the latest version of each contact over all runs …
    -- Replace BUCKET and FOLDER: the tables are stored there. Run one statement at a time.

    CREATE TABLE IF NOT EXISTS contacts (
        `contact_id` string COMMENT 'ID of the contact, as requested.',
        `user_email_id` string COMMENT 'E-mail address of the account\'s owner, not of the contact; the …
        `first_name` string COMMENT 'First name of the contact.',
        `last_name` string COMMENT 'Last name of the contact.',
        `phone_number` string COMMENT 'Phone number of the contact.',
        `created_at` timestamp COMMENT 'Creation of the contact.',
        `last_interacted_at` timestamp COMMENT 'Last interaction with the contact, as reported by the AP…
        `contact_queries` bigint COMMENT 'Number of queries of the contact, as reported by the API.',
        `is_blacklisted` boolean COMMENT 'True if the contact is on the account\'s blacklist.',
        `is_frozen` boolean COMMENT 'True if the contact is frozen.',
        `frozen_until` timestamp COMMENT 'End of the freeze.',
        `conversation_count` bigint COMMENT 'Number of conversations of this contact that the run export…
        `message_count` bigint COMMENT 'Number of messages of this contact that the run exported.',
        `first_message_at` timestamp COMMENT 'Creation of the contact\'s oldest exported message.',
        `last_message_at` timestamp COMMENT 'Creation of the contact\'s newest exported message.',
        `extra` string COMMENT 'Fields without a column, and values that do not fit their column, as one…
        `exported_at` timestamp COMMENT 'Start of the run that wrote the row.',
        `run_id` string COMMENT 'Run that wrote the row.'
    )
    LOCATION 's3://BUCKET/FOLDER/contacts/'
    TBLPROPERTIES ('table_type' = 'ICEBERG');
    ");
    let (_, load) = script.split_once("\n-- Run one statement").unwrap();
    insta::assert_snapshot!(outline(load.split_once("\n-- The order").unwrap().0), @r"
     at a time, and stop at the first error.

    DROP TABLE IF EXISTS chatzy_files_messages;
    CREATE EXTERNAL TABLE chatzy_files_messages (`message_id` string, `conversation_id` string, `contact…
    DROP TABLE IF EXISTS chatzy_files_coverage;
    CREATE EXTERNAL TABLE chatzy_files_coverage (`contact_id` string, `status` string, `messages` bigint…
    ");
}

#[test]
fn a_message_cannot_end_its_literal() {
    insta::assert_snapshot!(TRINO.failing("a'b\\'; \n--"), @r"SELECT CAST('a''b\'';  --' AS bigint);");
}

#[test]
fn what_cannot_be_loaded_is_refused() {
    let told = |root: &str, path: &str| {
        let export = source(root, &[("n", &[("messages", path, 1)])]);
        ATHENA.merge(Some(&export)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told("gs://bucket", "part-n-00000.parquet"), @"Athena cannot read gs://bucket: copy the export to S3 of AWS (s3://), for example with rclone copy, and give its path or URL there");
    insta::assert_snapshot!(told("s3://bucket", "part-n-00000.jsonl"), @"the run n is JSONL, but a load into Athena reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run");
    let many: Vec<File<'_>> = vec![("messages", "part-n-00000.parquet", 1); 6_000];
    let export = source("s3://bucket", &[("n", &many)]);
    insta::assert_snapshot!(ATHENA.merge(Some(&export)).unwrap_err().to_string(), @"Athena takes statements of at most 262144 bytes, but this export needs 271018: load some runs at a time with --run ID or --loaded FILE, or make fewer files with chatzy-export snapshot");
    let export = source("/srv", &[("n", &FILES)]);
    insta::assert_snapshot!(TRINO.merge(Some(&export)).unwrap_err().to_string(), @"Trino cannot read /srv: copy the export to an object store (s3://, gs:// or az://), and give its path or URL there");
}
