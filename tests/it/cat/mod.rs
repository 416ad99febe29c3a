//! `cat`: the rows of a published table on stdout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::promises::root;
use crate::support::export::{Export, Outcome, json, write};
use crate::support::service::Service;
use crate::support::stores::Remote;
use crate::support::tables::python;
use crate::system::skip;

const TABLES: [&str; 5] = ["contacts", "conversations", "messages", "channel_records", "coverage"];

/// Contacts with all kinds of odd values.
const CONTACTS: [&str; 6] = ["messages-120-a", "messages-3-b", "empty-c", "unknown-d", "messages-40-e", "f"];

fn service() -> Service {
    Service::start("--seed 11 --wild 0.3 --wild-kind valid")
}

fn run(service: &Service, options: &str) -> Export {
    Export::run_of(service.url(), CONTACTS).args("--run-id r1").args(options)
}

fn cat(out: &Path, arguments: &str) -> Export {
    Export::command("cat").arg(&out.to_string_lossy()).args(arguments)
}

/// The files of a table of the newest run, in the order of the manifest.
fn files(out: &Path, table: &str) -> Vec<PathBuf> {
    let latest = json(&out.join("_runs/latest.json"));
    let manifest = json(&out.join(latest["manifest"].as_str().unwrap()));
    let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] == table);
    files.map(|file| out.join(file["path"].as_str().unwrap())).collect()
}

/// The text of the files of a table in an export as plain JSONL.
fn text(out: &Path, table: &str) -> String {
    files(out, table).iter().map(|file| fs::read_to_string(file).expect("text")).collect()
}

/// The lines without what two runs of one account differ in: their times, and the number of their requests.
fn without_times(text: &str) -> Vec<String> {
    let cut = |line: String, name: &str, is_value: fn(char) -> bool| {
        let start = format!("\"{name}\":");
        match line.split_once(&start) {
            Some((before, after)) => format!("{before}{start}{}", after.trim_start_matches(is_value)),
            None => line,
        }
    };
    let mask = |line: &str| {
        let line = ["exported_at", "fetch_started_at", "fetch_finished_at"]
            .iter()
            .fold(line.to_owned(), |line, name| cut(line, name, |c| c != ',' && c != '}'));
        ["requests", "retries", "rereads"]
            .iter()
            .fold(line, |line, name| cut(line, name, |c| c.is_ascii_digit()))
    };
    text.lines().map(mask).collect()
}

#[test]
fn the_lines_are_those_of_an_export_as_jsonl() {
    let service = service();
    let options = ["--format jsonl", "--target-file-size 4KB", "--partition-by month,channel"];
    let runs = options.map(|options| run(&service, options).expect(0));
    let [lines, parquet, by_channel] = [0, 1, 2].map(|at| &*runs[at].out);
    assert!(files(parquet, "messages").len() > 1);
    assert!(files(by_channel, "messages").len() > 2);
    for table in TABLES {
        let expected = text(lines, table);
        assert!(!expected.is_empty());
        assert_eq!(cat(lines, table).expect(0).stdout, expected, "{table}: the files themselves");
        let expected = without_times(&expected);
        let whole = cat(parquet, table).expect(0);
        assert_eq!(without_times(&whole.stdout), expected, "{table}");
        assert_eq!(whole.stderr, "");
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines
        };
        let by_channel = without_times(&cat(by_channel, table).expect(0).stdout);
        assert_eq!(sorted(by_channel), sorted(expected), "{table} by channel");
    }
}

#[test]
fn files_of_a_partitioned_export_are_in_the_order_of_the_manifest() {
    let outcome = run(&service(), "--format jsonl --partition-by month --target-file-size 10KB").expect(0);
    let out = &*outcome.out;
    assert!(files(out, "messages").len() > 3);
    assert_eq!(cat(out, "messages").expect(0).stdout, text(out, "messages"));
}

