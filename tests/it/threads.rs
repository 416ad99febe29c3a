//! `--threads` changes no byte of an export.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::export::Export;
use crate::support::service::Service;

/// The files of a run, with their hashes, and everything else in its manifest that follows from the responses.
fn content(manifest: &Value) -> (BTreeMap<&str, &Value>, [&Value; 4]) {
    let files = manifest["files"].as_array().expect("files").iter().filter(|file| file["table"] != "raw");
    let files = files.map(|file| (file["path"].as_str().expect("a path"), file)).collect();
    (files, ["tables", "contacts", "unknown_fields", "known_fields"].map(|key| &manifest[key]))
}

/// Short histories, a long one in pieces, contacts without rows, and files of many sizes.
#[test]
fn any_number_makes_the_same_files() {
    let service = Service::start("--seed 5");
    let mut contacts: Vec<String> = [90, 5, 0, 260, 41, 1]
        .into_iter()
        .cycle()
        .take(60)
        .enumerate()
        .map(|(at, size)| format!("messages-{size}-{at}"))
        .collect();
    contacts.insert(30, "messages-33000-long".to_owned());
    contacts.insert(40, "unknown-x".to_owned());
    let export =
        Export::run_of(service.url(), contacts).args("--keep-raw --threads 4 --target-file-size 300KB");
    let run = export.expect(0);
    let manifest = run.manifest();
    let expected = content(&manifest);
    assert!(expected.0.len() > 6, "some tables have several files: {:?}", expected.0.keys());
    let from = export.out_path().to_string_lossy().into_owned();
    for threads in [1, 2, 8] {
        let out = export.path(&format!("threads-{threads}"));
        let rebuild = Export::command("rebuild --progress never --from").arg(&from).args("--out");
        let rebuild = rebuild.arg(&out.to_string_lossy()).args(&format!("--threads {threads}"));
        let outcome = rebuild.out_at(&out).expect(0);
        let manifest = outcome.manifest();
        assert!(content(&manifest) == expected, "{threads} threads");
        assert!(
            !manifest["options"].to_string().contains("threads"),
            "no option that a resumed run must repeat"
        );
    }
}
