//! `report`: Python's HTML parser reads the page, and the tests compare it with the manifest and with the
//! rows that pyarrow reads.

use std::collections::BTreeMap;
use std::fs::{metadata, remove_file};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::export::{Export, Outcome, read, write};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::Service;
use crate::support::tables::{Reader, all, python};

/// The contents of the page as a person sees it.
struct Page {
    found: Value,
    html: String,
}

fn report(out: &Path, arguments: &str) -> Export {
    Export::command("report").arg(&out.to_string_lossy()).args(arguments)
}

/// The page of the newest run, made as a user makes it, and valid.
fn page(out: &Path) -> Page {
    let command = report(out, "-o report.html");
    let outcome = command.expect(0);
    assert!(outcome.last_line().ends_with("to report.html"), "{}", outcome.stderr);
    read_page(&command.path("report.html"))
}

fn read_page(path: &Path) -> Page {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/read_report.py");
    let output = Command::new(python()).arg(script).arg(path).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(found["faults"], serde_json::json!([]));
    Page { found, html: read(path) }
}

impl Page {
    fn rows(&self, table: &str) -> Vec<Vec<String>> {
        serde_json::from_value(self.found["tables"][table].clone()).unwrap_or_default()
    }

    /// The number in this column of each row of a table, without the head, by the text in the first column.
    fn numbers(&self, table: &str, column: usize) -> BTreeMap<String, u64> {
        let rows = self.rows(table).into_iter().skip(1);
        rows.map(|row| (row[0].clone(), number(&row[column]))).collect()
    }

    /// The sum of the column with this head.
    fn sum(&self, table: &str, head: &str) -> u64 {
        let rows = self.rows(table);
        let Some(column) = rows[0].iter().position(|cell| cell == head) else { return 0 };
        rows[1..].iter().map(|row| number(&row[column])).sum()
    }

    fn text(&self) -> &str {
        self.found["text"].as_str().expect("text")
    }

    fn says(&self, sentence: &str) {
        assert!(self.text().contains(sentence), "{sentence:?} is not in: {}", self.text());
    }
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn numbers(counts: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(counts.clone()).expect("counts")
}

/// A mix of contacts with all outcomes, retries and 429 responses.
fn mixed(options: &str) -> Outcome {
    let service = Service::start("--errors 0.15 --resets 0.02 --seed 5");
    let mut contacts: Vec<String> = (0..60).map(|at| format!("messages-{}-c{at}", at * at / 12)).collect();
    contacts.extend(["empty-a", "unknown-b"].map(str::to_owned));
    Export::run_of(service.url(), contacts).args("--retries 1").args(options).run()
}

#[test]
fn the_page_says_what_the_manifest_and_the_tables_say() {
    for options in [
        "--partition-by month,channel --target-file-size 64KB",
        "--format jsonl --compression gzip --partition-by channel",
        "--format jsonl",
    ] {
        let outcome = mixed(options).expect(3);
        let (page, manifest) = (page(&outcome.out), outcome.manifest());
        let tables = all(&outcome.out, Reader::Pyarrow);

        let mut contacts = page.numbers("contacts", 1);
        assert_eq!(contacts.remove("all"), manifest["contacts"]["requested"].as_u64());
        let counts = numbers(&manifest["contacts"]);
        assert_eq!(contacts.len(), 6, "every outcome has its row");
        assert!(contacts.iter().all(|(status, count)| counts[status] == *count), "{contacts:?} {counts:?}");
        assert!(contacts["failed"] > 0, "some have failed");

        let failed = page.rows("failures");
        let covered = tables["coverage"].0.iter().filter(|row| row["status"] == "failed");
        let covered: Vec<_> = covered
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                vec![text("contact_id"), row["input_line"].to_string(), text("error")]
            })
            .collect();
        assert_eq!(failed[1..], covered);

        let mut statuses = page.numbers("statuses", 1);
        if let Some(none) = statuses.remove("none") {
            statuses.insert("error".to_owned(), none);
        }
        assert_eq!(statuses, numbers(&manifest["requests"]["by_status"]));
        assert_eq!(Some(page.sum("timeline", "requests")), manifest["requests"]["sent"].as_u64());
        assert_eq!(Some(page.sum("timeline", "retries")), manifest["requests"]["retries"].as_u64());
        let server_errors =
            statuses.iter().filter(|(status, _)| status.starts_with('5')).map(|(_, count)| count);
        assert_eq!(page.sum("timeline", "5xx"), server_errors.sum::<u64>());

