//! Values of one column of a JSONL file, on the way to a batch.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Int64Builder, NullArray, StringBuilder,
    TimestampMicrosecondBuilder,
};

use crate::table::{Column, Kind};

/// The values of a column since the last batch.
pub(super) enum Values {
    /// The column is checked, but not read.
    Skipped,
    Text(StringBuilder),
    /// JSON text.
    Json(JsonValues),
    Time(TimestampMicrosecondBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
}

/// The values of a `json` column.
pub(super) struct JsonValues {
    texts: StringBuilder,
    /// False if `null` is a value like any other.
    nullable: bool,
}

impl Values {
    pub(super) fn new(column: Option<&Column>) -> Self {
        let Some(Column { kind, nullable, .. }) = column else { return Self::Skipped };
        match kind {
            Kind::Str => Self::Text(StringBuilder::new()),
            Kind::Json => Self::Json(JsonValues { texts: StringBuilder::new(), nullable: *nullable }),
            Kind::Ts => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
        }
    }

    /// Returns the approximate memory of the values.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Skipped => 0,
            Self::Text(texts) | Self::Json(JsonValues { texts, .. }) => texts.values_slice().len(),
            Self::Time(times) => times.len() * 8,
            Self::Int(ints) => ints.len() * 8,
            Self::Bool(bools) => bools.len(),
        }
    }

    /// Takes the values.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Skipped => Arc::new(NullArray::new(0)),
            Self::Text(texts) | Self::Json(JsonValues { texts, .. }) => Arc::new(texts.finish()),
            Self::Time(times) => Arc::new(times.finish()),
            Self::Int(ints) => Arc::new(ints.finish()),
            Self::Bool(bools) => Arc::new(bools.finish()),
        }
    }
}

impl JsonValues {
    /// Appends the JSON text of a value.
    pub(super) fn push(&mut self, text: &str) {
        let is_null = self.nullable && text == "null";
        self.texts.append_option((!is_null).then_some(text));
    }
}
