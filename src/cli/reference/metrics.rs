//! Reference section of the metrics, from a real metrics file.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use super::table;
use crate::monitor::{self, Figures, RunMetrics};

/// Returns a table of the metrics with their labels and meanings.
pub(super) fn section() -> String {
    let one = || BTreeMap::from([("x", 1)]);
    let figures = Figures {
        contacts: one(),
        rows: one(),
        requests: BTreeMap::from([("x".to_owned(), 1)]),
        ..Figures::default()
    };
    let run = RunMetrics { ended_at: UNIX_EPOCH, duration: Duration::ZERO, exit_code: 0, figures };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("metrics.prom");
    monitor::write(&path, &run).expect("a metrics file");
    let text = std::fs::read_to_string(&path).expect("a metrics file");
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    let rows = helps.map(|(name, help)| {
        let labels =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once('='));
        let label = labels.map(|(label, _)| format!("{{{label}}}")).unwrap_or_default();
        vec![format!("`{name}{label}`"), help.to_owned()]
    });
    table(&["metric", "meaning"], rows)
}
