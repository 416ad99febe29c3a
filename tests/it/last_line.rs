//! The last line on stderr: the outcome in one sentence, and the next command. The tests run this command.

use std::fmt::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::export::{EMAIL, Export, Outcome, PASSWORD, read};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::{Service, wait_until};

/// An API that refuses contacts named `bad…` and has another flaw, until it is repaired.
struct Flawed {
    server: Scripted,
    is_mended: Arc<AtomicBool>,
}

impl Flawed {
    fn new(flaw: Answer) -> Self {
        let is_mended = Arc::new(AtomicBool::new(false));
        let mended = Arc::clone(&is_mended);
        let server = Scripted::start(move |asked| match mended.load(Ordering::Relaxed) {
            false if asked.contact().starts_with("bad") => Answer::message(403, "no"),
            false if asked.is_sign_in() == (flaw.status == 401) => flaw.clone(),
            _ if asked.is_sign_in() => Answer::token("token-1"),
            _ => Answer::page(asked, 3),
        });
        Self { server, is_mended }
    }

    /// An API that only refuses the contact `bad`.
    fn slightly() -> Self {
        let is_mended = Arc::new(AtomicBool::new(false));
        let mended = Arc::clone(&is_mended);
        let server = Scripted::api(move |asked| match asked.contact() {
            "bad" if !mended.load(Ordering::Relaxed) => Answer::message(403, "no"),
            _ => Answer::page(asked, 3),
        });
        Self { server, is_mended }
    }

    fn export(&self) -> Export {
        Export::run_of(self.server.url(), ["a", "bad", "b"]).args("--format jsonl")
    }

    fn mend(&self) {
        self.is_mended.store(true, Ordering::Relaxed);
    }
}

/// Runs the command of a last line in a shell, in the folder of the test.
fn typed(outcome: &Outcome, export: &Export) -> i32 {
    let line = outcome.stderr.trim_end().lines().next_back().expect("a last line");
    let at = line.find(&format!(": {} ", crate::support::export::PROGRAM)).expect("a command") + 2;
    let mut shell = Command::new("sh");
    shell.args(["-c", line.split_at(at).1]).current_dir(export.path("."));
    shell.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD).env_remove("CHATZY_PING_URL");
    let ended = shell.output().expect("a shell");
    ended.status.code().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&ended.stderr)))
}

