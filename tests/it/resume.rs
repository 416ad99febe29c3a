//! Runs that are stopped at any moment and resumed equal uninterrupted runs.

use std::time::Duration;

use crate::support::compare::{Substance, assert_same, substance};
use crate::support::export::{Export, json, read};
use crate::support::service::{Service, wait_until};

const CONCURRENCY: u64 = 4;
/// Two requests for each contact that is read before it is known what offsets count. The number of such
/// contacts is random.
const ASKS_THAT_FIND_OUT: u64 = 2 * CONCURRENCY;
/// Requests that a second attempt repeats: those in flight, those that find out what offsets count, and the
/// sign-in.
const ASKED_AGAIN: u64 = CONCURRENCY + ASKS_THAT_FIND_OUT + 1;

fn contacts() -> Vec<String> {
    let sizes = [90, 5, 0, 260, 41, 12, 77, 1, 100, 33];
    let mut contacts: Vec<String> =
        (0..30).map(|at| format!("messages-{}-{at}", sizes[at % sizes.len()])).collect();
    contacts.push("unknown-x".to_owned());
    contacts
}

fn service() -> Service {
    Service::start("--latency 8ms --jitter 8ms")
}

fn export(service: &Service) -> Export {
    let export = Export::run_of(service.url(), contacts()).args("--format jsonl --page-size 20");
    export.args(&format!("--concurrency {CONCURRENCY} --target-file-size 30KB --partition-by year"))
}

/// An uninterrupted run into a folder of its own, and the number of its requests.
fn reference(service: &Service, export: &Export) -> (Substance, u64) {
    let before = service.stats().requests;
    let outcome = export.clone().out("reference").expect(0);
    (substance(&outcome), service.stats().requests - before)
}

#[test]
fn killed_after_any_request_and_run_again_is_the_same() {
    let service = service();
    let export = export(&service);
    let (reference, total) = reference(&service, &export);
    // Each run sends at least this many.
    let sure = total - ASKS_THAT_FIND_OUT;
    for part in [0.01, 0.1, 0.35, 0.6, 0.9, 1.0] {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let after = ((sure as f64 * part) as u64).max(1);
        let export = export.clone().out(&format!("killed-after-{after}"));
        let before = service.stats().requests;
        let running = export.start();
        service.wait_for_requests(before + after);
        running.signal("KILL");
        running.wait(Duration::from_secs(5));
        let run_id = unfinished_run_id(&export, &format!("killed-after-{after}"));
        // A kill after the last request may come after the end. The next run is then another one.
        let is_over = export.out_path().join("_runs/latest.json").exists();
        let outcome = export.expect(0);
        let told = format!("killed after {after} of {total} requests");
        if let Some(run_id) = run_id {
            assert_eq!(outcome.manifest()["run_id"], run_id, "{told}: the same run resumes");
        }
        if is_over {
            continue;
        }
        assert_same(&substance(&outcome), &reference, &told);
        let both = service.stats().requests - before;
        let most = total + ASKED_AGAIN;
        assert!(both <= most, "{told}: {both} requests in both attempts, at most {most} are needed");
    }
}

/// The ID of the run in the work folder; `None` before it has one.
fn unfinished_run_id(export: &Export, out: &str) -> Option<serde_json::Value> {
    let path = export.path(out).join("_work/run.json");
    path.exists().then(|| json(&path)["run_id"].clone())
}

#[test]
fn killed_again_and_again_ends_all_the_same() {
    let service = service();
    let export = export(&service);
    let (reference, _) = reference(&service, &export);
    for _ in 0..8 {
        let before = service.stats().requests;
        let mut running = export.start();
        wait_until("requests or the end", || running.is_over() || service.stats().requests >= before + 15);
        if running.is_over() {
            break;
        }
        running.signal("KILL");
        running.wait(Duration::from_secs(5));
    }
    assert_same(&substance(&export.expect(0)), &reference, "killed again and again");
}

#[test]
fn killed_while_files_are_built_and_published() {
    let service = service();
    let export = export(&service);
    let (reference, _) = reference(&service, &export);
    for sign in ["_work/stage/contacts", "_work/stage/coverage", "_work/publish.json", "contacts", "_runs"] {
        let name = sign.replace('/', "-");
        let export = export.clone().out(&name);
        let sign = export.path(&name).join(sign);
        let mut running = export.start();
        wait_until("the sign or the end", || running.is_over() || sign.exists());
        if !running.is_over() {
            running.signal("KILL");
        }
        running.wait(Duration::from_secs(5));
        let outcome = export.expect(0);
        // If the kill came too late, the second run is a new one beside the first.
        if outcome.manifest()["previous"].is_null() {
            assert_same(&substance(&outcome), &reference, &name);
            let unnamed = outcome.tree().into_iter().filter(|path| path.starts_with("_work"));
            assert_eq!(unnamed.count(), 0, "the work folder is gone");
        }
    }
}

