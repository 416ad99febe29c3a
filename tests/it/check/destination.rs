//! The folder that the run would write to.

use std::fs;
use std::time::Duration;

use chatzy_export::internals::lock::Lock;

use super::{check, check_all, document, finding, told};
use crate::support::export::{Export, tree, without_owner};
use crate::support::service::Service;
use crate::system::{SmallDisk, skip};
use chatzy_export::internals::store::Store;

#[test]
fn the_destination_may_be_there_or_not_and_nothing_is_left() {
    let service = Service::start("--account-contacts 3 --max-messages 9");
    let listing = |export: &Export| {
        let mut files = tree(&export.path(""));
        files.retain(|name| !name.starts_with("stdout-") && !name.starts_with("stderr-"));
        let folders = fs::read_dir(export.path("")).unwrap().count();
        (files, folders)
    };
    let export = check_all(service.url()).also("kept/export/file", "of another").also("kept/x", "");
    for (out, code, status) in [
        ("export", 0, "ok"),
        ("new/deep/export", 0, "ok"),
        ("kept/export", 0, "ok"),
        ("kept/x", 6, "fail"),
        ("kept/x/below", 6, "fail"),
    ] {
        let (before, folders) = listing(&export);
        let outcome = export.clone().args("--out").arg(out).expect(code);
        assert_eq!(told(&outcome, "destination").0, status, "{out}");
        let (after, folders_after) = listing(&export);
        assert_eq!(after, before, "{out}");
        assert_eq!(folders_after, folders + 2, "{out}: the two streams of the test itself");
        assert_eq!(told(&outcome, "sign_in").0, "ok", "{out}");
    }
    chatzy_export::internals::durable::create_dir_all(&export.path("target")).unwrap();
    std::os::unix::fs::symlink(export.path("target"), export.path("link")).unwrap();
    let outcome = export.clone().args("--out link").expect(6);
    assert!(told(&outcome, "destination").1.contains("symbolic link"), "{}", outcome.stderr);
    assert_eq!(fs::read_dir(export.path("target")).unwrap().count(), 0);
    let readonly = export.clone().args("--out readonly/export").also("readonly/kept", "");
    let outcome = readonly.shell(r#"chmod 500 readonly; exec "$@""#).run();
    if outcome.code == Some(0) {
        skip("the_destination_may_be_there_or_not_and_nothing_is_left", "root may write everywhere");
    } else {
        assert_eq!(outcome.code, Some(6));
        assert!(
            told(&outcome, "destination").1.starts_with("cannot create a folder in readonly"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn another_run_there_is_told() {
    let service = Service::start("--account-contacts 3 --max-messages 9");
    let export = check_all(service.url()).args("--out export").also("export/kept", "");
    let out = export.path("export");
    let lock = Lock::acquire(&Store::local(&out), None, None).unwrap();
    let outcome = export.expect(7);
    let (status, detail) = told(&outcome, "destination");
    assert_eq!((status.as_str(), without_owner(&detail).as_str()), ("fail", "another run works on export"));
    assert!(detail.contains(&format!(" (process {} on ", std::process::id())), "{detail}");
    assert_eq!(told(&outcome, "space").0, "ok");
    assert!(document(&outcome)["plan"].is_object());
    drop(lock);
    export.expect(0);
}

#[test]
fn an_unfinished_run_there_is_told() {
    let service = Service::start("--latency 20ms");
    let contacts: Vec<String> = (0..60).map(|at| format!("messages-9-{at}")).collect();
    let run = Export::run_of(service.url(), &contacts).args("--run-id first --concurrency 2");
    let running = run.start();
    service.wait_for_requests(20);
    running.signal("KILL");
    running.wait(Duration::from_mins(1));
    let before = tree(run.out_path());
    let export = check(service.url(), &contacts).args("--out").arg(&run.out_path().to_string_lossy());
    let outcome = export.expect(0);
    assert_eq!(finding(&outcome, "destination")["unfinished"], "first");
    assert_eq!(tree(run.out_path()), before);
    crate::support::export::write(&run.out_path().join("_work/run.json"), "{\"run_id\": \"../x\"}");
    assert_eq!(told(&export.expect(0), "destination").0, "warn");
}

#[test]
fn too_little_room_is_told() {
    let service = Service::start("");
    let export = check(service.url(), ["messages-90000-a", "messages-90000-b"]).args("--out disk");
    for (kilobytes, code, status) in [(8192, 6, "fail"), (20_000, 0, "warn"), (400_000, 0, "ok")] {
        let Some(_disk) = SmallDisk::mount(&export.path("disk"), kilobytes) else {
            return skip("too_little_room_is_told", "needs root, to mount a tmpfs");
        };
        let outcome = export.expect(code);
        assert_eq!(told(&outcome, "space").0, status, "{}", outcome.stderr);
    }
}
