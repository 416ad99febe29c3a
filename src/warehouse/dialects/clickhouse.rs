//! ClickHouse. It has no transactions over several tables.
//!
//! A file that is named twice is read twice. Files are named once each by `{a,b}` lists.

use std::borrow::Borrow;

use crate::id::RunId;
use crate::table::{Column, Kind};
use crate::warehouse::append::{Append, Leftovers, Readable};
use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::files::FileGroup;
use crate::warehouse::fixed::{self, Fixed, Limit, backslash_literal as literal, in_double_quotes};
use crate::warehouse::location::{Location, aws_url, below, percent_encoded};
use crate::warehouse::tables::Shape;
use crate::warehouse::{ExportSource, SourceError};

/// ClickHouse, a server or `clickhouse local`.
pub static CLICKHOUSE: Dialect = Dialect {
    name: "clickhouse",
    aliases: &[],
    title: "ClickHouse",
    version: "ClickHouse 24.8 or later",
    help: "ClickHouse 24.8 or later; reads Parquet",
    types: Types {
        text: "String",
        time: "DateTime64(6, 'UTC')",
        integer: "Int64",
        boolean: "Bool",
        json: "String",
        raw: "String",
    },
    failing: |message| format!("SELECT throwIf(true, {}) FORMAT Null;\n", literal(message)),
    fail_if: |count, message| {
        format!("SELECT throwIf((\n{count}\n) > 0, {}) FORMAT Null;\n", literal(message))
    },
    check,
    strategy: Strategy::Append(
        Fixed {
            column: in_double_quotes,
            literal,
            time: |time| {
                let text = time.trim_end_matches('Z').replace('T', " ");
                format!("toDateTime64({}, 6, 'UTC')", literal(&text))
            },
            typed: |value, _| value.to_owned(),
            defined: in_double_quotes,
            definition: |type_name, nullable| {
                if nullable { format!("Nullable({type_name})") } else { type_name.to_owned() }
            },
            column_comment: Some(|text| format!(" COMMENT {}", literal(text))),
            table_options,
            view: fixed::view,
            in_view: str::to_owned,
            tables_note: "",
            notes,
            prepare: |_| PREPARE.to_owned(),
            limit: Limit::None,
        },
        Append {
            read,
            value: |_, name| name,
            leftovers: Leftovers::Delete,
            finish: |_| String::new(),
            atomic: ONE_BLOCK,
        },
    ),
};

/// Maximum number of files in one list. The database compiles a list to a pattern.
const FILES_PER_LIST: usize = 500;

/// Settings of the session of a load. Paths have no meaning but that of a name. Missing rows of a join are null.
/// The second load of a run is no repetition of the first one, if that was interrupted.
const PREPARE: &str = "
SET use_hive_partitioning = 0, allow_archive_path_syntax = 0, join_use_nulls = 1, insert_deduplicate = 0, max_query_size = 16777216;
";

/// Settings of an insert that adds all rows or none: they are one block.
const ONE_BLOCK: &str = "SETTINGS max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0\n";

fn table_options(shape: &Shape) -> String {
    let key: Vec<_> = shape.key.iter().map(|name| in_double_quotes(name)).collect();
    format!("\nENGINE = MergeTree ORDER BY ({})\nCOMMENT {}", key.join(", "), literal(&shape.meaning))
}

fn check(source: &ExportSource) -> Result<(), SourceError> {
    source.is_parquet(CLICKHOUSE.title)?;
    match &source.location {
        // The paths of local files are compared.
        Location::Local(_) => Ok(()),
        Location::S3 { prefix, .. } | Location::Gs { prefix, .. } | Location::Az { prefix, .. } => {
            if prefix.contains(PATTERN) {
                return Err(SourceError::OddPath { title: CLICKHOUSE.title, characters: "* ? { } ," });
            }
            source.has_account()
        }
    }
}

/// Characters that have a meaning in the names of files, and cannot be escaped.
const PATTERN: [char; 5] = ['*', '?', '{', '}', ','];

fn notes(source: &ExportSource) -> String {
    match source.location {
        Location::Local(_) => "-- Run it with clickhouse local, or with clickhouse client if the export is in user_files_path of the server.\n",
        _ => "-- Run it with clickhouse client. The server reads the files with the credentials of its settings, its environment or its role.\n",
    }
    .to_owned()
}

fn read(source: &ExportSource, _: &RunId, group: &FileGroup<'_>) -> Readable {
    let from = group.paths.chunks(FILES_PER_LIST).map(|paths| function(source, group, paths)).collect();
    Readable { from, ..Readable::default() }
}

