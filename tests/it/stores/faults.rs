//! Stores that refuse requests, and whose answers are lost or wrong.

use std::time::Duration;

use super::account::{Account, Step, assert_sound, fetched};
use crate::support::compare::{assert_same, substance};
use crate::support::stores::Remote;
use crate::support::stores::proxy::{Fault, Rule};

#[test]
fn lost_and_wrong_answers_do_no_harm() {
    let account = Account::new();
    let faults =
        [Fault::Refuse(500), Fault::Refuse(503), Fault::LoseAnswer, Fault::Replace(500), Fault::Conflict];
    for remote in Remote::one_of_each("lost_and_wrong_answers_do_no_harm") {
        for fault in &faults {
            let told = format!("{:?}, {fault:?}", remote.kind);
            let remote = remote.another();
            let (proxied, proxy) = remote.behind_proxy();
            for name in [".probe-", "lock.json", "manifest.json", "latest.json"] {
                proxy.add(Rule::first("PUT", name, fault.clone()));
            }
            // Only conditional writes have conflicts.
            if !matches!(fault, Fault::Conflict) {
                proxy.add(Rule::first("PUT", "checksums.sha256", fault.clone()));
                for step in [Step::Begin, Step::Part, Step::Complete] {
                    let (method, part) = step.request(remote.kind);
                    proxy.add(Rule::nth(2, method, part, fault.clone()));
                }
                proxy.add(Rule::first("GET", "latest.json", fault.clone()));
            }
            let export = account.run(&proxied);
            let outcome = export.run();
            assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
            let outcome = fetched(&proxied, &export, outcome);
            assert_same(&substance(&outcome), &account.reference, &told);
            let manifests = outcome.tree().iter().filter(|name| name.ends_with("/manifest.json")).count();
            assert_eq!(manifests, 1, "{told}");
            assert_sound(&remote, &told);
        }
    }
}

#[test]
fn a_store_that_refuses_every_third_request_is_no_obstacle() {
    let account = Account::new();
    for remote in Remote::all_with_conditions("a_store_that_refuses_every_third_request_is_no_obstacle") {
        let (proxied, proxy) = remote.behind_proxy();
        proxy.add(Rule::every(3, "", "", Fault::Refuse(503)));
        let export = account.run(&proxied);
        let outcome = fetched(&remote, &export, export.expect(0));
        assert_same(&substance(&outcome), &account.reference, &format!("{:?}", remote.kind));
        assert_sound(&remote, &format!("{:?}", remote.kind));
    }
}

#[test]
fn denied_writes_end_the_run_and_it_resumes() {
    let account = Account::new();
    for remote in Remote::one_of_each("denied_writes_end_the_run_and_it_resumes") {
        let kind = remote.kind;
        let (method, part) = Step::Complete.request(kind);
        for (method, part) in [("PUT", "manifest.json"), (method, part)] {
            let remote = remote.another();
            let (proxied, proxy) = remote.behind_proxy();
            proxy.add(Rule::every(1, method, part, Fault::Refuse(403)));
            let export = account.run(&proxied);
            let outcome = export.run();
            assert_eq!(outcome.code, Some(6), "{kind:?} {part}: {}", outcome.stderr);
            assert!(outcome.whole_last_line().contains(&remote.url()), "{kind:?}: {}", outcome.stderr);
            proxy.clear();
            let outcome = fetched(&remote, &export, export.expect(0));
            assert_same(&substance(&outcome), &account.reference, &format!("{kind:?} {part}"));
            assert_sound(&remote, &format!("{kind:?} {part}"));
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let account = Account::new();
    for remote in Remote::one_of_each("a_redirect_is_not_followed") {
        let (elsewhere, visited) = remote.another().behind_proxy();
        let (proxied, proxy) = remote.behind_proxy();
        proxy.add(Rule::every(1, "GET", "lock.json", Fault::Redirect(visited.endpoint())));
        let outcome = account.run(&proxied).start().wait(Duration::from_mins(1));
        assert_eq!(outcome.code, Some(6), "{:?}: {}", remote.kind, outcome.stderr);
        assert!(visited.seen().is_empty(), "{:?}: {:?}", remote.kind, visited.seen());
        drop(elsewhere);
    }
}
