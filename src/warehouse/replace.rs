//! Databases with transactions, and fixed scripts: the tables hold the newest version of each contact.
//!
//! The rows of the files go to tables of the session first, `staged_<table>`. Their numbers are compared with
//! the manifests. One transaction then replaces the contacts that the runs have read.

use std::fmt::Write as _;

use super::dialect::Dialect;
use super::files::{self, FileGroup};
use super::fixed::{Fixed, Script};
use super::{ExportSource, heading, links, tables, views};
use crate::id::RunId;
use crate::table::{Column, Table};

/// Differences between the databases of this strategy.
pub(super) struct Replace {
    /// Returns statements that create a table of the session, or replace it.
    pub(super) temp_table: fn(name: &str, columns: &str) -> String,
    /// Returns the type of a column in a staged table.
    pub(super) staged_type: fn(&Dialect, &Column) -> &'static str,
    /// Returns statements that add the rows of files to `staged_<table>`.
    pub(super) stage: fn(&ExportSource, &RunId, &FileGroup<'_>) -> String,
    /// Returns the value of a column in a staged row.
    pub(super) value: fn(&Column, name: String) -> String,
    /// Statement that begins a transaction.
    pub(super) begin: &'static str,
    /// Statement that ends a transaction.
    pub(super) commit: &'static str,
}

/// Name of the table with the contacts to be replaced.
const DUE: &str = "chatzy_due";

/// Prefix of the tables that hold the rows of all runs.
const ALL_RUNS: &str = "all_";

/// Returns the statements that create the tables.
pub(super) fn create(dialect: &Dialect, fixed: &Fixed) -> String {
    heading("the tables") + &tables::create(Script { dialect, fixed }, "")
}

/// Returns the script that loads the runs of an export that are not loaded yet.
pub(super) fn merge(dialect: &Dialect, fixed: &Fixed, replace: &Replace, source: &ExportSource) -> String {
    let script = Script { dialect, fixed };
    let mut sql = heading("loads the runs of an export that are not loaded yet");
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "-- The tables are made by: chatzy-export schema --format {}\n\
         -- Each contact that a run has read is replaced; failed and unchanged ones keep their rows. Run one load at a time.\n",
        dialect.name
    );
    sql.push_str(&load(script, replace, source, "", |sql| replace_contacts(script, replace, sql)));
    sql
}

/// Returns the script that keeps the rows of all runs, with views of the latest version of each contact.
pub(super) fn latest(dialect: &Dialect, fixed: &Fixed, replace: &Replace, source: &ExportSource) -> String {
    let script = Script { dialect, fixed };
    [
        heading("views of the latest version of each contact over all runs of an export"),
        format!("-- The tables {ALL_RUNS}<table> hold the rows of all runs.\n"),
        tables::create(script, ALL_RUNS),
        views::create(script, ALL_RUNS),
        load(script, replace, source, ALL_RUNS, |sql| add_rows(script, replace, sql)),
    ]
    .concat()
}

/// Returns the load of an export's runs into the tables with this prefix.
fn load(
    script: Script<'_>,
    replace: &Replace,
    source: &ExportSource,
    prefix: &str,
    merge: impl FnOnce(&mut String),
) -> String {
    let mut sql = source.left_out();
    if source.manifests.is_empty() {
        return sql + "-- Every run is loaded.\n";
    }
    sql.push_str(&(script.fixed.notes)(source));
    sql.push_str(&(script.fixed.prepare)(source));
    sql.push_str("\n-- The rows of the files.\n");
    for table in Table::ALL {
        sql.push_str(&staged_table(script, replace, table));
    }
    let text = script.dialect.types.text;
    let due = ["contact_id", "run_id"].map(|name| format!("{} {text}", script.column(name)));
    sql.push_str(&(replace.temp_table)(DUE, &due.join(", ")));
    sql.push_str(&stage(script, replace, source));
    sql.push('\n');
    sql.push_str(replace.begin);
    sql.push_str(&links::add(script, source));
    sql.push_str(&links::parts_apart(script, source, &format!("{prefix}coverage")));
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "\n-- Runs that are loaded already change nothing.\n\
         DELETE FROM staged_coverage WHERE {run_id} IN (SELECT {run_id} FROM {prefix}coverage);\n",
        run_id = script.column("run_id")
    );
    merge(&mut sql);
    sql.push_str(replace.commit);
    sql
}

fn staged_table(script: Script<'_>, replace: &Replace, table: Table) -> String {
    let line = |column: &Column| {
        format!("{} {}", script.column(column.name), (replace.staged_type)(script.dialect, column))
    };
    let lines: Vec<_> = table.columns().iter().map(line).collect();
    (replace.temp_table)(&format!("staged_{}", table.name()), &lines.join(", "))
}