/// Returns the table function that reads the files.
fn function(source: &ExportSource, group: &FileGroup<'_>, paths: &[&str]) -> String {
    let structure = literal(&structure(group));
    let of_url = |bucket: &str, prefix: &str| {
        let paths: Vec<_> = paths.iter().map(|path| percent_encoded(path)).collect();
        literal(&format!("{bucket}/{}", below(&percent_encoded(prefix), &list(&paths))))
    };
    match &source.location {
        Location::Local(folder) => {
            let function = |folder: &str| {
                format!("file({}, 'Parquet', {structure})", literal(&format!("{folder}/{}", list(paths))))
            };
            if !folder.contains(PATTERN) {
                return function(folder);
            }
            // A pattern is compiled to a regular expression, whose characters cannot be escaped either.
            let is_odd =
                |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !['/', '_', '-'].contains(&c);
            let function = function(&folder.replace(is_odd, "?"));
            let paths: Vec<_> = paths.iter().map(|path| literal(&format!("{folder}/{path}"))).collect();
            format!("(SELECT * FROM {function} WHERE _path IN ({})) AS files", paths.join(", "))
        }
        Location::S3 { bucket, prefix, endpoint, region } => {
            let bucket = endpoint.as_ref().map_or_else(
                || aws_url(bucket, region.as_deref()),
                |endpoint| format!("{endpoint}/{bucket}"),
            );
            format!("s3({}, 'Parquet', {structure})", of_url(&bucket, prefix))
        }
        Location::Gs { bucket, prefix } => {
            let bucket = format!("https://storage.googleapis.com/{bucket}");
            format!("gcs({}, 'Parquet', {structure})", of_url(&bucket, prefix))
        }
        Location::Az { container, prefix, account, endpoint } => {
            let account = account.as_deref().unwrap_or_default();
            let of_account = || format!("https://{account}.blob.core.windows.net");
            format!(
                "azureBlobStorage({}, {}, {}, 'Parquet', 'auto', {structure})",
                literal(&endpoint.clone().unwrap_or_else(of_account)),
                literal(container),
                literal(&below(prefix, &list(paths)))
            )
        }
    }
}

/// Returns the pattern that matches these paths.
fn list<T: AsRef<str> + Borrow<str>>(paths: &[T]) -> String {
    match paths {
        [path] => path.as_ref().to_owned(),
        _ => format!("{{{}}}", paths.join(",")),
    }
}