#[test]
fn arrow_streams_are_what_the_parquet_files_are() {
    let service = service();
    for options in ["--target-file-size 4KB", "--partition-by channel"] {
        let outcome = run(&service, options).expect(0);
        let manifest = outcome.manifest();
        for table in TABLES {
            let command = cat(&outcome.out, table).args("--format arrow").shell(r#"exec "$@" > stream"#);
            assert_eq!(command.expect(0).stderr, "");
            let output = Command::new(python())
                .arg(root().join("tests/it/cat/read_stream.py"))
                .arg(command.path("stream"))
                .args(files(&outcome.out, table))
                .output()
                .expect("python");
            assert!(output.status.success(), "{table}: {}", String::from_utf8_lossy(&output.stderr));
            let table = &manifest["tables"][table];
            let expected = format!("{} {}\n", table["rows"], table["columns"].as_array().unwrap().len());
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        }
    }
}

#[test]
fn polars_reads_a_stream_from_a_pipe() {
    let polars = root().join(".tools/warehouse/venv/bin/python");
    if !polars.is_file() {
        return skip("polars_reads_a_stream_from_a_pipe", "needs Polars (scripts/warehouse-tools.sh)");
    }
    let outcome = run(&service(), "--format jsonl").expect(0);
    let script = "import polars, sys; print(polars.read_ipc_stream(sys.stdin.buffer).height)";
    let line = format!("\"$@\" | '{}' -c '{script}'", polars.display());
    let rows = cat(&outcome.out, "messages --format arrow").shell(&line).expect(0).stdout;
    assert_eq!(rows.trim(), outcome.manifest()["tables"]["messages"]["rows"].to_string());
}

#[test]
fn a_table_without_rows_has_no_lines_and_a_schema() {
    let service = service();
    let outcome = Export::run_of(service.url(), ["empty-a"]).expect(0);
    let out = &*outcome.out;
    assert_eq!(cat(out, "messages").expect(0).stdout, "");
    let command = cat(out, "messages --format arrow").shell(r#"exec "$@" > stream"#);
    command.expect(0);
    let script =
        "import pyarrow.ipc, sys; print(len(pyarrow.ipc.open_stream(sys.argv[1]).read_all().schema))";
    let output = Command::new(python()).args(["-c", script]).arg(command.path("stream")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "15\n");
}

#[test]
fn an_older_run_is_printed_by_its_id() {
    let service = service();
    let first = run(&service, "");
    let one = first.expect(0);
    let expected = cat(&one.out, "messages").expect(0).stdout;
    assert!(expected.contains("\"run_id\":\"r1\""));
    run(&service, "").without("--run-id").args("--run-id r2").out_at(&one.out).expect(0);
    let newest = cat(&one.out, "messages").expect(0).stdout;
    assert!(newest.contains("\"run_id\":\"r2\"") && !newest.contains("\"run_id\":\"r1\""));
    assert_eq!(cat(&one.out, "messages --run r1").expect(0).stdout, expected);
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let outcome = run(&service(), "").expect(0);
    let out = &*outcome.out;
    let says = |command: Export, code: i32, sentence: &str| {
        let outcome = command.expect(code);
        assert_eq!(outcome.stdout, "");
        assert!(outcome.whole_last_line().contains(sentence), "{}", outcome.stderr);
    };
    says(cat(out, "message"), 2, "'messages'");
    says(cat(out, "raw"), 2, "channel_records");
    says(cat(&out.join("nothing"), "messages"), 2, "there is no export at");
    says(cat(out, "messages --run other"), 2, "there is no run other in");
    says(cat(out, "messages --run ../x"), 2, "--run: ");
}

/// The second file of the messages is damaged. Returns the command's outcome.
fn damaged(options: &str, damage: impl Fn(&Path)) -> (Outcome, String, PathBuf) {
    let outcome = run(&service(), options).args("--target-file-size 4KB").expect(0);
    let out = &*outcome.out;
    let sound = cat(out, "messages").expect(0).stdout;
    let file = files(out, "messages")[1].clone();
    damage(&file);
    let found = cat(out, "messages").expect(8);
    (found, sound, file)
}

#[test]
fn no_row_of_a_damaged_file_is_printed() {
    for options in ["", "--format jsonl", "--format jsonl --compression gzip"] {
        let flip = |file: &Path| {
            let mut bytes = fs::read(file).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            write(file, bytes);
        };
        let cut = |file: &Path| {
            let mut bytes = fs::read(file).unwrap();
            bytes.pop();
            write(file, bytes);
        };
        let remove = |file: &Path| fs::remove_file(file).unwrap();
        for damage in [&flip as &dyn Fn(&Path), &cut, &remove] {
            let (outcome, sound, file) = damaged(options, damage);
            let said = outcome.whole_last_line();
            assert!(said.contains(file.file_name().unwrap().to_str().unwrap()), "{said}");
            assert!(said.contains("is damaged (") && said.contains("chatzy-export verify "), "{said}");
            let printed = outcome.stdout.len();
            assert!(0 < printed && printed < sound.len() && outcome.stdout.ends_with('\n'));
            assert!(sound.starts_with(&outcome.stdout), "the rows of the file before it");
        }
    }
}

#[test]
fn a_damaged_manifest_ends_it() {
    let outcome = run(&service(), "").expect(0);
    let manifest = outcome.out.join("_runs/r1/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    write(&manifest, text.replace("\"messages\"", "\"messages\" "));
    let outcome = cat(&outcome.out, "messages").expect(8);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("its SHA-256 is not the one in latest.json"), "{}", outcome.stderr);
}

