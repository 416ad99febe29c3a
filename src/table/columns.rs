//! Appends rows to the Arrow builders of one table. Each value is appended with the name of its column.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};

use super::builders::Stamp;
use super::{Kind, Rows, Table};

/// Columns that are equal in all rows of a run. They are made when the rows are taken. Later versions may add
/// columns after them.
const EXPORTED_AT: &str = "exported_at";
const RUN_ID: &str = "run_id";

/// Columns that are equal in most rows of a conversation.
const REPEATED: [&str; 7] = [
    "contact_id",
    "conversation_id",
    "channel",
    "conversation_type",
    "conversation_status",
    "assigned_to",
    "chatbot_id",
];

/// Initial capacity for text in bytes, enough for usual batches. One text of 50 MB is no reason to reserve as
/// much for the next batch.
const MOST_AHEAD: usize = 4 << 20;

/// Pending rows of one table.
///
/// To append a row, append its columns in their order, without those of the stamp. Then call
/// [`TableBuilder::end_row`]. Most columns of a record are null, so a null is only counted: the column is filled up before
/// its next value, and at the end.
#[derive(Debug)]
pub(super) struct TableBuilder {
    table: Table,
    columns: Vec<TableColumn>,
    message_time: TimestampMicrosecondBuilder,
    next: usize,
    rows: usize,
    bytes: usize,
}

/// A column, and the number of its rows. Those after it have been null so far.
#[derive(Debug)]
struct TableColumn {
    name: &'static str,
    filled: usize,
    builder: ColumnBuilder,
}

