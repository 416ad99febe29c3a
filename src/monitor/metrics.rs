//! The metrics file, in the text format of Prometheus that is also valid OpenMetrics.
//!
//! Each run replaces the whole file at its end. A failed run keeps the time of the last success from the
//! previous file.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Figures;
use crate::durable::{self, StorageError};

/// Name of the only metric that a failed run keeps.
const LAST_SUCCESS: &str = "chatzy_export_last_success_timestamp_seconds";

/// Metrics of a finished run.
#[derive(Clone, Debug)]
pub struct RunMetrics {
    pub ended_at: SystemTime,
    pub duration: Duration,
    pub exit_code: u8,
    pub figures: Figures,
}

/// Replaces the metrics file.
///
/// # Errors
/// If the previous file cannot be read, or the new one cannot be written.
pub fn write(path: &Path, run: &RunMetrics) -> Result<(), StorageError> {
    let previous = durable::read_if_exists(path)?.unwrap_or_default();
    let last_success = if run.exit_code == 0 {
        seconds(run.ended_at)
    } else {
        last_success(&String::from_utf8_lossy(&previous)).unwrap_or(0.0)
    };
    durable::replace_readable(path, text(run, last_success).as_bytes())
}

/// Returns the time of the last success in a metrics file.
fn last_success(text: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.strip_prefix(' '))?;
    value.trim().parse().ok().filter(|time: &f64| time.is_finite())
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn text(run: &RunMetrics, last_success: f64) -> String {
    let mut text = String::new();
    let figures = &run.figures;
    let name = |name: &str| format!("chatzy_export_{name}");
    single(
        &mut text,
        &name("last_run_timestamp_seconds"),
        "End of the last run, as Unix time.",
        format_args!("{:.3}", seconds(run.ended_at)),
    );
    single(
        &mut text,
        LAST_SUCCESS,
        "End of the last run with exit code 0, as Unix time. Runs that fail keep it. 0 if there was none.",
        format_args!("{last_success:.3}"),
    );
    single(
        &mut text,
        &name("duration_seconds"),
        "Duration of the last run.",
        format_args!("{:.3}", run.duration.as_secs_f64()),
    );
    single(&mut text, &name("exit_code"), "Exit code of the last run.", run.exit_code);
    by_label(
        &mut text,
        &name("contacts"),
        "Contacts of the last run by status. If it published nothing: the contacts that it read itself.",
        "status",
        &figures.contacts,
    );
    by_label(
        &mut text,
        &name("rows"),
        "Rows that the last run published, by table. 0 if it published nothing.",
        "table",
        &figures.rows,
    );
    by_label(
        &mut text,
        &name("requests"),
        "HTTP requests of the last run by status code, or error for those without a response.",
        "code",
        &figures.requests,
    );
    single(
        &mut text,
        &name("retries"),
        "Requests of the last run that repeated a failed request.",
        figures.retries,
    );
    single(
        &mut text,
        &name("bytes_written"),
        "Bytes of the data files that the last run published. 0 if it published nothing.",
        figures.bytes_written,
    );
    single(
        &mut text,
        &name("schema_changes"),
        "Changes of any kind in the fields of the API's responses since the earlier runs.",
        figures.schema_changes,
    );
    // OpenMetrics requires this line. To Prometheus it is a comment.
    text.push_str("# EOF\n");
    text
}

// Writing to a string cannot fail.
fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn single(text: &mut String, name: &str, help: &str, value: impl Display) {
    head(text, name, help);
    let _ = writeln!(text, "{name} {value}");
}

fn by_label<K: AsRef<str>>(
    text: &mut String,
    name: &str,
    help: &str,
    label: &str,
    values: &BTreeMap<K, u64>,
) {
    head(text, name, help);
    for (key, value) in values {
        let _ = writeln!(text, "{name}{{{label}=\"{}\"}} {value}", key.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_success_is_read_back() {
        let run = RunMetrics {
            ended_at: UNIX_EPOCH + Duration::from_millis(1_800_000_000_123),
            duration: Duration::from_millis(1500),
            exit_code: 0,
            figures: Figures::default(),
        };
        let text = text(&run, seconds(run.ended_at));
        assert_eq!(last_success(&text), Some(1_800_000_000.123));
    }

    #[test]
    fn other_files_have_no_last_success() {
        let name = LAST_SUCCESS;
        for text in ["", "hello", &format!("{name}_total 3"), &format!("{name} NaN"), &format!("{name} soon")]
        {
            assert_eq!(last_success(text), None, "{text}");
        }
    }
}
