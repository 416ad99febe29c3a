//! The folder of an unfinished run and the folder of the export do not damage each other, in any spelling.

use std::os::unix::fs::symlink;

use crate::support::export::{Export, tree};
use crate::support::service::Service;

/// `--out` and a `--work-dir` that would damage it, relative to the folder of the test. `link` leads to that folder.
const HARMFUL: [(&str, &str); 14] = [
    ("export", "export"),
    ("export", "./export/"),
    ("export", "link/export"),
    ("link/export", "export"),
    ("export", "export/scratch"),
    ("export", "export/messages"),
    ("export", "export/_runs/scratch"),
    ("export", "export/_work/scratch"),
    ("export", "missing/../export/scratch"),
    ("export", "missing/../link/export/scratch"),
    ("export", "other/scratch"),
    ("work/stage/export", "work"),
    ("link/work/spool", "work"),
    ("work/stage/messages/export", "link/work"),
];

/// The same for folders that do no harm.
const HARMLESS: [(&str, &str); 6] = [
    ("export", "export/_work"),
    ("export", "./export/../export/_work"),
    ("export", "link/export/_work"),
    ("link/export", "export/_work"),
    ("export", "work"),
    ("work/export", "work"),
];

/// The files in the folder of the test, except those that the test itself writes.
fn files(export: &Export) -> Vec<String> {
    let mut files = tree(&export.path(""));
    files.retain(|file| !file.starts_with("stdout-") && !file.starts_with("stderr-"));
    files
}

fn with_folders(export: &Export, out: &str, work: &str) -> Export {
    export.clone().out_at(out.as_ref()).args("--work-dir").arg(work)
}

#[test]
fn folders_that_would_damage_each_other_are_refused() {
    let service = Service::start("");
    let base = Export::run_of(service.url(), ["messages-3-a"]).args("--keep-raw");
    base.clone().out("other").expect(0);
    symlink(base.path(""), base.path("link")).unwrap();
    for is_there in [false, true] {
        if is_there {
            base.expect(0);
        }
        let (before, requests) = (files(&base), service.stats().requests);
        for (out, work) in HARMFUL {
            let rebuild = format!(
                "{} rebuild --from other --out {out} --work-dir {work}",
                crate::support::export::PROGRAM
            );
            let commands = [
                with_folders(&base, out, work),
                with_folders(&base, out, work).args("--dry-run"),
                with_folders(&base, out, work).args("--fresh"),
                base.clone().shell(&format!("exec {rebuild}")),
            ];
            for command in commands {
                let outcome = command.expect(2);
                let line = outcome.last_line();
                assert!(
                    line.contains(out) && line.contains(work.trim_end_matches('/')),
                    "{out} {work}: {line}"
                );
                assert!(line.contains("is inside"), "{out} {work}: {line}");
                assert_eq!(files(&base), before, "{out} {work}: nothing is written");
            }
        }
        assert_eq!(service.stats().requests, requests, "nothing is asked");
    }
    let told = |out, work| with_folders(&base, out, work).expect(2).last_line();
    insta::assert_snapshot!(told("export", "export/scratch"), @"error: --work-dir export/scratch is inside the export export; use a folder outside of it, or omit the option");
    insta::assert_snapshot!(told("work/stage/export", "work"), @"error: --out work/stage/export is inside work/stage, which a run removes from its work folder when it ends; use another --out or --work-dir");
    Export::command("verify --deep").arg(&base.out_path().to_string_lossy()).expect(0);
}

#[test]
fn other_folders_are_accepted() {
    let service = Service::start("");
    for (out, work) in HARMLESS {
        let base = Export::run_of(service.url(), ["messages-3-a"]).args("--keep-raw");
        symlink(base.path(""), base.path("link")).unwrap();
        let export = with_folders(&base, out, work);
        for _ in ["a new folder", "one with a run"] {
            export.expect(0);
        }
        Export::command("verify --deep").arg(&base.path(out).to_string_lossy()).expect(0);
        let rebuild = format!(
            "exec {} rebuild --from {out} --out made --work-dir ./made/_work",
            crate::support::export::PROGRAM
        );
        base.clone().shell(&rebuild).expect(0);
        let left =
            files(&base).into_iter().filter(|file| file.contains("work/") && !file.contains("export/"));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "{out} {work}");
    }
}

#[test]
fn another_spelling_finds_the_unfinished_run() {
    let service = Service::start("");
    let base = Export::run_of(service.url(), ["messages-3-a", "poison-2-b"]).args("--retries 0");
    symlink(base.path(""), base.path("link")).unwrap();
    let stopped = with_folders(&base, "export", "link/export/_work").args("--run-id r --max-failed 0");
    stopped.expect(5);
    assert!(base.path("export/_work/run.json").exists());
    let manifest = base.clone().out_at("./link/export".as_ref()).expect(3);
    assert!(base.path("export/_runs/r/manifest.json").exists(), "{}", manifest.stderr);
    assert!(!base.path("export/_work").exists());
}