/// Returns the statements that stage the files of all runs, and compare the number of rows with the manifests.
fn stage(script: Script<'_>, replace: &Replace, source: &ExportSource) -> String {
    let mut sql = String::new();
    let mut checks = "\n-- The files have the rows that the manifests count.\n".to_owned();
    for manifest in &source.manifests {
        let run_id = manifest.run_id.as_str();
        // Writing to a string cannot fail.
        let _ = writeln!(sql, "-- The run {run_id}.");
        for files in files::of_run(manifest) {
            for group in &files.groups {
                sql.push_str(&(replace.stage)(source, &manifest.run_id, group));
            }
            let count = format!(
                "SELECT count(*) AS n FROM staged_{} WHERE {} = {}",
                files.table.name(),
                script.column("run_id"),
                script.literal(run_id)
            );
            checks.push_str(&script.check_rows(&count, files.rows, files.table, &manifest.run_id));
        }
        let of_run = format!(" AND {} = {}", script.column("run_id"), script.literal(run_id));
        checks.push_str(&script.check_times("staged_coverage", manifest, &of_run));
    }
    sql + &checks
}

/// Adds the statements that replace the contacts of the staged runs.
fn replace_contacts(script: Script<'_>, replace: &Replace, sql: &mut String) {
    let contact_id = script.column("contact_id");
    let run_id = script.column("run_id");
    let due = views::newest(
        script,
        &format!("{contact_id}, {run_id}"),
        "coverage",
        tables::RUNS,
        &format!("\n      AND {contact_id} IN (SELECT {contact_id} FROM staged_coverage)"),
    );
    sql.push_str(&add_all(script, replace, Table::Coverage, "", ""));
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "
-- The contacts to be replaced, and the run that has them: not where the rows of a newer one are here.
INSERT INTO {DUE} ({contact_id}, {run_id})
{due} AND {run_id} IN (SELECT {run_id} FROM staged_coverage);\n"
    );
    for table in data_tables() {
        let columns = script.all(table.columns());
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "
DELETE FROM {table} WHERE {contact_id} IN (SELECT {contact_id} FROM {DUE});
INSERT INTO {table} ({columns})
SELECT {values}
FROM staged_{table}
JOIN {DUE} USING ({contact_id}, {run_id});\n",
            table = table.name(),
            values = values(script, replace, table),
        );
    }
    let wrong = format!(
        "    SELECT count(*)
    FROM (
        SELECT {contact_id}, {messages} FROM coverage JOIN {DUE} USING ({contact_id}, {run_id})
    ) AS expected
    LEFT JOIN (
        SELECT {contact_id} AS {loaded_id}, count(*) AS {loaded} FROM messages
        WHERE {contact_id} IN (SELECT {contact_id} FROM {DUE}) GROUP BY {contact_id}
    ) AS found ON {loaded_id} = {contact_id}
    WHERE {messages} <> coalesce({loaded}, 0)",
        messages = script.column("messages"),
        loaded_id = script.column("loaded_id"),
        loaded = script.column("loaded"),
    );
    sql.push_str("\n-- Each contact has as many messages as its run has exported.\n");
    sql.push_str(&script.fail_if(
        &wrong,
        "contacts have more or fewer messages than their run has exported: nothing is loaded",
    ));
}

/// Adds the statements that add the rows of the staged runs, `coverage` last.
fn add_rows(script: Script<'_>, replace: &Replace, sql: &mut String) {
    let run_id = script.column("run_id");
    for table in data_tables() {
        let condition = format!("\nWHERE {run_id} IN (SELECT {run_id} FROM staged_coverage)");
        sql.push_str(&add_all(script, replace, table, ALL_RUNS, &condition));
    }
    sql.push_str(&add_all(script, replace, Table::Coverage, ALL_RUNS, ""));
}

/// Returns the statement that adds the staged rows for which a condition holds.
fn add_all(script: Script<'_>, replace: &Replace, table: Table, prefix: &str, condition: &str) -> String {
    format!(
        "\nINSERT INTO {prefix}{table} ({columns})\nSELECT {values}\nFROM staged_{table}{condition};\n",
        table = table.name(),
        columns = script.all(table.columns()),
        values = values(script, replace, table),
    )
}

fn values(script: Script<'_>, replace: &Replace, table: Table) -> String {
    let value = |column: &Column| (replace.value)(column, script.column(column.name));
    table.columns().iter().map(value).collect::<Vec<_>>().join(", ")
}

fn data_tables() -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| *table != Table::Coverage)
}
