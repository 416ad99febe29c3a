//! Incremental runs: only due contacts are read, and no change is missed for longer than the period of the
//! sweep.

pub mod account;
mod damaged;
mod pruned;

use std::sync::atomic::Ordering;
use std::time::Duration;

use chatzy_export::internals::state;

use crate::support::export::{Export, Outcome, tree};
use crate::support::service::{Service, wait_until};
use account::Account;
use chatzy_export::internals::store::Store;

fn verified(outcome: &Outcome) {
    let verified = Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).run();
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

/// The rows of coverage, as `contact status`.
fn covered(outcome: &Outcome) -> Vec<String> {
    let rows = outcome.rows("coverage").0;
    rows.iter()
        .map(|row| format!("{} {}", row["contact_id"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect()
}

/// The exported messages, as `contact: text`.
fn texts(outcome: &Outcome) -> Vec<String> {
    let rows = outcome.rows("messages").0;
    rows.iter()
        .map(|row| format!("{}: {}", row["message_id"].as_str().unwrap(), row["content"].as_str().unwrap()))
        .collect()
}

/// The state that the run left, as `contact status time`.
fn state_of(outcome: &Outcome) -> Vec<String> {
    let manifest = outcome.manifest();
    let path = manifest["state"]["path"].as_str().unwrap();
    let rows: Vec<String> = state::read(&Store::local(&outcome.out), path.as_ref())
        .unwrap()
        .map(Result::unwrap)
        .map(|row| {
            format!(
                "{} {} {}",
                row.contact_id,
                row.status.as_str(),
                row.latest_message_time.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(manifest["state"]["rows"], rows.len());
    rows
}

const OLD: &str = "2026-01-01T00:00:00Z";

/// The due contacts and the unfinished run in a plan. The plan reads at most one contact.
fn planned(account: &Account, export: &Export) -> String {
    let outcome = export.clone().args("--dry-run").expect(0);
    assert!(account.asked_for().len() <= 1, "one contact is asked for");
    let told = outcome.stderr.lines().filter_map(|line| {
        let unfinished = line.strip_prefix("unfinished:").and_then(|told| told.split(" would be ").nth(1));
        line.strip_prefix("due:").or(unfinished)
    });
    told.map(str::trim).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_dry_run_tells_who_would_be_due() {
    let account = Account::of(&["rested", "writes"]);
    let export = account.nightly(&["rested", "writes", "unknown"]);
    assert_eq!(planned(&account, &export), "3 of 3 contacts are due (3 new)");
    let first = export.expect(0);
    let before = tree(&first.out);
    account.asked_for();
    account.write("writes", "3");
    assert_eq!(planned(&account, &export), "2 of 3 contacts are due (1 changed, 1 untold)");
    assert_eq!(planned(&account, &export.clone().args("--full")), "3 of 3 contacts are due (3 full)");
    assert_eq!(planned(&account, &account.plain(&["rested"])), "", "all are, without --incremental");
    assert_eq!(tree(&first.out), before, "nothing is written");
    let told = export.clone().args("--dry-run --channel whatsapp").expect(0);
    assert!(told.stderr.contains("earlier runs exported another part of the account"), "{}", told.stderr);

    account.is_open.store(false, Ordering::Relaxed);
    export.clone().args("--retries 0 --max-failed 0").expect(5);
    account.is_open.store(true, Ordering::Relaxed);
    account.asked_for();
    assert_eq!(planned(&account, &export), "resumed", "who is due is decided");
    assert_eq!(
        planned(&account, &export.clone().args("--fresh")),
        "2 of 3 contacts are due (1 changed, 1 untold); discarded"
    );
}

#[test]
fn three_nights() {
    let account = Account::of(&["rested", "writes", "edited", "refused", "unlisted"]);
    account.change("refused", |person| person.is_refused = true);
    account.change("unlisted", |person| person.time = None);
    let export = account.nightly(&["rested", "writes", "edited", "refused", "unlisted", "unknown"]);
    let first = export.expect(3);
    verified(&first);
    assert_eq!(account.asked_for().len(), 6, "the first night reads all");
    assert_eq!(first.contacts("unchanged"), 0);

    account.write("writes", "3");
    account.change("edited", |person| *person.messages.get_mut("edited-1").unwrap() = "edited".to_owned());
    account.change("refused", |person| person.is_refused = false);
    let second = export.expect(0);
    verified(&second);
    assert_eq!(account.asked_for(), ["refused", "unknown", "unlisted", "writes"]);
    assert_eq!(
        covered(&second),
        [
            "rested unchanged",
            "writes exported",
            "edited unchanged",
            "refused exported",
            "unlisted exported",
            "unknown not_found",
        ]
    );
    assert_eq!(texts(&second).iter().filter(|text| text.starts_with("writes")).count(), 3, "exported whole");
    assert_eq!(second.rows("contacts").len(), 3, "what is unchanged has no row there");
    let counts = second.manifest()["contacts"].clone();
    assert_eq!((counts["requested"].as_u64(), counts["unchanged"].as_u64()), (Some(6), Some(2)));
    for row in second.rows("coverage").0.iter().filter(|row| row["status"] == "unchanged") {
        let zeros = ["messages", "pages", "requests", "retries", "rereads"];
        assert!(zeros.iter().all(|column| row[column] == 0) && row["fetch_started_at"].is_null(), "{row}");
    }
    assert_eq!(
        state_of(&second)[..5],
        [
            format!("rested exported {OLD}"),
            "writes exported 2026-02-01T00:00:00Z 3".to_owned(),
            format!("edited exported {OLD}"),
            format!("refused exported {OLD}"),
            "unlisted exported -".to_owned(),
        ]
    );
    assert!(
        second.last_line().ends_with("of 3 contacts, 1 not found (unknown), 2 unchanged"),
        "{}",
        second.last_line()
    );

    account.write("new", "1");
    let export = export.also("contacts.csv", "rested\nnew\nwrites\n");
    let third = export.expect(0);
    verified(&third);
    assert_eq!(account.asked_for(), ["new"]);
    assert_eq!(covered(&third), ["rested unchanged", "new exported", "writes unchanged"]);
    assert_eq!(state_of(&third).len(), 7, "whom this night did not ask for stays known");

    let fourth = export.also("contacts.csv", "edited\nrefused\n").expect(0);
    verified(&fourth);
    assert!(account.asked_for().is_empty(), "a night in which nobody is due");
    assert!(fourth.rows("messages").0.is_empty());
}

#[test]
fn the_state_is_found_behind_runs_that_were_pruned() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    export.expect(0);
    for _ in 0..2 {
        account.plain(&["a", "b"]).out_at(export.out_path()).expect(0);
    }
    let out = export.out_path().to_string_lossy().into_owned();
    Export::command("prune --keep-last 1").arg(&out).expect(0);
    account.write("a", "3");
    account.asked_for();
    let next = export.expect(0);
    verified(&next);
    assert_eq!(account.asked_for(), ["a"], "b is as it was");
}

#[test]
fn a_sweep_sees_what_changes_no_time() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    export.expect(0);
    account.change("a", |person| *person.messages.get_mut("a-1").unwrap() = "edited".to_owned());
    account.change("b", |person| drop(person.messages.remove("b-2")));
    assert!(texts(&export.expect(0)).is_empty(), "it is not due");
    let swept = export.clone().args("--full-sweep-every 1ms").expect(0);
    verified(&swept);
    assert_eq!(texts(&swept), ["a-1: edited", "a-2: hello", "b-1: hello"]);
    assert_eq!(covered(&export.expect(0)), ["a unchanged", "b unchanged"], "and was read tonight");
}

#[test]
fn full_reads_all_and_begins_anew() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    export.expect(0);
    let full = export.clone().args("--full").expect(0);
    verified(&full);
    assert_eq!(covered(&full), ["a exported", "b exported"]);
    assert_eq!(full.manifest()["options"]["full"], true);
    let next = export.expect(0);
    assert_eq!(covered(&next), ["a unchanged", "b unchanged"]);
    assert_eq!(next.manifest()["options"]["full"], false);
}

#[test]
fn runs_in_between_change_nothing_of_what_is_known() {
    let account = Account::of(&["a", "b"]);
    let plain = account.plain(&["a", "b"]);
    let export = plain.clone().args("--incremental");
    export.expect(0);
    account.write("a", "3");
    let plain = plain.expect(0);
    assert_eq!(covered(&plain), ["a exported", "b exported"]);
    assert!(
        plain.manifest().get("state").is_none() && plain.manifest()["options"].get("incremental").is_none()
    );
    let next = export.expect(0);
    verified(&next);
    assert_eq!(covered(&next), ["a exported", "b unchanged"], "it goes back to the state before");
}

#[test]
fn what_was_exported_with_other_options_is_no_answer() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    export.expect(0);
    let since = export.clone().args("--since 2020-01-01").expect(0);
    assert_eq!(covered(&since), ["a exported", "b exported"]);
    assert!(since.stderr.contains("earlier runs exported another part of the account"), "{}", since.stderr);
    let layout =
        export.clone().args("--since 2020-01-01 --partition-by run --page-size 3 --allow-mixed").expect(0);
    assert_eq!(covered(&layout), ["a unchanged", "b unchanged"], "the layout is another thing");
    verified(&layout);
}

#[test]
fn what_is_in_no_run_any_more_is_read_again() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    export.clone().args("--run-id first").expect(0);
    account.write("a", "3");
    export.clone().args("--run-id second").expect(0);
    // Removed with all of its files, as `prune` removes old runs.
    for path in tree(export.out_path()).iter().filter(|path| path.contains("first")) {
        std::fs::remove_file(export.out_path().join(path)).unwrap();
    }
    assert_eq!(covered(&export.expect(0)), ["a unchanged", "b exported"]);
}

#[test]
fn a_run_that_goes_on_keeps_its_decision() {
    let account = Account::of(&["a", "b", "c", "d"]);
    let export = account.nightly(&["a", "b", "c", "d"]);
    let reference = export.expect(0);
    drop(reference);
    account.write("a", "3");
    account.write("c", "3");
    account.is_open.store(false, Ordering::Relaxed);
    account.asked_for();
    let running = export.start();
    wait_until("it has decided and asks", || !account.asked_for().is_empty());
    running.signal("KILL");
    running.wait(Duration::from_secs(5));
    // Meanwhile another contact writes. The next night reads it.
    account.write("b", "3");
    account.is_open.store(true, Ordering::Relaxed);
    let work = export.out_path().join("_work");
    assert!(tree(&work).iter().any(|path| path == "decision.parquet"));
    let differs = export.clone().args("--full").expect(9);
    assert!(differs.last_line().contains("--full was not set and is now true"), "{}", differs.last_line());
    let outcome = export.expect(0);
    verified(&outcome);
    assert_eq!(covered(&outcome), ["a exported", "b unchanged", "c exported", "d unchanged"]);
    assert_eq!(account.asked_for(), ["a", "c"]);
    assert!(!work.exists(), "the decision is gone with the rest");
    assert_eq!(covered(&export.expect(0)), ["a unchanged", "b exported", "c unchanged", "d unchanged"]);
}

/// The whole account over three nights, without a contacts file.
#[test]
fn all_contacts_night_after_night() {
    let service = Service::start("--account-contacts 40 --max-messages 150");
    let export = Export::run_of(service.url(), ["unused"]).without("--contacts");
    let export = export.args("--all-contacts --incremental --format jsonl");
    let first = export.expect(0);
    verified(&first);
    assert_eq!((first.contacts("exported"), first.contacts("unchanged")), (40, 0));
    for night in 1..3 {
        let changed = service.night();
        let ids = |name: &str| -> Vec<&str> {
            changed[name].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
        };
        let before = service.stats().contacts;
        let outcome = export.expect(0);
        verified(&outcome);
        let now = service.stats().contacts;
        let mut asked: Vec<&str> = now
            .iter()
            .filter(|(id, count)| before.get(*id) != Some(count))
            .map(|(id, _)| id.as_str())
            .collect();
        let mut due = [ids("new"), ids("wrote")].concat();
        asked.sort_unstable();
        due.sort_unstable();
        assert_eq!(asked, due, "night {night}: only they are asked for");
        assert!(!ids("wrote").is_empty() && !ids("edited").is_empty() && !ids("deleted").is_empty());
        let rows = outcome.rows("messages").0;
        for id in due {
            let exported: Vec<&str> = rows
                .iter()
                .filter(|row| row["contact_id"] == id)
                .map(|row| row["message_id"].as_str().unwrap())
                .collect();
            let truth = service.truth(id);
            assert_eq!(exported.len(), truth.len(), "{id}");
            assert!(exported.iter().all(|message| truth.contains_key(*message)), "{id}");
        }
    }
    // The sweep finds edits and deletions: afterwards the export has what the account has.
    let swept = export.args("--full-sweep-every 1ms").expect(0);
    verified(&swept);
    assert_eq!(swept.contacts("exported"), 44);
    assert!(
        swept.rows("messages").0.iter().any(|row| row["content"].as_str().unwrap().ends_with("(edited 1)"))
    );
}

#[test]
fn its_options_need_it() {
    for option in ["--full", "--full-sweep-every 7d"] {
        let export = Export::command("run --contacts x.csv --simulated").args(option).also("x.csv", "a\n");
        let outcome = export.expect(2);
        assert!(outcome.last_line().contains("requires --incremental"), "{}", outcome.last_line());
    }
}

#[test]
fn an_api_that_closes_in_the_night_publishes_no_night() {
    let account = Account::of(&["a", "b", "c"]);
    let export = account.nightly(&["a", "b", "c"]).args("--retries 1");
    export.expect(0);
    let before = tree(export.out_path());
    account.write("b", "3");
    account.write("c", "3");
    account.close_after(2);
    export.expect(5);
    let is_work = |path: &String| path.starts_with("_work");
    assert_eq!(tree(export.out_path()).into_iter().filter(|path| !is_work(path)).collect::<Vec<_>>(), before);
    account.is_open.store(true, Ordering::Relaxed);
    assert_eq!(texts(&export.expect(0)).len(), 6, "b and c are read");
}