/// One line for each exit code.
#[test]
fn every_exit_has_its_last_line() {
    let mut table = String::new();
    let mut row = |outcome: &Outcome| {
        let code = outcome.code.expect("an exit code");
        writeln!(table, "{code}: {}", outcome.whole_last_line()).unwrap();
    };
    let api = Flawed::slightly();
    let export = api.export().args("--run-id first");
    row(&export
        .clone()
        .out("whole")
        .without("--contacts")
        .args("--contacts good.csv")
        .also("good.csv", "a\nb\n")
        .expect(0));
    row(&export.clone().out("two words").expect(3));
    row(&export.clone().args("--bogus").expect(2));
    row(&export.clone().args("--since soon").expect(2));
    row(&export.clone().args("--max-failed 0").expect(5));
    row(&export.clone().args("--max-failed 0 --flat").expect(9));
    row(&export.clone().out("contacts.csv").expect(6));
    let refusing = Flawed::new(Answer::message(401, "Incorrect username or password."));
    row(&refusing.export().expect(4));
    let nobody = Flawed::new(Answer::html());
    row(&nobody.export().expect(2));
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let export = Export::run_of("http://127.0.0.1:1", ["a"]).args("--fresh");
        let running = export.start();
        wait_until("it asks", || read(&export.path("stderr-0")).contains("cannot connect"));
        if code == 143 {
            row(&export.clone().args("--wait-lock 1s").expect(7));
        }
        running.signal(signal);
        row(&running.wait(Duration::from_secs(10)).expect(code));
    }
    let whole = export.path("whole");
    let verify = |out: &str| Export::command("verify").arg(&whole.with_file_name(out).to_string_lossy());
    let anonymous = |mut outcome: Outcome| {
        outcome.stderr = outcome.stderr.replace(&*export.path("").to_string_lossy(), "DIR/");
        outcome
    };
    row(&anonymous(verify("whole").expect(0)));
    crate::support::export::write(&whole.join("_runs/first/checksums.sha256"), "changed");
    row(&anonymous(verify("whole").expect(8)));
    row(&anonymous(verify("nowhere").expect(2)));
    assert_snapshot!(table, @r#"
    0: run first is complete: 6 messages of 2 contacts
    3: run first is published, but 1 of 3 contacts failed: export these again: chatzy-export run --progress never --base-url API --format jsonl --out 'DIR/two words' --contacts 'DIR/two words/_runs/first/failed.csv'
    2: error: unexpected argument '--bogus' found; see: chatzy-export run --help
    2: error: invalid time "soon" for --since: use 7d, 12h or 2w before now, yesterday, today, a month such as 2026-01, a day such as 2026-01-31, or RFC 3339 such as 2026-01-31T18:00:00Z; all times are UTC
    5: error: 1 contacts failed, more than --max-failed allows: nothing was published; to resume, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --format jsonl --run-id first --max-failed 0 --out DIR/export
    9: error: the unfinished run first does not fit this command: --flat was false and is now true; to keep it, use the options it had; to discard the unfinished run with --fresh, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --format jsonl --run-id first --max-failed 0 --flat --out DIR/export --fresh
    6: error: cannot use as a folder DIR/contacts.csv: not a directory; to resume, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --format jsonl --run-id first --out DIR/contacts.csv
    4: error: sign-in refused (401 Unauthorized: Incorrect username or password.): check the credentials; to resume, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --format jsonl --out DIR/export
    2: error: API is not the Chatzy AI API (a web page (HTML)): check --base-url
    130: error: interrupted; fetched data is kept; to resume, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --out DIR/export
    7: error: another run works on DIR/export; to wait for it, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --fresh --out DIR/export --wait-lock 1h
    143: error: interrupted; fetched data is kept; to resume, run: chatzy-export run --contacts contacts.csv --progress never --base-url API --out DIR/export
    0: DIR/whole is intact: 1 runs, 4 files, 12 rows, 4.4 KiB
    8: error: DIR/whole is damaged: 1 finding above, with advice
    2: error: there is no export at DIR/nowhere: it has no _runs/latest.json and no tables
    "#);
}

#[test]
fn the_command_of_the_last_line_does_what_is_to_be_done() {
    // Published, but one contact failed: the command exports this contact.
    let api = Flawed::slightly();
    let export =
        api.export().out("it's mine").args("--run-id first --contacts-column contact_id --delimiter none");
    let outcome = export.expect(3);
    api.mend();
    assert_eq!(typed(&outcome, &export), 0);
    assert_eq!(outcome.rows("coverage").column("contact_id"), ["bad"]);

    // Not published: the command resumes the run, although it began with --fresh.
    let api = Flawed::slightly();
    let export = api.export().args("--fresh --concurrency 1");
    let outcome = export.clone().args("--max-failed 0").expect(5);
    api.mend();
    let before = api.server.asked().len();
    assert_eq!(typed(&outcome, &export), 0);
    let asked = api.server.asked().split_off(before);
    assert!(
        asked.iter().all(|asked| asked.contact() != "a"),
        "what was answered before is not asked for again"
    );

    // The unfinished run does not fit: the command discards it.
    let api = Flawed::slightly();
    let export = api.export();
    export.clone().args("--max-failed 0").expect(5);
    let outcome = export.clone().args("--flat").expect(9);
    api.mend();
    assert_eq!(typed(&outcome, &export), 0);
}

#[test]
fn the_command_of_the_last_line_tells_no_ping_url() {
    let api = Flawed::slightly();
    let monitor = Scripted::start(|_| Answer::new(200, "OK"));
    let export = api.export().args("--ping-url").arg(&format!("{}/secret-key", monitor.url()));
    let outcome = export.expect(3);
    assert!(!outcome.stderr.contains("secret-key"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--ping-url \"$CHATZY_PING_URL\""), "{}", outcome.stderr);
    api.mend();
    assert_eq!(typed(&outcome, &export), 0);
}