/// Returns the columns of the files, with their types.
fn structure(group: &FileGroup<'_>) -> String {
    let column = |column: &Column| {
        let type_name = match column.kind {
            Kind::Json => CLICKHOUSE.types.text,
            _ => CLICKHOUSE.type_of(column),
        };
        let type_name = if column.nullable { format!("Nullable({type_name})") } else { type_name.to_owned() };
        format!("{} {type_name}", in_double_quotes(column.name))
    };
    let in_files = group.table.columns().iter().filter(|column| group.has(column));
    in_files.map(column).collect::<Vec<_>>().join(", ")
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
        insta::assert_snapshot!(outline(&CLICKHOUSE.merge(Some(&export)).unwrap()), @r#"
        -- chatzy-export 0.1.0, schema version 1: loads the runs of an export that are not loaded yet
        -- The tables and views are made by: chatzy-export schema --format clickhouse
        -- The tables hold all loaded runs. Query the views latest_<table>. Run one load at a time.
        -- Run it with clickhouse local, or with clickhouse client if the export is in user_files_path of th…

        SET use_hive_partitioning = 0, allow_archive_path_syntax = 0, join_use_nulls = 1, insert_deduplicate…

        -- The order of runs is that of their manifests, since a clock may be set back.
        INSERT INTO chatzy_runs ("run_id", "previous_run_id", "exported_at", "is_part", "chain", "position")
        SELECT "run_id", "previous_run_id", "exported_at", "is_part", coalesce("known_chain", "chain"), "pos…
        FROM (
            SELECT found."run_id" AS "run_id", found."previous_run_id" AS "previous_run_id", found."exported…
                max(known."chain") OVER (PARTITION BY found."chain") AS "known_chain",
                max(known."position" - found."position") OVER (PARTITION BY found."chain") AS "shift"
            FROM (
                SELECT 'n' AS "run_id", NULL AS "previous_run_id", toDateTime64('2026-11-20 02:00:00.000000'…
            ) AS found
            LEFT JOIN chatzy_runs AS known ON known."run_id" = found."run_id"
        ) AS numbered
        WHERE "known_run" IS NULL;

        -- Parts of contacts and whole ones do not mix.
        SELECT throwIf((
            SELECT count(*) FROM chatzy_runs
            WHERE "is_part" AND "run_id" IN (SELECT "run_id" FROM coverage)
        ) > 0, 'runs in the tables hold only parts of contacts, because of --since, --until or --channel: lo…

        -- Rows of a load that was interrupted.
        DELETE FROM contacts WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage);
        DELETE FROM conversations WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage…
        DELETE FROM messages WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM coverage);
        DELETE FROM channel_records WHERE "run_id" IN ('n') AND "run_id" NOT IN (SELECT "run_id" FROM covera…

        -- The run n.
        SELECT throwIf((
            SELECT coalesce(max(abs(n - 2)), 0)
            FROM (SELECT count(*) AS n FROM file('/srv/it\'s/export/messages/month=2026-11/part-n-00000.parq…
            WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
        ) > 0, 'rows too many or too few: the run n has 2 in the table messages; a file is missing or has ch…
        SELECT throwIf((
            SELECT coalesce(max(abs(n - 3)), 0)
            FROM (SELECT count(*) AS n FROM file('/srv/it\'s/export/coverage/part-n-00000.parquet', 'Parquet…
            WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
        ) > 0, 'rows too many or too few: the run n has 3 in the table coverage; a file is missing or has ch…
        SELECT throwIf((
            SELECT count(*) FROM file('/srv/it\'s/export/coverage/part-n-00000.parquet', 'Parquet', '"contac…
            WHERE "exported_at" <> toDateTime64('2026-11-20 02:00:00.000000', 6, 'UTC') AND "run_id" = 'n' A…
        ) > 0, 'rows of the run n have another exported_at than its manifest: set the time zone of the sessi…
        INSERT INTO messages ("message_id", "conversation_id", "contact_id", "message_order", "role", "conte…
        SELECT "message_id", "conversation_id", "contact_id", "message_order", "role", "content", "created_a…
        FROM file('/srv/it\'s/export/messages/month=2026-11/part-n-00000.parquet', 'Parquet', '"message_id" …
        WHERE "run_id" = 'n'
          AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0;
        SELECT throwIf((
            SELECT coalesce(max(abs(n - 2)), 0)
            FROM (SELECT count(*) AS n FROM messages WHERE "run_id" = 'n') AS counted
            WHERE (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0
        ) > 0, 'rows too many or too few: the run n has 2 in the table messages; a file is missing or has ch…
        SELECT throwIf((
            SELECT count(*)
            FROM (
                SELECT "contact_id", "messages" FROM file('/srv/it\'s/export/coverage/part-n-00000.parquet',…
            ) AS expected
            LEFT JOIN (
                SELECT "contact_id" AS "loaded_id", count(*) AS "loaded" FROM messages WHERE "run_id" = 'n' …
            ) AS found ON "loaded_id" = "contact_id"
            WHERE "messages" <> coalesce("loaded", 0) AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n…
        ) > 0, 'contacts have more or fewer messages than their run has exported') FORMAT Null;
        INSERT INTO coverage ("contact_id", "status", "messages", "pages", "requests", "retries", "rereads",…
        SETTINGS max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_byte…
        SELECT "contact_id", "status", "messages", "pages", "requests", "retries", "rereads", "end", "first_…
        FROM file('/srv/it\'s/export/coverage/part-n-00000.parquet', 'Parquet', '"contact_id" String, "statu…
        WHERE "run_id" = 'n'
          AND (SELECT count(*) FROM coverage WHERE "run_id" = 'n') = 0;
        "#);
    }

    #[test]
    fn a_message_cannot_end_its_literal() {
        insta::assert_snapshot!(CLICKHOUSE.failing("a'b\\'; \n--"), @r"SELECT throwIf(true, 'a\'b\\\';  --') FORMAT Null;");
    }

    #[test]
    fn files_are_named_wherever_they_are() {
        let shown = |root: &str, variables: &[(&str, &str)]| {
            let value = |name: &str| {
                variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned())
            };
            let mut export = source(root, &[]);
            export.location = Location::parse(root, value);
            let group = FileGroup {
                table: Table::Coverage,
                channel: Channel::InFiles,
                paths: vec!["coverage/a", "coverage/b"],
            };
            let text = function(&export, &group, &group.paths);
            let structure = literal(&structure(&group));
            text.replace(&structure, "…")
        };
        let region = [("AWS_REGION", "eu-central-1")];
        insta::assert_snapshot!(shown("/srv/it's \\/export/", &[]), @r"file('/srv/it\'s \\/export/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("/srv/{a,b}*?", &[]), @"(SELECT * FROM file('/srv/?a?b???/{coverage/a,coverage/b}', 'Parquet', …) WHERE _path IN ('/srv/{a,b}*?/coverage/a', '/srv/{a,b}*?/coverage/b')) AS files");
        insta::assert_snapshot!(shown("s3://bucket/it's é", &[]), @"s3('https://bucket.s3.amazonaws.com/it%27s%20%C3%A9/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("s3://my.bucket/a/b", &[]), @"s3('https://s3.amazonaws.com/my.bucket/a/b/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("s3://bucket/a/b", &[]), @"s3('https://bucket.s3.amazonaws.com/a/b/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("s3://bucket", &region), @"s3('https://bucket.s3.eu-central-1.amazonaws.com/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("s3://bucket/a", &[region[0], ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/")]), @"s3('http://127.0.0.1:9000/bucket/a/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("gs://bucket/a", &[]), @"gcs('https://storage.googleapis.com/bucket/a/{coverage/a,coverage/b}', 'Parquet', …)");
        insta::assert_snapshot!(shown("az://container/a", &[("AZURE_STORAGE_ACCOUNT_NAME", "name")]), @"azureBlobStorage('https://name.blob.core.windows.net', 'container', 'a/{coverage/a,coverage/b}', 'Parquet', 'auto', …)");
    }
}
