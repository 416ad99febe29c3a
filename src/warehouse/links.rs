//! Adds the runs of an export to `chatzy_runs`, from which the views and the loads take their order.
//!
//! Rows that are there stay as they are. The script knows the positions of runs from the first run that it
//! knows. If the database knows one of these runs already, with another position, the new ones get positions
//! that fit to it.

use super::ExportSource;
use super::chain::{Position, positions};
use super::fixed::{Check, Script};
use super::tables::{RUN_COLUMNS, RUNS};
use crate::table::Column;
use crate::time::format_time;

/// Number of runs in one statement. Databases limit the size of statements and the depth of queries.
const RUNS_PER_STATEMENT: usize = 200;

/// Returns the statements that add the runs.
pub(super) fn add(script: Script<'_>, source: &ExportSource) -> String {
    let all = positions(&source.links);
    let mut sql =
        "\n-- The order of runs is that of their manifests, since a clock may be set back.\n".to_owned();
    let mut at = 0;
    while at < all.len() {
        let end = all.len().min(at + RUNS_PER_STATEMENT);
        // The last run of the statement before, whose position the database knows now.
        sql.push_str(&add_some(script, &all[at.saturating_sub(1)..end]));
        at = end;
    }
    sql
}

fn add_some(script: Script<'_>, runs: &[Position<'_>]) -> String {
    let c = |name: &str| script.column(name);
    let rows: Vec<_> = runs.iter().enumerate().map(|(at, run)| row(script, run, at == 0)).collect();
    let all = script.all(&RUN_COLUMNS);
    let found: Vec<_> =
        RUN_COLUMNS.iter().map(|column| format!("found.{name} AS {name}", name = c(column.name))).collect();
    format!(
        "INSERT INTO {RUNS} ({all})
SELECT {}, coalesce({known_chain}, {chain}), {position} + coalesce({shift}, 0)
FROM (
    SELECT {found}, known.{run_id} AS {known_run},
        max(known.{chain}) OVER (PARTITION BY found.{chain}) AS {known_chain},
        max(known.{position} - found.{position}) OVER (PARTITION BY found.{chain}) AS {shift}
    FROM (
        {rows}
    ) AS found
    LEFT JOIN {RUNS} AS known ON known.{run_id} = found.{run_id}
) AS numbered
WHERE {known_run} IS NULL;\n",
        script.columns(&["run_id", "previous_run_id", "exported_at", "is_part"]),
        known_chain = c("known_chain"),
        chain = c("chain"),
        position = c("position"),
        shift = c("shift"),
        found = found.join(", "),
        run_id = c("run_id"),
        known_run = c("known_run"),
        rows = rows.join("\n        UNION ALL "),
    )
}

/// Returns the query for one run. The first one gives the columns their names and types.
fn row(script: Script<'_>, run: &Position<'_>, is_first: bool) -> String {
    let link = run.link;
    let null = || "NULL".to_owned();
    let values = [
        script.literal(link.run_id.as_str()),
        link.previous.as_ref().map_or_else(null, |id| script.literal(id.as_str())),
        link.exported_at.map_or_else(null, |at| (script.fixed.time)(&format_time(at).to_string())),
        if link.is_part { "true" } else { "false" }.to_owned(),
        script.literal(run.chain.as_str()),
        run.position.to_string(),
    ];
    let with_name = |(value, column): (String, &Column)| {
        if !is_first {
            return value;
        }
        let value = (script.fixed.typed)(&value, script.dialect.type_of(column));
        format!("{value} AS {}", script.column(column.name))
    };
    format!("SELECT {}", values.into_iter().zip(&RUN_COLUMNS).map(with_name).collect::<Vec<_>>().join(", "))
}

/// Returns a statement that fails if a `coverage` has runs of the other kind: parts of contacts beside whole
/// ones.
pub(super) fn parts_apart(script: Script<'_>, source: &ExportSource, coverage: &str) -> String {
    let check = script.fail(&mixed_parts(script, source, coverage));
    format!("\n-- Parts of contacts and whole ones do not mix.\n{check}")
}

/// Returns the check of [`parts_apart`].
pub(super) fn mixed_parts(script: Script<'_>, source: &ExportSource, coverage: &str) -> Check {
    let (other, message) = if source.is_part {
        ("NOT ", "runs in the tables have whole contacts: load parts of contacts into tables of their own")
    } else {
        (
            "",
            "runs in the tables hold only parts of contacts, because of --since, --until or --channel: load others into tables of their own",
        )
    };
    let run_id = script.column("run_id");
    let count = format!(
        "    SELECT count(*) FROM {RUNS}
    WHERE {other}{} AND {run_id} IN (SELECT {run_id} FROM {coverage})",
        script.column("is_part")
    );
    Check { count, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::dialect::{Dialect, Strategy};
    use crate::warehouse::fixture::source;

    #[test]
    fn long_chains_are_divided_and_each_part_has_the_last_run_before_it() {
        let names: Vec<_> = (0..=2 * RUNS_PER_STATEMENT).map(|number| format!("r{number:04}")).collect();
        let runs: Vec<_> = names.iter().map(|name| (name.as_str(), [].as_slice())).collect();
        let export = source("/srv/export", &runs);
        for dialect in Dialect::ALL {
            let (Strategy::Append(fixed, _) | Strategy::Replace(fixed, _)) = &dialect.strategy else {
                continue;
            };
            let sql = add(Script { dialect, fixed }, &export);
            let begins: Vec<_> =
                sql.split(";\n").filter_map(|statement| Some(statement.split_once("'r")?.1)).collect();
            let begins: Vec<_> = begins.iter().map(|text| text.get(..4).unwrap_or_default()).collect();
            assert_eq!(begins, ["0000", "0199", "0399"], "{}", dialect.name);
            assert_eq!(sql.matches(" 400\n").count(), 1, "{}", dialect.name);
        }
    }
}
