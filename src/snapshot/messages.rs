//! The messages of the contact that is being copied: their times and their order, for its records.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::datatypes::TimestampMicrosecondType;
use xxhash_rust::xxh3::xxh3_128;

use super::choice::text;

/// Positions and times of a contact's messages, by the fingerprints of their IDs.
#[derive(Default)]
pub(super) struct MessageTimes(HashMap<u128, (u32, Option<i64>)>);

impl MessageTimes {
    /// Forgets the messages of the previous contact.
    pub(super) fn clear(&mut self) {
        // The next contact may be small, and memory of a long history must not stay.
        self.0 = HashMap::new();
    }

    /// Adds messages in their order.
    pub(super) fn add(&mut self, messages: &RecordBatch) {
        let times = created_at(messages);
        for row in 0..messages.num_rows() {
            let id = text(messages, "message_id", row).unwrap_or_default();
            let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
            let time = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            self.0.entry(xxh3_128(id.as_bytes())).or_insert((next, time));
        }
    }

    fn of(&self, records: &RecordBatch, row: usize) -> Option<(u32, Option<i64>)> {
        let id = text(records, "message_id", row).unwrap_or_default();
        self.0.get(&xxh3_128(id.as_bytes())).copied()
    }

    /// Returns the time of each record's message.
    pub(super) fn times_of(&self, records: &RecordBatch) -> TimestampMicrosecondArray {
        let rows = 0..records.num_rows();
        let times: TimestampMicrosecondArray = rows.map(|row| self.of(records, row)?.1).collect();
        times.with_timezone("UTC")
    }

    /// Returns the position of each record's message.
    pub(super) fn positions_of(&self, records: &RecordBatch) -> UInt32Array {
        let rows = 0..records.num_rows();
        rows.map(|row| self.of(records, row).map(|(position, _)| position)).collect()
    }
}

/// Returns the creation time of each message.
pub(super) fn created_at(messages: &RecordBatch) -> Option<&TimestampMicrosecondArray> {
    let times: &ArrayRef = messages.column_by_name("created_at")?;
    times.as_primitive_opt::<TimestampMicrosecondType>()
}
