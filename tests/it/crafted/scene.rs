//! The export to craft. Hashes chain its files, and the test makes them fit.

use std::path::Path;
use std::process::Command;

use chatzy_export::internals::digest::sha256;
use chatzy_export::internals::durable;
use chatzy_export::internals::output::manifest::Latest;
use chatzy_export::internals::output::pruned::PrunedRuns;
use serde_json::{Value, json as object};

use super::texts::{Group, put};
use crate::support::export::{Export, json, read, write};
use crate::support::service::Service;

/// The files to craft. Each holds the hashes of files before it.
pub const FILES: [&str; 5] = [OLDEST, LEAVING, PRUNED, NEWEST, LATEST];
const OLDEST: &str = "_runs/r0/manifest.json";
/// The manifest of a run whose removal has begun.
const LEAVING: &str = "_runs/r1/manifest.pruned.json";
const PRUNED: &str = "_runs/pruned.json";
pub const NEWEST: &str = "_runs/r2/manifest.json";
const LATEST: &str = "_runs/latest.json";

/// The strings that the program reads from a file. Of the manifests of old runs it reads only paths and
/// links.
pub fn is_read_of(file: &str) -> fn(&str) -> bool {
    match file {
        OLDEST | LEAVING => {
            |at| ["/run_id", "/files/", "/previous", "/state"].iter().any(|read| at.starts_with(read))
        }
        _ => |_| true,
    }
}

/// Three incremental runs with raw archives, and a file outside. The second run is being pruned.
pub fn scene(service: &Service) -> Export {
    let export = Export::run_of(service.url(), ["messages-3-a", "messages-2-b"])
        .args("--format jsonl --keep-raw --partition-by month --incremental --full");
    for run in ["r0", "r1", "r2"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    export.write("outside/victim", "kept");
    let out = export.out_path();
    let r1 = out.join("_runs/r1/manifest.json");
    let (previous, hash) = (json(&r1)["previous"].clone(), sha256(read(&r1)));
    let run = object!({"run_id": "r1", "sha256": hash, "previous": previous, "pruned_at": "2026-11-20T02:00:00.000000Z"});
    save(out, PRUNED, &object!({"pruned": [run]}));
    durable::rename(&r1, &out.join(LEAVING)).unwrap();
    for file in [OLDEST, NEWEST] {
        let mut manifest = json(&out.join(file));
        add_strings(&mut manifest);
        save(out, file, &manifest);
    }
    durable::rename(out, &export.path("whole")).unwrap();
    export
}

/// Adds the members with strings that small runs do not have.
fn add_strings(manifest: &mut Value) {
    manifest["options"]["contacts_column"] = "contact_id".into();
    manifest["options"]["delimiter"] = "tab".into();
    manifest["unknown_fields"]["messages"]["mood"] = 1.into();
    manifest["known_fields"]["messages"] = object!({"contacts": 1, "columns": {"content": {"rows": 1, "values": 1}},
        "extra": {"mood": {"rows": 1, "values": 1}}});
    manifest["schema_changes"] = object!([{"table": "messages", "field": "mood", "change": "appeared"}]);
}

/// Writes a document, and the hashes of the files after it.
fn save(out: &Path, file: &str, document: &Value) {
    let text = document.to_string();
    // `verify` also compares the spelling of these.
    let text = match file {
        PRUNED => PrunedRuns::parse(text.as_bytes()).map_or(text, |runs| runs.to_json()),
        LATEST => Latest::parse(text.as_bytes()).map_or(text, |latest| latest.to_json()),
        _ => text,
    };
    write(&out.join(file), text);
    let hash = sha256(document.to_string());
    let link = |after: &str, at: &str| {
        let mut document = json(&out.join(after));
        *document.pointer_mut(at).expect("a hash") = hash.as_str().into();
        save(out, after, &document);
    };
    match file {
        OLDEST => {
            link(PRUNED, "/pruned/0/previous/sha256");
            link(LEAVING, "/previous/sha256");
        }
        LEAVING => {
            link(PRUNED, "/pruned/0/sha256");
            link(NEWEST, "/previous/sha256");
        }
        NEWEST => link(LATEST, "/sha256"),
        _ => {}
    }
}

/// Makes the export again, with the text at these places of a file.
pub fn craft(export: &Export, file: &str, group: &Group, texts: impl Fn(usize) -> String) {
    let out = export.out_path();
    durable::remove_tree(out).unwrap();
    let copied = Command::new("cp").arg("-a").arg(export.path("whole")).arg(out).status().expect("cp");
    assert!(copied.success());
    let mut document = json(&out.join(file));
    put(&mut document, group, texts);
    save(out, file, &document);
}
