//! Reads the published files of the tables. Parquet and JSONL become the same batches of rows.
//!
//! Other programs may write to the disk, so a manifest may be edited and a file replaced. [`open()`] accepts
//! only a regular file of the recorded size. [`Batches`] reads it in bounded memory, and compares its columns
//! and its number of rows with the manifest. It compares the SHA-256 only if
//! told to ([`unchanged_batches`]).
//!
//! [`columns`] maps the columns of a file to those of its table. [`parquet`] and [`lines`] read the two
//! formats. [`row`] reads one line, and [`long_line`] one that is too long to be held in memory, by the tokens of
//! [`scanner`].
//!
//! Layer 2: uses manifests, tables and layer 1.

mod batches;
mod columns;
mod error;
mod lines;
mod long_line;
mod open;
mod parquet;
mod row;
mod scanner;
#[cfg(test)]
mod tests;
mod values;

pub use batches::{Batches, Wanted, batches, unchanged_batches};
pub use columns::{columns_of_file, files_of, table_of};
pub use error::ReadError;
pub use lines::count_lines;
pub use open::open;
