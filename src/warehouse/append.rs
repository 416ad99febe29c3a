//! Databases without transactions over several tables: the tables hold the rows of all loaded runs.
//!
//! Each run is loaded by itself, `coverage` last and in one statement, as a manifest is published last. A run
//! that `coverage` names is complete: every statement skips it, and only such runs are in the views.

use std::fmt::Write as _;

use super::dialect::Dialect;
use super::files::{self, Channel, FileGroup, TableFiles};
use super::fixed::{self, Check, Fixed, Script};
use super::sql::decisive;
use super::{ExportSource, heading, links, tables, views};
use crate::id::RunId;
use crate::output::manifest::Manifest;
use crate::table::{Column, Table};

/// Differences between the databases of this strategy.
pub(super) struct Append {
    /// Makes the rows of files available to queries.
    pub(super) read: fn(&ExportSource, &RunId, &FileGroup<'_>) -> Readable,
    /// Returns the value of a column in a row of a file.
    pub(super) value: fn(&Column, name: String) -> String,
    /// Rows of an interrupted load.
    pub(super) leftovers: Leftovers,
    /// Returns statements after a load.
    pub(super) finish: fn(&ExportSource) -> String,
    /// Line before the query of an insert that adds all rows or none. Empty if every insert does.
    pub(super) atomic: &'static str,
}

/// Rows that queries can read.
#[derive(Default)]
pub(super) struct Readable {
    /// Statements before the queries.
    pub(super) before: String,
    /// Items of a `FROM` clause, one or more. Each has the columns of the files.
    pub(super) from: Vec<String>,
    /// Statements after the queries.
    pub(super) after: String,
}

/// Rows of an interrupted load.
pub(super) enum Leftovers {
    /// They are deleted before the next load. Each part of a table's rows is inserted by itself.
    Delete,
    /// The database cannot delete rows. All rows of a run and table are inserted by one statement, which
    /// inserts all or none, unless the table has them.
    ///
    /// The function returns a condition that fails with a number and this message if a query returns more than
    /// zero. It makes every insert check its files again, since some programs run a query only when its result is
    /// read.
    Keep(fn(count: &str, message: &str) -> String),
}

/// Returns the statements that create the tables and views.
pub(super) fn create(dialect: &Dialect, fixed: &Fixed) -> String {
    let script = Script { dialect, fixed };
    [
        heading("the tables, and views of the latest version of each contact"),
        tables::create(script, ""),
        views::create(script, ""),
    ]
    .concat()
}

/// Returns the script that loads the runs of an export that are not loaded yet.
pub(super) fn merge(dialect: &Dialect, fixed: &Fixed, append: &Append, source: &ExportSource) -> String {
    let mut sql = heading("loads the runs of an export that are not loaded yet");
    // Writing to a string cannot fail.
    let _ = write!(
        sql,
        "-- The tables and views are made by: chatzy-export schema --format {}\n\
         -- The tables hold all loaded runs. Query the views latest_<table>. Run one load at a time.\n",
        dialect.name
    );
    sql.push_str(&load(Script { dialect, fixed }, append, source));
    sql
}

/// Returns the script that creates tables and views, and loads the runs of an export that are not loaded yet.
pub(super) fn latest(dialect: &Dialect, fixed: &Fixed, append: &Append, source: &ExportSource) -> String {
    let script = Script { dialect, fixed };
    [
        heading("views of the latest version of each contact over all runs of an export"),
        tables::create(script, ""),
        views::create(script, ""),
        load(script, append, source),
    ]
    .concat()
}

fn load(script: Script<'_>, append: &Append, source: &ExportSource) -> String {
    let mut sql = source.left_out();
    if source.manifests.is_empty() {
        return sql + "-- Every run is loaded.\n";
    }
    sql.push_str(&(script.fixed.notes)(source));
    sql.push_str(&(script.fixed.prepare)(source));
    sql.push_str(&links::add(script, source));
    sql.push_str(&links::parts_apart(script, source, "coverage"));
    if let Leftovers::Delete = append.leftovers {
        sql.push_str("\n-- Rows of a load that was interrupted.\n");
        let runs = source.manifests.iter().map(|manifest| manifest.run_id.as_str());
        let runs = script.literals(runs);
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
            let run_id = script.column("run_id");
            // Writing to a string cannot fail.
            let _ = writeln!(
                sql,
                "DELETE FROM {} WHERE {run_id} IN ({runs}) AND {run_id} NOT IN (SELECT {run_id} FROM coverage);",
                table.name()
            );
        }
    }
    for manifest in &source.manifests {
        sql.push_str(&load_run(script, append, source, manifest));
    }
    sql + &(append.finish)(source)
}

