//! Tests of exports of other versions: fewer columns, and unknown partition keys.

use std::fs;
use std::path::Path;

use super::{check, edit};
use crate::digest::sha256;
use crate::output::manifest::{Latest, Manifest};
use crate::settings::{Format, JsonlCodec};
use crate::table::Table;
use crate::verify::tests::fixture::{Twist, export};
use crate::verify::{DamageKind, Depth};

/// Edits the manifest of the only run, and corrects the hash in `latest.json`.
fn edit_manifest(out: &Path, change: impl FnOnce(&mut Manifest)) {
    let path = out.join("_runs/r1/manifest.json");
    edit(&path, |text| {
        let mut manifest = Manifest::parse(&text).unwrap();
        change(&mut manifest);
        manifest.to_json().into_bytes()
    });
    let manifest = fs::read(path).unwrap();
    edit(&out.join("_runs/latest.json"), |text| {
        let mut latest = Latest::parse(&text).unwrap();
        latest.sha256 = sha256(&manifest);
        latest.to_json().into_bytes()
    });
}

/// Removes from coverage the first column that is never null, except the key.
fn without_column(out: &Path) {
    let path = "coverage/part-r1-00000.jsonl";
    let before = fs::read_to_string(out.join(path)).unwrap();
    let cut = |line: &str| {
        let (start, rest) = line.split_once("\"rereads\":").unwrap();
        let (_, end) = rest.split_once(',').unwrap();
        format!("{start}{end}\n")
    };
    let after: String = before.lines().map(cut).collect();
    edit(&out.join(path), |_| after.clone().into_bytes());
    edit(&out.join("_runs/r1/checksums.sha256"), |text| {
        String::from_utf8(text).unwrap().replace(&sha256(&before), &sha256(&after)).into_bytes()
    });
    edit_manifest(out, |manifest| {
        let columns = &mut manifest.tables.get_mut(Table::Coverage.name()).unwrap().columns;
        columns.retain(|column| column.name != "rereads");
        let file = manifest.files.iter_mut().find(|file| file.path.as_str() == path).unwrap();
        (file.bytes, file.sha256) = (after.len() as u64, sha256(&after));
    });
}

#[test]
fn a_column_may_be_missing_in_an_export_of_an_older_version() {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r1", Format::Jsonl(JsonlCodec::None), Twist::default());
    without_column(out.path());
    let damages = check(out.path(), Depth::Deep).damages;
    let details: Vec<_> = damages.iter().map(|damage| damage.detail.as_str()).collect();
    assert_eq!(details, ["the columns of coverage do not match its schema version"]);
    edit_manifest(out.path(), |manifest| manifest.schema_version -= 1);
    assert_eq!(check(out.path(), Depth::Deep).damages, []);
}

#[test]
fn an_unknown_partition_key_is_reported() {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r1", Format::Jsonl(JsonlCodec::None), Twist::default());
    edit_manifest(out.path(), |manifest| {
        manifest.options.partition_by.push("hour".into());
        manifest.tool.version = "0.9.0".to_owned();
    });
    let damages = check(out.path(), Depth::Files).damages;
    let expected =
        "it is partitioned by \"hour\", which this version cannot check; verify it with version \"0.9.0\"";
    let found = |damage: &&super::super::Damage| damage.detail == expected;
    assert_eq!(damages.iter().find(found).map(|damage| damage.kind), Some(DamageKind::Disagreement));
}
