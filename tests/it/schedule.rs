//! The schedules in `examples`, night after night with a shifted clock: the disk stays bounded, and a warehouse holds the
//! account's last state.

mod cron;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::examples::{example, of_crontab, of_manifest, of_unit};
use crate::support::clock;
use crate::support::export::{EMAIL, Export, PASSWORD, PROGRAM, tree};
use crate::support::service::Service;
use crate::warehouse::Database;
use cron::{Job, Time};

/// A machine with the files of an example: its folders, its clock and its environment.
struct Machine {
    folder: tempfile::TempDir,
    service: Service,
}

impl Machine {
    fn new(switches: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, service: Service::start(switches) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("export")
    }

    /// Runs a command of an example at this time, with the paths of this machine. It must succeed.
    fn run_at(&self, time: Time, command: &str) {
        let folder = self.folder.path().to_string_lossy();
        let command = ["/var/lib/prometheus/node-exporter", "/var/lib/chatzy-export", "/export/chatzy"]
            .into_iter()
            .zip([folder.to_string(), format!("{folder}/export"), format!("{folder}/export")])
            .fold(command.to_owned(), |command, (path, ours)| command.replace(path, &ours))
            .replace("/usr/local/bin/chatzy-export ", "chatzy-export ")
            .replace("chatzy-export ", &format!("{PROGRAM} "));
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(&self.folder).env_remove("CHATZY_PING_URL");
        shell.env("CHATZY_BASE_URL", self.service.url()).env("CHATZY_EMAIL", EMAIL);
        shell.env("CHATZY_PASSWORD", PASSWORD);
        shell.env("LD_PRELOAD", clock::library()).env("CLOCK_SHIFT", time.shift().to_string());
        let ended = shell.output().expect("a shell");
        assert!(ended.status.success(), "{time:?}: {command}\n{}", String::from_utf8_lossy(&ended.stderr));
    }

    /// Number of requests for each contact.
    fn requests(&self) -> HashMap<String, u64> {
        self.service.stats().contacts
    }

    /// Bytes of all files of the export.
    fn size(&self) -> u64 {
        let out = self.out();
        tree(&out).iter().map(|path| out.join(path).metadata().expect("a file").len()).sum()
    }

    /// Loads the runs that are not loaded yet.
    fn load(&self, warehouse: &Database) {
        let script =
            Export::command("schema --merge duckdb --from").arg(&self.out().to_string_lossy()).expect(0);
        warehouse.run(&script.stdout, Path::new("/"));
    }

    /// The contacts whose rows in the warehouse differ from the account's as a new export reads them.
    fn differing(&self, warehouse: &Database, name: &str) -> BTreeSet<String> {
        let plain = Export::run_of(self.service.url(), [""]).without("--contacts").args("--all-contacts");
        let plain = plain.out_at(&self.path(name)).expect(0);
        let folder = plain.out.to_string_lossy().into_owned();
        let compare = |table: &str, columns: &str| {
            let ours = format!("SELECT {columns} FROM {table}");
            let theirs = format!("SELECT {columns} FROM read_parquet('{folder}/{table}/**/*.parquet')");
            format!("({ours} EXCEPT {theirs}) UNION ({theirs} EXCEPT {ours})")
        };
        let messages = compare("messages", "contact_id, message_id, content, created_at, role, channel");
        let contacts = compare("contacts", "contact_id, message_count, last_message_at");
        let query = format!(
            "SELECT DISTINCT contact_id FROM ({messages}) UNION SELECT contact_id FROM ({contacts}) ORDER BY 1;"
        );
        warehouse.run(&query, Path::new("/")).into_iter().collect()
    }
}

/// The contacts in a list of `POST /_night`.
fn listed(changed: &Value, name: &str) -> Vec<String> {
    let ids = changed[name].as_array().expect("a list").iter();
    ids.map(|id| id.as_str().expect("an ID").to_owned()).collect()
}

/// Nights of the test: more than the sweep of 14 days, the week that `prune` keeps, and the week between two prunes.
const NIGHTS: usize = 30;
/// Greatest size of the export after all nights, in sizes after the first week. It is 2.8, and 3.9 without the weekly prune.
const MAX_GROWTH: u64 = 3;