/// The rows of one table of one run.
struct TableRows<'a> {
    files: TableFiles<'a>,
    /// The `FROM` items of each group.
    groups: Vec<Vec<String>>,
    /// The check that they are complete.
    check: Check,
}

fn load_run(script: Script<'_>, append: &Append, source: &ExportSource, manifest: &Manifest) -> String {
    let run_id = manifest.run_id.as_str();
    let mut sql = format!("\n-- The run {run_id}.\n");
    let mut after = String::new();
    let is_new = is_not_in(script, run_id, "coverage");
    let condition = format!("\n    WHERE {is_new}");
    let of_run = of_run(script, run_id);
    let check = |count: &str, files: &TableFiles<'_>| {
        fixed::wrong_rows(count, files.rows, files.table, &manifest.run_id, &condition)
    };
    let mut rows = Vec::new();
    for files in files::of_run(manifest) {
        let mut groups = Vec::new();
        for group in &files.groups {
            let readable = (append.read)(source, &manifest.run_id, group);
            sql.push_str(&readable.before);
            after.push_str(&readable.after);
            groups.push(readable.from);
        }
        let check = check(&count(&groups, &of_run), &files);
        rows.push(TableRows { files, groups, check });
    }
    for TableRows { files, groups, check } in &rows {
        sql.push_str(&script.fail(check));
        if files.table == Table::Coverage {
            for from in groups.iter().flatten() {
                sql.push_str(&script.check_times(from, manifest, &format!(" AND {of_run} AND {is_new}")));
            }
        }
    }
    let mut required = vec![links::mixed_parts(script, source, "coverage")];
    let messages = wrong_messages(script, append, &rows, run_id);
    if let (Leftovers::Keep(_), Some(messages)) = (&append.leftovers, &messages) {
        sql.push_str(&script.fail(messages));
        required.push(messages.clone());
    }
    for table_rows in &rows {
        let table = table_rows.files.table;
        if let (Leftovers::Delete, Table::Coverage, Some(messages)) = (&append.leftovers, table, &messages) {
            sql.push_str(&script.fail(messages));
        }
        sql.push_str(&insert(script, append, run_id, table_rows, &required));
        if table != Table::Coverage {
            let loaded = check(
                &format!("SELECT count(*) AS n FROM {} WHERE {of_run}", table.name()),
                &table_rows.files,
            );
            sql.push_str(&script.fail(&loaded));
            required.push(loaded);
        }
    }
    sql + &after
}

