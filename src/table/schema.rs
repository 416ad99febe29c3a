//! The columns of the tables, in the order of the contract (schema version 1), and batches of their rows.
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
    /// Whether the exporter ever writes null in it. In the files every column is nullable.
    pub nullable: bool,
}

const fn null(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

const fn not_null(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

use Kind::{Bool, Int, Json, Str, Ts};

const CONTACTS: &[Column] = &[
    not_null("contact_id", Str),
    null("user_email_id", Str),
    null("first_name", Str),
    null("last_name", Str),
    null("phone_number", Str),
    null("created_at", Ts),
    null("last_interacted_at", Ts),
    null("contact_queries", Int),
    null("is_blacklisted", Bool),
    null("is_frozen", Bool),
    null("frozen_until", Ts),
    not_null("conversation_count", Int),
    not_null("message_count", Int),
    null("first_message_at", Ts),
    null("last_message_at", Ts),
    null("extra", Json),
    not_null("exported_at", Ts),
    not_null("run_id", Str),
];

const CONVERSATIONS: &[Column] = &[
    not_null("conversation_id", Str),
    not_null("contact_id", Str),
    null("conversation_status", Str),
    null("conversation_type", Str),
    null("assigned_to", Str),
    null("chatbot_id", Str),
    not_null("message_count", Int),
    null("first_message_at", Ts),
    null("last_message_at", Ts),
    null("extra", Json),
    not_null("exported_at", Ts),
    not_null("run_id", Str),
];

const MESSAGES: &[Column] = &[
    not_null("message_id", Str),
    null("conversation_id", Str),
    not_null("contact_id", Str),
    null("message_order", Int),
    null("role", Str),
    null("content", Str),
    null("created_at", Ts),
    null("channel", Str),
    null("conversation_type", Str),
    null("conversation_status", Str),
    null("assigned_to", Str),
    null("chatbot_id", Str),
    null("extra", Json),
    not_null("exported_at", Ts),
    not_null("run_id", Str),
];

const CHANNEL_RECORDS: &[Column] = &[
    not_null("record_id", Str),
    not_null("message_id", Str),
    null("conversation_id", Str),
    not_null("contact_id", Str),
    not_null("channel", Str),
    not_null("record_index", Int),
    null("status", Str),
    null("created_at", Ts),
    null("event_at", Ts),
    null("event_type", Str),
    null("message_type", Str),
    null("direction", Str),
    null("platform_message_id", Str),
    null("related_message_id", Str),
    null("sender_id", Str),
    null("recipient_id", Str),
    null("text", Str),
    null("template_name", Str),
    null("media_id", Str),
    null("media_url", Str),
    null("media_mime_type", Str),
    null("error_code", Int),
    null("error_title", Str),
    null("error_details", Str),
    null("pricing_category", Str),
    not_null("raw", Json),
    not_null("exported_at", Ts),
    not_null("run_id", Str),
];

const COVERAGE: &[Column] = &[
    not_null("contact_id", Str),
    not_null("status", Str),
    not_null("messages", Int),
    not_null("pages", Int),
    not_null("requests", Int),
    not_null("retries", Int),
    not_null("rereads", Int),
    null("end", Str),
    null("first_message_at", Ts),
    null("last_message_at", Ts),
    null("fetch_started_at", Ts),
    null("fetch_finished_at", Ts),
    null("error", Str),
    null("input_line", Int),
    not_null("exported_at", Ts),
    not_null("run_id", Str),
];

impl Table {
    /// All tables, in the order of the contract.
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

    /// Its columns, in their order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Contacts => CONTACTS,
            Self::Conversations => CONVERSATIONS,
            Self::Messages => MESSAGES,
            Self::ChannelRecords => CHANNEL_RECORDS,
            Self::Coverage => COVERAGE,
        }
    }

    /// Whether the time and channel partition keys apply: its rows belong to one message.
    pub fn is_per_message(self) -> bool {
        match self {
            Self::Messages | Self::ChannelRecords => true,
            Self::Contacts | Self::Conversations | Self::Coverage => false,
        }
    }

    /// Its Arrow schema. Every field is nullable (contract): readers of older files meet added columns as nulls.
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

    /// The name the contract and the manifest use for it.
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
