//! The tables as text for a terminal.

use std::fmt::Write as _;

use super::width::wrap;
use crate::table::schema::SCHEMA_VERSION;
use crate::table::{Column, NOTES, SAMPLE_JOINS, Table, diagram, plain};

/// Characters between two cells.
const GAP: usize = 2;
/// Width of an ID, the longest of the common examples. Longer ones are wrapped.
const EXAMPLE: usize = 36;
/// Width of the output from which the examples have a column of their own.
const WITH_EXAMPLES: usize = 100;

/// Describes all tables, their keys and joins in lines of this width.
pub(super) fn tables(width: usize) -> String {
    let mut text = format!(
        "Tables of an export, schema version {SCHEMA_VERSION}, with their keys. A row belongs to a row of the table above:\n\n{}",
        diagram()
    );
    for table in Table::ALL {
        text.push_str(&section(table, width));
    }
    text.push_str("\nNOTES\n\n");
    for note in NOTES {
        for (at, line) in wrap(&plain(note), width - 2).iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {line}", if at == 0 { '-' } else { ' ' });
        }
    }
    text.push_str("\nSAMPLE JOINS for DuckDB, over an export in ./export\n");
    for join in SAMPLE_JOINS {
        let _ = write!(text, "\n-- {}\n{}\n", join.title, join.sql);
    }
    text.push_str(
        "\nFor programs: --format json-schema, or --format arrow. For a document: --format markdown.\n",
    );
    text
}

fn section(table: Table, width: usize) -> String {
    let key = |table: Table| table.key_over_runs().join(", ");
    let joins: Vec<_> = table.joins().map(|above| format!("{} on {}", above.name(), key(above))).collect();
    let joins = if joins.is_empty() { "none; all tables join this one".to_owned() } else { joins.join("; ") };
    let heading = format!("TABLE {}: {}", table.name(), plain(table.meaning()));
    let lines = [heading, format!("Key: {}", key(table)), format!("Joins: {joins}")];
    let heading = lines.map(|line| wrap(&line, width).join("\n")).join("\n");
    let mut text = format!("\n{heading}\n\n");
    let grid = Grid::of(table, width);
    text.push_str(
        &grid.row(&["column", "type", "null?", "meaning", "example"].map(|cell| vec![cell.to_owned()])),
    );
    for column in table.columns() {
        text.push_str(&grid.row(&grid.cells(column)));
    }
    text
}

/// Widths of the cells of a table.
struct Grid {
    widths: [usize; 5],
}

impl Grid {
    fn of(table: Table, width: usize) -> Self {
        let name = table.columns().iter().map(|column| column.name.len()).max().unwrap_or_default();
        let (kind, null) = ("integer".len(), "null?".len());
        let example = if width < WITH_EXAMPLES { 0 } else { EXAMPLE };
        let gaps = if example == 0 { 3 * GAP } else { 4 * GAP };
        Self { widths: [name, kind, null, width - name - kind - null - example - gaps, example] }
    }

    /// Returns the lines of each cell of a column's row.
    fn cells(&self, column: &Column) -> [Vec<String>; 5] {
        let [.., meaning_width, example_width] = self.widths;
        let mut meaning = wrap(&plain(column.meaning), meaning_width);
        let example = if example_width == 0 {
            meaning.extend(wrap(&format!("e.g. {}", column.example), meaning_width));
            Vec::new()
        } else {
            wrap(column.example, example_width)
        };
        let null = if column.nullable { "yes" } else { "no" };
        let one = |text: &str| vec![text.to_owned()];
        [one(column.name), one(column.kind.word()), one(null), meaning, example]
    }

    fn row(&self, cells: &[Vec<String>; 5]) -> String {
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        let mut text = String::new();
        for at in 0..height {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(self.widths).filter(|(_, width)| *width > 0) {
                let part = cell.get(at).map_or("", String::as_str);
                // Writing to a string cannot fail.
                let _ = write!(line, "{part:<width$}{:GAP$}", "");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::tables;

    #[test]
    fn every_line_fits() {
        for width in [72, 80, 99, 100, 120, 140] {
            let text = tables(width);
            let table = text.split("NOTES").next().unwrap_or_default();
            for line in table.lines().skip_while(|line| !line.starts_with("TABLE")) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
