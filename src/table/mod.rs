//! The five tables: their columns, and how records of the API become rows of them.
//!
//! Layer 2: knows the wire shapes and Arrow, and nothing of HTTP or files.

pub mod schema;

pub use schema::{Column, Kind, Rows, Table};