        let rows = page.numbers("tables", 1);
        for (table, rows_read) in &tables {
            assert_eq!(rows[table], rows_read.len() as u64, "{table}");
        }
        let all_rows: usize = tables.values().map(crate::support::tables::Rows::len).sum();
        assert_eq!(rows["all"], all_rows as u64);
        messages_by_channel(&page, &manifest, &tables["messages"].0);
        for chart in ["requests", "troubles", "retries", "latency", "messages"] {
            let chart = &page.found["charts"][chart];
            assert!(chart["shapes"].as_u64() > Some(0), "{chart}");
            assert!(chart["title"].as_str().is_some_and(|title| !title.is_empty()), "{chart}");
            assert!(chart["desc"].as_str().is_some_and(|desc| desc.contains("table below")), "{chart}");
        }
    }
}

/// The table behind the chart holds each message.
fn messages_by_channel(page: &Page, manifest: &Value, rows: &[Value]) {
    assert_eq!(page.sum("days", "all"), rows.len() as u64);
    let channels = [("whatsapp", "WhatsApp"), ("instagram", "Instagram"), ("website", "Website")];
    for (channel, head) in channels {
        let shown = page.sum("days", head);
        assert!(shown > 0, "{head} is there");
        // If the folders are partitioned by channel, the rows have no such column.
        let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] == "messages");
        let in_folder = files.filter(|file| file["partition"]["channel"] == channel);
        let in_folders: u64 = in_folder.map(|file| file["rows"].as_u64().unwrap()).sum();
        let in_rows = rows.iter().filter(|row| row["channel"] == channel).count() as u64;
        assert_eq!(shown, in_folders + in_rows, "{head}");
    }
}

#[test]
fn nothing_on_the_page_is_obeyed() {
    let hostile = ["<script>alert(1)</script>", "\"'&amp;</td></table>", "a\u{202e}b\u{2066}", "שלום"];
    let script = "<img src=x onerror=alert(1)>\u{1b}[31m\u{202e}";
    let api = Scripted::api(move |asked| match asked.contact() {
        "good" => Answer::page(asked, 3),
        _ => Answer::message(400, script),
    });
    let export = Export::run_of(api.url(), ["good"]).args("--delimiter none");
    export.write("contacts.csv", ["good", hostile[0], hostile[1], hostile[2], hostile[3]].join("\n"));
    let outcome = export.expect(3);
    let page = page(&outcome.out);
    let failures = page.rows("failures");
    let ids: Vec<&str> = failures[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, [hostile[0], hostile[1], r"a\u{202e}b\u{2066}", hostile[3]]);
    for row in &failures[1..] {
        assert!(row[2].contains("<img src=x onerror=alert(1)>"), "it is text: {row:?}");
    }
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert_eq!(page.html.find(hidden), None, "what nobody sees is written out");
}

#[test]
fn a_long_list_of_failures_is_cut_and_says_so() {
    let api = Scripted::api(|asked| match asked.contact() {
        "good" => Answer::page(asked, 1),
        _ => Answer::message(400, "no"),
    });
    let bad = (0..130).map(|at| format!("bad-{at}"));
    let outcome = Export::run_of(api.url(), std::iter::once("good".to_owned()).chain(bad))
        .args("--concurrency 1")
        .expect(3);
    let page = page(&outcome.out);
    assert_eq!(page.rows("failures").len(), 1 + 100);
    page.says("130 contacts failed.");
    page.says("The first 100 are shown.");
    page.says("lists 30 more.");
    page.says("failed.csv");
    page.says("Of 131 contacts, 130 failed.");
}

#[test]
fn a_run_without_anything_reads_well() {
    let service = Service::start("");
    let outcome = Export::run_of(service.url(), ["empty-a"]).expect(0);
    let page = page(&outcome.out);
    for sentence in [
        "No messages were exported.",
        "None: every contact was read completely.",
        "None was a retry.",
        "None: every response had a status of 2xx.",
        "1 contact, none failed.",
    ] {
        page.says(sentence);
    }
    assert!(!page.html.contains("NaN") && !page.html.contains("inf%"), "no division by nothing");
}

#[test]
fn a_resumed_run_says_what_it_does_not_know() {
    let service = Service::start("--latency 5ms");
    let contacts: Vec<String> = (0..12).map(|at| format!("messages-150-{at}")).collect();
    let export = Export::run_of(service.url(), contacts).args("--concurrency 2 --page-size 20");
    let running = export.start();
    service.wait_for_requests(40);
    running.signal("KILL");
    running.wait(std::time::Duration::from_mins(1));
    let outcome = export.expect(0);
    let (page, manifest) = (page(&outcome.out), outcome.manifest());
    page.says("The run was interrupted and resumed.");
    let sent = manifest["requests"]["sent"].as_u64().unwrap();
    let buckets = manifest["requests"]["timeline"]["buckets"].as_array().unwrap();
    let known: u64 = buckets.iter().map(|bucket| bucket["requests"].as_u64().unwrap()).sum();
    assert!(known < sent && known > 0, "{known} of {sent}");
    page.says(&format!("{} of its {sent} requests were sent before", sent - known));
    assert_eq!(page.sum("timeline", "requests"), known);
    Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).expect(0);
}