#[derive(Debug)]
enum ColumnBuilder {
    Text(StringBuilder),
    Repeated(RepeatedText),
    Time(TimestampMicrosecondBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
}

impl TableBuilder {
    pub(super) fn new(table: Table) -> Self {
        let own = table.columns().iter().filter(|column| ![EXPORTED_AT, RUN_ID].contains(&column.name));
        let columns = own
            .map(|column| TableColumn {
                name: column.name,
                filled: 0,
                builder: ColumnBuilder::new(column.name, column.kind),
            })
            .collect();
        Self { table, columns, message_time: time_builder(), next: 0, rows: 0, bytes: 0 }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the approximate memory of the pending rows.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn text(&mut self, name: &'static str, value: Option<&str>) {
        // Each text has an offset of four bytes.
        self.bytes += value.map_or(0, str::len) + 4;
        match (self.column(name, value.is_some()), value) {
            (_, None) => {}
            (ColumnBuilder::Text(column), Some(value)) => column.append_value(value),
            (ColumnBuilder::Repeated(column), Some(value)) => column.append(value),
            (other, Some(_)) => other.refuse(name),
        }
    }

    pub(super) fn time(&mut self, name: &'static str, value: Option<i64>) {
        self.bytes += 8;
        match (self.column(name, value.is_some()), value) {
            (_, None) => {}
            (ColumnBuilder::Time(column), Some(value)) => column.append_value(value),
            (other, Some(_)) => other.refuse(name),
        }
    }

    pub(super) fn int(&mut self, name: &'static str, value: Option<i64>) {
        self.bytes += 8;
        match (self.column(name, value.is_some()), value) {
            (_, None) => {}
            (ColumnBuilder::Int(column), Some(value)) => column.append_value(value),
            (other, Some(_)) => other.refuse(name),
        }
    }

    /// Appends a count to an `int` column.
    pub(super) fn count(&mut self, name: &'static str, value: u64) {
        self.int(name, Some(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    pub(super) fn boolean(&mut self, name: &'static str, value: Option<bool>) {
        self.bytes += 1;
        match (self.column(name, value.is_some()), value) {
            (_, None) => {}
            (ColumnBuilder::Bool(column), Some(value)) => column.append_value(value),
            (other, Some(_)) => other.refuse(name),
        }
    }

    /// Ends a row after all of its columns are appended.
    pub(super) fn end_row(&mut self) {
        debug_assert_eq!(self.next, self.columns.len(), "a row of {:?} ends early", self.table);
        self.next = 0;
        self.rows += 1;
    }

    /// Ends a row that belongs to a message of this time.
    pub(super) fn end_message_row(&mut self, message_time: Option<i64>) {
        self.bytes += 8;
        self.message_time.append_option(message_time);
        self.end_row();
    }

    /// Takes the pending rows; `None` if there are none.
    pub(super) fn take(&mut self, stamp: &Stamp) -> Option<Rows> {
        if self.rows == 0 {
            return None;
        }
        let exported_at =
            TimestampMicrosecondArray::from_value(stamp.exported_at, self.rows).with_timezone("UTC");
        let run_id = StringArray::from_iter_values(std::iter::repeat_n(stamp.run_id.as_str(), self.rows));
        let (exported_at, run_id): (ArrayRef, ArrayRef) = (Arc::new(exported_at), Arc::new(run_id));
        let rows = self.rows;
        let mut own = self.columns.iter_mut().map(|column| column.finish(rows));
        let columns = self.table.columns().iter().filter_map(|column| match column.name {
            EXPORTED_AT => Some(Arc::clone(&exported_at)),
            RUN_ID => Some(Arc::clone(&run_id)),
            _ => own.next(),
        });
        let columns = columns.collect();
        let times = self.message_time.finish();
        (self.rows, self.bytes) = (0, 0);
        let batch =
            RecordBatch::try_new(self.table.arrow(), columns).expect("built by the columns of its schema");
        Some(Rows { table: self.table, batch, message_time: self.table.is_per_message().then_some(times) })
    }

    /// The next column, filled up to the current row if a value follows.
    #[inline]
    fn column(&mut self, name: &'static str, has_value: bool) -> &mut ColumnBuilder {
        let column = &mut self.columns[self.next];
        debug_assert_eq!(column.name, name, "the columns of {:?}", self.table);
        self.next += 1;
        if has_value {
            column.fill_up(self.rows);
            column.filled = self.rows + 1;
        }
        &mut column.builder
    }
}

impl TableColumn {
    /// Appends nulls for the rows before this one that have no value.
    #[inline]
    fn fill_up(&mut self, row: usize) {
        if self.filled < row {
            self.builder.append_nulls(row - self.filled);
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.fill_up(rows);
        self.filled = 0;
        self.builder.finish()
    }
}

impl ColumnBuilder {
    fn new(name: &str, kind: Kind) -> Self {
        match kind {
            Kind::Str if REPEATED.contains(&name) => Self::Repeated(RepeatedText::default()),
            Kind::Str | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Ts => Self::Time(time_builder()),
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
        }
    }

    fn append_nulls(&mut self, count: usize) {
        match self {
            Self::Text(column) => column.append_nulls(count),
            Self::Repeated(column) => column.append_nulls(count),
            Self::Time(column) => column.append_nulls(count),
            Self::Int(column) => column.append_nulls(count),
            Self::Bool(column) => column.append_nulls(count),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => finish_text(column),
            Self::Repeated(column) => column.finish(),
            Self::Time(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
        }
    }

    fn refuse(&self, name: &'static str) -> ! {
        unreachable!("the column {name} is of another kind: {self:?}")
    }
}

/// Finishes a text column. The next batch will have about the same size, and growing step by step would copy each text
/// twice.
fn finish_text(column: &mut StringBuilder) -> ArrayRef {
    let (rows, bytes) = (column.len(), column.values_slice().len());
    let next = StringBuilder::with_capacity(rows + rows / 8, (bytes + bytes / 8).min(MOST_AHEAD));
    Arc::new(std::mem::replace(column, next).finish())
}

/// A text column whose values mostly equal the one before. Equal ones are counted, and appended together.
#[derive(Debug, Default)]
struct RepeatedText {
    column: StringBuilder,
    value: String,
    /// How often the value is still to be appended.
    count: usize,
}

impl RepeatedText {
    fn append(&mut self, value: &str) {
        if self.value != value {
            self.flush();
            value.clone_into(&mut self.value);
        }
        self.count += 1;
    }

    fn append_nulls(&mut self, count: usize) {
        self.flush();
        self.column.append_nulls(count);
    }

    fn flush(&mut self) {
        self.column.append_value_n(&self.value, std::mem::take(&mut self.count));
    }

    fn finish(&mut self) -> ArrayRef {
        self.flush();
        self.value = String::new();
        finish_text(&mut self.column)
    }
}

fn time_builder() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}
