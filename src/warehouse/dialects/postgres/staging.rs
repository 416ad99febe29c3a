//! `staged_<table>` in PostgreSQL: views over lines of JSONL that `psql` has copied unchanged.

use std::fmt::Write as _;

use super::{POSTGRES, copy};
use crate::id::RunId;
use crate::table::{Column, Kind, Table};
use crate::time::format_time;
use crate::warehouse::session::{self, runs};
use crate::warehouse::source::Link;
use crate::warehouse::sql::{literal, name};
use crate::warehouse::{ExportSource, Purpose};

/// Returns the statements that read the lines and create the views.
pub(super) fn staging(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let mut sql = "\\set ON_ERROR_STOP on\nSET client_min_messages = warning;\n\nBEGIN;\n".to_owned();
    match purpose {
        Purpose::Merge => {
            sql.push_str(&session::are_there(super::tables_are_there));
            sql.push_str("-- One load at a time.\nLOCK TABLE coverage IN SHARE ROW EXCLUSIVE MODE;\n");
        }
        Purpose::Latest => sql.push_str(&runs::create_table(&POSTGRES)),
    }
    sql.push_str(&found(source));
    sql.push_str("\n-- One line of a JSONL file a row.\n");
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = match purpose {
            Purpose::Merge => {
                writeln!(
                    sql,
                    "CREATE TEMP TABLE staging_{} (line text NOT NULL) ON COMMIT DROP;",
                    table.name()
                )
            }
            Purpose::Latest => {
                writeln!(sql, "CREATE TABLE IF NOT EXISTS staging_{} (line text NOT NULL);", table.name())
            }
        };
    }
    sql.push_str(&functions(purpose));
    for table in Table::ALL {
        sql.push_str(&view(table, purpose));
    }
    sql.push('\n');
    sql.push_str(&copy::lines(source, purpose));
    sql.push_str(CHANNEL_IS_THERE);
    sql
}

/// Returns the statements that write the links of all known runs to `chatzy_found`.
fn found(source: Option<&ExportSource>) -> String {
    let mut sql = format!(
        "\n-- The runs, each with the one before it.\nCREATE TEMP TABLE chatzy_found ({}) ON COMMIT DROP;\n",
        runs::columns(&POSTGRES)
    );
    let text = |run: &RunId| literal(run.as_str());
    let row = |link: &Link| {
        let previous = link.previous.as_ref().map_or_else(|| "NULL".to_owned(), text);
        let time =
            link.exported_at.map_or_else(|| "NULL".to_owned(), |at| literal(&format_time(at).to_string()));
        format!("({}, {previous}, {time}, {})", text(&link.run_id), link.is_part)
    };
    let rows: Vec<_> = source.iter().flat_map(|source| &source.links).map(row).collect();
    if !rows.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(sql, "INSERT INTO chatzy_found VALUES\n    {};", rows.join(",\n    "));
    }
    sql
}

/// Files that are partitioned by channel have it only in their path, which is unknown here.
const CHANNEL_IS_THERE: &str = "
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM staging_messages WHERE line NOT LIKE '%\"channel\":%') THEN
        RAISE EXCEPTION 'messages without the key channel: export without channel among the partition keys';
    END IF;
END $$;
";

/// Returns the schema of the functions. Those of a load are removed with the session.
fn schema(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Merge => "pg_temp.",
        Purpose::Latest => "",
    }
}

fn functions(purpose: Purpose) -> String {
    let schema = schema(purpose);
    format!(
        r"
-- A line as JSON. PostgreSQL has no text with U+0000 in it: U+FFFD stands in its place.
CREATE OR REPLACE FUNCTION {schema}chatzy_json(line text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN strpos(line, '\u0000') > 0
        THEN regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g') ELSE line END::json
$$;
-- The year 0000 of ISO 8601 is 1 BC.
CREATE OR REPLACE FUNCTION {schema}chatzy_time(iso text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (CASE WHEN iso LIKE '0000-%' THEN '0001' || substr(iso, 5) || ' BC' ELSE iso END)::timestamptz
$$;
-- What jsonb cannot hold, such as 1e1000000, becomes a string.
CREATE OR REPLACE FUNCTION {schema}chatzy_jsonb(given json) RETURNS jsonb LANGUAGE plpgsql STRICT IMMUTABLE AS $$
BEGIN
    RETURN given::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN to_jsonb(given::text);
END $$;
"
    )
}

fn view(table: Table, purpose: Purpose) -> String {
    let create = match purpose {
        Purpose::Merge => "CREATE TEMP VIEW",
        Purpose::Latest => "CREATE OR REPLACE VIEW",
    };
    let columns = table.columns();
    let selected: Vec<_> = columns.iter().map(|column| value(column, schema(purpose))).collect();
    let read: Vec<_> = columns.iter().map(|column| format!("{} {}", name(column), read_as(column))).collect();
    format!(
        "
{create} staged_{table} AS
SELECT {}
FROM staging_{table}, json_to_record({}chatzy_json(line)) AS row_of_line (
    {});\n",
        selected.join(",\n    "),
        schema(purpose),
        read.join(", "),
        table = table.name(),
    )
}

/// Returns the type in which a column is read from a line.
fn read_as(column: &Column) -> &'static str {
    match column.kind {
        Kind::Ts => "text",
        Kind::Json => "json",
        _ => POSTGRES.type_of(column),
    }
}

fn value(column: &Column, schema: &str) -> String {
    let name = name(column);
    match column.kind {
        Kind::Ts => format!("{schema}chatzy_time({name}) AS {name}"),
        // json_to_record converts the JSON value null to NULL.
        Kind::Json if !column.nullable => format!("coalesce({name}, 'null'::json) AS {name}"),
        Kind::Json => format!("{schema}chatzy_jsonb({name}) AS {name}"),
        _ => name,
    }
}
