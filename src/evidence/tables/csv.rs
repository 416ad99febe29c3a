//! CSV that a spreadsheet opens without harm (RFC 4180): UTF-8 with a byte order mark, CRLF, all cells quoted.
//!
//! A spreadsheet computes a cell that begins like a formula. Such a cell gets an apostrophe before it. A cell that
//! is longer than a spreadsheet accepts is cut, and says so. A file that is longer than a sheet continues in the
//! next. The JSONL has all values unchanged.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::durable::StorageError;
use crate::evidence::bag::{Bag, BagFile};
use crate::table::Kind;
use crate::time::format_time;

/// Rows of a file, without its header. A sheet has 1,048,576.
const MAX_ROWS: u64 = 1_000_000;
/// UTF-16 units of a cell. A spreadsheet accepts 32,767.
const MAX_UNITS: usize = 32_000;
/// End of a cell that was cut.
const CUT: &str = "… [cut, see the JSONL]";

/// A table in one or more files: `NAME.csv`, `NAME-002.csv`, ….
pub(in crate::evidence) struct CsvFile {
    name: String,
    header: Vec<String>,
    open: BagFile,
    rows: u64,
    files: u64,
    line: String,
}

impl CsvFile {
    /// Creates `NAME.csv` with this header.
    pub(in crate::evidence) fn create(
        bag: &Bag,
        name: &str,
        header: Vec<String>,
    ) -> Result<Self, StorageError> {
        let open = begin(bag, name, 1, &header)?;
        Ok(Self { name: name.to_owned(), header, open, rows: 0, files: 1, line: String::new() })
    }

    /// Appends a row.
    pub(in crate::evidence) fn write<'a>(
        &mut self,
        bag: &mut Bag,
        cells: impl IntoIterator<Item = Option<Cow<'a, str>>>,
    ) -> Result<(), StorageError> {
        if self.rows == MAX_ROWS {
            self.files += 1;
            let next = begin(bag, &self.name, self.files, &self.header)?;
            bag.close(std::mem::replace(&mut self.open, next))?;
            self.rows = 0;
        }
        self.rows += 1;
        self.line.clear();
        push_row(&mut self.line, cells);
        self.open.put(self.line.as_bytes())
    }

    /// Closes the file.
    pub(in crate::evidence) fn finish(self, bag: &mut Bag) -> Result<(), StorageError> {
        bag.close(self.open).map(drop)
    }
}

fn begin(bag: &Bag, name: &str, number: u64, header: &[String]) -> Result<BagFile, StorageError> {
    let path = if number == 1 { format!("{name}.csv") } else { format!("{name}-{number:03}.csv") };
    let mut file = bag.create(path)?;
    let mut line = String::from('\u{feff}');
    push_row(&mut line, header.iter().map(|name| Some(Cow::Borrowed(name.as_str()))));
    file.put(line.as_bytes())?;
    Ok(file)
}

fn push_row<'a>(line: &mut String, cells: impl IntoIterator<Item = Option<Cow<'a, str>>>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        line.push('"');
        push_cell(line, cell.as_deref().unwrap_or_default());
        line.push('"');
    }
    line.push_str("\r\n");
}

fn push_cell(line: &mut String, text: &str) {
    if is_formula(text) {
        line.push('\'');
    }
    let mut units = 0;
    for c in text.chars() {
        units += c.len_utf16();
        if units > MAX_UNITS {
            line.push_str(CUT);
            return;
        }
        match c {
            '"' => line.push_str("\"\""),
            // A spreadsheet does not open a file with this character.
            '\0' => line.push('\u{fffd}'),
            c => line.push(c),
        }
    }
}

/// True if a spreadsheet may take the text for a formula (OWASP, "CSV Injection").
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'])
}

/// Returns a value as text; `None` for null.
pub(in crate::evidence) fn cell(kind: Kind, values: &ArrayRef, row: usize) -> Option<Cow<'_, str>> {
    if values.is_null(row) {
        return None;
    }
    Some(match kind {
        Kind::Str | Kind::Json => values.as_string::<i32>().value(row).into(),
        Kind::Int => values.as_primitive::<Int64Type>().value(row).to_string().into(),
        Kind::Bool => if values.as_boolean().value(row) { "true" } else { "false" }.into(),
        Kind::Ts => {
            format_time(values.as_primitive::<TimestampMicrosecondType>().value(row)).to_string().into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> String {
        let mut line = String::new();
        push_row(&mut line, cells.iter().map(|cell| Some(Cow::Borrowed(*cell))));
        line
    }

    #[test]
    fn cells_are_quoted_and_formulas_are_disarmed() {
        assert_eq!(row(&["a", "b \"c\"", "", "d\ne,f"]), "\"a\",\"b \"\"c\"\"\",\"\",\"d\ne,f\"\r\n");
        for formula in ["=1+1", "+49 30", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"]
        {
            assert_eq!(row(&[formula]), format!("\"'{formula}\"\r\n"));
        }
        assert_eq!(row(&["'=1", "1-2"]), "\"'=1\",\"1-2\"\r\n");
    }

    #[test]
    fn a_long_cell_is_cut_between_characters() {
        let long = "😀".repeat(20_000);
        let line = row(&[&long]);
        let cell = line.trim_matches(['"', '\r', '\n']);
        assert!(cell.ends_with(CUT) && cell.encode_utf16().count() < 32_767);
        assert!(row(&[&"x".repeat(MAX_UNITS)]).contains(&"x".repeat(MAX_UNITS)));
    }
}
