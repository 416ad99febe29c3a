//! The writer on its thread writes what the writer itself would, and does not outlive who drives it.

use std::fs;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::fixture::*;
use crate::output::{OutputError, OutputSpec, WriterThread};
use crate::table::{Rows, Table};

fn start(spec: &OutputSpec, staging: &tempfile::TempDir) -> WriterThread {
    WriterThread::start(spec, Table::Messages, staging.path()).unwrap()
}

#[test]
fn it_writes_what_the_writer_would() {
    let contacts: Vec<Vec<_>> =
        (0..50).map(|contact| (0..40).map(|n| message(contact, n)).collect()).collect();
    let contacts: Vec<_> = contacts.iter().map(Vec::as_slice).collect();
    for format in FORMATS {
        let spec = spec(format, &[], 5_000);
        let (alone, apart) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = write(&spec, alone.path(), &contacts);
        assert!(files.len() > 1, "{format:?}");
        let mut writer = start(&spec, &apart);
        for messages in contacts.iter().copied() {
            writer.write(rows(messages)).unwrap();
            writer.end_contact().unwrap();
            writer.end_contact().unwrap(); // a contact without rows
        }
        writer.begin_finish().unwrap();
        assert_eq!(writer.finish().unwrap(), files, "{format:?}");
        assert_eq!(tree(apart.path()), tree(alone.path()), "{format:?}");
    }
}

#[test]
fn dropped_in_the_middle_its_thread_has_ended() {
    let staging = tempfile::tempdir().unwrap();
    let mut writer = start(&spec(FORMATS[0], &[], 1), &staging);
    for contact in 0..20 {
        writer.write(rows(&[message(contact, 0)])).unwrap();
        writer.end_contact().unwrap();
    }
    drop(writer);
    assert_eq!(tree(staging.path()).len(), 20, "what was handed over is written, and nobody writes any more");
}

#[test]
fn an_error_comes_back_with_a_later_call() {
    let staging = tempfile::tempdir().unwrap();
    fs::OpenOptions::new().create(true).append(true).open(staging.path().join("messages")).unwrap();
    let mut writer = start(&spec(FORMATS[0], &[], 1), &staging);
    // The queue is short: soon there is nobody to take the rows.
    let mut hand_over = |n| writer.write(rows(&[message(0, n)])).and_then(|()| writer.end_contact());
    let error = (0..).find_map(|n| hand_over(n).err()).unwrap();
    assert!(matches!(error, OutputError::Storage(_)), "{error:?}");
    assert!(error.to_string().ends_with("messages"), "{error}");
}

#[test]
#[should_panic(expected = "string array")]
fn a_panic_goes_on_in_the_caller() {
    let staging = tempfile::tempdir().unwrap();
    let mut writer = start(&spec(FORMATS[3], &[], 1), &staging);
    let schema = Schema::new(vec![Field::new("message_id", DataType::Int64, true)]);
    let batch = RecordBatch::try_new(schema.into(), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    writer.write(Rows { table: Table::Messages, batch, message_time: None }).unwrap();
    // The rows are on their way; the thread cannot do as it is told.
    drop(writer.begin_finish());
    drop(writer.finish());
}
