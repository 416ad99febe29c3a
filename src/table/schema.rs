//! The tables and the form of their columns (schema version 1), and batches of their rows.
//!
//! Everything that names a column reads it from here: builders, writers, manifest, `schema` and `verify`.

use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The version of the columns: grows when a column is added, never for anything else.
pub const SCHEMA_VERSION: u32 = 1;

/// One of the tables of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// One row for each contact that was read.
    Contacts,
    /// One row for each conversation of a contact.
    Conversations,
    /// One row for each message.
    Messages,
    /// One row for each member of a message's record arrays.
    ChannelRecords,
    /// One row for each contact asked for.
    Coverage,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Str,
    /// Microseconds since 1970-01-01 UTC.
    Ts,
    /// A signed 64-bit integer.
    Int,
    /// True or false.
    Bool,
    /// JSON text in a string column; embedded as a value in JSONL.
    Json,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, the same in Parquet, JSONL and every dialect.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// False if the exporter never writes null in it. In the files every column is nullable.
    pub nullable: bool,
    /// Meaning of the values in one line, in Markdown without links.
    pub meaning: &'static str,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 5] =
        [Self::Contacts, Self::Conversations, Self::Messages, Self::ChannelRecords, Self::Coverage];

    /// The table's name, which is its folder's too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::ChannelRecords => "channel_records",
            Self::Coverage => "coverage",
        }
    }

    /// Whether the time and channel partition keys apply: its rows belong to one message.
    pub fn is_per_message(self) -> bool {
        match self {
            Self::Messages | Self::ChannelRecords => true,
            Self::Contacts | Self::Conversations | Self::Coverage => false,
        }
    }

    /// Its Arrow schema. Every field is nullable (`docs/tables.md#files`): readers of older files meet added columns as nulls.
    pub fn arrow(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 5]> = LazyLock::new(|| Table::ALL.map(build_schema));
        Arc::clone(&SCHEMAS[self as usize])
    }
}

impl Kind {
    /// The Arrow type of a column of this kind.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Str | Self::Json => DataType::Utf8,
            Self::Ts => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int => DataType::Int64,
            Self::Bool => DataType::Boolean,
        }
    }

    /// Its name in the manifest.
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

/// Some rows of one table, in their final order, on the way from the builders to a writer.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Whose rows they are.
    pub table: Table,
    /// The columns, as in [`Table::arrow`].
    pub batch: RecordBatch,
    /// The `created_at` of each row's message: what `year`, `month` and `date` partition by. Null where the message
    /// has no time; absent where [`Table::is_per_message`] is false.
    pub message_time: Option<TimestampMicrosecondArray>,
}