/// Kills the run after half of its requests.
fn kill_half_way(service: &Service, export: &Export, total: u64) {
    let before = service.stats().requests;
    let running = export.start();
    service.wait_for_requests(before + total / 2);
    running.signal("KILL");
    running.wait(Duration::from_secs(5));
}

#[test]
fn coverage_counts_the_requests_of_earlier_attempts() {
    let service = service();
    let export = export(&service);
    let (_, total) = reference(&service, &export);
    kill_half_way(&service, &export, total);
    let coverage = export.expect(0).rows("coverage");
    for row in &coverage.0 {
        assert!(row["requests"].as_u64() >= row["pages"].as_u64(), "each page was asked for: {row}");
    }
}

#[test]
fn fresh_starts_over() {
    let service = service();
    let export = export(&service);
    let (reference, total) = reference(&service, &export);
    kill_half_way(&service, &export, total);
    let thrown_away = unfinished_run_id(&export, "export").expect("an unfinished run");
    let before = service.stats().requests;
    let outcome = export.args("--fresh").expect(0);
    assert_ne!(outcome.manifest()["run_id"], thrown_away);
    let asked = service.stats().requests - before;
    assert!(asked + ASKS_THAT_FIND_OUT >= total, "everything is read again: {asked} requests for {total}");
    assert_same(&substance(&outcome), &reference, "--fresh");
}

#[test]
fn a_signal_ends_it_in_good_order() {
    let service = service();
    let export = export(&service);
    let (reference, total) = reference(&service, &export);
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 143)] {
        let export = export.clone().out(signal);
        let before = service.stats().requests;
        let running = export.start();
        service.wait_for_requests(before + total / 2);
        running.signal(signal);
        let outcome = running.wait(Duration::from_secs(10)).expect(code);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
        insta::allow_duplicates! {
            insta::assert_snapshot!(outcome.last_line(), @"error: interrupted; fetched data is kept; to resume, run");
        }
        let outcome = export.expect(0);
        assert!(outcome.first_line().contains("resumes"), "{}", outcome.first_line());
        assert_same(&substance(&outcome), &reference, signal);
        let both = service.stats().requests - before;
        assert!(both <= total + ASKED_AGAIN, "{both} requests for {total}");
    }
}

#[test]
fn a_signal_is_obeyed_while_nothing_answers() {
    let service = Service::start("--latency 1h");
    let export = Export::run_of(service.url(), contacts());
    let running = export.start();
    service.wait_for_requests(1);
    running.signal("INT");
    running.wait(Duration::from_secs(10)).expect(130);
}

#[test]
fn a_signal_before_the_run_has_begun_ends_it_at_once() {
    let service = service();
    // The contacts come from a pipe that stays empty.
    let endless = "mkfifo typed; exec 3<>typed; exec \"$@\" <typed";
    let export =
        Export::run_of(service.url(), contacts()).without("--contacts").args("--contacts -").shell(endless);
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 143)] {
        let running = export.start();
        wait_until("it listens", || running.listens_to_signals());
        running.signal(signal);
        let outcome = running.wait(Duration::from_secs(5)).expect(code);
        assert!(outcome.last_line().starts_with("error: interrupted"), "{}", outcome.stderr);
        std::fs::remove_file(export.path("typed")).unwrap();
    }
}

#[test]
fn what_does_not_shape_the_output_may_change() {
    let service = service();
    let export = export(&service).args("--threads 4");
    let (reference, total) = reference(&service, &export);
    kill_half_way(&service, &export, total);
    let changed = export.without("--page-size").without("--concurrency").without("--threads");
    let changed = changed.args("--page-size 33 --concurrency 2 --threads 1");
    let outcome = changed.args("--consistency strict --retries 3 --timeout 20s --rate-limit 500").expect(0);
    let mut substance = substance(&outcome);
    let mut reference = reference;
    for tables in [&mut substance.tables, &mut reference.tables] {
        // The column `end` depends on --consistency.
        for row in &mut tables.get_mut("coverage").unwrap().0 {
            row.as_object_mut().unwrap().remove("end");
        }
    }
    assert_same(&substance, &reference, "other options");
    assert_eq!(outcome.manifest()["options"]["page_size"], 33);
}

