//! The alerts in `examples/prometheus-rules.yml`: they name metrics that a run writes, and fire when they should.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{example, passes};
use crate::monitoring::tool;
use crate::support::export::{Export, read, write};
use crate::support::service::Service;
use crate::system::skip;

/// The expressions of the rules.
fn expressions() -> Vec<String> {
    let rules = example("prometheus-rules.yml");
    rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned).collect()
}

/// The metrics in a text, each with its label if it has one: `contacts{status="failed"}`. A regular expression gives one
/// entry for each of its values.
fn metrics(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split("chatzy_export_").skip(1) {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        match rest.strip_prefix('{').and_then(|labels| labels.split_once('}')) {
            None => drop(found.insert(name.to_owned())),
            Some((label, _)) => {
                let (label, values) = label.split_once('=').expect("a label");
                for value in values.trim_matches(['~', '"']).split('|') {
                    found.insert(format!("{name}{{{label}=\"{value}\"}}"));
                }
            }
        }
    }
    found
}

#[test]
fn the_alerts_name_metrics_that_a_run_writes() {
    let service = Service::start("");
    let export =
        Export::run_of(service.url(), ["messages-3-a", "poison-2-b", "unknown-c"]).args("--retries 0");
    export.clone().args("--metrics-file chatzy.prom").expect(3);
    let text = read(&export.path("chatzy.prom"));
    let written = metrics(&text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"));
    let named = metrics(&expressions().join("\n"));
    assert!(named.len() >= 7, "{named:?}");
    assert!(named.is_subset(&written), "{:?} are in no metrics file", named.difference(&written));
}

/// The names of all alerts.
const ALERTS: [&str; 6] = [
    "ChatzyExportIsLate",
    "ChatzyExportHasNoMetrics",
    "ChatzyExportFailed",
    "ChatzyExportLostContacts",
    "ChatzyExportMissesContacts",
    "ChatzyExportSchemaChanged",
];

/// A test of promtool: the metrics of a run, and the alerts that fire 100 hours after 1970.
fn case(exit_code: u8, hours_since_success: u32, contacts: &str, alerts: &[&str]) -> String {
    let success = (100 - hours_since_success) * 3600;
    let mut text = "  - interval: 1h\n    input_series:\n".to_owned();
    for (name, value) in [
        ("last_run_timestamp_seconds", 360_000),
        ("last_success_timestamp_seconds", success),
        ("exit_code", u32::from(exit_code)),
        (&format!("contacts{{status=\"{contacts}\"}}"), 2),
        ("schema_changes", 0),
    ] {
        write!(text, "      - series: 'chatzy_export_{name}'\n        values: '{value}x110'\n").unwrap();
    }
    text.push_str("    promql_expr_test:\n");
    for name in ALERTS {
        let fires = u8::from(alerts.contains(&name));
        let alert = format!("count(ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}) or vector(0)");
        let sample = format!("exp_samples: [{{value: {fires}, labels: '{{}}'}}]");
        writeln!(text, "      - expr: {alert}\n        eval_time: 100h\n        {sample}").unwrap();
    }
    text
}

#[test]
fn the_alerts_fire_when_they_should() {
    let Some(promtool) = tool("promtool") else {
        return skip("the_alerts_fire_when_they_should", "needs promtool (scripts/example-tools.sh)");
    };
    passes(&promtool, &["check", "rules", "examples/prometheus-rules.yml"]);
    let cases = [
        case(0, 25, "exported", &[]),
        case(0, 27, "exported", &["ChatzyExportIsLate"]),
        case(5, 2, "exported", &["ChatzyExportFailed"]),
        case(3, 2, "failed", &["ChatzyExportLostContacts"]),
        case(3, 2, "unresolved", &["ChatzyExportLostContacts"]),
        case(0, 2, "not_found", &["ChatzyExportMissesContacts"]),
    ]
    .concat();
    // Nothing is written for an hour.
    let missing = "  - interval: 1h\n    input_series: []\n    alert_rule_test:\n      - eval_time: 2h\n        alertname: ChatzyExportHasNoMetrics\n        exp_alerts:\n          - exp_labels: {severity: critical}\n            exp_annotations: {summary: The metrics file of the export is missing}\n";
    let folder = tempfile::tempdir().unwrap();
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/prometheus-rules.yml");
    let tests = format!("rule_files: [{rules}]\nevaluation_interval: 1h\ntests:\n{cases}{missing}");
    let path = folder.path().join("tests.yml");
    write(&path, tests);
    passes(&promtool, &["test", "rules", path.to_str().expect("UTF-8")]);
}