#[test]
fn thirty_nights_of_the_crontab() {
    let machine = Machine::new("--account-contacts 150 --max-messages 40");
    let warehouse = Database::duckdb();
    warehouse.run(&Export::command("schema --format duckdb").expect(0).stdout, Path::new("/"));
    let jobs = Job::of_crontab(&example("crontab"));
    // Contacts with changes that no run has read yet, and contacts that a run after the first has read.
    let (mut unseen, mut read) = (BTreeSet::new(), BTreeSet::new());
    let mut sizes = Vec::new();
    for night in 0..NIGHTS {
        for (time, job) in cron::of_day(&jobs, night) {
            let before = machine.requests();
            machine.run_at(time, &job.command);
            for (contact, requests) in machine.requests() {
                if before.get(&contact) != Some(&requests) {
                    unseen.remove(&contact);
                    read.extend((night > 0).then_some(contact));
                }
            }
        }
        if cron::is_sunday(night) {
            machine.load(&warehouse);
        }
        sizes.push(machine.size());
        if night + 1 < NIGHTS {
            let changed = machine.service.night();
            // The account's list does not show these changes.
            unseen.extend(listed(&changed, "edited").into_iter().chain(listed(&changed, "deleted")));
        }
    }
    assert!(sizes[NIGHTS - 1] <= MAX_GROWTH * sizes[6], "more than {MAX_GROWTH} times as large: {sizes:?}");
    assert!(sizes[27] * 4 <= sizes[20] * 5, "more than a quarter larger than a week before: {sizes:?}");
    machine.load(&warehouse);
    let differing = machine.differing(&warehouse, "plain");
    let unexpected: Vec<_> = differing.difference(&unseen).collect();
    assert!(unexpected.is_empty(), "{unexpected:?} lack changes that are not left to the sweep");
    assert!(!differing.is_empty(), "some changes wait for the sweep");
    assert_eq!(read.len(), machine.requests().len(), "the sweep has read each contact");
    // A sweep of all contacts at once.
    machine.run_at(Time { day: NIGHTS, hour: 2, minute: 0 }, &format!("{} --full", jobs[0].command));
    machine.load(&warehouse);
    assert_eq!(machine.differing(&warehouse, "plain-after-the-sweep"), BTreeSet::new());
}

/// The commands of all examples, with the name of the program alone.
fn commands() -> BTreeMap<&'static str, Vec<String>> {
    let units = ["chatzy-export.service", "chatzy-export-weekly.service"];
    let of_crontab = of_crontab(&example("crontab")).into_iter().flat_map(|line| {
        line.split(" && ")
            .map(|command| command.trim_end_matches(" >/dev/null").to_owned())
            .collect::<Vec<_>>()
    });
    let all = [
        ("crontab", of_crontab.collect()),
        ("systemd", units.map(|unit| of_unit(&example(unit))).concat()),
        ("Kubernetes", of_manifest(&example("cronjob.yaml"))),
    ];
    let plain = |command: String| {
        let words = command.split_whitespace().collect::<Vec<_>>().join(" ");
        words.replace("/usr/local/bin/chatzy-export", "chatzy-export")
    };
    all.into_iter()
        .map(|(name, commands): (_, Vec<String>)| (name, commands.into_iter().map(plain).collect()))
        .collect()
}

#[test]
fn the_schedules_of_all_examples_do_the_same() {
    // The log, the metrics and the time limit differ: Kubernetes has its own time limit.
    let without_place = |command: &str| {
        let mut words: Vec<&str> = command.split(' ').collect();
        for (option, length) in
            [("--quiet", 1), ("--log-format", 2), ("--metrics-file", 2), ("--max-duration", 2)]
        {
            if let Some(at) = words.iter().position(|word| *word == option) {
                words.drain(at..at + length);
            }
        }
        words.join(" ").replace("/export/chatzy", "OUT").replace("/var/lib/chatzy-export", "OUT")
    };
    for (name, commands) in commands() {
        let shared: Vec<String> = commands.iter().map(|command| without_place(command)).collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(shared.join("\n"), @r"
            chatzy-export run --all-contacts --incremental --full-sweep-every 14d --out OUT --max-failed 5% --wait-lock 10m
            chatzy-export prune OUT --keep-within 7d --wait-lock 10m
            chatzy-export verify OUT
            ");
        }
        // Each of them works: two nights, and the end of the week.
        let machine = Machine::new("--account-contacts 12 --max-messages 30");
        let [run, prune, verify] = commands.as_slice() else { panic!("{name}: {commands:?}") };
        for (day, command) in [(0, run), (1, run), (6, prune), (6, verify)] {
            machine.run_at(Time { day, hour: 2, minute: 0 }, command);
            machine.service.night();
        }
        assert!(machine.out().join("_runs/latest.json").exists(), "{name}");
    }
}
