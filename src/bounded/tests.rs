//! Tests with small files that claim much memory, and with usual files.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use super::*;

fn file(columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = properties.set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn open(bytes: &[u8]) -> Result<Input> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Input::open(file)
}

fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<StringArray>())
}

/// Returns the number of rows of the largest batch, and of all batches.
fn read(bytes: &[u8]) -> Result<(usize, usize)> {
    let (mut max, mut all) = (0, 0);
    for batch in open(bytes)?.rows(None)? {
        let batch = batch?;
        assert!(batch.get_array_memory_size() < 128 << 20, "{}", batch.get_array_memory_size());
        max = max.max(batch.num_rows());
        all += batch.num_rows();
    }
    Ok((max, all))
}

#[test]
fn usual_files_are_read_in_whole_batches() {
    for dictionary in [true, false] {
        let ids = texts((0..40_000).map(|at| format!("096662f6-5acc-4699-923c-{:012}", at / 3)));
        let numbers: ArrayRef =
            Arc::new((0..40_000).map(|at| (at % 7 > 0).then_some(at)).collect::<Int64Array>());
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(dictionary)
            .set_write_page_header_statistics(true)
            .set_data_page_size_limit(128 << 10);
        let bytes = file(vec![("id", ids.clone()), ("number", numbers.clone())], properties);
        assert_eq!(read(&bytes).unwrap(), (1024, 40_000));
        let batch = open(&bytes).unwrap().rows(Some(&["id"])).unwrap().last().unwrap().unwrap();
        assert_eq!(
            (batch.num_columns(), batch.column(0).as_string::<i32>().value(0)),
            (1, {
                let first = 40_000 - batch.num_rows();
                ids.as_string::<i32>().value(first)
            })
        );
    }
}

#[test]
fn a_page_that_expands_too_far_is_rejected_unread() {
    let bytes = file(
        vec![("id", texts(["0".repeat(161 << 20)]))],
        WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None),
    );
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("column id has a page of 161 MiB"), "{error}");
}

/// Each column is within the limit, but together they exceed it.
#[test]
fn pages_that_expand_too_far_together_are_rejected() {
    let large = || texts(["0".repeat(60 << 20)]);
    let none = WriterProperties::builder().set_dictionary_enabled(false);
    let bytes = file(vec![("a", large()), ("b", large()), ("c", large())], none);
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("more than 160 MiB, up to column c"), "{error}");
    let rows = open(&bytes).unwrap().rows(Some(&["a", "c"])).unwrap();
    assert_eq!(rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1, "other columns are not read");
}

/// A dictionary with one long text that each row repeats, and long texts in their own pages.
#[test]
fn long_values_make_small_batches() {
    let long = "0".repeat(4 << 20);
    let repeated = texts(std::iter::repeat_n(long.clone(), 100));
    let dictionary = WriterProperties::builder().set_dictionary_page_size_limit(64 << 20);
    let bytes = file(vec![("id", repeated.clone())], dictionary);
    assert_eq!(read(&bytes).unwrap(), (8, 100));
    let plain = WriterProperties::builder().set_dictionary_enabled(false).set_write_batch_size(1);
    let bytes = file(vec![("id", repeated)], plain.set_data_page_size_limit(1 << 20));
    assert!(bytes.len() < 200_000, "{}", bytes.len());
    let (max, all) = read(&bytes).unwrap();
    assert!((1..=16).contains(&max) && all == 100, "{max} {all}");
}

/// Each text repeats the previous one as its prefix, which takes two bytes.
#[test]
fn encodings_that_repeat_the_previous_text_are_rejected() {
    let repeated = texts(std::iter::repeat_n("0".repeat(1 << 20), 50));
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let bytes = file(vec![("id", repeated)], properties.set_encoding(Encoding::DELTA_BYTE_ARRAY));
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("encoding that chatzy-export never writes"), "{error}");
}

#[test]
fn damaged_files_are_errors() {
    let properties = WriterProperties::builder().set_write_page_header_statistics(true);
    let bytes = file(vec![("id", texts((0..3000).map(|at| format!("c{at}"))))], properties);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] = damaged[at].wrapping_add(1 + u8::try_from(at % 255).unwrap());
        drop(read(&damaged)); // neither a panic nor much memory
        drop(open(&bytes[..at]).map(|_| ()));
    }
    let mut long = bytes;
    long.splice(4..4, vec![0; 5 << 20]);
    let end = long.len();
    long[end - 8..end - 4].copy_from_slice(&(5_u32 << 20).to_le_bytes());
    let error = open(&long).err().unwrap().to_string();
    assert!(error.contains("footer has more than 4 MiB"), "{error}");
}