#[test]
fn failed_contacts_are_tried_again() {
    use crate::support::scripted::{Answer, Scripted};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let is_repaired = Arc::new(AtomicBool::new(false));
    let repaired = Arc::clone(&is_repaired);
    let server = Scripted::api(move |asked| match asked.contact() {
        "b" if !repaired.load(Ordering::Relaxed) => Answer::message(403, "no"),
        _ => Answer::page(asked, 3),
    });
    let export =
        Export::run_of(server.url(), ["a", "b", "c"]).args("--format jsonl --max-failed 0 --concurrency 1");
    export.expect(5);
    let before = server.asked().len();
    is_repaired.store(true, Ordering::Relaxed);
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("coverage").column("status"), ["exported"; 3]);
    let asked_again = server.asked().split_off(before);
    assert!(asked_again.iter().all(|asked| asked.contact() != "a"), "what was read is not read again");
}

/// A run that stops in the middle of its publication, because a file of another program is in the place of
/// one of its own.
fn half_published(service: &Service) -> Export {
    let export = Export::run_of(service.url(), ["messages-30-a", "messages-5-b"])
        .args("--format jsonl --run-id first");
    let in_the_way = "export/messages/part-first-00000.jsonl";
    export.write(in_the_way, "theirs");
    let outcome = export.expect(6);
    assert!(outcome.last_line().contains("move it away and run again"), "{}", outcome.stderr);
    assert_eq!(read(&export.path(in_the_way)), "theirs");
    std::fs::remove_file(export.path(in_the_way)).unwrap();
    export
}

#[test]
fn a_half_published_run_is_finished_by_its_own_command() {
    let service = service();
    let export = half_published(&service);
    let requests = service.stats().requests;
    let outcome = export.expect(0);
    assert_eq!(service.stats().requests, requests, "all was fetched already");
    assert_eq!(outcome.rows("messages").len(), 35);
    assert_eq!(outcome.manifest()["previous"], serde_json::Value::Null);
}

#[test]
fn a_half_published_run_is_no_answer_to_another_command() {
    let service = service();
    let export = half_published(&service);
    export.write("other.csv", "messages-7-c\n");
    let other = export.without("--run-id").without("--contacts").args("--contacts other.csv");
    let outcome = other.expect(0);
    assert_eq!(outcome.manifest()["previous"]["run_id"], "first", "it was finished first");
    assert_eq!(outcome.rows("messages").len(), 7, "and the command had its own run");
}

#[test]
fn a_damaged_spool_is_said_and_thrown_away_only_when_asked() {
    let service = service();
    let export = export(&service);
    let (reference, total) = reference(&service, &export);
    kill_half_way(&service, &export, total);
    let segment = export.path("export/_work/spool/seg-00000.spool");
    let mut content = std::fs::read(&segment).unwrap();
    content[200] ^= 1;
    export.write("export/_work/spool/seg-00000.spool", &content);
    let outcome = export.expect(9);
    insta::assert_snapshot!(outcome.last_line(), @"error: the spool segment DIR/export/_work/spool/seg-00000.spool is damaged at byte 8 (checksum does not match): the fetched data cannot be trusted; to discard the unfinished run with --fresh, run");
    assert_eq!(std::fs::read(&segment).unwrap(), content, "it is left as it is");
    assert_same(&substance(&export.args("--fresh").expect(0)), &reference, "--fresh");
}

#[test]
fn compressed_responses_are_in_the_spool_as_they_arrived_and_are_read_from_there() {
    /// The first bytes of a gzip stream.
    const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
    let service = Service::start("--latency 8ms --jitter 8ms --compress=gzip");
    let export = export(&service);
    let (reference, total) = reference(&service, &export);
    kill_half_way(&service, &export, total);
    let segment = std::fs::read(export.path("export/_work/spool/seg-00000.spool")).unwrap();
    let responses = segment.windows(GZIP.len()).filter(|bytes| *bytes == GZIP).count();
    assert!(responses > 9, "{responses} responses as they arrived");
    assert_same(&substance(&export.expect(0)), &reference, "the resumed run");
}

#[test]
fn below_nohup_a_hang_up_is_nothing() {
    let service = service();
    let export = export(&service);
    let (_, total) = reference(&service, &export);
    let running = export.clone().out("nohup").shell("exec nohup \"$@\"").start();
    let before = service.stats().requests;
    service.wait_for_requests(before + total / 2);
    running.signal("HUP");
    running.wait(Duration::from_mins(1)).expect(0);
}
