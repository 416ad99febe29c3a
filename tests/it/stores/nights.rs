//! Several runs into one store: incremental ones, and old ones that are removed.

use super::account::{Account, assert_sound, fetched, on};
use crate::support::compare::{assert_same, substance};
use crate::support::stores::Remote;

#[test]
fn incremental_nights_equal_those_into_a_folder() {
    let stores = Remote::all_with_conditions("incremental_nights_equal_those_into_a_folder");
    for remote in stores {
        let told = format!("{:?}", remote.kind);
        let account = Account::new();
        let local = account.local.clone().out("nights").args("--incremental");
        let export = account.run(&remote).args("--incremental");
        for night in 0..3 {
            let expected = substance(&local.expect(0));
            let outcome = fetched(&remote, &export, export.expect(0));
            assert_same(&substance(&outcome), &expected, &format!("{told}, night {night}"));
            account.service.night();
        }
        assert_sound(&remote, &told);
        let runs = on(&remote, "runs --json").expect(0);
        let runs: serde_json::Value = serde_json::from_str(&runs.stdout).expect("JSON");
        assert_eq!(runs["runs"].as_array().map(Vec::len), Some(3), "{told}: {runs}");
    }
}

#[test]
fn old_runs_are_removed() {
    let account = Account::new();
    for remote in Remote::one_of_each("old_runs_are_removed") {
        let told = format!("{:?}", remote.kind);
        let export = account.run(&remote);
        let ids: Vec<String> = (0..3)
            .map(|_| {
                fetched(&remote, &export, export.expect(0)).manifest()["run_id"].as_str().unwrap().to_owned()
            })
            .collect();
        let dry = remote.objects();
        on(&remote, "prune --keep-last 1 --dry-run").expect(0);
        assert_eq!(remote.objects().keys().collect::<Vec<_>>(), dry.keys().collect::<Vec<_>>(), "{told}");
        on(&remote, "prune --keep-last 1").expect(0);
        let objects = remote.objects();
        for id in &ids[..2] {
            let left: Vec<&String> = objects.keys().filter(|name| name.contains(id.as_str())).collect();
            assert!(left.is_empty(), "{told}: {left:?}");
        }
        assert!(objects.keys().any(|name| name.contains(&ids[2])), "{told}");
        assert_sound(&remote, &told);
        on(&remote, "prune --keep-last 1").expect(0);
        let outcome = fetched(&remote, &export, export.expect(0));
        assert_same(&substance(&outcome), &account.reference, &told);
        assert_sound(&remote, &told);
    }
}
