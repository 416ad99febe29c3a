//! `verify` on what `run` wrote.

use crate::export::{Export, write};
use crate::service::Service;

fn verify(arguments: &str, out: &std::path::Path) -> Export {
    Export::command("verify").arg(&out.to_string_lossy()).args(arguments)
}

#[test]
fn what_was_exported_passes_and_damage_is_named() {
    let service = Service::start("--wild 0.1 --wild-kind valid");
    for format in ["--format parquet --partition-by month,channel", "--format jsonl --compression gzip"] {
        let export = Export::run_of(service.url(), ["messages-90-a", "messages-4-b", "empty-c", "unknown-d"]);
        let outcome = export.args(format).expect(0);
        verify("", &outcome.out).expect(0);
        verify("--deep", &outcome.out).expect(0);
        let manifest = outcome.manifest();
        let path = manifest["files"][0]["path"].as_str().unwrap();
        let mut bytes = std::fs::read(outcome.out.join(path)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        write(&outcome.out.join(path), bytes);
        let found = verify("", &outcome.out).expect(8);
        assert!(format!("{}{}", found.stdout, found.stderr).contains(path), "{}", found.stderr);
    }
}

#[test]
fn there_must_be_an_export() {
    let folder = tempfile::tempdir().unwrap();
    verify("", folder.path()).expect(2);
    verify("", &folder.path().join("nowhere")).expect(2);
}
