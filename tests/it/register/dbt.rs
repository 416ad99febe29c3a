//! dbt reads the sources, and its tests pass on a loaded database.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::export::write;
use crate::system::skip;
use crate::warehouse::nights::Nights;
use crate::warehouse::{script, sql};

const PROJECT: &str = "name: shop\nprofile: shop\nversion: '1.0'\nmodel-paths: [models]\nflags:\n  send_anonymous_usage_stats: false\n";

#[test]
fn dbt_tests_the_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join(".tools/warehouse/dbt");
    if !venv.join("has-dbt").is_file() {
        return skip("dbt_tests_the_tables", "needs dbt (scripts/warehouse-tools.sh)");
    }
    let nights = Nights::of("parquet");
    let load = format!("{}\n{}", sql("--format duckdb"), script(&nights.export, "--merge duckdb"));
    let project = tempfile::tempdir().unwrap();
    let file = project.path().join("warehouse.db");
    write(&project.path().join("dbt_project.yml"), PROJECT);
    write(&project.path().join("models/sources.yml"), sql("--format dbt"));
    let profile = format!(
        "shop:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: '{}', schema: main}}\n",
        file.display()
    );
    write(&project.path().join("profiles.yml"), profile);

    let mut dbt = Command::new(venv.join("bin/python"))
        .arg(root.join("tests/it/register/dbt_run.py"))
        .args([project.path(), &file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let statements = [
        load.as_str(),
        "INSERT INTO messages SELECT * REPLACE ('nobody' AS contact_id) FROM messages LIMIT 1",
        "UPDATE coverage SET status = 'lost' WHERE contact_id = 'same'",
    ];
    let mut stdin = dbt.stdin.take().unwrap();
    for statement in statements {
        writeln!(stdin, "{}", serde_json::json!(statement)).unwrap();
    }
    drop(stdin);
    let output = dbt.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let results: Vec<BTreeMap<String, String>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = |at: usize| {
        let failed = results[at].iter().filter(|(_, status)| *status != "pass");
        failed.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert!(results[0].len() > 20, "{:?}", results[0]);
    insta::assert_snapshot!(failed(0), @"");
    insta::assert_snapshot!(failed(1), @"source_relationships_chatzy_messages_contact_id__contact_id__source_chatzy_contacts_");
    insta::assert_snapshot!(failed(2), @"source_accepted_values_chatzy_coverage_status__exported__empty__not_found__unresolved__failed__unchanged source_relationships_chatzy_messages_contact_id__contact_id__source_chatzy_contacts_");
}
