use super::{DATABRICKS, SPARK};
use crate::table::Table;
use crate::warehouse::files::{Channel, FileGroup};
use crate::warehouse::fixture::{File, outline, source};

const FILES: [File<'_>; 2] = [
    ("messages", "month=2026-11/channel=website/part-n-00000.parquet", 2),
    ("coverage", "part-n-00000.parquet", 3),
];

/// Returns the load of a run: the outlines of its first statements, and of those for the run.
fn load() -> [String; 2] {
    let export = source("/srv/it's/export", &[("n", &FILES)]);
    let script = SPARK.merge(Some(&export)).unwrap();
    let (before, run) = script.split_once("\n-- The run n.\n").unwrap();
    [outline(before), outline(run)]
}

#[test]
fn a_load_enters_its_runs_first() {
    let [before, _] = load();
    insta::assert_snapshot!(before, @r"
    -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
    -- The tables and views are made by: chatzy-export schema --format spark
    -- The tables hold all loaded runs. Query the views latest_<table>. Run one load at a time.
    -- Run it with: spark-sql -f FILE

    SET spark.sql.parquet.outputTimestampType = TIMESTAMP_MICROS;
    SET spark.sql.parquet.datetimeRebaseModeInWrite = CORRECTED;

    -- The order of runs is that of their manifests, since a clock may be set back.
    INSERT INTO chatzy_runs (`run_id`, `previous_run_id`, `exported_at`, `is_part`, `chain`, `position`)
    SELECT `run_id`, `previous_run_id`, `exported_at`, `is_part`, coalesce(`known_chain`, `chain`), `pos…
    FROM (
        SELECT found.`run_id` AS `run_id`, found.`previous_run_id` AS `previous_run_id`, found.`exported…
            max(known.`chain`) OVER (PARTITION BY found.`chain`) AS `known_chain`,
            max(known.`position` - found.`position`) OVER (PARTITION BY found.`chain`) AS `shift`
        FROM (
            SELECT CAST('n' AS STRING) AS `run_id`, CAST(NULL AS STRING) AS `previous_run_id`, CAST(TIME…
        ) AS found
        LEFT JOIN chatzy_runs AS known ON known.`run_id` = found.`run_id`
    ) AS numbered
    WHERE `known_run` IS NULL;

    -- Parts of contacts and whole ones do not mix.
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' runs in the tables hold only parts of co…
        SELECT count(*) FROM chatzy_runs
        WHERE `is_part` AND `run_id` IN (SELECT `run_id` FROM coverage)
    ) AS wrong);
    ");
}

#[test]
fn a_load_checks_files_before_each_insert() {
    let [_, run] = load();
    insta::assert_snapshot!(run, @r"
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run n has …
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM parquet.`file:/srv/it's/export/messages/month=2026-11/channel=we…
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run n has …
        SELECT coalesce(max(abs(n - 3)), 0)
        FROM (SELECT count(*) AS n FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.parquet` WH…
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows of the run n have another exported_…
        SELECT count(*) FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.parquet`
        WHERE `exported_at` <> TIMESTAMP '2026-11-20T02:00:00.000000Z' AND `run_id` = 'n' AND (SELECT co…
    ) AS wrong);
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' contacts have more or fewer messages tha…
        SELECT count(*)
        FROM (
            SELECT `contact_id`, `messages` FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.pa…
        ) AS expected
        LEFT JOIN (
            SELECT `contact_id` AS `loaded_id`, count(*) AS `loaded` FROM parquet.`file:/srv/it's/export…
        ) AS found ON `loaded_id` = `contact_id`
        WHERE `messages` <> coalesce(`loaded`, 0) AND (SELECT count(*) FROM coverage WHERE `run_id` = 'n…
    ) AS wrong);
    INSERT INTO messages (`message_id`, `conversation_id`, `contact_id`, `message_order`, `role`, `conte…
    SELECT * FROM (
    SELECT `message_id`, `conversation_id`, `contact_id`, `message_order`, `role`, `content`, `created_a…
    FROM parquet.`file:/srv/it's/export/messages/month=2026-11/channel=website/part-n-00000.parquet`
    WHERE `run_id` = 'n'
    ) AS files
    WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
      AND (SELECT count(*) FROM messages WHERE `run_id` = 'n') = 0
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' runs in the tables hold only part…
        SELECT count(*) FROM chatzy_runs
        WHERE `is_part` AND `run_id` IN (SELECT `run_id` FROM coverage)
    ) AS wrong))
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' contacts have more or fewer messa…
        SELECT count(*)
        FROM (
            SELECT `contact_id`, `messages` FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.pa…
        ) AS expected
        LEFT JOIN (
            SELECT `contact_id` AS `loaded_id`, count(*) AS `loaded` FROM parquet.`file:/srv/it's/export…
        ) AS found ON `loaded_id` = `contact_id`
        WHERE `messages` <> coalesce(`loaded`, 0) AND (SELECT count(*) FROM coverage WHERE `run_id` = 'n…
    ) AS wrong))
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run…
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM parquet.`file:/srv/it's/export/messages/month=2026-11/channel=we…
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong));
    SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run n has …
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM messages WHERE `run_id` = 'n') AS counted
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong);
    INSERT INTO coverage (`contact_id`, `status`, `messages`, `pages`, `requests`, `retries`, `rereads`,…
    SELECT * FROM (
    SELECT `contact_id`, `status`, `messages`, `pages`, `requests`, `retries`, `rereads`, `end`, `first_…
    FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.parquet`
    WHERE `run_id` = 'n'
    ) AS files
    WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' runs in the tables hold only part…
        SELECT count(*) FROM chatzy_runs
        WHERE `is_part` AND `run_id` IN (SELECT `run_id` FROM coverage)
    ) AS wrong))
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' contacts have more or fewer messa…
        SELECT count(*)
        FROM (
            SELECT `contact_id`, `messages` FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.pa…
        ) AS expected
        LEFT JOIN (
            SELECT `contact_id` AS `loaded_id`, count(*) AS `loaded` FROM parquet.`file:/srv/it's/export…
        ) AS found ON `loaded_id` = `contact_id`
        WHERE `messages` <> coalesce(`loaded`, 0) AND (SELECT count(*) FROM coverage WHERE `run_id` = 'n…
    ) AS wrong))
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run…
        SELECT coalesce(max(abs(n - 2)), 0)
        FROM (SELECT count(*) AS n FROM messages WHERE `run_id` = 'n') AS counted
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong))
      AND (SELECT CASE WHEN wrong > 0 THEN raise_error(concat(wrong, ' rows too many or too few: the run…
        SELECT coalesce(max(abs(n - 3)), 0)
        FROM (SELECT count(*) AS n FROM parquet.`file:/srv/it's/export/coverage/part-n-00000.parquet` WH…
        WHERE (SELECT count(*) FROM coverage WHERE `run_id` = 'n') = 0
    ) AS wrong));
    ");
}

