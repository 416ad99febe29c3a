//! A parser reads each statement of the scripts, in the dialect of its database.

use std::process::{Command, Stdio};

use serde_json::json;

use super::conformance::nights::{Nights, PART};
use super::{sql, stored};
use crate::promises::root;
use crate::support::export::{Export, write};
use crate::support::stores::Kind;
use crate::system::skip;

const MONTH: &str = "--partition-by month";
const CHANNEL: &str = "--partition-by month,channel";

/// Dialects, and exports that they read: their layout, and the store, or none for a folder.
const READ: [(&str, &str, Option<Kind>); 12] = [
    ("snowflake", MONTH, None),
    ("snowflake", MONTH, Some(Kind::Moto)),
    ("bigquery", MONTH, Some(Kind::Gcs)),
    ("redshift", MONTH, Some(Kind::Moto)),
    ("databricks", MONTH, Some(Kind::Gcs)),
    ("databricks", CHANNEL, Some(Kind::Moto)),
    ("spark", CHANNEL, None),
    ("spark", MONTH, Some(Kind::Moto)),
    ("trino", MONTH, Some(Kind::Gcs)),
    ("trino", CHANNEL, Some(Kind::Moto)),
    ("athena", MONTH, Some(Kind::Moto)),
    ("athena", CHANNEL, Some(Kind::Moto)),
];

/// The statements that the parser refuses or skips.
pub fn wrong(scripts: &[(&str, String)]) -> Option<String> {
    let python = root().join(".tools/warehouse/venv");
    if !python.join("has-sqlglot").is_file() {
        return None;
    }
    let lines = scripts.iter().map(|(dialect, script)| format!("{}\n", json!([dialect, script])));
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("scripts");
    write(&input, lines.collect::<String>());
    let mut command = Command::new(python.join("bin/python"));
    command.arg("-B").arg(root().join("tests/it/warehouse/engines/parse.py"));
    let input = std::fs::File::open(input).expect("the scripts");
    let output = command.stdin(input).stderr(Stdio::inherit()).output().expect("Python");
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn each_statement_is_parsed() {
    let exports = [MONTH, CHANNEL].map(|layout| (layout, Nights::of(layout).export));
    let mut scripts = Vec::new();
    for (dialect, layout, store) in READ {
        let (_, export) = exports.iter().find(|(options, _)| *options == layout).expect("a layout");
        let list = export.path("loaded.txt");
        write(&list, "night1\n");
        for options in [
            format!("--merge {dialect}"),
            format!("--merge {dialect} --run night2"),
            format!("--merge {dialect} --run {PART} --partial"),
            format!("--merge {dialect} --loaded {}", list.display()),
            format!("--latest {dialect}"),
        ] {
            scripts.push((dialect, stored::schema(store, export.out_path(), &options).expect(0).stdout));
        }
        scripts.push((dialect, sql(&format!("--format {dialect}"))));
        scripts.push((dialect, Export::command("schema --from none --merge").arg(dialect).expect(2).stdout));
    }
    match wrong(&scripts) {
        Some(wrong) => assert_eq!(wrong, ""),
        None => skip("each_statement_is_parsed", "needs sqlglot (scripts/warehouse-tools.sh)"),
    }
    let broken = [("bigquery", "SELECT (1;\nCALL f();\nSELECT 1;\nEXECUTE IMMEDIATE REPLACE(r\"\"\"\nSELECT (2\n\"\"\", 'chatzy_dataset', CONCAT(1));\n".to_owned())];
    let refused = wrong(&broken).unwrap_or_default();
    let verdicts: Vec<_> = refused.lines().filter(|line| line.starts_with("bigquery ")).collect();
    assert!(verdicts.len() == 3 && verdicts[1] == "bigquery skips: CALL f()", "{refused}");
}