/// All lines of stderr. Each must be one JSON object.
pub fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stderr.lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// An event in `docs/reference.md`.
struct Documented {
    event: String,
    levels: Vec<String>,
    fields: Vec<String>,
}

fn documented() -> Vec<Documented> {
    let reference = read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md"));
    let (_, tables) = reference.split_once("\n## Log\n").expect("the section about the log");
    let (tables, _) = tables.split_once("\n## ").expect("the section after it");
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = tables.lines().map(|row| row.split('|').collect::<Vec<_>>());
    let events = rows.filter(|cells| cells.len() == 6 && cells[1].contains('`'));
    events
        .flat_map(|cells| {
            let (levels, fields) = (words(cells[2]), words(cells[3]));
            let document = move |event| Documented { event, levels: levels.clone(), fields: fields.clone() };
            words(cells[1]).into_iter().map(document)
        })
        .collect()
}

pub fn assert_documented(lines: &[Value]) {
    let documented = documented();
    for line in lines {
        let event = line["event"].as_str().unwrap_or_else(|| panic!("no event in {line}"));
        let found = documented.iter().find(|documented| documented.event == event);
        let found = found.unwrap_or_else(|| panic!("{event} is not in docs/reference.md"));
        let mut expected: Vec<&str> = ["time", "level", "event"].to_vec();
        expected.extend(found.fields.iter().map(String::as_str));
        expected.sort_unstable();
        let mut keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, expected, "{line}");
        assert!(found.levels.iter().any(|level| line["level"] == **level), "{line}");
        assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
}

#[test]
fn every_line_of_a_json_log_is_an_object_with_the_fields_documented() {
    let service = Service::start("--errors 0.2 --rate-limit 40 --drift-insert 0.2");
    let contacts = (0..20).map(|at| format!("messages-{at}0-{at}")).chain(["unknown-a".to_owned()]);
    let export = Export::run_of(service.url(), contacts).args("--log-format json -vv --json");
    let lines = objects(&export.expect(0));
    assert_documented(&lines);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["exit_code"], &last["command"]),
        (&"published".into(), &0.into(), &Value::Null)
    );
    for event in [
        "started",
        "signed_in",
        "page_read",
        "retry",
        "throttled",
        "contact_done",
        "totals",
        "built",
        "publishing",
    ] {
        assert!(lines.iter().any(|line| line["event"] == event), "{event} was to be seen");
    }
    let api = Flawed::slightly();
    let ends = |export: Export, code: i32| {
        let lines = objects(&export.args("--log-format json").expect(code));
        assert_documented(&lines);
        let last = lines.last().unwrap();
        assert_eq!(last["exit_code"], code, "{last}");
        assert!(
            last["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty() && !message.starts_with("error"))
        );
        last.clone()
    };
    let partly = ends(api.export(), 3);
    assert_eq!(partly["event"], "published_partly");
    assert!(partly["command"].as_str().unwrap().contains("failed.csv"), "{partly}");
    assert_eq!(ends(api.export().args("--max-failed 0"), 5)["event"], "failed");
    ends(api.export().args("--bogus"), 2);
    ends(api.export().args("--since soon --metrics-file no/where --ping-url http://127.0.0.1:1"), 2);
    ends(api.export().out("contacts.csv"), 6);
    assert_documented(&objects(&api.export().args("--dry-run --log-format json").expect(0)));
    let published = api.export();
    published.expect(3);
    let verify =
        |out: &str| Export::command("verify --log-format json").arg(&published.path(out).to_string_lossy());
    let sound = objects(&verify("export").expect(0));
    assert_documented(&sound);
    assert_eq!(sound.last().unwrap()["event"], "verified");
    crate::support::export::write(&published.path("export/messages/part-foreign.jsonl"), "x");
    let damaged = objects(&verify("export").expect(8));
    assert_documented(&damaged);
    assert_eq!(damaged.last().unwrap()["exit_code"], 8);
}
