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

/// What stands in a file that cannot be read.
pub(in crate::verify) type ReadError = Box<dyn Error + Send + Sync>;

/// The columns that are compared: all that are never null but the long `raw`, and what rows are counted and sorted by.
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
/// How many of them are texts; numbers and times follow.
pub(super) const TEXTS: usize = 8;
const NUMBERS: usize = COLUMNS.len() - TEXTS;

/// A column, by its place in [`COLUMNS`].
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

/// Likewise, after the texts. Times are microseconds. Of the columns without a name here only nulls matter.
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

/// One row; none where the table has no such column, or the row a null.
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

    /// The ID of the row's contact; empty where it is null.
    pub(crate) fn contact(&self) -> &str {
        self.text(Text::ContactId).unwrap_or_default()
    }

    /// The first of these columns, by their places, that is null.
    pub(super) fn first_null(&self, columns: &[usize]) -> Option<&'static str> {
        let is_null = |at: usize| match at.checked_sub(TEXTS) {
            None => self.texts[at].is_none(),
            Some(number) => self.numbers[number].is_none(),
        };
        columns.iter().find(|at| is_null(**at)).map(|at| COLUMNS[*at])
    }
}

/// The places of those columns of a file that its table never has null. Columns that a version added are in no file of an
/// older one.
pub(super) fn never_null(table: Table, columns: &[&ColumnEntry]) -> Vec<usize> {
    let is_meant = |name: &str| {
        let mut known = table.columns().iter();
        known.any(|column| column.name == name && !column.nullable)
            && columns.iter().any(|column| column.name == name)
    };
    (0..COLUMNS.len()).filter(|at| is_meant(COLUMNS[*at])).collect()
}

/// Reads the whole file, row by row, and returns how many rows it has. Its columns must be these, where they are known.
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

/// Reads the whole file as [`read`] does, with no more than these columns where the format lets others be left.
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

/// The kinds of columns that are known.
const KINDS: [Kind; 5] = [Kind::Str, Kind::Ts, Kind::Int, Kind::Bool, Kind::Json];

fn compare_columns(schema: &SchemaRef, columns: &[&ColumnEntry]) -> Result<(), ReadError> {
    if schema.fields().len() != columns.len() {
        return Err(format!("{} columns of {}", schema.fields().len(), columns.len()).into());
    }
    for (field, column) in schema.fields().iter().zip(columns) {
        // A kind of a later version is not known here.
        let kind = KINDS.iter().find(|kind| kind.name() == column.kind);
        if *field.name() != column.name || kind.is_some_and(|kind| kind.arrow() != *field.data_type()) {
            let (name, found) = (&column.name, field.data_type());
            return Err(
                format!("the column {} ({found}) stands for {name} ({})", field.name(), column.kind).into()
            );
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
