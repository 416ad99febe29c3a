//! A folder holds runs of one layout, and the query that a run prints is correct for all of them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::export::{Export, Outcome, tree};
use crate::support::service::Service;

use super::databases::Database;
use super::script;

#[test]
fn a_run_of_another_layout_is_refused() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--keep-raw");
    export.clone().args("--run-id first --partition-by month").expect(0);
    let before = tree(export.out_path());
    let asked = service.stats().requests;
    let told = |options: &str| export.clone().args(options).expect(9).last_line();
    insta::assert_snapshot!(told("--partition-by month --format jsonl"), @"error: this run is jsonl partitioned by month, but the newest run in DIR/export, first, is parquet partitioned by month: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed");
    insta::assert_snapshot!(told("--fresh"), @"error: this run is parquet without partitions, but the newest run in DIR/export, first, is parquet partitioned by month: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed");
    told("--dry-run");
    assert_eq!((tree(export.out_path()), service.stats().requests), (before, asked), "nothing was done");
    export.clone().args("--partition-by month --compression snappy").expect(0);
    export.clone().args("--allow-mixed --format jsonl --run-id lines").expect(0);
    insta::assert_snapshot!(told("--format jsonl --compression gzip"), @"error: this run is jsonl (.jsonl.gz) without partitions, but the newest run in DIR/export, lines, is jsonl without partitions: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed");

    let out = export.out_path().to_str().unwrap();
    let rebuild = Export::command("rebuild --run first --from").arg(out).args("--out");
    let other = export.path("other");
    let other = other.to_str().unwrap();
    rebuild.clone().arg(other).expect(0);
    let again = Export::command("rebuild --run lines --from").arg(out).args("--out").arg(other);
    assert!(again.expect(9).stderr.contains("is parquet partitioned by month"));
    again.args("--allow-mixed").expect(0);
}

#[test]
fn an_unfinished_run_of_another_layout_needs_the_option_too() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a", "poison-2-b"]).args("--retries 0");
    export.clone().expect(3);
    let mixed = export.args("--format jsonl --max-failed 0");
    mixed.clone().args("--allow-mixed").expect(5);
    mixed.expect(9);
    mixed.clone().args("--allow-mixed").expect(5);
    assert!(mixed.path("export/_work/run.json").exists(), "nothing is discarded");
}

/// The SQL of the query that a run prints, as the shell passes it to DuckDB.
fn query(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().find_map(|line| line.strip_prefix("Try:")).expect("a query").trim();
    let shell = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("duckdb() {{ if [ \"$1\" = -c ]; then printf %s \"$2\"; else cat; fi; }}; {line}"))
        .env("PATH", program_folder())
        .output()
        .expect("a shell");
    String::from_utf8(shell.stdout).unwrap()
}

/// The search path with the built program in it.
fn program_folder() -> std::ffi::OsString {
    let ours = Path::new(crate::support::export::PROGRAM).parent().unwrap().to_owned();
    let system = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(ours).chain(std::env::split_paths(&system))).unwrap()
}

/// The result of the query, as `role|messages`.
fn answer(outcome: &Outcome) -> Vec<String> {
    let mut rows = Database::duckdb().run(&query(outcome), Path::new("/"));
    rows.sort();
    rows
}

#[test]
fn the_printed_query_counts_each_message_once() {
    for (folder, options) in
        [("parquet", "--partition-by month"), ("it's [1]* $HOME", "--format jsonl --compression gzip")]
    {
        let service = Service::start("--account-contacts 25");
        let base = Export::command("run --all-contacts --progress never").base_url(service.url());
        let base = base
            .env("CHATZY_EMAIL", crate::support::export::EMAIL)
            .env("CHATZY_PASSWORD", crate::support::export::PASSWORD);
        let export = base.clone().out(folder).args("--incremental").args(options);
        let views = "SELECT role, count(*) FROM latest_messages GROUP BY role ORDER BY role;";
        for _ in ["first", "second", "third"] {
            let outcome = export.expect(0);
            let latest = format!("{}\n{views}", script(&export, "--latest duckdb"));
            assert_eq!(answer(&outcome), Database::duckdb().run(&latest, Path::new("/")), "{folder}");
            service.night();
        }
        // An incremental run finds deletions only in its sweep.
        let full = export.clone().args("--full").expect(0);
        let truth = base.clone().out("truth").args("--format jsonl").expect(0);
        let mut roles = BTreeMap::new();
        for role in truth.rows("messages").column("role") {
            *roles.entry(role).or_insert(0) += 1;
        }
        let truth: Vec<_> = roles.iter().map(|(role, count)| format!("{role}|{count}")).collect();
        assert!(query(&full).contains("SEMI JOIN"), "{}", query(&full));
        assert_eq!(answer(&full), truth, "{folder}");
        // Plain queries cannot know the newer run here, but the views do.
        let part = export.clone().args("--since 2026-01-01 --run-id part").expect(0);
        assert!(query(&part).contains("WHERE run_id = 'part'"), "{}", query(&part));
        let after = export.clone().args("--full").expect(0);
        assert!(query(&after).contains("latest_messages"), "{}", query(&after));
        assert_eq!(answer(&after), truth, "{folder}");
    }
}
