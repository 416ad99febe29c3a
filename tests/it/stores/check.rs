//! `check --out URL`: the place of an export in an object store, and the work folder.

use serde_json::Value;

use crate::support::export::Export;
use crate::support::stores::Remote;

fn in_store(remote: &Remote, arguments: &str) -> Export {
    let url = remote.url();
    let export = Export::command(arguments).args("--simulated --progress never --contacts ids.txt");
    let export = export.also("ids.txt", "messages-3-a\n");
    // `run` gets its option from there.
    let export = if arguments.starts_with("run") {
        export.out_at(url.as_ref())
    } else {
        export.args("--out").arg(&url)
    };
    remote.environment().into_iter().fold(export, |export, (name, value)| export.env(name, &value))
}

/// The findings about destination and space.
fn findings(command: &Export, code: i32) -> [Value; 2] {
    let document: Value = serde_json::from_str(&command.expect(code).stdout).expect("JSON");
    [0, 1].map(|at| document["checks"][at].clone())
}

fn detail(finding: &Value) -> &str {
    finding["detail"].as_str().expect("text")
}

#[test]
fn a_place_in_a_store_is_tried() {
    for remote in Remote::all_with_conditions("a_place_in_a_store_is_tried") {
        let url = remote.url();
        let command = in_store(&remote, "check --json --work-dir work");
        let [place, space] = findings(&command, 0);
        let expected = format!(
            "{url} is writable, and keeps two runs apart; it has no runs yet; work does not exist yet and can be created in ."
        );
        assert_eq!((detail(&place), place["status"].as_str()), (&*expected, Some("ok")), "{:?}", remote.kind);
        assert!(space["free_bytes"].as_u64().is_some_and(|free| free > 0), "{space}");
        assert!(!command.path("work").exists(), "nothing is left");

        in_store(&remote, "run --work-dir work --run-id first").expect(0);
        let [place, _] = findings(&command, 0);
        assert_eq!(place["newest_run"], "first");
        assert!(detail(&place).contains("; its newest run is first; "), "{place}");
    }
}

#[test]
fn a_store_without_conditions_is_refused_with_the_option_that_accepts_it() {
    let Some(remote) = Remote::rclone("a_store_without_conditions_is_refused") else { return };
    let [place, _] = findings(&in_store(&remote, "check --json --work-dir work"), 2);
    assert_eq!(place["status"], "fail");
    assert!(
        detail(&place).contains("ignores conditional writes") && detail(&place).contains("--unconditional")
    );
    let [place, _] = findings(&in_store(&remote, "check --json --work-dir work --unconditional"), 0);
    assert!(detail(&place).contains("is writable; nothing keeps two runs apart"), "{place}");
}

#[test]
fn faults_of_a_store_fail_the_check() {
    let Some(remote) = Remote::seaweedfs("faults_of_a_store_fail_the_check") else { return };
    let missing = in_store(&remote, "check").expect(2).last_line();
    assert!(missing.contains("requires --work-dir DIR"), "{missing}");
    let secret = in_store(&remote, "check --json --work-dir work").env("AWS_SECRET_ACCESS_KEY", "wrong");
    let [place, space] = findings(&secret, 6);
    assert!(detail(&place).contains("check AWS_SECRET_ACCESS_KEY"), "{place}");
    assert_eq!(space["status"], "ok");
    let file = in_store(&remote, "check --json --work-dir file").also("file", "");
    let [place, _] = findings(&file, 6);
    assert!(detail(&place).contains("file"), "{place}");
}

#[test]
fn the_work_folder_of_a_local_export_is_tried_too() {
    let command = Export::command("check --simulated --json --out export --work-dir file").also("file", "");
    let [place, _] = findings(&command, 6);
    assert!(detail(&place).contains("file"), "{place}");
    let command = Export::command("check --simulated --json --out export --work-dir work");
    let [place, _] = findings(&command, 0);
    assert_eq!(place["path"], "export");
}
