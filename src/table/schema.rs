//! The tables, the form of their columns (schema version 1), and batches of their rows.
//!
//! All code that needs columns reads them from here: builders, writers, manifest, `schema` and `verify`.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Version of the columns. It grows only if a column is added.
pub const SCHEMA_VERSION: u32 = 1;

/// A table of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// One row per contact that was read.
    Contacts,
    /// One row per conversation of a contact.
    Conversations,
    /// One row per message.
    Messages,
    /// One row per member of a message's record arrays.
    ChannelRecords,
    /// One row per requested contact.
    Coverage,
}

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, encoded in UTF-8.
    Str,
    /// Time in microseconds since 1970-01-01 UTC.
    Ts,
    /// A signed 64-bit integer.
    Int,
    /// The values true and false.
    Bool,
    /// JSON text in a string column. JSONL contains it as a value.
    Json,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name of the column in Parquet, JSONL and every SQL dialect.
    pub name: &'static str,
    /// Type of the values.
    pub kind: Kind,
    /// False if the program never writes null in it. In the files every column is nullable.
    pub nullable: bool,
    /// Meaning of the values in one sentence, in Markdown without links.
    pub meaning: &'static str,
    /// A value as JSONL has it, without the quotes of a string.
    pub example: &'static str,
}

impl Table {
    /// All tables in their order.
    pub const ALL: [Self; 5] =
        [Self::Contacts, Self::Conversations, Self::Messages, Self::ChannelRecords, Self::Coverage];

    /// Returns the name of the table and its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::ChannelRecords => "channel_records",
            Self::Coverage => "coverage",
        }
    }

    /// True if each row belongs to one message, so that partition keys of time and channel apply.
    pub fn is_per_message(self) -> bool {
        match self {
            Self::Messages | Self::ChannelRecords => true,
            Self::Contacts | Self::Conversations | Self::Coverage => false,
        }
    }

    /// Returns the Arrow schema. Every field is nullable (`docs/tables.md#files`), since readers see columns
    /// that older files lack as nulls.
    pub fn arrow(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 5]> = LazyLock::new(|| Table::ALL.map(build_schema));
        Arc::clone(&SCHEMAS[self as usize])
    }
}

impl Kind {
    /// Returns the Arrow type of a column of this kind.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Str | Self::Json => DataType::Utf8,
            Self::Ts => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int => DataType::Int64,
            Self::Bool => DataType::Boolean,
        }
    }

    /// Returns the word for the kind in texts for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Str => "text",
            Self::Ts => "time",
            Self::Int => "integer",
            Self::Bool => "boolean",
            Self::Json => "JSON",
        }
    }

    /// Returns the name of the kind in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Ts => "ts",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Json => "json",
        }
    }
}

fn build_schema(table: Table) -> SchemaRef {
    let field = |column: &Column| Field::new(column.name, column.kind.arrow(), true);
    Arc::new(Schema::new(table.columns().iter().map(field).collect::<Vec<_>>()))
}

/// Rows of one table in their final order, on the way from the builders to a writer.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Table that the rows belong to.
    pub table: Table,
    /// Columns of the rows, as in [`Table::arrow`].
    pub batch: RecordBatch,
    /// The `created_at` of each row's message, which `year`, `month` and `date` partition by. Null if the
    /// message has no time; `None` if [`Table::is_per_message`] is false.
    pub message_time: Option<TimestampMicrosecondArray>,
}

impl Rows {
    /// Returns these rows, which share the memory of all.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let (start, length) = (rows.start, rows.len());
        Self {
            table: self.table,
            batch: self.batch.slice(start, length),
            message_time: self.message_time.as_ref().map(|times| times.slice(start, length)),
        }
    }
}