#[test]
fn a_message_cannot_end_its_literal() {
    insta::assert_snapshot!(DATABRICKS.failing("a'b\\'; `\n--"), @r"
    SELECT raise_error('a\'b\\\'; ` --');
    USE `a'b\'; `` --`;
    ");
}

#[test]
fn files_are_named_wherever_they_are() {
    let shown = |root: &str, paths: &[&str]| {
        let export = source(root, &[]);
        let group = FileGroup { table: Table::Coverage, channel: Channel::InFiles, paths: paths.to_vec() };
        let folder = super::url(&export.location, "s3");
        super::read(&group, &folder).from.join("\n")
    };
    let two = ["coverage/a", "coverage/b"];
    insta::assert_snapshot!(shown("/srv/it's", &two[..1]), @"parquet.`file:/srv/it's/coverage/a`");
    insta::assert_snapshot!(shown("/srv/{a,b}*?[\\`x", &two), @r"parquet.`file:/srv/\{a\,b\}\*\?\[\\``x/{coverage/a,coverage/b}`");
    insta::assert_snapshot!(shown("s3://bucket", &two), @"parquet.`s3://bucket/{coverage/a,coverage/b}`");
    insta::assert_snapshot!(shown("gs://bucket/a/b/", &two), @"parquet.`gs://bucket/a/b/{coverage/a,coverage/b}`");
    insta::assert_snapshot!(shown("az://container/a", &two), @"parquet.`abfss://container@ACCOUNT.dfs.core.windows.net/a/{coverage/a,coverage/b}`");
    assert_eq!(shown("/srv", &["coverage/a"; 1001]).lines().count(), 3);
}

#[test]
fn what_cannot_be_loaded_is_refused() {
    let told = |root: &str, path: &str| {
        let export = source(root, &[("n", &[("messages", path, 1)])]);
        DATABRICKS.merge(Some(&export)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told("/srv/export", "part-n-00000.parquet"), @"Databricks cannot read /srv/export: copy the export to an object store or a volume (/Volumes/…), and give its path or URL there");
    insta::assert_snapshot!(told("s3://bucket/a:b", "part-n-00000.parquet"), @"Databricks does not take the characters : in paths literally: rename or copy the export, and give its new path");
    insta::assert_snapshot!(told("/Volumes/a/b/c", "part-n-00000.jsonl"), @"the run n is JSONL, but a load into Databricks reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run");
    insta::assert_snapshot!(DATABRICKS.merge(None).unwrap_err().to_string(), @"the SQL for Databricks names the files of an export: add --from PATH");
}
