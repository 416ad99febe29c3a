//! PostgreSQL. `psql` copies the lines of JSONL files. It gets those of all other exports from `chatzy-export cat`.

mod copy;
mod staging;

use crate::warehouse::dialect::{Dialect, Strategy, Types};
use crate::warehouse::session::{Session, runs};

/// PostgreSQL, through `psql`.
pub static POSTGRES: Dialect = Dialect {
    name: "postgres",
    aliases: &["postgresql"],
    title: "PostgreSQL",
    version: "PostgreSQL 14 or later",
    help: "PostgreSQL 14 or later, through psql; reads Parquet and JSONL",
    types: Types {
        text: "text",
        time: "timestamptz",
        integer: "bigint",
        boolean: "boolean",
        json: "jsonb",
        // The type json keeps the order of keys, repeated keys and the spelling of numbers.
        raw: "json",
    },
    failing,
    fail_if,
    check: |_| Ok(()),
    strategy: Strategy::Session(Session {
        tables_note: "-- The database is to have the encoding UTF8.\n",
        indexes: "\nCREATE INDEX IF NOT EXISTS coverage_run_id ON coverage (run_id);\n",
        merge_note: " For psql.",
        staging: staging::staging,
        temp_table: |name| format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS"),
        after_due: "ANALYZE chatzy_due;\n",
        create_view: "CREATE OR REPLACE VIEW",
        latest_order: || {
            format!(
                "{}\nCREATE OR REPLACE VIEW chatzy_order AS\n{};\n",
                runs::add_links(),
                runs::order(runs::TABLE)
            )
        },
    }),
};

fn failing(message: &str) -> String {
    // Safe with standard_conforming_strings on or off. Without a dollar the text cannot end the block.
    let escaped = message.replace('\\', r"\\").replace('\'', "''").replace('$', r"\x24");
    format!(
        "\\set ON_ERROR_STOP on\n\\set VERBOSITY terse\n\
         DO $chatzy$ BEGIN RAISE EXCEPTION USING MESSAGE = E'{escaped}'; END $chatzy$;\n"
    )
}

fn fail_if(count: &str, message: &str) -> String {
    format!(
        "DO $$
DECLARE wrong bigint;
BEGIN
    wrong := (\n{count});
    IF wrong > 0 THEN
        RAISE EXCEPTION '% {message}', wrong;
    END IF;
END $$;\n"
    )
}

/// Returns statements that fail if the database lacks one of the tables, given as literals. They also add the table of
/// the runs' order, which earlier versions did not create.
fn tables_are_there(names: &str, advice: &str) -> String {
    format!(
        "\\set VERBOSITY terse
DO $$
DECLARE missing text;
BEGIN
    SELECT string_agg(name, ', ') INTO missing FROM unnest(ARRAY[{names}]) AS name WHERE to_regclass(name) IS NULL;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'not in this database: the tables %; create them with: {advice} postgres | psql DATABASE', missing;
    END IF;
    IF to_regclass('{table}') IS NULL THEN
        {create}    END IF;
END $$;
\\set VERBOSITY default
",
        table = runs::TABLE,
        create = runs::create_table(&POSTGRES),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_end_its_literal() {
        let message = "a'b\\'; $chatzy$ $$ :x\n\\! id";
        insta::assert_snapshot!(super::POSTGRES.failing(message), @r"
        \set ON_ERROR_STOP on
        \set VERBOSITY terse
        DO $chatzy$ BEGIN RAISE EXCEPTION USING MESSAGE = E'a''b\\''; \x24chatzy\x24 \x24\x24 :x \\! id'; END $chatzy$;
        ");
    }
}
