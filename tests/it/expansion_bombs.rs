//! Small files that expand to half a gigabyte replace published files, and every hash fits.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::output::manifest::Latest;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;

use crate::support::export::{Export, Outcome, json, read, write};
use crate::support::service::Service;

/// Memory limit of a command in megabytes. The bomb has more.
const MOST: u64 = 512;
const LONGEST: Duration = Duration::from_mins(2);

/// The first row of a Parquet file, with a `contact_id` that needs more memory than the limit.
fn bomb(original: Vec<u8>) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(original)).unwrap();
    let key_values = reader.metadata().file_metadata().key_value_metadata().cloned();
    let row = reader.build().unwrap().next().unwrap().unwrap().slice(0, 1);
    let mut columns = row.columns().to_vec();
    let long: ArrayRef = Arc::new(StringArray::from(vec!["0".repeat(600 << 20)]));
    columns[row.schema().index_of("contact_id").unwrap()] = long;
    let row = RecordBatch::try_new(row.schema(), columns).unwrap();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(key_values)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), row.schema(), options).unwrap();
    writer.write(&row).unwrap();
    let bomb = writer.into_inner().unwrap();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    bomb
}

/// Replaces a file of the only run by a bomb. `entry` finds its entry in the manifest.
fn plant(out: &Path, entry: impl Fn(&mut Value) -> &mut Value, bomb: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut latest = Latest::parse(&std::fs::read(out.join("_runs/latest.json")).unwrap()).unwrap();
    let run = out.join("_runs").join(latest.run_id.as_str());
    let mut manifest = json(&run.join("manifest.json"));
    let file = entry(&mut manifest);
    let path = out.join(file["path"].as_str().unwrap());
    let bytes = bomb(std::fs::read(&path).unwrap());
    let sums = read(&run.join("checksums.sha256"));
    write(&run.join("checksums.sha256"), sums.replace(file["sha256"].as_str().unwrap(), &sha256(&bytes)));
    file["bytes"] = bytes.len().into();
    file["sha256"] = sha256(&bytes).into();
    file["rows"] = 1.into();
    write(&path, &bytes);
    let text = manifest.to_string();
    write(&run.join("manifest.json"), &text);
    latest.sha256 = sha256(text.as_bytes());
    write(&out.join("_runs/latest.json"), latest.to_json());
}

fn coverage(manifest: &mut Value) -> &mut Value {
    let mut files = manifest["files"].as_array_mut().unwrap().iter_mut();
    files.find(|file| file["table"] == "coverage").unwrap()
}

/// Runs a command, which must stay within its memory.
fn bounded(export: &Export) -> Outcome {
    let (outcome, most) = export.start().wait_watching_memory(LONGEST, || false);
    assert!(most < MOST, "{most} MiB; {}", outcome.stderr);
    outcome
}

fn command(name: &str, out: &Path) -> Export {
    Export::command(name).arg(&out.to_string_lossy())
}

#[test]
fn tables_that_expand_too_far_are_damaged() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    let out = export.expect(0).out;
    plant(&out, coverage, bomb);
    command("verify", &out).expect(0);
    let deep = bounded(&command("verify --deep", &out)).expect(8);
    assert!(deep.stderr.contains("contact_id has a page of 600 MiB"), "{}{}", deep.stdout, deep.stderr);
    let report = bounded(&command("report", &out)).expect(8);
    assert!(report.stderr.contains("contact_id has a page of 600 MiB"), "{}", report.stderr);
    // The lengths of histories are only a hint.
    bounded(&export).expect(0);
}

#[test]
fn a_state_that_expands_too_far_is_damaged() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--incremental");
    let out = export.expect(0).out;
    plant(&out, |manifest| &mut manifest["state"], bomb);
    bounded(&command("verify --deep", &out)).expect(8);
    let prune = bounded(&command("prune", &out).args("--keep-last 1")).expect(8);
    assert!(prune.stderr.contains("contact_id has a page of 600 MiB"), "{}", prune.stderr);
    let next = bounded(&export).expect(9);
    assert!(next.stderr.contains("contact_id has a page of 600 MiB"), "{}", next.stderr);
}

#[test]
fn lines_that_expand_too_far_are_damaged() {
    let service = Service::start("");
    let blanks = |mebibytes: u64| std::io::repeat(b' ').take(mebibytes << 20);
    for codec in ["gzip", "zstd"] {
        let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl --compression");
        let export = export.arg(codec);
        let out = export.expect(0).out;
        plant(&out, coverage, |_| {
            if codec == "zstd" {
                return zstd::encode_all(blanks(1024), 1).unwrap();
            }
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::copy(&mut blanks(600), &mut encoder).unwrap();
            encoder.finish().unwrap()
        });
        let deep = bounded(&command("verify --deep", &out)).expect(8);
        assert!(deep.stderr.contains("line 1 has more than 160 MiB"), "{}{}", deep.stdout, deep.stderr);
        bounded(&command("report", &out)).expect(8);
    }
}
