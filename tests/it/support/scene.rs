//! A small export with a fault, and its expected state after the command is repeated.

use chatzy_export::internals::durable::{create_dir_all, remove_tree};
use serde_json::Value;

use crate::support::compare::{Substance, assert_same, substance};
use crate::support::export::{Export, json};
use crate::support::faults::{CHANGING, Fault, count, setting};
use crate::support::service::Service;

const CONCURRENCY: u64 = 3;
/// Two requests for each contact that is read before it is known what offsets count. If an attempt dies
/// before this answer is on the disk, the next one requests it again. A death also costs the requests in
/// flight and the sign-in.
const ASKS_THAT_FIND_OUT: u64 = 2 * CONCURRENCY;

/// An export into a folder with an earlier run, and its expected state.
pub struct Scene {
    pub service: Service,
    pub export: Export,
    pub reference: Substance,
    /// Number of requests of an uninterrupted run.
    pub requests: u64,
    /// Number of calls of an uninterrupted run that change something.
    pub calls: usize,
    work: WorkDir,
}

/// The place of the work folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WorkDir {
    Inside,
    /// Beside the output folder, as with `--work-dir`.
    Beside,
}

impl Scene {
    pub fn new(options: &str) -> Self {
        Self::with_work(options, WorkDir::Inside)
    }

    pub fn with_work(options: &str, work: WorkDir) -> Self {
        let service = Service::start("");
        let contacts =
            ["messages-35-a", "messages-3-b", "empty-c", "unknown-d", "messages-61-e", "messages-1-f"];
        let export =
            Export::run_of(service.url(), contacts).args("--format jsonl --page-size 9").args(options);
        let export = export.args(&format!("--concurrency {CONCURRENCY}"));
        export.clone().args("--run-id before").out("template/export").expect(0);
        let reference = Substance::default();
        let mut scene = Self { service, export, reference, requests: 0, calls: 0, work };
        let before = scene.service.stats().requests;
        let whole = scene.fresh("reference").logging_calls();
        scene.reference = substance(&whole.expect(0));
        scene.requests = scene.service.stats().requests - before;
        scene.calls = count(&whole.calls(), CHANGING);
        scene
    }

    /// The command, with a folder of this name that contains the earlier run.
    pub fn fresh(&self, name: &str) -> Export {
        create_dir_all(&self.export.path(name)).expect("a folder");
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([self.export.path("template/export"), self.export.path(&format!("{name}/export"))])
            .status();
        assert!(copied.expect("cp").success());
        self.place(name)
    }

    /// The command, with a folder of this name and any content.
    pub fn place(&self, name: &str) -> Export {
        let export = self.export.clone().out(&format!("{name}/export"));
        match self.work {
            WorkDir::Inside => export,
            WorkDir::Beside => {
                let work = export.path(&format!("{name}/work"));
                export.args("--work-dir").arg(&work.to_string_lossy())
            }
        }
    }

    /// A reader after a death finds the export before or the export after, and it is intact.
    pub fn readers_see_a_whole_run(&self, export: &Export, told: &str) {
        let latest = json(&export.out_path().join("_runs/latest.json"));
        let run = latest["run_id"].as_str().expect("a run").to_owned();
        let verify = Export::command("verify").arg(&export.out_path().to_string_lossy());
        let verified = match self.work {
            WorkDir::Inside => verify.run(),
            // The output folder alone does not show the owner of files that no manifest names.
            WorkDir::Beside => verify.args("--run").arg(&run).run(),
        };
        assert_eq!(verified.code, Some(0), "{told}: {}{}", verified.stdout, verified.stderr);
    }

    /// Runs the command with these faults, one after the other, and then without a fault.
    pub fn survives(&self, name: &str, faults: &[Fault], told: &str) {
        self.survives_in(&self.fresh(name), faults, told);
    }

    /// The same in an existing folder.
    pub fn survives_in(&self, export: &Export, faults: &[Fault], told: &str) {
        let before = self.service.stats().requests;
        let mut deaths = 0;
        for fault in faults {
            let outcome = export.with_fault(*fault).run();
            if outcome.code.is_some() {
                outcome.expect(0); // it ended before the call came
                break;
            }
            deaths += 1;
            self.readers_see_a_whole_run(export, told);
        }
        // If the last death came after the end of the work, the last run is another one.
        if self.ends_well(export, told) == "before" {
            let most = self.most_requests(deaths);
            let asked = self.service.stats().requests - before;
            assert!(asked <= most, "{told}: {asked} requests, at most {most} are needed");
        }
    }

    /// Maximum number of requests of attempts with this many deaths between them. Spooled pages are not
    /// requested again.
    pub fn most_requests(&self, deaths: u64) -> u64 {
        self.requests + ASKS_THAT_FIND_OUT + deaths * (CONCURRENCY + ASKS_THAT_FIND_OUT + 1)
    }

    /// Runs the command to the end: the export is as expected and intact. Returns the run before it.
    pub fn ends_well(&self, export: &Export, told: &str) -> Value {
        let outcome = export.run();
        assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
        assert_same(&substance(&outcome), &self.reference, told);
        let work = outcome.out.parent().expect("a folder").join("work");
        assert!(!outcome.out.join("_work").exists(), "{told}: the work folder is gone");
        assert!(std::fs::read_dir(work).map_or(0, Iterator::count) == 0, "{told}: it is empty or gone");
        let verified = Export::command("verify --deep").arg(&outcome.out.to_string_lossy()).run();
        assert_eq!(verified.code, Some(0), "{told}: {}{}", verified.stdout, verified.stderr);
        let previous = outcome.manifest()["previous"]["run_id"].clone();
        remove_tree(&outcome.out).expect("removed");
        previous
    }
}

/// A generator whose seed is printed, so that a failure can be repeated.
pub fn random(what: &str) -> (fastrand::Rng, String) {
    let seed = setting("CRASH_SEED", fastrand::usize(..1_000_000)) as u64;
    #[expect(clippy::print_stdout, reason = "cargo shows it when the test fails")]
    {
        println!("{what}: CRASH_SEED={seed}");
    }
    (fastrand::Rng::with_seed(seed), format!("CRASH_SEED={seed}"))
}
