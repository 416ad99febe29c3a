//! `CREATE TABLE` statements of fixed scripts.

use std::fmt::Write as _;

use super::fixed::Script;
use crate::table::{Column, Kind, Table, plain};

/// Name of the table with the order of runs.
pub(super) const RUNS: &str = "chatzy_runs";

/// A table to be created.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) meaning: String,
    pub(super) columns: &'static [Column],
    /// Columns that identify a row.
    pub(super) key: Vec<&'static str>,
}

/// Columns of the table with the order of runs.
pub(super) static RUN_COLUMNS: [Column; 6] = [
    column("run_id", Kind::Str, false, "ID of the run."),
    column("previous_run_id", Kind::Str, true, "ID of the previous run in the same export."),
    column("exported_at", Kind::Ts, true, "Start of the run; null if the run was pruned."),
    column("is_part", Kind::Bool, false, "True if the run has only parts of contacts."),
    column("chain", Kind::Str, false, "First known run of the chain of runs."),
    column("position", Kind::Int, false, "Position in the chain of runs."),
];

const fn column(name: &'static str, kind: Kind, nullable: bool, meaning: &'static str) -> Column {
    Column { name, kind, nullable, meaning, example: "" }
}

/// Returns the statements that create the tables, with a prefix before the names of the five.
pub(super) fn create(script: Script<'_>, prefix: &str) -> String {
    let mut sql = script.fixed.tables_note.to_owned();
    sql.extend(Table::ALL.iter().map(|table| create_one(script, &shape(*table, prefix))));
    sql.push_str(&create_one(
        script,
        &Shape {
            name: RUNS.to_owned(),
            meaning: "The order of the runs.".to_owned(),
            columns: &RUN_COLUMNS,
            key: vec!["run_id"],
        },
    ));
    sql
}

fn shape(table: Table, prefix: &str) -> Shape {
    let run_id = (!table.key().contains(&"run_id")).then_some("run_id");
    Shape {
        name: format!("{prefix}{}", table.name()),
        meaning: plain(table.meaning()),
        columns: table.columns(),
        key: table.key().iter().copied().chain(run_id).collect(),
    }
}

fn create_one(script: Script<'_>, shape: &Shape) -> String {
    let Shape { name, columns, .. } = shape;
    let line = |column: &Column| {
        let comment = script.fixed.column_comment.map(|comment| comment(&plain(column.meaning)));
        format!(
            "    {} {}{}",
            (script.fixed.defined)(column.name),
            script.definition(column),
            comment.unwrap_or_default()
        )
    };
    let lines: Vec<_> = columns.iter().map(line).collect();
    let mut sql = format!(
        "\nCREATE TABLE IF NOT EXISTS {name} (\n{}\n){};\n",
        lines.join(",\n"),
        (script.fixed.table_options)(shape)
    );
    if script.fixed.column_comment.is_none() {
        // Writing to a string cannot fail.
        let _ = writeln!(sql, "COMMENT ON TABLE {name} IS {};", script.literal(&shape.meaning));
        for column in *columns {
            // Writing to a string cannot fail.
            let _ = writeln!(
                sql,
                "COMMENT ON COLUMN {name}.{} IS {};",
                script.column(column.name),
                script.literal(&plain(column.meaning))
            );
        }
    }
    sql
}
