//! Damage by somebody who makes every hash fit: entries, `checksums.sha256`, the manifests of later runs,
//! `latest.json`.
//!
//! `verify` does not promise to find it (`docs/guarantees.md#not-promised`) until manifests are signed:
//! consistent rows and manifest are simply another export. It finds contradictions: rows that do not fit each
//! other, `coverage` or the counts of the manifest, and manifests that contradict themselves.
//!
//! Forgeries without a contradiction are not promised and not tried here. Examples are another text of a
//! message, the options, times, request counts and program name in a manifest, and a removed last record of a
//! message. Further examples are records of several messages in another order, and a removed newest run with
//! an older `latest.json`.

use std::io::{Read, Write};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use bytes::Bytes;
use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::output::manifest::{Latest, Manifest, Status};
use chatzy_export::internals::table::Table;
use fastrand::Rng;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::harms::{Done, done};
use super::scene::{FoundBy, Scene};

/// Rewrites the manifest of a run and everything that depends on its hash.
fn forge(scene: &mut Scene, run: usize, manifest: &Manifest) {
    let mut text = manifest.to_json();
    let failed = scene.run_file(run, "failed.csv");
    let mut sums: Vec<_> =
        manifest.files.iter().map(|file| (file.sha256.clone(), file.path.as_str())).collect();
    sums.extend(scene.files.get(&failed).map(|text| (sha256(text), failed.as_str())));
    let sums: String = sums.iter().map(|(hash, path)| [hash, "  ", path, "\n"].concat()).collect();
    scene.put(&scene.run_file(run, "checksums.sha256"), sums);
    scene.put(&scene.run_file(run, "manifest.json"), &text);
    for later in run + 1..scene.runs.len() {
        let mut manifest = scene.manifest(later);
        manifest.previous.as_mut().expect("a run before").sha256 = sha256(&text);
        text = manifest.to_json();
        scene.put(&scene.run_file(later, "manifest.json"), &text);
    }
    let mut latest = Latest::parse(&scene.files["_runs/latest.json"]).expect("latest.json");
    latest.sha256 = sha256(&text);
    scene.put("_runs/latest.json", latest.to_json());
}

/// Removes, doubles, moves or changes rows of a file.
pub fn rows(scene: &mut Scene, rng: &mut Rng, _: (&str, &[u8])) -> Option<Done> {
    let run = rng.usize(..scene.runs.len());
    let mut manifest = scene.manifest(run);
    let at = rng.usize(..manifest.files.len());
    let (path, table) = (manifest.files[at].path.to_string(), manifest.files[at].table.clone());
    let before = scene.files[&path].clone();
    let is_records = table == "channel_records";
    let kind = rng.u8(..4);
    // No other file knows the last record of a message, and the order of messages among records.
    let is_counted = kind == 3 || !(is_records && kind != 1) && rng.bool();
    if is_records && kind == 2 {
        return None;
    }
    let change = Change { kind, rows: usize::try_from(manifest.files[at].rows).ok()?, first: rng.usize(..) };
    let after = if path.rsplit('.').next() == Some("parquet") {
        change.parquet(before.clone())?
    } else {
        change.jsonl(&path, &before, rng)?
    };
    if after == before {
        return None;
    }
    let file = &mut manifest.files[at];
    (file.bytes, file.sha256) = (after.len() as u64, sha256(&after));
    let mut found_in = vec![path.clone()];
    if is_counted && kind < 2 {
        let rows = if kind == 0 { file.rows - 1 } else { file.rows + 1 };
        let entry = manifest.tables.get_mut(&table)?;
        entry.rows = entry.rows + rows - file.rows;
        file.rows = rows;
    }
    if is_counted {
        found_in.clear(); // which of two tables is wrong, nobody can tell
    }
    scene.put(&path, after);
    forge(scene, run, &manifest);
    let detail = format!("{path}: {change:?}, counted: {is_counted}");
    Some(Done { named: found_in, detail, found_by: FoundBy::Deep })
}

/// The change of the rows: 0 removes one, 1 doubles it, 2 puts it before its predecessor, 3 changes a value.
#[derive(Debug)]
struct Change {
    kind: u8,
    rows: usize,
    first: usize,
}

impl Change {
    /// The numbers of the rows after the change.
    fn order(&self) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.rows).collect();
        let at = self.first % self.rows;
        match self.kind {
            0 => drop(order.remove(at)),
            1 => order.insert(at, at),
            2 if at > 0 => order.swap(at - 1, at),
            2 => return None,
            _ => {}
        }
        Some(order)
    }

    fn parquet(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        if self.kind == 3 {
            return None; // done to JSONL
        }
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).ok()?;
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build().ok()?.collect::<Result<_, _>>().ok()?;
        let order = self.order()?.into_iter().map(|row| u32::try_from(row).unwrap_or_default());
        let rows = concat_batches(&schema, &batches).ok()?;
        let rows = take_record_batch(&rows, &UInt32Array::from_iter_values(order)).ok()?;
        let mut after = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut after, schema, None).ok()?;
        writer.write(&rows).ok()?;
        writer.close().ok()?;
        Some(after)
    }

    fn jsonl(&self, path: &str, bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
        let mut text = String::new();
        match path.rsplit('.').next()? {
            "gz" => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).ok()?,
            "zst" => zstd::Decoder::new(bytes).ok()?.read_to_string(&mut text).ok()?,
            _ => bytes.to_vec().as_slice().read_to_string(&mut text).ok()?,
        };
        let lines: Vec<&str> = text.lines().collect();
        let mut lines: Vec<String> = self.order()?.into_iter().map(|row| lines[row].to_owned()).collect();
        if self.kind == 3 {
            let at = self.first % lines.len();
            lines[at] = with_other_value(path, &lines[at], rng)?;
        }
        let text = lines.join("\n") + "\n";
        match path.rsplit('.').next()? {
            "gz" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text.as_bytes()).ok()?;
                encoder.finish().ok()
            }
            "zst" => zstd::encode_all(text.as_bytes(), 1).ok(),
            _ => Some(text.into_bytes()),
        }
    }
}

