//! The five tables: their columns, and how records of the API become rows of them.
//!
//! A page's contact, conversations and messages come in as slices of its text; [`Builders`] fits each field into its
//! column (`value`, `time`), gathers what has none in `extra`, lifts what it knows out of the channel records
//! (`payload`), and hands the rows out as Arrow batches.
//!
//! Layer 2: knows the wire shapes and Arrow, and nothing of HTTP or files.

mod builders;
mod columns;
mod contacts;
mod conversations;
mod counts;
mod coverage;
mod definitions;
mod describe;
mod extra;
mod messages;
mod payload;
mod records;
pub mod schema;
#[cfg(test)]
mod tests;
mod time;
mod unknown;
mod value;

pub use builders::{Builders, Stamp, Totals};
pub use contacts::ContactInput;
pub use conversations::ConversationColumns;
pub use counts::Counts;
pub use coverage::CoverageRow;
pub use describe::{SchemaFormat, schema_document};
pub use messages::{created_at, message_order};
pub use schema::{Column, Kind, Rows, Table};
pub use time::{format_time, parse_time, read_time};
pub use unknown::UnknownFields;
