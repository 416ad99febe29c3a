//! Crafted exports: no command executes or follows a string of a manifest.

use std::fs;
use std::path::Path;
use std::process::Command;

use chatzy_export::digest::sha256;
use chatzy_export::durable;
use serde_json::Value;

use crate::export::{Export, Outcome, json, read, write};
use crate::service::Service;

/// Texts that would be executed, or lead out of the export, if a command used them unchecked.
const HOSTILE: [&str; 5] = [
    "x\n\\! touch owned\n\\copy t from program 'touch owned'\n",
    "../outside/victim",
    "messages/../../outside/victim",
    "OUTSIDE/victim",
    "x';$(touch owned)`touch owned`\"|touch owned #",
];

/// The places of all strings in a document, as JSON pointers; of an array's members those in the first.
fn strings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(members) => {
            members.iter().take(1).for_each(|member| strings(member, &format!("{at}/0"), found));
        }
        Value::Object(members) => {
            for (name, member) in members {
                strings(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

/// Two incremental runs with raw archives, and a file outside.
fn scene(service: &Service) -> Export {
    let export = Export::run_of(service.url(), ["messages-3-a", "messages-2-b"])
        .args("--format jsonl --keep-raw --partition-by month --incremental");
    export.clone().args("--run-id r1").expect(0);
    export.clone().args("--run-id r2").expect(0);
    export.write("outside/victim", "kept");
    export
}

/// Puts the text at this place of a file, and makes the hash in `latest.json` fit.
fn craft(out: &Path, file: &str, place: &str, text: &str) {
    let mut document = json(&out.join(file));
    *document.pointer_mut(place).expect("a string") = text.into();
    write(&out.join(file), document.to_string());
    if file.ends_with("r2/manifest.json") {
        let mut latest = json(&out.join("_runs/latest.json"));
        latest["sha256"] = sha256(document.to_string()).into();
        write(&out.join("_runs/latest.json"), latest.to_string());
    }
}

/// The outcome of every command that reads an export. Those that change it come last.
fn outcomes(export: &Export, out: &Path) -> Vec<(&'static str, Outcome)> {
    let at = out.to_string_lossy().into_owned();
    let made = export.path("made").to_string_lossy().into_owned();
    durable::remove_tree(Path::new(&made)).unwrap();
    let page = export.path("page.html").to_string_lossy().into_owned();
    vec![
        ("verify", Export::command("verify --deep").arg(&at).run()),
        ("report", Export::command("report").arg(&at).args("-o").arg(&page).run()),
        ("rebuild", Export::command("rebuild --from").arg(&at).args("--out").arg(&made).run()),
        ("merge", Export::command("schema --merge postgres --from").arg(&at).run()),
        ("latest", Export::command("schema --latest duckdb --from").arg(&at).run()),
        ("prune", Export::command("prune --keep-last 1").arg(&at).run()),
        ("run", export.clone().out_at(out).run()),
    ]
}

fn assert_harmless(export: &Export, out: &Path, told: &str) {
    for (command, outcome) in outcomes(export, out) {
        let told = format!("{command}, {told}: {:?} {}", outcome.code, outcome.stderr);
        assert!(matches!(outcome.code, Some(0 | 2 | 3 | 6 | 8 | 9)), "{told}");
        assert!(outcome.code == Some(0) || !outcome.last_line().is_empty(), "{told}");
        if matches!(command, "merge" | "latest") {
            let is_obeyed = |line: &str| line.starts_with("\\!") || line.starts_with("\\copy t ");
            assert!(!outcome.stdout.lines().any(is_obeyed), "{told}{}", outcome.stdout);
            if outcome.code == Some(0) {
                assert!(
                    !outcome.stdout.contains("victim") && !outcome.stdout.contains("touch"),
                    "{told}{}",
                    outcome.stdout
                );
            }
        }
        assert_eq!(read(&export.path("outside/victim")), "kept", "{told}");
        assert!(!export.path("owned").exists() && !out.join("owned").exists(), "{told}");
    }
}

#[test]
fn no_string_of_a_manifest_is_obeyed() {
    let service = Service::start("");
    let export = scene(&service);
    durable::rename(export.out_path(), &export.path("whole")).unwrap();
    let outside = export.path("").join("outside").to_string_lossy().into_owned();
    let mut turn = 0;
    for file in ["_runs/r2/manifest.json", "_runs/latest.json"] {
        let mut places = Vec::new();
        strings(&json(&export.path("whole").join(file)), "", &mut places);
        // Columns are many and alike.
        places.retain(|place| !place.starts_with("/tables/") || place.starts_with("/tables/messages/"));
        assert!(places.len() > 2, "{file}");
        for place in places {
            // Paths meet each text, other strings one of them in turn.
            let texts: Vec<&str> = if place.ends_with("/path") || place == "/run_id" {
                HOSTILE.to_vec()
            } else {
                turn += 1;
                vec![HOSTILE[turn % HOSTILE.len()]]
            };
            for text in texts {
                let out = export.out_path();
                durable::remove_tree(out).unwrap();
                assert!(
                    Command::new("cp")
                        .arg("-a")
                        .arg(export.path("whole"))
                        .arg(out)
                        .status()
                        .unwrap()
                        .success()
                );
                let text = text.replace("OUTSIDE", &outside);
                craft(out, file, &place, &text);
                assert_harmless(&export, out, &format!("{file} {place} {text:?}"));
            }
        }
    }
}

#[test]
fn a_manifest_of_another_run_is_damage_for_every_command() {
    let service = Service::start("");
    let export = scene(&service);
    let out = export.out_path();
    fs::copy(out.join("_runs/r1/manifest.json"), out.join("_runs/r2/manifest.json")).unwrap();
    let mut latest = json(&out.join("_runs/latest.json"));
    latest["sha256"] = sha256(read(&out.join("_runs/r2/manifest.json"))).into();
    write(&out.join("_runs/latest.json"), latest.to_string());
    let before = crate::export::tree(out);
    for (command, outcome) in outcomes(&export, out) {
        let expected = match command {
            "run" => 9,
            "merge" | "latest" => 2,
            _ => 8,
        };
        assert_eq!(outcome.code, Some(expected), "{command}: {}", outcome.stderr);
    }
    let mut after = crate::export::tree(out);
    after.retain(|path| before.contains(path));
    assert_eq!(after, before, "nothing was removed");
}
