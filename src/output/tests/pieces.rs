//! Tests of pieces: they are written at their position, whenever they were encoded.

use std::fs::{self, File};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::RowGroupMetaData;

use super::fixture::*;
use crate::output::{PieceOrder, TableWriter};
use crate::settings::{Format, PartitionKey};
use crate::table::Table;

fn parquet() -> impl Iterator<Item = Format> {
    FORMATS.into_iter().filter(|format| matches!(format, Format::Parquet(_)))
}

/// Pieces of contact 1, between two contacts with a few messages.
fn pieces() -> Vec<Vec<Message>> {
    [0..700, 700..3700, 3700..6700].map(|numbers| numbers.map(|number| message(1, number)).collect()).into()
}

fn make(writer: &mut TableWriter, number: u32, messages: &[Message], rows_at_once: usize) {
    for some in messages.chunks(rows_at_once) {
        writer.piece(PieceOrder::Write(number, rows(some))).unwrap();
    }
    writer.piece(PieceOrder::End(number)).unwrap();
}

#[test]
fn pieces_encoded_early_or_late_give_the_same_bytes() {
    let few = |contact| (0..30).map(|number| message(contact, number)).collect::<Vec<_>>();
    let (before, after, pieces) = (few(0), few(2), pieces());
    for format in parquet() {
        let spec = spec(format, &[], 1 << 30);
        let written = [false, true].map(|early| {
            let staging = tempfile::tempdir().unwrap();
            let mut writer = TableWriter::new(&spec, Table::Messages, staging.path());
            if early {
                // Newest first, before the rows that precede them. One piece is never placed.
                make(&mut writer, 7, &pieces[1][..500], 100);
                make(&mut writer, 5, &pieces[2], 1000);
                make(&mut writer, 6, &pieces[1], 77);
            }
            writer.write(&rows(&before)).unwrap();
            writer.end_contact().unwrap();
            for (number, piece) in (0_u32..).zip(&pieces) {
                let number = if early && number > 0 { 7 - number } else { number };
                if !early || number == 0 {
                    make(&mut writer, number, piece, 3000);
                }
                writer.piece(PieceOrder::Put(number)).unwrap();
            }
            writer.piece(PieceOrder::DropAll).unwrap();
            writer.end_contact().unwrap();
            writer.write(&rows(&after)).unwrap();
            let files = writer.finish().unwrap();
            let read = read(staging.path(), &files[0]);
            let file = File::open(staging.path().join(&files[0].path)).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            let groups: Vec<_> =
                reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
            (files, tree(staging.path()), read, groups)
        });
        let all: Vec<_> = before.iter().chain(pieces.iter().flatten()).chain(&after).map(expected).collect();
        assert_eq!(ids(&written[0].2), ids(&all), "{format:?}");
        assert_eq!(written[0].3, [30, 700, 3000, 3000, 30], "{format:?}: a group each");
        assert!(written[0] == written[1], "{format:?}: the same bytes, and nothing else is left");
    }
}

#[test]
fn a_large_piece_is_cut_into_groups_and_waits_on_disk() {
    let staging = tempfile::tempdir().unwrap();
    let text = "x".repeat(1 << 20);
    let large: Vec<_> =
        (0..40).map(|number| Message { content: Some(text.clone()), ..message(0, number) }).collect();
    let mut writer = TableWriter::new(&spec(FORMATS[0], &[], 1), Table::Messages, staging.path());
    make(&mut writer, 0, &large, 3);
    assert!(tree(staging.path()).is_empty(), "the temporary file has no name");
    writer.piece(PieceOrder::Put(0)).unwrap();
    writer.end_contact().unwrap();
    let files = writer.finish().unwrap();
    assert_eq!(ids(&read(staging.path(), &files[0])).len(), 40);
    let file = File::open(staging.path().join(&files[0].path)).unwrap();
    let groups = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().metadata().num_row_groups();
    assert_eq!(groups, 2);
}

#[test]
fn pieces_that_were_not_placed_leave_nothing() {
    let staging = tempfile::tempdir().unwrap();
    let mut writer = TableWriter::new(&spec(FORMATS[0], &[], 1), Table::Messages, staging.path());
    make(&mut writer, 0, &pieces()[0], 100);
    writer.piece(PieceOrder::DropAll).unwrap();
    writer.piece(PieceOrder::Put(0)).unwrap();
    writer.end_contact().unwrap();
    assert_eq!(writer.finish().unwrap(), []);
    assert!(tree(staging.path()).is_empty());
}

#[test]
fn pieces_require_row_groups_and_one_open_file() {
    let has = |format, keys: &[PartitionKey]| spec(format, keys, 1).has_pieces();
    assert!(has(FORMATS[0], &[]) && has(FORMATS[1], &[PartitionKey::Run, PartitionKey::ExportDate]));
    assert!(!has(FORMATS[0], &[PartitionKey::Month]) && !has(FORMATS[0], &[PartitionKey::Channel]));
    assert!(!has(FORMATS[3], &[]));
}

#[test]
fn an_error_of_the_file_system_names_the_folder() {
    let staging = tempfile::tempdir().unwrap();
    let gone = staging.path().join("gone");
    let mut writer = TableWriter::new(&spec(FORMATS[0], &[], 1), Table::Messages, &gone);
    let error = writer.piece(PieceOrder::Write(0, rows(&[message(0, 0)]))).unwrap_err();
    assert!(matches!(error, crate::output::OutputError::Storage(_)), "{error:?}");
    assert!(error.to_string().ends_with("gone"), "{error}");
    assert!(fs::metadata(&gone).is_err());
}