#[test]
fn a_closed_pipe_is_no_failure_and_a_full_stdout_is() {
    let service = service();
    let outcome = Export::run_of(service.url(), ["messages-3000-a"]).expect(0);
    let out = &*outcome.out;
    for format in ["jsonl", "arrow"] {
        let command = cat(out, "messages --format").arg(format);
        let line = r#"{ "$@"; echo "exit code $?" >&2; } | head -c 100 > /dev/null"#;
        assert_eq!(command.clone().shell(line).expect(0).stderr, "exit code 0\n", "{format}");
        let full = command.shell(r#"exec "$@" > /dev/full"#).expect(6);
        assert!(
            full.last_line().starts_with("error: cannot write to stdout: No space left"),
            "{}",
            full.stderr
        );
    }
}

/// The command on a terminal, whose output goes to the file `screen`.
fn on_terminal(command: Export) -> Export {
    let script = root().join("tests/it/progress/terminal.py");
    command.shell(&format!(r#"exec python3 '{}' "$@""#, script.display())).also("columns", "80")
}

#[test]
fn a_terminal_gets_no_control_characters_and_no_arrow() {
    let hostile = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}";
    let content = serde_json::to_string(hostile).unwrap();
    let server = crate::support::raw::Raw::start(crate::memory::only_page(format!(
        r#"{{"message_id":"m","content":{content}}}"#
    )));
    let outcome = server.export(["a"]).expect(0);
    let out = &*outcome.out;
    let command = on_terminal(cat(out, "messages"));
    command.expect(0);
    let screen = fs::read_to_string(command.path("screen")).unwrap();
    assert!(!screen.replace("\r\n", "").contains(|c: char| c.is_control() || c == '\u{202e}'), "{screen:?}");
    let row: Value = serde_json::from_str(&screen).unwrap();
    assert_eq!(row["content"], hostile);
    let command = on_terminal(cat(out, "messages --format arrow"));
    command.expect(2);
    let screen = fs::read_to_string(command.path("screen")).unwrap();
    assert!(screen.contains("an Arrow stream cannot be shown in a terminal"), "{screen}");
}

#[test]
fn tables_of_a_store_are_printed() {
    let outcome = run(&service(), "--target-file-size 4KB").expect(0);
    for remote in Remote::all_with_conditions("tables_of_a_store_are_printed") {
        remote.copy_from(&outcome.out);
        let environment = remote.environment();
        let command = |arguments: &str| {
            let command = Export::command("cat").arg(&remote.url()).args(arguments);
            environment.iter().fold(command, |command, (name, value)| command.env(name, value))
        };
        for table in TABLES {
            let expected = cat(&outcome.out, table).expect(0).stdout;
            assert_eq!(command(table).expect(0).stdout, expected, "{:?}", remote.kind);
        }
        assert!(command("messages --run other").expect(2).stderr.contains("there is no run other"));
    }
}