#[test]
fn manifests_of_earlier_versions_have_no_times_of_requests() {
    let service = Service::start("");
    let outcome = Export::run_of(service.url(), ["messages-3-a"]).expect(0);
    let mut manifest = outcome.manifest();
    let path = outcome.out.join(format!("_runs/{}/manifest.json", manifest["run_id"].as_str().unwrap()));
    let sha256 = || chatzy_export::internals::digest::sha256(read(&path));
    let before = sha256();
    assert!(manifest["requests"].as_object_mut().unwrap().remove("timeline").is_some());
    write(&path, serde_json::to_string_pretty(&manifest).unwrap());
    let latest = outcome.out.join("_runs/latest.json");
    write(&latest, read(&latest).replace(&before, &sha256()));
    let sums = path.with_file_name("checksums.sha256");
    write(&sums, read(&sums).replace(&before, &sha256()));
    Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).expect(0);
    let page = page(&outcome.out);
    page.says("This run has no record of request times.");
    assert!(!page.rows("statuses").is_empty() && page.rows("timeline").is_empty());
}

#[test]
fn the_page_goes_where_it_is_told_to() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-30-a"]);
    let outcome = export.clone().args("--run-id first").expect(0);
    export.args("--run-id second").expect(0);
    let out = &outcome.out;
    let command = report(out, "--run first -o page.html");
    assert!(command.expect(0).stdout.is_empty());
    let path = command.path("page.html");
    assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it names contacts");
    let to_stdout = report(out, "--run first -o -").expect(0);
    assert_eq!((to_stdout.stdout.as_str(), to_stdout.stderr.as_str()), (read(&path).as_str(), ""));
    assert_eq!(report(out, "--run first").expect(0).stdout, read(&path), "stdout is what it does anyway");
    let quiet = report(out, "-o page.html --quiet").expect(0);
    assert_eq!(quiet.stderr, "");
    assert!(report(out, "").expect(0).stdout.contains("<h1>second</h1>"), "the newest");
    for place in ["messages/page.html", "_runs/page.html", "page.html"] {
        let inside = out.join(place);
        let refused = report(out, "-o").arg(&inside.to_string_lossy()).expect(2);
        assert!(refused.stderr.contains("is inside the export") && !inside.exists(), "{}", refused.stderr);
    }
    report(out, "-o nowhere/page.html").expect(6);
    Export::command("verify --deep").arg(&out.to_string_lossy()).expect(0);
}

#[test]
fn a_terminal_gets_no_page() {
    let typed =
        format!("script -qec '{} report nowhere' /dev/null </dev/null", crate::support::export::PROGRAM);
    let Ok(output) = Command::new("sh").args(["-c", &typed]).output() else { return };
    if !output.status.success() && output.stdout.is_empty() {
        return; // no script(1) here
    }
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("use a file, such as -o report.html"), "{told}");
}

#[test]
fn what_is_no_sound_export_has_no_report() {
    let service = Service::start("");
    let outcome = Export::run_of(service.url(), ["messages-30-a"]).expect(0);
    let refused = report(&outcome.out, "--run another").expect(2);
    assert!(refused.stderr.contains("there is no run another"), "{}", refused.stderr);
    let refused = report(&outcome.out.join("contacts/none"), "").expect(2);
    assert!(refused.stderr.contains("there is no export"), "{}", refused.stderr);

    let manifest = outcome.manifest();
    let file = |table: &str| {
        let files = manifest["files"].as_array().unwrap().iter();
        let path = files.filter(|file| file["table"] == table).find_map(|file| file["path"].as_str());
        outcome.out.join(path.unwrap())
    };
    let damaged = |what: &str| {
        let command = report(&outcome.out, "-o page.html");
        let told = command.expect(8);
        assert!(told.whole_last_line().contains(": chatzy-export verify "), "{what}: {}", told.stderr);
        assert!(!command.path("page.html").exists(), "{what}");
        told.stderr
    };
    let messages = std::fs::read(file("messages")).unwrap();
    // A file of the right size that is not Parquet.
    write(&file("messages"), vec![b'x'; messages.len()]);
    damaged("unreadable");
    write(&file("messages"), &messages[1..]);
    damaged("cut");
    write(&file("messages"), &messages);
    report(&outcome.out, "").expect(0);
    let path = outcome.out.join(format!("_runs/{}/manifest.json", manifest["run_id"].as_str().unwrap()));
    let text = read(&path);
    write(&path, text.replace("\"failed\": 0", "\"failed\": 1"));
    assert!(damaged("edited").contains("manifest.json"));
    remove_file(&path).unwrap();
    damaged("without its manifest");
    write(&path, text);
    remove_file(file("coverage")).unwrap();
    assert!(damaged("without coverage").contains("coverage/"));
}
