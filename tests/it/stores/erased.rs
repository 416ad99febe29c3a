//! Contacts are erased from an export in a store, and later runs leave them out.

use super::account::{Account, assert_sound, fetched, on};
use crate::support::export::json;
use crate::support::stores::Remote;

const ERASED: &str = "messages-35-a";

#[test]
fn contacts_are_erased_from_every_run_in_a_store() {
    let account = Account::new();
    for remote in Remote::all_with_conditions("contacts_are_erased_from_every_run_in_a_store") {
        let told = format!("{:?}", remote.kind);
        let export = account.run(&remote).args("--keep-raw");
        let runs = ["r1", "r2"].map(|run| export.clone().args("--run-id").arg(run));
        let first = runs.each_ref().map(|run| fetched(&remote, run, run.expect(0)).manifest());
        assert!(remote.objects().values().any(|text| contains(text, ERASED)), "{told}");
        on(&remote, "hold --reference CASE --contact messages-35-a").expect(0);
        on(&remote, "erase --contact messages-35-a --reference R").expect(10);
        on(&remote, "hold --release CASE").expect(0);
        let outcome = on(&remote, "erase --contact messages-35-a --reference R").expect(0);
        assert_eq!(outcome.stdout.lines().count(), 2, "{told}: {}", outcome.stdout);
        assert!(remote.objects().values().all(|text| !contains(text, ERASED)), "{told}");
        assert_sound(&remote, &told);
        // Messages of others are those of the reference.
        let copied = fetched(&remote, &export, outcome);
        for (run, manifest) in ["r1", "r2"].into_iter().zip(&first) {
            assert_eq!(json(&copied.out.join(format!("_runs/{run}/manifest.json"))), *manifest, "{told}");
            let printed = on(&remote, "cat").args(&format!("messages --run {run}")).expect(0).stdout;
            let others = account.reference.tables["messages"].column("contact_id");
            let others = others.iter().filter(|id| *id != ERASED).count();
            assert_eq!(printed.lines().count(), others, "{told}: {run}");
        }
        let later = fetched(&remote, &export, export.expect(0));
        assert_eq!(later.manifest()["input"]["suppressed"], 1, "{told}");
        let again = on(&remote, "erase --contact messages-35-a --reference S").expect(0);
        assert!(again.stderr.contains("nothing has changed"), "{told}: {}", again.stderr);
        assert_sound(&remote, &told);
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}
