//! The questions in the docs, and the commands that load the export before them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::databases::{Database, Row};
use super::files::rows_in_files;
use super::parsed;
use super::state::Kinds;
use super::{script, sql};
use crate::promises::root;
use crate::support::export::{Export, PROGRAM, read};
use crate::system::skip;

fn docs() -> String {
    read(&root().join("docs/warehouse.md"))
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, after) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin}"));
    after.split_once(end).unwrap_or_else(|| panic!("no {end}")).0
}

/// The commands of a database, as printed.
fn commands(database: &str) -> String {
    between(between(&docs(), &format!("\n### {database}\n"), "\n###"), "```sh\n", "```").to_owned()
}

/// The questions as a database takes them.
fn questions(database: &str) -> [String; 4] {
    let docs = docs();
    let table = between(&docs, "| database | month of a time |", "\n\n");
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<_> =
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        <[&str; 4]>::try_from(cells).expect("four cells")
    });
    let rows: Vec<_> = rows.collect();
    let of = |row: &&[&str; 4]| row[0].split(", ").any(|name| name == database);
    let [_, month, seconds, median] = rows.iter().find(of).expect("the database");
    let [_, plain_month, plain_seconds, plain_median] = rows[0];
    let at = |expression: &str| [expression.to_owned(), expression.replace("next_at", "created_at")];
    let has_views = sql(&format!("--format {}", database.to_lowercase())).contains("latest_messages");
    let prefix = if has_views { "latest_" } else { "" };
    let found =
        between(&docs, "<!-- begin questions -->", "<!-- end -->").split("```sql\n").skip(1).map(|block| {
            let mut question = block
                .split_once("```")
                .expect("an end")
                .0
                .replace(plain_month, month)
                .replace(plain_median, median);
            for (plain, expression) in at(plain_seconds).iter().zip(at(seconds)) {
                question = question.replace(plain, &expression);
            }
            let tables = ["FROM messages", "FROM channel_records"];
            tables.iter().fold(question, |question, from| {
                question.replace(from, &from.replacen(' ', &format!(" {prefix}"), 1))
            })
        });
    <[String; 4]>::try_from(found.collect::<Vec<_>>()).expect("four questions")
}

/// The answers as the files have them.
struct Answers {
    /// By channel.
    messages: BTreeMap<String, usize>,
    /// Number of answers and the median of their seconds, by channel.
    answers: BTreeMap<String, (usize, f64)>,
    /// Channel, code and title, and the number of messages.
    failed: BTreeMap<String, usize>,
    /// Contacts without an answer.
    waiting: BTreeSet<String>,
}

fn text(row: &Row, column: &str) -> String {
    row[column].as_str().map_or_else(|| row[column].to_string(), str::to_owned)
}

fn channel(row: &Row) -> String {
    text(row, "channel")
}

impl Answers {
    fn of(out: &Path) -> Self {
        let files = rows_in_files(out, &Kinds::of(out));
        let all = |table: &str| {
            let of_table = files.iter().filter(move |((_, name), _)| name == table);
            of_table.flat_map(|(_, rows)| rows).collect::<Vec<_>>()
        };
        // No contact fails, so the newest run that has read a contact has it.
        let mut runs = BTreeMap::<_, String>::new();
        for row in all("coverage").into_iter().filter(|row| row["status"] != "unchanged") {
            let run = text(row, "run_id");
            runs.entry(text(row, "contact_id"))
                .and_modify(|newest| *newest = run.clone().max(newest.clone()))
                .or_insert(run);
        }
        let is_newest = |row: &&Row| runs.get(&text(row, "contact_id")) == Some(&text(row, "run_id"));
        let rows = |table: &str| all(table).into_iter().filter(is_newest).collect::<Vec<_>>();
        let mut messages = rows("messages");
        let number = |row: &Row, column: &str| row[column].as_i64().expect("a number");
        let order = |row: &&Row| {
            (
                text(row, "contact_id"),
                number(row, "created_at"),
                number(row, "message_order"),
                text(row, "message_id"),
            )
        };
        messages.sort_by_key(order);
        let mut newest = BTreeMap::new();
        let mut last: BTreeMap<(String, String), &Row> = BTreeMap::new();
        let (mut counts, mut seconds) = (BTreeMap::new(), BTreeMap::<String, Vec<f64>>::new());
        for row in &messages {
            *counts.entry(channel(row)).or_default() += 1;
            newest.insert(text(row, "contact_id"), text(row, "role"));
            let before = last.insert((text(row, "contact_id"), text(row, "conversation_id")), row);
            if let Some(before) = before.filter(|before| before["role"] == "user" && row["role"] != "user") {
                let passed = std::time::Duration::from_micros(
                    number(row, "created_at").abs_diff(number(before, "created_at")),
                );
                seconds.entry(channel(before)).or_default().push(passed.as_secs_f64());
            }
        }
        let median = |(channel, mut all): (String, Vec<f64>)| {
            all.sort_by(f64::total_cmp);
            let middle = f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2]);
            (channel, (all.len(), middle))
        };
        let mut failed = BTreeMap::<String, BTreeSet<String>>::new();
        for row in rows("channel_records").into_iter().filter(|row| row["status"] == "failed") {
            let reason = ["channel", "error_code", "error_title"].map(|column| text(row, column));
            failed.entry(reason.join("|")).or_default().insert(text(row, "message_id"));
        }
        Self {
            messages: counts,
            answers: seconds.into_iter().map(median).collect(),
            failed: failed.into_iter().map(|(reason, messages)| (reason, messages.len())).collect(),
            waiting: newest
                .into_iter()
                .filter(|(_, role)| role == "user")
                .map(|(contact, _)| contact)
                .collect(),
        }
    }

    /// Fails unless these are the rows of the questions, with `|` between the cells.
    fn assert_are(&self, rows: &[Vec<String>; 4], told: &str) {
        let [by_month, answered, failures, unanswered] = rows;
        let mut messages = BTreeMap::new();
        for row in by_month {
            let [channel, month, count] =
                <[&str; 3]>::try_from(row.split('|').collect::<Vec<_>>()).expect("three cells");
            assert!(month.contains("-01"), "{told}: {row}");
            *messages.entry(channel.to_owned()).or_default() += count.parse::<usize>().expect("a number");
        }
        assert_eq!(messages, self.messages, "{told}");
        assert!(by_month.len() > messages.len(), "{told}: several months");
        assert_eq!(answered.len(), self.answers.len(), "{told}: {answered:?}");
        for (row, (channel, (count, median))) in answered.iter().zip(&self.answers) {
            let [name, number, seconds] =
                <[&str; 3]>::try_from(row.split('|').collect::<Vec<_>>()).expect("three cells");
            assert_eq!((name, number), (channel.as_str(), count.to_string().as_str()), "{told}");
            assert!(
                (seconds.parse::<f64>().expect("seconds") - median).abs() < 0.001,
                "{told}: {row}, not {median}"
            );
        }
        let failed: BTreeSet<_> = failures.iter().cloned().collect();
        assert_eq!(
            failed,
            self.failed.iter().map(|(reason, count)| format!("{reason}|{count}")).collect(),
            "{told}"
        );
        let waiting: Vec<_> =
            unanswered.iter().filter_map(|row| Some(row.split_once('|')?.0.to_owned())).collect();
        assert_eq!(waiting.len(), self.waiting.len(), "{told}");
        assert_eq!(waiting.into_iter().collect::<BTreeSet<_>>(), self.waiting, "{told}");
    }
}

