//! The five tables: their columns, and the conversion of API records to rows.
//!
//! A page's contact, conversations and messages arrive as slices of its text. [`Builders`] fits each field
//! into its column (`value`, `time`), and collects fields without a column in `extra`. It also lifts known
//! fields out of channel records (`payload`), and returns the rows as Arrow batches.
//!
//! Layer 2: knows the shapes of responses and Arrow, but nothing of HTTP or files.

mod builders;
mod columns;
mod contacts;
mod conversations;
mod counts;
mod coverage;
mod definitions;
mod describe;
mod extra;
mod keys;
mod messages;
mod payload;
mod records;
pub mod schema;
#[cfg(test)]
mod tests;
mod unknown;
mod value;

pub use builders::{Builders, Stamp, Totals};
pub use contacts::ContactInput;
pub use conversations::ConversationColumns;
pub use counts::Counts;
pub use coverage::CoverageRow;
pub use describe::{SchemaFormat, schema_document};
pub use keys::{NOTES, SAMPLE_JOINS, diagram, plain};
pub use messages::{created_at, message_order};
pub use payload::{Marks, marks};
pub use schema::{Column, Kind, Rows, Table};

pub use unknown::UnknownFields;
