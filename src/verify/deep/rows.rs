//! Rows with the columns that the deep check compares.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::output::manifest::ColumnEntry;
use crate::table::Table;

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
const TEXTS: usize = 8;
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
    texts: [Option<&'a str>; TEXTS],
    numbers: [Option<i64>; NUMBERS],
}

impl Row<'_> {
    pub(crate) fn text(&self, column: Text) -> Option<&str> {
        self.texts[column as usize]
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
pub(super) fn never_null(table: Table, columns: &[ColumnEntry]) -> Vec<usize> {
    let is_meant = |name: &str| {
        let mut known = table.columns().iter();
        known.any(|column| column.name == name && !column.nullable)
            && columns.iter().any(|column| column.name == name)
    };
    (0..COLUMNS.len()).filter(|at| is_meant(COLUMNS[*at])).collect()
}

/// Calls `each` for the rows of a batch. The batch may have any of the [`COLUMNS`].
pub(in crate::verify) fn each_row(batch: &RecordBatch, each: &mut dyn FnMut(&Row)) {
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
                texts[at].filter(|array| array.is_valid(row)).map(|array| array.value(row))
            }),
            numbers: std::array::from_fn(|at| {
                let (values, nulls) = numbers[at]?;
                nulls.is_none_or(|nulls| nulls.is_valid(row)).then(|| values[row])
            }),
        });
    }
}
