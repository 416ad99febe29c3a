//! `CREATE TABLE` statements, with the keys of `docs/tables.md#rows`.

use std::fmt::Write as _;

use super::dialect::{Dialect, literal, name};
use super::{heading, runs};
use crate::table::{Table, plain};

/// Returns the statements that create the tables.
pub fn create_tables(dialect: Dialect) -> String {
    let mut sql = heading("the tables");
    sql.push_str(match dialect {
        Dialect::DuckDb => {
            "-- The keys keep doubled rows out, at the cost of memory and disk; loads work without them too.\n"
        }
        Dialect::Postgres => "-- The database is to have the encoding UTF8.\n",
    });
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = write!(sql, "\nCREATE TABLE IF NOT EXISTS {} (\n", table.name());
        for column in table.columns() {
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            let _ = writeln!(sql, "    {} {}{not_null},", name(column), dialect.type_of(column));
        }
        let _ = write!(sql, "    PRIMARY KEY ({})\n);\n", key(table).join(", "));
    }
    let _ = write!(
        sql,
        "\n-- The order of the runs that are loaded, for --merge.\n{}",
        runs::create_table(dialect)
    );
    if dialect == Dialect::Postgres {
        sql.push_str("\nCREATE INDEX IF NOT EXISTS coverage_run_id ON coverage (run_id);\n");
    }
    sql.push_str(&comments());
    sql
}

/// Returns statements that fail if the database lacks the tables. They also add the table of the runs' order,
/// which earlier versions did not create.
pub(super) fn are_there(dialect: Dialect) -> String {
    let names = Table::ALL.map(|table| format!("'{}'", table.name())).join(", ");
    let advice = "chatzy-export schema --format";
    match dialect {
        Dialect::DuckDb => format!(
            "SET VARIABLE chatzy_check = (
    SELECT CASE WHEN count(*) > 0 THEN error('not in this database: the tables ' || string_agg(name, ', ')
        || '; create them with: {advice} duckdb | duckdb DATABASE') END
    FROM (SELECT unnest([{names}]) AS name) WHERE name NOT IN (SELECT table_name FROM duckdb_tables()));
{}",
            runs::create_table(dialect)
        ),
        Dialect::Postgres => format!(
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
            create = runs::create_table(dialect),
        ),
    }
}

/// Returns the key columns of a loaded table. `coverage` keeps the rows of every run.
fn key(table: Table) -> Vec<&'static str> {
    match table {
        Table::Coverage => [table.key(), &["run_id"]].concat(),
        _ => table.key().to_vec(),
    }
}

/// Returns statements that attach the meanings to the tables and their columns.
fn comments() -> String {
    let mut sql = String::new();
    for table in Table::ALL {
        let text = literal(&plain(table.meaning()));
        // Writing to a string cannot fail.
        let _ = write!(sql, "\nCOMMENT ON TABLE {} IS {text};\n", table.name());
        for column in table.columns() {
            let text = literal(&plain(column.meaning));
            let _ = writeln!(sql, "COMMENT ON COLUMN {}.{} IS {text};", table.name(), name(column));
        }
    }
    sql
}
