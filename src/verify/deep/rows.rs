//! Reads the columns that the deep check compares, from any format.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef, TimestampMicrosecondType};

use super::lines;
use crate::bounded::Input;
use crate::output::manifest::ColumnEntry;
use crate::table::{Kind, Table};

/// Reason why a file cannot be read.
pub(in crate::verify) type ReadError = Box<dyn Error + Send + Sync>;

/// The compared columns: all columns that are never null, except the long `raw`, and those that rows are
/// counted and sorted by.
pub(super) const COLUMNS: [&str; 22] = [
    "contact_id",
    "message_id",
    "conversation_id",
    "record_id",
    "status",
    "channel",
    "run_id",
    "error",
    "messages",
    "message_count",
    "conversation_count",
    "message_order",
    "record_index",
    "input_line",
    "created_at",
    "first_message_at",
    "last_message_at",
    "pages",
    "requests",
    "retries",
    "rereads",
    "exported_at",
];
/// Number of text columns, which come first. Numbers and times follow.
pub(super) const TEXTS: usize = 8;
const NUMBERS: usize = COLUMNS.len() - TEXTS;

/// A text column, by its index in [`COLUMNS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    ContactId,
    MessageId,
    ConversationId,
    RecordId,
    Status,
    Channel,
    RunId,
    Error,
}

/// A number or time column, by its index after the texts. Times are microseconds. Columns without a name here
/// are only checked for nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Messages,
    MessageCount,
    ConversationCount,
    MessageOrder,
    RecordIndex,
    InputLine,
    CreatedAt,
    FirstMessageAt,
    LastMessageAt,
}

/// A row. A value is `None` if the table has no such column, or the value is null.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub(super) texts: [Option<Cow<'a, str>>; TEXTS],
    pub(super) numbers: [Option<i64>; NUMBERS],
}

impl Row<'_> {
    pub(crate) fn text(&self, column: Text) -> Option<&str> {
        self.texts[column as usize].as_deref()
    }

    pub(crate) fn number(&self, column: Number) -> Option<i64> {
        self.numbers[column as usize]
    }

    /// Returns the ID of the row's contact; empty if it is null.
    pub(crate) fn contact(&self) -> &str {
        self.text(Text::ContactId).unwrap_or_default()
    }

    /// Returns the name of the first of these columns that is null.
    pub(super) fn first_null(&self, columns: &[usize]) -> Option<&'static str> {
        let is_null = |at: usize| match at.checked_sub(TEXTS) {
            None => self.texts[at].is_none(),
            Some(number) => self.numbers[number].is_none(),
        };
        columns.iter().find(|at| is_null(**at)).map(|at| COLUMNS[*at])
    }
}

/// Returns the indexes of the file's columns that are never null in its table. Files of older versions lack
/// columns that a version added.
pub(super) fn never_null(table: Table, columns: &[&ColumnEntry]) -> Vec<usize> {
    let is_meant = |name: &str| {
        let mut known = table.columns().iter();
        known.any(|column| column.name == name && !column.nullable)
            && columns.iter().any(|column| column.name == name)
    };
    (0..COLUMNS.len()).filter(|at| is_meant(COLUMNS[*at])).collect()
}

/// Reads the whole file, row by row, and returns the number of rows. Its columns must match `columns`, if
/// given.
pub(in crate::verify) fn read(
    file: File,
    name: &str,
    columns: Option<&[&ColumnEntry]>,
    each: &mut dyn FnMut(&Row),
) -> Result<u64, ReadError> {
    if name.ends_with(".parquet") {
        read_parquet(file, columns, &COLUMNS, each)
    } else {
        lines::read(file, name, columns, each)
    }
}

/// Reads the whole file like [`read`]. It reads only the `wanted` columns if the format allows it.
pub(in crate::verify) fn read_columns(
    file: File,
    name: &str,
    wanted: &[&str],
    each: &mut dyn FnMut(&Row),
) -> Result<u64, ReadError> {
    if name.ends_with(".parquet") {
        read_parquet(file, None, wanted, each)
    } else {
        lines::read(file, name, None, each)
    }
}

fn read_parquet(
    file: File,
    columns: Option<&[&ColumnEntry]>,
    wanted: &[&str],
    each: &mut dyn FnMut(&Row),
) -> Result<u64, ReadError> {
    let input = Input::open(file)?;
    if let Some(columns) = columns {
        compare_columns(input.footer().schema(), columns)?;
    }
    let mut rows = 0;
    for batch in input.rows(Some(wanted))? {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        read_batch(&batch, each);
    }
    Ok(rows)
}

/// All kinds of columns.
const KINDS: [Kind; 5] = [Kind::Str, Kind::Ts, Kind::Int, Kind::Bool, Kind::Json];

fn compare_columns(schema: &SchemaRef, columns: &[&ColumnEntry]) -> Result<(), ReadError> {
    if schema.fields().len() != columns.len() {
        return Err(format!("{} columns, expected {}", schema.fields().len(), columns.len()).into());
    }
    for (field, column) in schema.fields().iter().zip(columns) {
        // A later version may have other kinds.
        let kind = KINDS.iter().find(|kind| kind.name() == column.kind);
        if *field.name() != column.name || kind.is_some_and(|kind| kind.arrow() != *field.data_type()) {
            let (name, found) = (&column.name, field.data_type());
            return Err(format!(
                "the column {} ({found}) is in place of {name} ({})",
                field.name(),
                column.kind
            )
            .into());
        }
    }
    Ok(())
}

fn read_batch(batch: &RecordBatch, each: &mut dyn FnMut(&Row)) {
    let column = |at: usize| batch.column_by_name(COLUMNS[at]);
    let texts: [_; TEXTS] = std::array::from_fn(|at| column(at)?.as_string_opt::<i32>());
    let numbers: [_; NUMBERS] = std::array::from_fn(|at| {
        let column = column(at + TEXTS)?;
        let ints = column.as_primitive_opt::<Int64Type>().map(|array| (array.values(), array.nulls()));
        let times = || column.as_primitive_opt::<TimestampMicrosecondType>();
        ints.or_else(|| times().map(|array| (array.values(), array.nulls())))
    });
    for row in 0..batch.num_rows() {
        each(&Row {
            texts: std::array::from_fn(|at| {
                texts[at].filter(|array| array.is_valid(row)).map(|array| Cow::Borrowed(array.value(row)))
            }),
            numbers: std::array::from_fn(|at| {
                let (values, nulls) = numbers[at]?;
                nulls.is_none_or(|nulls| nulls.is_valid(row)).then(|| values[row])
            }),
        });
    }
}
