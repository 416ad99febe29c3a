//! Exports for the tests of scripts, without files.

use std::collections::BTreeMap;

use super::location::Location;
use super::source::{ExportSource, Link};
use crate::output::manifest::{
    ContactCounts, FileEntry, Input, Manifest, Previous, Requests, RunOptions, Source, Status, Tool,
};
use crate::time::parse_time;

/// A file of a run: its table, its path below that, and its rows.
pub(super) type File<'a> = (&'a str, &'a str, u64);

/// Returns an export of runs, each after the one before it.
pub(super) fn source(root: &str, runs: &[(&str, &[File<'_>])]) -> ExportSource {
    let mut manifests: Vec<Manifest> = Vec::new();
    for (run_id, files) in runs {
        let previous = manifests.last().map(|before| before.run_id.clone());
        manifests.push(manifest(
            run_id,
            previous.map(|run_id| Previous { run_id, sha256: "00".into() }),
            files,
        ));
    }
    let links = manifests.iter().map(|manifest| Link {
        run_id: manifest.run_id.clone(),
        previous: manifest.previous.as_ref().map(|previous| previous.run_id.clone()),
        exported_at: parse_time(&manifest.started_at),
        is_part: false,
    });
    ExportSource::of_test(root, Location::parse(root, |_| None), links.collect(), manifests)
}

fn manifest(run_id: &str, previous: Option<Previous>, files: &[File<'_>]) -> Manifest {
    let time = "2026-11-20T02:00:00.000000Z";
    let file = |(table, path, rows): &File<'_>| {
        let partition = path.split('/').filter_map(|part| part.split_once('='));
        let value = |value: &str| (value != "__HIVE_DEFAULT_PARTITION__").then(|| value.to_owned());
        FileEntry {
            table: (*table).to_owned(),
            path: format!("{table}/{path}").parse().unwrap(),
            rows: *rows,
            bytes: 1,
            sha256: "00".to_owned(),
            partition: partition.map(|(key, text)| (key.to_owned(), value(text))).collect(),
            min_created_at: None,
            max_created_at: None,
        }
    };
    Manifest {
        manifest_version: 1,
        schema_version: 1,
        run_id: run_id.parse().unwrap(),
        status: Status::Complete,
        tool: Tool::default(),
        started_at: time.into(),
        finished_at: time.into(),
        source: Source { base_url: "https://api.example".into() },
        options: RunOptions::default(),
        input: Input {
            path: "-".into(),
            sha256: "00".into(),
            lines: 0,
            contacts: 0,
            duplicates: 0,
            suppressed: 0,
            doubts: Vec::new(),
        },
        contacts: ContactCounts::default(),
        requests: Requests::default(),
        unknown_fields: BTreeMap::new(),
        known_fields: BTreeMap::new(),
        schema_changes: Vec::new(),
        tables: BTreeMap::new(),
        files: files.iter().map(file).collect(),
        previous,
        state: None,
        shards: None,
        rebuilt_from: None,
        snapshot_of: Vec::new(),
    }
}

/// Returns a script with the beginnings of its long lines.
pub(super) fn outline(sql: &str) -> String {
    let short = |line: &str| match line.char_indices().nth(100) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    };
    sql.lines().map(short).collect::<Vec<_>>().join("\n")
}
