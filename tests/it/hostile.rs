//! Hostile text, from contact IDs to file names. It reaches no path, and no terminal obeys it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use crate::support::export::{Export, read};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::Service;

/// Contact IDs that have another meaning as a path, in a URL, on a terminal or in a spreadsheet.
const IDS: [&str; 24] = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "~/.ssh/id_rsa",
    "CON",
    "nul.txt",
    "C:\\x",
    "a?limit=1&offset=7#x",
    "a&contact_id=b",
    "100%25%2f%00",
    "a+b c",
    "a;b,c\"d'e`f`$(g)|h",
    "=cmd|'/C calc'!A1",
    "\u{202e}gnp.exe",
    "\u{2066}turned\u{2069}",
    "line\u{2028}and\u{2029}paragraph",
    "zero\u{200b}width\u{feff}",
    "tag\u{e0041}",
    "👩‍👩‍👧 नमस्ते é",
    "__HIVE_DEFAULT_PARTITION__",
    "month=2026-01",
    "{\"$ne\":null}",
    "%s%n{0}\\u001b",
];

/// Hostile text for all places that the API or a file system controls.
const EVIL: &str = "\u{1b}[2Jred\u{1b}]0;title\u{7}\r\nerror: FAKE\u{9b}31m\u{7f}\u{202e}\u{2028}\u{0}end";

/// Fails if a terminal would do anything but show the text.
fn assert_tame(text: &str, told: &str) {
    let wild = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{61c}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(c) = text.chars().find(wild) {
        panic!("{told}: U+{:04X} in {text:?}", u32::from(c));
    }
    assert!(
        !text.lines().any(|line| line.starts_with("error: FAKE")),
        "{told}: a line of another's in {text}"
    );
}

/// Runs the command to any end, and checks its output.
fn run(export: &Export, told: &str) -> crate::support::export::Outcome {
    let outcome = export.run();
    assert_tame(&outcome.stderr, told);
    assert_tame(&outcome.stdout, told);
    outcome
}

#[test]
fn contact_ids_reach_no_path_and_the_query_whole() {
    let longest = "ü".repeat(100);
    let mut ids = IDS.to_vec();
    ids.push(&longest);
    let server = Scripted::api(|asked| Answer::page(asked, 3));
    let export = Export::run_of(server.url(), &ids)
        .args("--delimiter none --format jsonl --run-id r --partition-by month");
    let outcome = export.args("-vv").expect(0);
    assert_eq!(outcome.rows("coverage").column("contact_id"), ids);
    let asked: Vec<Asked> = server.asked().into_iter().filter(|asked| !asked.is_sign_in()).collect();
    let received: BTreeSet<&str> = asked.iter().map(Asked::contact).collect();
    assert_eq!(received, ids.iter().copied().collect());
    for asked in &asked {
        let names: Vec<&str> = asked.query.keys().map(String::as_str).collect();
        assert_eq!(names, ["contact_id", "grouped_conversations", "limit", "offset"], "{asked:?}");
        assert_eq!(asked.endpoint, "get_contact_conversation_messages");
    }
    let expected = [
        "_runs/latest.json",
        "_runs/r/checksums.sha256",
        "_runs/r/manifest.json",
        "contacts/part-r-00000.jsonl",
        "conversations/part-r-00000.jsonl",
        "coverage/part-r-00000.jsonl",
        "messages/month=2026-01/part-r-00000.jsonl",
    ];
    assert_eq!(outcome.tree(), expected);
    assert_tame(&outcome.stderr, "IDs");
}

#[test]
fn what_the_api_says_is_shown_and_not_obeyed() {
    let server = Scripted::api(|asked| match asked.before % 4 {
        0 => Answer::message(403, EVIL),
        1 => Answer::new(200, serde_json::json!({ "error": EVIL }).to_string()),
        2 => Answer::new(200, EVIL),
        _ => Answer::new(400, EVIL),
    });
    for log in ["text", "json"] {
        let export = Export::run_of(server.url(), IDS)
            .args("--delimiter none -vv --retries 1 --json --log-format")
            .arg(log);
        let outcome = run(&export, log);
        assert!(outcome.stderr.contains("FAKE"), "it is shown: {}", outcome.stderr);
        if log == "json" {
            for line in outcome.stderr.lines() {
                let event: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if let Some(contact) = event["contact"].as_str() {
                    assert!(IDS.contains(&contact), "the same ID, escaped as JSON does: {line}");
                }
            }
        }
        run(&export.clone().args("--dry-run"), "dry run");
    }
    for status in [200, 400, 401, 403, 500] {
        let server = Scripted::start(move |_| Answer::message(status, EVIL));
        let export = Export::run_of(server.url(), ["a"]).args("--dry-run -vv");
        if status == 500 {
            let running = export.start();
            crate::support::service::wait_until("it was answered", || {
                read(&export.path("stderr-0")).contains("sign-in failed")
            });
            running.signal("KILL");
            let outcome = running.wait(std::time::Duration::from_mins(1));
            assert_tame(&outcome.stderr, "sign-in 500");
        } else {
            run(&export, &format!("sign-in {status}"));
        }
    }
}

