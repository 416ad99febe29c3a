//! A run into a store, and the commands that read it.

use std::collections::BTreeSet;

use object_store::ObjectStoreExt as _;

use super::account::{Account, Step, assert_no_secret, assert_sound, fetched, on};
use crate::support::compare::{assert_same, substance};
use crate::support::export::{Export, tree};
use crate::support::scripted::Gate;
use crate::support::service::{RUNTIME, Service};
use crate::support::stores::proxy::{Fault, Rule, Seen};
use crate::support::stores::{Remote, SECRETS};

#[test]
fn a_run_into_a_store_equals_one_into_a_folder() {
    let account = Account::new();
    let names = |names: Vec<String>, run_id: &serde_json::Value| -> BTreeSet<String> {
        names.into_iter().map(|name| name.replace(run_id.as_str().unwrap(), "RUN")).collect()
    };
    let local = account.local.expect(0);
    let id = &local.manifest()["run_id"];
    let latest = tree(&local.out).into_iter().filter(|name| name.contains(id.as_str().unwrap()));
    let mut expected = names(latest.collect(), id);
    expected.extend(["_runs/latest.json".to_owned(), "_runs/lock.json".to_owned()]);
    for remote in Remote::all_with_conditions("a_run_into_a_store_equals_one_into_a_folder") {
        let told = format!("{:?}", remote.kind);
        let export = account.run(&remote);
        let outcome = fetched(&remote, &export, export.expect(0));
        assert_same(&substance(&outcome), &account.reference, &told);
        assert_eq!(names(outcome.tree(), &outcome.manifest()["run_id"]), expected, "{told}");
        assert_eq!(tree(&export.path("work")), [""; 0], "{told}: the work folder is empty");
        assert_sound(&remote, &told);
    }
}

#[test]
fn a_file_of_several_parts_arrives() {
    let service = Service::start("");
    for remote in Remote::all_with_conditions("a_file_of_several_parts_arrives") {
        let (remote, proxy) = remote.behind_proxy();
        let export =
            Export::run_of(service.url(), ["messages-16000-a"]).args("--format jsonl --work-dir work");
        let export = remote.reach(export).out_at(remote.url().as_ref());
        let outcome = fetched(&remote, &export, export.expect(0));
        let manifest = outcome.manifest();
        let sizes = manifest["files"].as_array().unwrap().iter().filter_map(|file| file["bytes"].as_u64());
        let largest = sizes.max().unwrap();
        assert!(largest > 8 << 20, "{:?}: {largest} bytes", remote.kind);
        let (method, part) = Step::Part.request(remote.kind);
        let files = manifest["files"].as_array().unwrap().len();
        assert!(proxy.count(method, part) > files, "{:?}", remote.kind);
        assert_sound(&remote, &format!("{:?}", remote.kind));
    }
}

#[test]
fn nothing_of_a_run_is_visible_before_its_end() {
    let account = Account::new();
    for remote in Remote::one_of_each("nothing_of_a_run_is_visible_before_its_end") {
        let (proxied, proxy) = remote.behind_proxy();
        let gate = Gate::closed();
        let (method, part) = Step::Complete.request(remote.kind);
        proxy.add(Rule::every(1, method, part, Fault::Stall(gate.clone())));
        let running = account.run(&proxied).start();
        proxy.wait_for(1, method, part);
        let visible: Vec<String> = remote.objects().into_keys().collect();
        assert_eq!(visible, ["_runs/lock.json"], "{:?}", remote.kind);
        gate.open();
        running.wait(std::time::Duration::from_mins(1)).expect(0);
        let seen = proxy.seen();
        let is = |step: Step| {
            let (method, part) = step.request(remote.kind);
            move |seen: &Seen| seen.is(method, part)
        };
        let last_part = seen.iter().rposition(is(Step::Part));
        let first_complete = seen.iter().position(is(Step::Complete));
        assert!(last_part < first_complete, "{:?}: {last_part:?} {first_complete:?}", remote.kind);
        assert_sound(&remote, &format!("{:?}", remote.kind));
    }
}

#[test]
fn no_secret_is_in_a_url_a_log_or_a_file() {
    let account = Account::new();
    for remote in Remote::one_of_each("no_secret_is_in_a_url_a_log_or_a_file") {
        let (remote, proxy) = remote.behind_proxy();
        let export = account.run(&remote).args("-v --log-format json --json --metrics-file metrics");
        // The store fails in the middle, so the work folder is left, and messages name the store.
        proxy.add(Rule::every(1, "PUT", "manifest.json", Fault::Refuse(403)));
        let failed = export.run();
        assert_no_secret(&failed);
        assert_eq!(failed.code, Some(6), "{:?}: {}", remote.kind, failed.stderr);
        for name in tree(&export.path("")) {
            let content = std::fs::read(export.path(&name)).unwrap();
            let has_secret = |secret: &str| memchr::memmem::find(&content, secret.as_bytes()).is_some();
            assert!(!SECRETS.iter().any(|secret| has_secret(secret)), "{:?}: {name}", remote.kind);
        }
        for seen in proxy.seen() {
            assert!(SECRETS.iter().all(|secret| !seen.uri.contains(secret)), "{}", seen.uri);
        }
    }
}

#[test]
fn verify_finds_a_missing_a_changed_and_an_unknown_object() {
    let account = Account::new();
    for remote in Remote::all_with_conditions("verify_finds_a_missing_a_changed_and_an_unknown_object") {
        let kind = remote.kind;
        account.run(&remote).expect(0);
        let (client, objects) = (remote.client(0), remote.objects());
        let (name, content) = objects.iter().find(|(name, _)| name.starts_with("messages/")).unwrap();
        let put = |name: &str, content: bytes::Bytes| {
            RUNTIME.block_on(client.put(&remote.path(name), content.into())).unwrap();
        };
        let delete = |name: &str| RUNTIME.block_on(client.delete(&remote.path(name))).unwrap();
        let mut changed = content.to_vec();
        changed[10] ^= 1;
        put(name, changed.into());
        let verified = on(&remote, "verify --deep").expect(8);
        assert!(verified.stderr.contains(name), "{kind:?}: {}", verified.stderr);
        delete(name);
        let verified = on(&remote, "verify").expect(8);
        assert!(verified.stderr.contains(name), "{kind:?}: {}", verified.stderr);
        put(name, content.clone());
        assert_sound(&remote, &format!("{kind:?}"));
        let stray = name.replace("part-", "part-x");
        put(&stray, content.clone());
        let verified = on(&remote, "verify").run();
        let text = format!("{}{}", verified.stdout, verified.stderr);
        assert!(text.contains(&stray), "{kind:?}: {:?} {text}", verified.code);
    }
}

#[test]
fn other_commands_read_a_store() {
    let account = Account::new();
    for remote in Remote::all_with_conditions("other_commands_read_a_store") {
        let told = format!("{:?}", remote.kind);
        account.run(&remote).args("--keep-raw").expect(0);
        let runs = on(&remote, "runs").expect(0);
        assert_eq!(
            runs.stdout.lines().filter(|line| line.contains("complete")).count(),
            1,
            "{told}: {}",
            runs.stdout
        );
        let report = on(&remote, "report -o report.html");
        report.expect(0);
        assert!(report.path("report.html").is_file(), "{told}");
        let rebuilt = on(&remote, "rebuild --out rebuilt --format jsonl --from");
        let rebuilt = rebuilt.run();
        assert_eq!(rebuilt.code, Some(0), "{told}: {}", rebuilt.stderr);
    }
}