/// Returns the check that contacts have as many messages as `coverage` counts: in the table after the inserts, or in the
/// files before them if rows cannot be deleted. `None` if the run has no rows of `coverage`.
fn wrong_messages(
    script: Script<'_>,
    append: &Append,
    rows: &[TableRows<'_>],
    run_id: &str,
) -> Option<Check> {
    let c = |name: &str| script.column(name);
    let (of_run, is_new) = (of_run(script, run_id), is_not_in(script, run_id, "coverage"));
    let items_of = |table: Table| {
        let of_table = rows.iter().filter(move |found| found.files.table == table);
        of_table.flat_map(|found| found.groups.iter().flatten())
    };
    let expected = |from: &String| {
        format!(
            "SELECT {}, {} FROM {from} WHERE {of_run} AND {} IN ({})",
            c("contact_id"),
            c("messages"),
            c("status"),
            decisive()
        )
    };
    let expected: Vec<_> = items_of(Table::Coverage).map(expected).collect();
    if expected.is_empty() {
        return None;
    }
    let found: Vec<&str> = match append.leftovers {
        Leftovers::Keep(_) => items_of(Table::Messages).map(String::as_str).collect(),
        Leftovers::Delete => Vec::new(),
    };
    let found = match found.as_slice() {
        [] => format!("{} WHERE {of_run}", Table::Messages.name()),
        [one] => format!("{one} WHERE {of_run}"),
        many => {
            let contacts = |from: &&str| format!("SELECT {} FROM {from} WHERE {of_run}", c("contact_id"));
            let contacts: Vec<_> = many.iter().map(contacts).collect();
            format!("(\n            {}\n        ) AS files", contacts.join("\n            UNION ALL "))
        }
    };
    let count = format!(
        "    SELECT count(*)
    FROM (
        {expected}
    ) AS expected
    LEFT JOIN (
        SELECT {contact_id} AS {loaded_id}, count(*) AS {loaded} FROM {found} GROUP BY {contact_id}
    ) AS found ON {loaded_id} = {contact_id}
    WHERE {messages} <> coalesce({loaded}, 0) AND {is_new}",
        expected = expected.join("\n        UNION ALL "),
        contact_id = c("contact_id"),
        messages = c("messages"),
        loaded_id = c("loaded_id"),
        loaded = c("loaded"),
    );
    let message = "contacts have more or fewer messages than their run has exported".to_owned();
    Some(Check { count, message })
}

/// Returns a query for the number of a run's rows in its files.
fn count(groups: &[Vec<String>], of_run: &str) -> String {
    let count = |from: &String| format!("SELECT count(*) AS n FROM {from} WHERE {of_run}");
    let counts: Vec<_> = groups.iter().flatten().map(count).collect();
    match counts.as_slice() {
        [count] => count.clone(),
        _ => format!(
            "SELECT sum(n) AS n FROM (\n        {}\n    ) AS parts",
            counts.join("\n        UNION ALL ")
        ),
    }
}

fn of_run(script: Script<'_>, run_id: &str) -> String {
    format!("{} = {}", script.column("run_id"), script.literal(run_id))
}

/// Returns the condition that a table has no row of a run. A join with all rows would need much memory.
fn is_not_in(script: Script<'_>, run_id: &str, table: &str) -> String {
    format!("(SELECT count(*) FROM {table} WHERE {}) = 0", of_run(script, run_id))
}

/// Returns the statements that insert the rows of a table. The checks are repeated if the database cannot take an
/// insert back.
fn insert(
    script: Script<'_>,
    append: &Append,
    run_id: &str,
    rows: &TableRows<'_>,
    required: &[Check],
) -> String {
    let table = rows.files.table;
    let (of_run, is_new) = (of_run(script, run_id), is_not_in(script, run_id, "coverage"));
    let into = format!("INSERT INTO {} ({})\n", table.name(), script.all(table.columns()));
    match append.leftovers {
        Leftovers::Keep(require) => {
            let mut conditions = vec![is_new];
            if table != Table::Coverage {
                conditions.push(is_not_in(script, run_id, table.name()));
            }
            let checks = required.iter().chain([&rows.check]);
            conditions.extend(checks.map(|check| require(&check.count, &check.message)));
            let files = selects(script, append, rows, &of_run).join("\nUNION ALL\n");
            format!("{into}SELECT * FROM (\n{files}\n) AS files\nWHERE {};\n", conditions.join("\n  AND "))
        }
        Leftovers::Delete => {
            let selects = selects(script, append, rows, &format!("{of_run}\n  AND {is_new}"));
            if table == Table::Coverage {
                return format!("{into}{}{};\n", append.atomic, selects.join("\nUNION ALL\n"));
            }
            selects.iter().map(|select| [&into, select.as_str(), ";\n"].concat()).collect()
        }
    }
}

/// Returns the queries for the rows in the files.
fn selects(script: Script<'_>, append: &Append, rows: &TableRows<'_>, condition: &str) -> Vec<String> {
    let mut selects = Vec::new();
    for (group, items) in rows.files.groups.iter().zip(&rows.groups) {
        let columns = rows.files.table.columns().iter();
        let values: Vec<_> = columns.map(|column| value(script, append, group, column)).collect();
        let values = values.join(", ");
        selects.extend(items.iter().map(|from| format!("SELECT {values}\nFROM {from}\nWHERE {condition}")));
    }
    selects
}

fn value(script: Script<'_>, append: &Append, group: &FileGroup<'_>, column: &Column) -> String {
    match group.channel {
        Channel::Same(channel) if !group.has(column) => channel.map_or_else(
            || (script.fixed.typed)("NULL", script.dialect.types.text),
            |text| script.literal(text),
        ),
        _ => (append.value)(column, script.column(column.name)),
    }
}