/// Two runs of the simulated account. The second reads some contacts again.
fn simulated() -> Export {
    let contacts = root().join("sample_contacts.csv");
    let export =
        Export::command("run --simulated --incremental --contacts").arg(contacts.to_str().expect("UTF-8"));
    for run in ["night1", "night2"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    export
}

/// Runs commands in the folder of the export, with this program and the shell of DuckDB in the path.
fn shell(export: &Export, environment: &[(&str, String)], line: &str, arguments: &[&str]) -> Vec<String> {
    let folders =
        [PathBuf::from(PROGRAM).parent().expect("a folder").to_owned(), root().join(".tools/venv/bin")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).expect("a path");
    let mut command = Command::new("sh");
    command.arg("-ec").arg(line).arg("sh").args(arguments).current_dir(export.path("")).env("PATH", path);
    let output = command.envs(environment.iter().map(|(name, value)| (name, value))).output().expect("sh");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !errors.to_lowercase().contains("error"), "{line}\n{errors}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// The commands and questions of the docs, in the shells that the docs name. The last line of the commands shows a result.
#[test]
fn the_commands_in_the_docs_load_an_export_and_its_questions_are_answered() {
    let test = "the_commands_in_the_docs_load_an_export_and_its_questions_are_answered";
    let export = simulated();
    let answers = Answers::of(export.out_path());
    assert!(
        answers.failed.len() + answers.waiting.len() > 9 && answers.messages.len() > 3,
        "the account has all of it"
    );
    if root().join(".tools/venv/bin/duckdb").is_file() {
        let shown = shell(&export, &[], &commands("DuckDB"), &[]);
        assert!(
            answers.messages.keys().all(|channel| shown.iter().any(|line| line.contains(channel))),
            "{shown:?}"
        );
        let ask = |question: &String| {
            shell(&export, &[], "duckdb warehouse.db -list -noheader -c \"$1\"", &[question])
        };
        answers.assert_are(&questions("DuckDB").each_ref().map(ask), "DuckDB");
    } else {
        skip(test, "needs DuckDB (scripts/test-tools.sh)");
    }
    if let Some(server) = Database::postgres_in_shell(test) {
        let shown = shell(&export, &server.environment(), &commands("PostgreSQL"), &[]);
        assert!(
            answers.messages.keys().all(|channel| shown.iter().any(|line| line.contains(channel))),
            "{shown:?}"
        );
        let ask = |question: &String| {
            shell(&export, &server.environment(), "psql warehouse -At -c \"$1\"", &[question])
        };
        answers.assert_are(&questions("PostgreSQL").each_ref().map(ask), "PostgreSQL");
    }
    if let Some(database) = Database::clickhouse(test) {
        database.run(&sql("--format clickhouse"), Path::new("/"));
        database.run(&script(&export, "--merge clickhouse"), Path::new("/"));
        let ask = |question: &String| database.run(question, Path::new("/"));
        answers.assert_are(&questions("ClickHouse").each_ref().map(ask), "ClickHouse");
    }
    let parsed = ["Snowflake", "Redshift", "BigQuery", "Databricks", "Spark", "Trino", "Athena"]
        .map(|database| questions(database).map(|question| (database, question)));
    let parsed: Vec<_> = parsed.into_iter().flatten().collect();
    let lower: Vec<_> =
        parsed.iter().map(|(database, question)| (database.to_lowercase(), question.clone())).collect();
    let scripts: Vec<_> =
        lower.iter().map(|(database, question)| (database.as_str(), question.clone())).collect();
    assert_eq!(parsed::wrong(&scripts).unwrap_or_default(), "");
}
