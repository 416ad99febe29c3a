//! Any service with any options: exports from the simulator, with switches drawn from a seed, compared with
//! its data.
//!
//! Each test run plays a handful of new cases. `MATRIX=300 MATRIX_SEED=1` plays others. A failure names its
//! seed and switches. Pages too large for the server are left to the schedules of paging, because they wait
//! for retries.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use crate::support::export::{Export, Outcome};
use crate::support::service::Service;

/// Cases of each test run.
const CASES: u64 = 5;
/// Number of requests after which a run is killed, in cases with a kill. Every run sends more.
const BEFORE_THE_KILL: u64 = 20;

/// One export and its expected end.
struct Case {
    simulator: String,
    run: String,
    contacts: Vec<String>,
    /// True if the histories do not change. Then no contact may be unresolved.
    rests: bool,
    /// True if no request fails. Then no contact may fail.
    is_sound: bool,
    is_killed: bool,
}

fn one_of<T: Copy>(dice: &mut Rng, choices: &[T]) -> T {
    choices[dice.usize(0..choices.len())]
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let mut simulator =
            format!("--seed {} --order {}", seed % 1000, one_of(&mut dice, &["newest", "oldest"]));
        let page_size = one_of(&mut dice, &[1, 2, 3, 7, 20, 50, 100, 100]);
        let mut run = format!("--format jsonl --page-size {page_size}");
        let rests = dice.u32(0..3) == 0;
        let consistency = one_of(&mut dice, &["anchored", "anchored", "anchored", "strict", "fast"]);
        let is_documented = consistency == "fast";
        let rests = rests || is_documented;
        let _ = write!(run, " --consistency {consistency} --concurrency {}", one_of(&mut dice, &[1, 4, 32]));
        if !is_documented {
            let per_conversation = dice.u32(0..3) == 0;
            if per_conversation {
                simulator.push_str(" --per-conversation");
            }
            if dice.u32(0..3) == 0 {
                let _ = write!(simulator, " --clamp {}", one_of(&mut dice, &[1, 2, 5, 19, 40]));
            }
            if dice.u32(0..4) == 0 {
                let _ = write!(simulator, " --short-pages {}", one_of(&mut dice, &["0.1", "0.3"]));
            }
            simulator.push_str(one_of(&mut dice, &["", "", " --grouping always", " --grouping never"]));
            // Offsets count inside conversations, and the pages do not name the conversations: such histories
            // cannot be read.
            simulator.push_str(if !per_conversation && dice.u32(0..4) == 0 { " --flat-ids off" } else { "" });
        }
        run.push_str(one_of(&mut dice, &["", "", " --flat"]));
        if dice.u32(0..5) == 0 {
            run.push_str(" --channel whatsapp --channel instagram --channel messenger --channel website");
        }
        if !rests {
            // A history that changes all the time is given up with pages of one or two messages, which proves
            // nothing.
            let few = page_size < 3 || simulator.contains("--clamp 1 ") || simulator.contains("--clamp 2 ");
            let chances = if few { ["0", "0.02"] } else { ["0.05", "0.3"] };
            let _ = write!(simulator, " --drift-insert {}", one_of(&mut dice, &chances));
            let _ = write!(simulator, " --drift-delete {}", one_of(&mut dice, &chances));
        }
        let is_sound = dice.u32(0..3) > 0;
        if !is_sound {
            for fault in ["errors", "resets", "cut", "html", "empty-body", "error-answers"] {
                if dice.bool() {
                    let _ = write!(simulator, " --{fault} 0.01");
                }
            }
        }
        let is_killed = dice.u32(0..4) == 0;
        let contacts = contacts(page_size, &mut dice);
        Self { simulator, run, contacts, rests, is_sound, is_killed }
    }

    fn told(&self) -> String {
        let killed = if self.is_killed { ", killed once" } else { "" };
        format!("simulate {} / run {}{killed}", self.simulator, self.run)
    }

    fn play(&self) {
        let service = Service::start(&self.simulator);
        let export = Export::run_of(service.url(), &self.contacts).args(&self.run);
        if self.is_killed {
            let run = export.start();
            service.wait_for_requests(BEFORE_THE_KILL);
            run.signal("KILL");
            run.wait(std::time::Duration::from_mins(1));
        }
        self.check(&service, &export.run());
    }

    fn check(&self, service: &Service, outcome: &Outcome) {
        assert!(matches!(outcome.code, Some(0 | 3)), "exit {:?}: {}", outcome.code, outcome.stderr);
        let (messages, coverage) = (outcome.rows("messages"), outcome.rows("coverage"));
        assert_eq!(coverage.len(), self.contacts.len(), "one row for every contact asked for");
        for contact in &self.contacts {
            let row = coverage.of_contact(contact);
            let exported = messages.message_ids(contact);
            assert_eq!(row["messages"], exported.len(), "{contact}: its count");
            let truth = service.truth(contact);
            let stable = truth.iter().filter(|(_, held)| held.is_stable).map(|(id, _)| id.clone());
            let lost: BTreeSet<String> = stable.filter(|id| !exported.contains(id)).collect();
            match row["status"].as_str().expect("a status") {
                "exported" | "empty" => assert!(lost.is_empty(), "{contact} lost {lost:?}: {row}"),
                "not_found" => assert!(contact.starts_with("unknown"), "{contact} is there: {row}"),
                "unresolved" => assert!(!self.rests, "{contact} rests: {row}"),
                "failed" => {
                    assert!(!self.is_sound, "{contact} failed: {row}");
                    assert!(exported.is_empty(), "{contact} is exported in part");
                }
                other => panic!("{contact} is {other}"),
            }
            if self.rests && row["status"] == "exported" {
                let all: BTreeSet<String> = truth.into_keys().collect();
                assert_eq!(exported, all, "{contact} rests and is all there");
            }
        }
        self.check_the_counts(outcome, messages.len());
    }

    fn check_the_counts(&self, outcome: &Outcome, messages: usize) {
        let manifest = outcome.manifest();
        assert_eq!(manifest["tables"]["messages"]["rows"], messages);
        let statuses = ["exported", "empty", "not_found", "unresolved", "failed"];
        let counts = statuses.map(|status| outcome.contacts(status));
        assert_eq!(counts.iter().sum::<u64>(), self.contacts.len() as u64, "{}", manifest["contacts"]);
        let is_whole = outcome.contacts("unresolved") + outcome.contacts("failed") == 0;
        assert_eq!(outcome.code == Some(0), is_whole, "the exit code says what the manifest does");
    }
}

/// More contacts than the twenty whose ends are always proved, with lengths close to those of pages.
fn contacts(page_size: u64, dice: &mut Rng) -> Vec<String> {
    let most = (12 * page_size).min(200);
    let mut contacts: Vec<String> = (0..26)
        .map(|at| {
            let size = match dice.u32(0..4) {
                0 => page_size * dice.u64(1..4),
                1 => dice.u64(1..10),
                2 => dice.u64(1..60.min(most)),
                _ => dice.u64(1..most),
            };
            format!("messages-{size}-{at}")
        })
        .collect();
    contacts.extend(["empty-a".to_owned(), "unknown-b".to_owned()]);
    dice.shuffle(&mut contacts);
    contacts
}

#[test]
fn whatever_the_service_and_the_options_nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let count = number("MATRIX").unwrap_or(CASES);
    let from = number("MATRIX_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let wrong: Vec<String> = (from..from + count)
        .filter_map(|seed| {
            let case = Case::new(seed);
            let played = catch_unwind(AssertUnwindSafe(|| case.play()));
            played.is_err().then(|| format!("MATRIX_SEED={seed}: {}", case.told()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {count} cases went wrong (above):\n{}", wrong.len(), wrong.join("\n"));
}
