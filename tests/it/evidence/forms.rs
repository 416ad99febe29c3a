//! Packages of exports of every form: each is a valid bag, and has the rows that a snapshot of the export has.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{evidence, evidence_of, is_valid, made, ordinary, shell};
use crate::support::export::{Export, json, read, tree};
use crate::support::service::Service;
use crate::support::stores::Remote;
use crate::support::tables::python;

/// The rows of a table in a package, without their cite numbers.
fn rows(package: &Path, table: &str) -> Vec<Value> {
    let text = read(&package.join(format!("data/json/{table}.jsonl")));
    let rows = text.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).expect("JSON");
        row.as_object_mut().expect("an object").remove("cite");
        row
    });
    rows.collect()
}

fn snapshot(from: &str) -> Export {
    let command =
        Export::command("snapshot --progress never --format jsonl").arg(from).args("--out snapshot");
    let out = command.path("snapshot");
    command.out_at(&out)
}

/// The facts that a snapshot stamps anew.
fn without_run(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        let row = row.as_object_mut().expect("an object");
        for column in ["run_id", "exported_at"] {
            row.remove(column);
        }
    }
    rows
}

/// Compares all tables of a package with those of a snapshot of the same export.
fn has_the_rows_of(package: &Path, snapshot: &Export, told: &str) {
    let outcome = snapshot.run();
    assert!([Some(0), Some(3)].contains(&outcome.code), "{}", outcome.stderr);
    for table in ["contacts", "conversations", "messages", "channel_records", "coverage"] {
        let expected: Vec<Value> = outcome.rows(table).0.into_iter().collect();
        let (found, expected) = (without_run(rows(package, table)), without_run(expected));
        assert_eq!(found.len(), expected.len(), "{told}: {table}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{told}: {table}");
        }
        assert!(!expected.is_empty(), "{told}: {table}");
    }
}

#[test]
fn an_export_of_each_form_becomes_a_valid_package() {
    for options in [
        "",
        "--partition-by month,channel --target-file-size 8KB",
        "--format jsonl",
        "--format jsonl --compression zstd --partition-by date",
    ] {
        let (_service, export) = ordinary(options);
        let package = made(&evidence_of(&export, ""), 0);
        is_valid(&package, options);
        has_the_rows_of(&package, &snapshot(&export.out_path().to_string_lossy()), options);
    }
}

#[test]
fn a_chain_of_runs_becomes_a_valid_package() {
    let service = Service::start("--seed 2 --account-contacts 14 --max-messages 60");
    let all = Export::run_of(service.url(), [""; 0]).without("--contacts");
    let all = all.args("--all-contacts --incremental --keep-raw");
    for night in 0..3 {
        all.clone().args(&format!("--run-id night{night}")).expect(0);
        service.night();
    }
    let package = made(&evidence_of(&all, ""), 0);
    is_valid(&package, "three nights");
    has_the_rows_of(&package, &snapshot(&all.out_path().to_string_lossy()), "three nights");
    let early = made(&evidence_of(&all, "--run night0"), 0);
    is_valid(&early, "the first night");
    assert_ne!(rows(&early, "messages"), rows(&package, "messages"));
}

#[test]
fn chosen_contacts_become_a_valid_package() {
    let (_service, export) = ordinary("");
    let command = evidence_of(&export, "--contacts chosen.csv");
    command.write("chosen.csv", "contact_id\nmessages-7-b\nempty-c\n");
    let package = made(&command, 0);
    is_valid(&package, "chosen contacts");
    let contacts: Vec<Value> =
        rows(&package, "coverage").iter().map(|row| row["contact_id"].clone()).collect();
    assert_eq!(contacts, ["messages-7-b", "empty-c"]);
    assert!(rows(&package, "messages").iter().all(|row| row["contact_id"] == "messages-7-b"));
    assert!(!package.join("data/run").exists(), "the files of the run have other contacts");
    // No file of the package names another contact.
    let found = shell(&package, "grep -rlE 'messages-(40|1100)-|unknown-d' . || true");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");

    let unknown = evidence_of(&export, "--contacts chosen.csv");
    unknown.write("chosen.csv", "contact_id\nmessages-7-b\nnobody\n");
    let outcome = unknown.expect(3);
    is_valid(&outcome.out, "a contact that the export lacks");
    assert_eq!(json(&outcome.out.join("data/custody/custody.json"))["not_in_export"][0], "nobody");
}

#[test]
fn an_export_in_a_store_becomes_a_valid_package() {
    let remote = Remote::gcs();
    let service = Service::start("--seed 5");
    let run =
        Export::run_of(service.url(), ["messages-40-a", "messages-7-b"]).args("--keep-raw --work-dir work");
    let run = run.out_at(Path::new(&remote.url()));
    remote.reach(run).expect(0);
    let package = made(&remote.reach(evidence(&remote.url(), "")), 0);
    is_valid(&package, "a store");
    assert_eq!(rows(&package, "messages").len(), 47);
}

