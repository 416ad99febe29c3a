//! Tests of sorting, in memory and on disk.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt32Type};
use proptest::prelude::*;

use super::sort::Sorter;

/// A row: two keys, and a text that tells rows apart.
type Row = (Option<u32>, Option<i64>, String);

fn batch(rows: &[Row]) -> RecordBatch {
    let fields = [("a", DataType::UInt32), ("b", DataType::Int64), ("text", DataType::Utf8)];
    let fields: Vec<_> = fields.map(|(name, kind)| Field::new(name, kind, true)).into();
    let columns: [Arc<dyn Array>; 3] = [
        Arc::new(rows.iter().map(|row| row.0).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.2))),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into()).unwrap()
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let (a, b) = (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1).as_primitive::<Int64Type>());
    let text = batch.column(2).as_string::<i32>();
    let row = |at: usize| {
        (a.is_valid(at).then(|| a.value(at)), b.is_valid(at).then(|| b.value(at)), text.value(at).to_owned())
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Sorts rows that come in batches of this length, with this much memory.
fn sorted(all: &[Row], length: usize, memory: u64, merge: usize) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let mut sorter = Sorter::with_memory(folder.path(), &["a", "b"], memory, merge);
    for part in all.chunks(length) {
        sorter.push(batch(part)).unwrap();
    }
    let found = sorter.finish().unwrap().flat_map(|batch| rows(&batch.unwrap())).collect();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays on the disk");
    found
}

/// The order that is expected: by both keys, nulls last. Equal rows keep their order.
fn expected(all: &[Row]) -> Vec<Row> {
    let mut all = all.to_vec();
    all.sort_by_key(|(a, b, _)| (a.is_none(), *a, b.is_none(), *b));
    all
}

fn numbered(keys: &[(Option<u32>, Option<i64>)]) -> Vec<Row> {
    keys.iter().enumerate().map(|(at, (a, b))| (*a, *b, format!("{at}"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_are_sorted_in_memory_and_on_disk(
        keys in proptest::collection::vec((proptest::option::of(0..4_u32), proptest::option::of(-3..3_i64)), 0..300),
        length in 1..50_usize,
        memory in 1..4000_u64,
    ) {
        let all = numbered(&keys);
        // With so little memory for a merge, two extents are merged at a time, in several levels.
        for (memory, merge) in [(u64::MAX, usize::MAX), (memory, usize::MAX), (memory, 1)] {
            prop_assert_eq!(sorted(&all, length, memory, merge), expected(&all));
        }
    }
}

#[test]
fn long_rows_are_sorted_one_by_one() {
    let row = |at: u32| (Some(9 - at % 10), None, at.to_string().repeat(400_000));
    let all: Vec<Row> = (0..20).map(row).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut sorter = Sorter::with_memory(folder.path(), &["a", "b"], 1 << 20, 1 << 20);
    for part in all.chunks(3) {
        sorter.push(batch(part)).unwrap();
    }
    let batches: Vec<_> = sorter.finish().unwrap().map(Result::unwrap).collect();
    assert!(batches.iter().all(|batch| batch.num_rows() == 1));
    assert!(batches.iter().flat_map(rows).eq(expected(&all)));
}
