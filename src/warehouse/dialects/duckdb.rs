//! DuckDB. The script reads the manifests itself when it runs.

mod names;
mod staging;

use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::session::{Session, runs};
use crate::warehouse::sql::literal;
use crate::warehouse::{ExportSource, SourceError};

/// DuckDB, whose shell and library read Parquet and JSONL.
pub static DUCKDB: Dialect = Dialect {
    name: "duckdb",
    aliases: &[],
    title: "DuckDB",
    version: "DuckDB 1.3 or later",
    help: "DuckDB 1.3 or later; reads Parquet and JSONL",
    types: Types {
        text: "VARCHAR",
        time: "TIMESTAMP WITH TIME ZONE",
        integer: "BIGINT",
        boolean: "BOOLEAN",
        json: "JSON",
        raw: "JSON",
    },
    failing,
    fail_if,
    check,
    strategy: Strategy::Session(Session {
        tables_note: "-- The keys keep doubled rows out, at the cost of memory and disk; loads work without them too.\n",
        indexes: "",
        merge_note: "",
        staging: staging::staging,
        temp_table: |name| format!("CREATE OR REPLACE TEMP TABLE {name} AS"),
        after_due: "",
        // The views read a list of files that belongs to the session.
        create_view: "CREATE OR REPLACE TEMP VIEW",
        latest_order: || {
            format!("\nCREATE OR REPLACE TEMP TABLE chatzy_order AS\n{};\n", runs::order("chatzy_found"))
        },
    }),
};

fn check(source: &ExportSource) -> Result<(), SourceError> {
    // No pattern fits it, and manifests are found by a pattern.
    if source.path.contains('\\') {
        return Err(SourceError::OddPath { title: "DuckDB", characters: "\\" });
    }
    Ok(())
}

/// Makes the shell of DuckDB stop at the first error. The shell ends the comment at the first `*/`, skips the
/// line and obeys the next one. DuckDB itself nests comments, so it ignores all three lines.
pub(in crate::warehouse) const STOP_AT_ERRORS: &str =
    "/* /* The shell of DuckDB stops at the first error. */\n.bail on\n-- */\n";

fn failing(message: &str) -> String {
    format!("{STOP_AT_ERRORS}SELECT error({});\n", literal(message))
}

fn fail_if(count: &str, message: &str) -> String {
    format!(
        "SET VARIABLE chatzy_check = (\n    SELECT CASE WHEN wrong > 0 THEN error(wrong || ' {message}') END FROM (SELECT (\n{count}) AS wrong));\n"
    )
}

/// Returns statements that fail if the database lacks one of the tables, given as literals. They also add the table of
/// the runs' order, which earlier versions did not create.
fn tables_are_there(names: &str, advice: &str) -> String {
    format!(
        "SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('not in this database: the tables ' || string_agg(name, ', ')
        || '; create them with: {advice} duckdb | duckdb DATABASE') END
    FROM (SELECT unnest([{names}]) AS name) WHERE name NOT IN (SELECT table_name FROM duckdb_tables()));
{}",
        runs::create_table(&DUCKDB)
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_end_its_literal() {
        let message = "a'b\\'; $chatzy$ $$ :x\n\\! id";
        insta::assert_snapshot!(super::DUCKDB.failing(message), @r"
        /* /* The shell of DuckDB stops at the first error. */
        .bail on
        -- */
        SELECT error('a''b\''; $chatzy$ $$ :x \! id');
        ");
    }
}