/// An erased contact is in no package made afterwards, and the export inside explains its changed files.
#[test]
fn an_export_with_an_erased_contact_becomes_a_valid_package() {
    let (_service, export) = ordinary("");
    let erase = Export::command("erase").arg(&export.out_path().to_string_lossy());
    erase.args("--contact messages-7-b --reference DSAR-1").expect(0);
    let package = made(&evidence_of(&export, ""), 0);
    is_valid(&package, "an erased contact");
    assert_eq!(rows(&package, "messages").len(), 1140);
    let custody = read(&package.join("data/custody/custody.html"));
    assert!(custody.contains("after it was written: 1 contact."), "{custody}");
    let found = shell(&package, "grep -rlF messages-7-b . || true");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "no file names the contact");

    let chosen = evidence_of(&export, "--contact messages-7-b --contact messages-40-a");
    let package = made(&chosen, 3);
    is_valid(&package, "an erased contact is chosen");
    assert_eq!(rows(&package, "messages").len(), 40);
}

/// The record of erasures names all runs. Those that no contact comes from are not in the package.
#[test]
fn an_erasure_in_older_runs_does_not_matter() {
    let service = Service::start("--seed 2 --account-contacts 9 --max-messages 30");
    let all =
        Export::run_of(service.url(), [""; 0]).without("--contacts").args("--all-contacts --incremental");
    all.clone().args("--run-id night0").expect(0);
    service.night();
    all.clone().args("--run-id night1 --full").expect(0);
    let path = all.out_path().to_string_lossy().into_owned();
    let before = made(&evidence_of(&all, ""), 0);
    let contact = rows(&before, "messages")[0]["contact_id"].as_str().unwrap().to_owned();
    let erase = Export::command("erase").arg(&path).args("--reference R --contact").arg(&contact).expect(0);
    assert_eq!(erase.stdout.lines().count(), 2, "both runs: {}", erase.stdout);
    let package = made(&evidence_of(&all, ""), 0);
    is_valid(&package, "an erasure in two runs, one of them in the package");
    assert_eq!(tree(&package.join("data/custody/manifests")), ["night1.json"]);
    assert_eq!(rows(&package, "coverage").len() + 1, rows(&before, "coverage").len());
}

/// Contacts that fail, odd values, and runs that kept no responses.
#[test]
fn an_incomplete_export_of_odd_values_becomes_a_valid_package() {
    let service = Service::start("--seed 9 --wild 0.3");
    let contacts = ["messages-60-a", "poison-2-b", "unknown-c", "empty-d", "messages-30-e"];
    let export = Export::run_of(service.url(), contacts).args("--retries 0");
    export.expect(3);
    let package = made(&evidence_of(&export, ""), 3);
    is_valid(&package, "an incomplete export");
    let custody = json(&package.join("data/custody/custody.json"));
    assert_eq!(custody["counts"]["by_status"]["failed"], 1, "{custody}");
    assert!(
        custody["exceptions"].as_array().unwrap().iter().any(|found| found["contact_id"] == "poison-2-b")
    );
    assert!(read(&package.join("data/index.html")).contains("1 contact: incomplete."));
}

#[test]
fn a_zip_file_is_the_package_of_the_same_options() {
    let (_service, export) = ordinary("");
    let folder = made(&evidence_of(&export, ""), 0);
    let command = evidence_of(&export, "--zip").without("--out").args("--out case.zip");
    command.expect(0);
    let zip = command.path("case.zip");
    assert!(!command.path("case.zip.partial").exists());

    let unpacked = command.path("unpacked");
    let output = Command::new("unzip").arg("-q").arg(&zip).arg("-d").arg(&unpacked).output().expect("unzip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let package = unpacked.join("case");
    is_valid(&package, "unpacked");
    assert_eq!(tree(&package), tree(&folder));
    for path in tree(&folder) {
        assert!(fs::read(package.join(&path)).unwrap() == fs::read(folder.join(&path)).unwrap(), "{path}");
    }

    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.namelist()))";
    let output = Command::new(python()).args(["-c", script]).arg(&zip).output().expect("python");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), tree(&folder).len().to_string());
}

#[test]
fn each_page_and_table_is_listed_and_counted() {
    let (_service, export) = ordinary("");
    let package = made(&evidence_of(&export, "--prefix CASE1-"), 0);
    let messages = rows(&package, "messages").len();
    let pages: Vec<String> =
        tree(&package.join("data/transcripts")).into_iter().filter(|path| path.contains("/page-")).collect();
    let cites: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let html = read(&package.join("data/transcripts").join(page));
            html.split(" id=\"")
                .skip(1)
                .filter_map(|after| Some(after.split_once('"')?.0.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    let expected: Vec<String> = (1..=messages).map(|number| format!("CASE1-{number:07}")).collect();
    assert_eq!(cites, expected, "each message once, in order");
    assert_eq!(
        pages.iter().filter(|page| page.ends_with("page-002.html")).count(),
        1,
        "1,100 messages: two pages"
    );
    let text = read(&package.join("data/json/messages.jsonl"));
    let of_rows: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["cite"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_rows, expected);
    let listed = shell(
        &package,
        r"python3 - <<'PY'
import csv, hashlib
with open('data/csv/documents.csv', encoding='utf-8-sig', newline='') as file:
    rows = list(csv.DictReader(file))
for row in rows:
    assert hashlib.sha256(open(row['path'], 'rb').read()).hexdigest() == row['sha256'], row
print(len(rows), sum(int(row['messages']) for row in rows))
PY",
    );
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), format!("{} {messages}", pages.len()));
}
