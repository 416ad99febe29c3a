//! The responses of the API to requests about the chosen contacts, from the raw archives of their runs.
//!
//! `data/raw/answers.jsonl` has the lines of the archive as they are. `custody/answers.csv` lists each response
//! with the SHA-256 of its body, so that one response can be proved alone.

use std::borrow::Cow;

use super::EvidenceError;
use super::bag::Bag;
use super::tables::CsvFile;
use crate::digest::sha256;
use crate::output::manifest::Manifest;
use crate::output::{RAW, RawError, RawLine, RawReader};
use crate::snapshot::{Choices, SourceExport};
use crate::time::format_time;

const HEADER: [&str; 10] = [
    "run_id",
    "contact_id",
    "channel",
    "purpose",
    "offset",
    "limit",
    "requested_at",
    "received_at",
    "bytes",
    "sha256",
];

/// Writes the responses. With `is_text_kept` the package has their text too, and not only their hashes. Returns the
/// number of responses.
pub(super) fn write(
    bag: &mut Bag,
    source: &SourceExport,
    choices: &Choices,
    is_text_kept: bool,
) -> Result<u64, EvidenceError> {
    let mut runs = Vec::new();
    for (number, run) in choices.runs(source) {
        let manifest = source.manifest(run)?;
        if manifest.files.iter().any(|file| file.table == RAW) {
            runs.push((number, manifest));
        }
    }
    if runs.is_empty() {
        return Ok(0);
    }
    let header = HEADER.map(str::to_owned).to_vec();
    let mut list = CsvFile::create(bag, "data/custody/answers", header)?;
    let mut lines = is_text_kept.then(|| bag.create("data/raw/answers.jsonl")).transpose()?;
    let mut count = 0;
    for (number, manifest) in &runs {
        for file in manifest.files.iter().filter(|file| file.table == RAW) {
            let mut reader = RawReader::open(&source.path, &file.path)?;
            while let Some(line) = reader.next()? {
                let RawLine::Answer(answer, body) = &line else { continue };
                if !choices.is_from(*number, &answer.contact_id) {
                    continue;
                }
                count += 1;
                list.write(bag, cells(manifest, answer, body))?;
                if let Some(lines) = &mut lines {
                    lines.put(reader.text())?;
                    lines.put(b"\n")?;
                }
            }
            let (found, _, _) = reader.finish();
            if found != file.sha256 {
                let what = format!("its SHA-256 is {found}, but the manifest has {}", file.sha256);
                return Err(RawError::Damaged { path: source.path.join(&file.path), what }.into());
            }
        }
    }
    list.finish(bag)?;
    if let Some(lines) = lines {
        bag.close(lines)?;
    }
    Ok(count)
}

fn cells<'a>(
    manifest: &'a Manifest,
    answer: &'a crate::output::RawAnswer,
    body: &[u8],
) -> [Option<Cow<'a, str>>; HEADER.len()] {
    let time = |at: i64| Some(Cow::Owned(format_time(at).to_string()));
    let number = |number: u64| Some(Cow::Owned(number.to_string()));
    let purpose = serde_json::to_value(answer.ask.purpose).ok();
    [
        Some(manifest.run_id.as_str().into()),
        Some(answer.contact_id.as_str().into()),
        answer.channel.map(|channel| channel.as_str().into()),
        purpose.and_then(|purpose| purpose.as_str().map(|name| Cow::Owned(name.to_owned()))),
        number(answer.ask.offset),
        number(u64::from(answer.ask.limit)),
        answer.requested_at.and_then(time),
        time(answer.received_at),
        number(body.len() as u64),
        Some(sha256(body).into()),
    ]
}
