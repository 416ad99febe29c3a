//! Tests of the writer thread: it writes the same files as the writer alone, and ends with its owner.

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
fn the_thread_writes_the_same_files_as_the_writer() {
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
fn dropping_it_waits_for_the_thread() {
    let staging = tempfile::tempdir().unwrap();
    let mut writer = start(&spec(FORMATS[0], &[], 1), &staging);
    for contact in 0..20 {
        writer.write(rows(&[message(contact, 0)])).unwrap();
        writer.end_contact().unwrap();
    }
    drop(writer);
    assert_eq!(tree(staging.path()).len(), 20, "all sent rows are written, and the thread has ended");
}

#[test]
fn an_error_comes_back_with_a_later_call() {
    let staging = tempfile::tempdir().unwrap();
    fs::OpenOptions::new().create(true).append(true).open(staging.path().join("messages")).unwrap();
    let mut writer = start(&spec(FORMATS[0], &[], 1), &staging);
    // The queue is short, so the closed channel is soon noticed.
    let mut hand_over = |n| writer.write(rows(&[message(0, n)])).and_then(|()| writer.end_contact());
    let error = (0..).find_map(|n| hand_over(n).err()).unwrap();
    assert!(matches!(error, OutputError::Storage(_)), "{error:?}");
    assert!(error.to_string().ends_with("messages"), "{error}");
}

#[test]
#[should_panic(expected = "string array")]
fn a_panic_resumes_in_the_caller() {
    let staging = tempfile::tempdir().unwrap();
    let mut writer = start(&spec(FORMATS[3], &[], 1), &staging);
    let schema = Schema::new(vec![Field::new("message_id", DataType::Int64, true)]);
    let batch = RecordBatch::try_new(schema.into(), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    writer.write(Rows { table: Table::Messages, batch, message_time: None }).unwrap();
    // The thread panics on these rows.
    drop(writer.begin_finish());
    drop(writer.finish());
}