/// The line with another value in a column that other rows or files also have.
fn with_other_value(path: &str, line: &str, rng: &mut Rng) -> Option<String> {
    let known: &[&str] = match path.split('/').next()? {
        "coverage" => &["contact_id", "status", "messages", "first_message_at", "last_message_at", "run_id"],
        "contacts" => &["contact_id", "message_count", "conversation_count", "first_message_at", "run_id"],
        "conversations" => &["conversation_id", "contact_id", "message_count", "last_message_at"],
        "messages" => &["contact_id", "conversation_id", "run_id"],
        _ => &["contact_id", "message_id", "record_index"],
    };
    let column = *rng.choice(known)?;
    let row: Value = serde_json::from_str(line).ok()?;
    let old = row.get(column)?.to_string();
    let new = match row.get(column)? {
        Value::Null => return None,
        Value::Number(number) => (number.as_i64()? + 1).to_string(),
        _ if column.ends_with("_at") => "\"2001-02-03T04:05:06.000000Z\"".to_owned(),
        _ if rng.bool() => "\"exported\"".to_owned(),
        _ => "null".to_owned(),
    };
    (new != old).then(|| line.replacen(&format!("\"{column}\":{old}"), &format!("\"{column}\":{new}"), 1))
}

/// Another contact, or another error, in a list of contacts that are not exported.
pub fn lists(scene: &mut Scene, rng: &mut Rng, _: (&str, &[u8])) -> Option<Done> {
    let path = scene.run_file(0, rng.choice(["failed.csv", "not_found.csv"])?);
    let mut bytes = scene.files[&path].clone();
    let letters: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_alphabetic()).collect();
    let at = *rng.choice(&letters)?;
    bytes[at] = b'#';
    let list = scene.run_file(0, "checksums.sha256");
    let sums = String::from_utf8(scene.files[&list].clone()).ok()?;
    let sums = sums.replace(&sha256(&scene.files[&path]), &sha256(&bytes));
    scene.put(&path, bytes);
    scene.put(&list, sums);
    Some(Done { found_by: FoundBy::Deep, ..done(&path, format!("byte {at}")) })
}

/// Changes one statement of a manifest.
pub fn manifest(scene: &mut Scene, rng: &mut Rng, _: (&str, &[u8])) -> Option<Done> {
    let run = rng.usize(..scene.runs.len());
    let path = scene.run_file(run, "manifest.json");
    let mut manifest = scene.manifest(run);
    let at = rng.usize(..manifest.files.len());
    let tables: Vec<String> = manifest.tables.keys().cloned().collect();
    let table = manifest.tables.get_mut(rng.choice(&tables)?)?;
    let file = &mut manifest.files[at];
    let counts = &mut manifest.contacts;
    let mut named = vec![path.clone()];
    let mut found_by = FoundBy::Files;
    let kind = rng.u8(..23);
    match kind {
        0 => counts.requested += 1,
        1 => counts.exported += 1,
        2 => counts.empty += 1,
        3 => counts.not_found += 1,
        4 => counts.unresolved += 1,
        5 => counts.failed += 1,
        6 => (counts.failed, counts.unresolved) = (counts.unresolved, counts.failed),
        7 => {
            let is_complete = manifest.status == Status::Complete;
            manifest.status = if is_complete { Status::Partial } else { Status::Complete };
        }
        8 => manifest.input.contacts += 1,
        9 => table.rows += 1,
        10 => drop(table.columns.pop()),
        11 => table.columns.swap(0, 1),
        12 => file.rows += 1,
        13 => {
            file.bytes += 1;
            named = vec![file.path.to_string()];
        }
        14 => {
            file.sha256 = sha256("");
            named = vec![file.path.to_string()];
        }
        15 => {
            file.path = file.path.replace("part-", "part-x").parse().ok()?;
            named.push(file.path.to_string());
        }
        16 => file.partition.push(("year".to_owned(), None)),
        17 => {
            // A range that the rows of the file do not have.
            file.min_created_at = Some("2001-02-03T04:05:06.000000Z".to_owned());
            file.max_created_at = Some("2051-02-03T04:05:06.000000Z".to_owned());
            (named, found_by) = (vec![file.path.to_string()], FoundBy::Deep);
        }
        18 => {
            let gone = manifest.files.remove(at);
            named.push(gone.path.into());
        }
        19 => {
            let doubled = file.clone();
            manifest.files.push(doubled);
        }
        20 => {
            // All sums stay correct: only the rows of coverage show it.
            counts.exported = counts.exported.checked_sub(1)?;
            counts.empty += 1;
            (named, found_by) = (vec![Table::Coverage.name().to_owned()], FoundBy::Deep);
        }
        21 => manifest.run_id = "run-9".parse().ok()?,
        _ => {
            // After that, nothing names the run before.
            manifest.previous.take()?;
            named = vec![scene.run_file(run - 1, "manifest.json")];
        }
    }
    if manifest == scene.manifest(run) {
        return None;
    }
    forge(scene, run, &manifest);
    Some(Done { named, detail: format!("{path}: claim {kind}"), found_by })
}