#[test]
fn names_of_files_are_shown_and_not_obeyed() {
    let name = "out\u{1b}[31m\nerror: FAKE\u{202e}";
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).out(name);
    let contacts = "ids\u{1b}[31m\r\nerror: FAKE\u{2028}.csv";
    export.write(contacts, "contact_id\nmessages-3-a\n");
    let hostile = export.clone().without("--contacts").args("--contacts").arg(contacts);
    for more in ["-vv", "--dry-run", "--json --log-format json", "--run-id once", "--run-id once"] {
        run(&hostile.clone().args(more), more);
    }
    let missing = format!("{contacts}.missing");
    run(&export.clone().without("--contacts").args("--contacts").arg(&missing), "no contacts file");
    export.write(&format!("{name}/messages/\u{1b}[2J\nerror: FAKE\u{202e}.parquet"), "");
    let other = export.path(name).join("contacts").join(OsStr::from_bytes(b"\xff\x1b[1m\xfe.parquet"));
    crate::support::export::write(&other, "");
    for more in ["", "--deep", "--json", "--run x\u{1b}[1m"] {
        let verify = Export::command("verify").arg(&export.path(name).to_string_lossy()).args(more);
        let outcome = run(&verify, more);
        assert_eq!(outcome.code, Some(if more.starts_with("--run") { 2 } else { 8 }), "{}", outcome.stderr);
    }
    let verify = Export::command("verify").arg("nowhere\u{1b}[31m\nerror: FAKE");
    assert_eq!(run(&verify, "no export").code, Some(2));
}

#[test]
fn an_unfinished_run_of_another_is_shown_and_not_obeyed() {
    let server = Scripted::api(|_| Answer::message(403, "no"));
    let export = Export::run_of(server.url(), ["a"]).args("--max-failed 0");
    export.expect(5);
    let mut planted = crate::support::export::json(&export.path("export/_work/run.json"));
    planted["identity"]["options"]["format"] = EVIL.into();
    planted["identity"]["options"][EVIL] = EVIL.into();
    planted["identity"]["base_url"] = EVIL.into();
    export.write("export/_work/run.json", planted.to_string());
    assert_eq!(run(&export, "run.json").code, Some(9));
    planted["run_id"] = EVIL.into();
    export.write("export/_work/run.json", planted.to_string());
    assert_eq!(run(&export, "run.json, its ID").code, Some(9));
    export
        .write("export/_work/publish.json", format!("{{\"manifest\":{{\"status\":{}}}}}", Value::from(EVIL)));
    assert_eq!(run(&export.args("--fresh"), "publish.json").code, Some(9));
}

#[test]
fn what_was_typed_is_shown_and_not_obeyed() {
    let typed = EVIL.replace('\0', "");
    let base = || Export::run_of("http://127.0.0.1:1", ["a"]);
    let refused = |export: Export, told: &str| assert_eq!(run(&export, told).code, Some(2), "{told}");
    for option in
        ["--format", "--page-size", "--since", "--compression", "--run-id", "--max-failed", "--channel"]
    {
        refused(base().arg(option).arg(&typed), option);
        refused(base().arg(&format!("{option}={typed}")), option);
    }
    refused(base().arg(&typed), "an argument");
    refused(base().arg(&format!("--{typed}")), "an option");
    refused(Export::command("").arg(&typed), "a command");
    refused(base().without("--base-url").env("CHATZY_BASE_URL", &typed), "a variable");
    refused(base().without("--base-url").base_url(&format!("http://{typed}")), "a URL");
    refused(base().args("--contacts-column").arg(&typed), "a column");
    refused(base().args("--config").arg(&typed), "a settings file");
    let escaped = serde_json::to_string(&typed).unwrap();
    for text in
        [format!("{escaped} = 1\n"), format!("format = {escaped}\n"), format!("page-size = {typed}\n"), typed]
    {
        let export = base();
        export.write("chatzy-export.toml", &text);
        refused(export, &text);
    }
    let export = base();
    export.write("contacts.csv", "\u{202e}id,\u{2028}\u{1b}[1m,x\n1,2,3\n");
    refused(export, "a header");
}
