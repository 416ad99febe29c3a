//! The parts of Apache Arrow that the exporter uses, under the paths of the crate `arrow`.
//!
//! That crate also compiles casts, arithmetic, comparisons and string functions, which nothing here calls.

/// Arrays, their builders, and rows of them.
pub mod array {
    pub use arrow_array::builder::*;
    pub use arrow_array::cast::*;
    pub use arrow_array::*;
}

/// Functions on arrays.
pub mod compute {
    pub use arrow_schema::SortOptions;
    pub use arrow_select::concat::*;
    pub use arrow_select::filter::*;
    pub use arrow_select::interleave::*;
    pub use arrow_select::take::*;
}

/// Types of columns.
pub mod datatypes {
    pub use arrow_array::types::*;
    pub use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
}

/// Errors of all functions.
pub mod error {
    pub use arrow_schema::ArrowError;
}

/// Rows of several columns.
pub mod record_batch {
    pub use arrow_array::{RecordBatch, RecordBatchReader};
}

pub use arrow_ipc as ipc;
pub use arrow_row as row;
