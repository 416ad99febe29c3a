//! The query that a run prints: correct over all runs of the export, and quoted for a shell.

use super::command_line::quote;
use crate::output::Layout;
use crate::output::manifest::Manifest;
use crate::store::Store;
use crate::warehouse::{ExportSource, Runs};

/// Returns a shell command that counts the messages by role.
pub fn example(manifest: &Manifest, out: &Store) -> String {
    let files = |table: &str, columns: &[&str]| reader(manifest, out, table, columns);
    let runs = match manifest.previous {
        None => String::new(),
        // A run with partial contacts is queried alone.
        Some(_) if !manifest.options.limits().is_empty() => format!(" WHERE run_id = '{}'", manifest.run_id),
        // A contact that was read again has messages in several runs. Only its newest run counts.
        Some(_) if is_ordered_by_time(out) => format!(
            " SEMI JOIN (SELECT contact_id, max_by(run_id, exported_at) AS run_id FROM {} \
             WHERE status IN ('exported', 'empty', 'unresolved', 'not_found') GROUP BY contact_id) USING (contact_id, run_id)",
            files("coverage", &["contact_id", "run_id", "status", "exported_at"])
        ),
        Some(_) => return by_views(out),
    };
    let sql = format!(
        "SELECT role, count(*) AS messages FROM {}{runs} GROUP BY role ORDER BY messages DESC",
        files("messages", &["role", "contact_id", "run_id"])
    );
    format!("duckdb -c \"{}\"", in_double_quotes(&sql))
}

fn is_ordered_by_time(out: &Store) -> bool {
    ExportSource::read(out, &Runs::Whole).is_ok_and(|source| source.is_ordered_by_time())
}

/// Returns the query over the views of `schema --latest`, which handle the order, the formats and the scope
/// of runs.
fn by_views(out: &Store) -> String {
    let query =
        "SELECT role, count(*) AS messages FROM latest_messages GROUP BY role ORDER BY messages DESC;";
    format!(
        "(chatzy-export schema --latest duckdb --from {}; echo \"{query}\") | duckdb",
        quote(out.as_os_str())
    )
}

/// Returns the DuckDB expression that reads these columns of a table's files.
fn reader(manifest: &Manifest, out: &Store, table: &str, columns: &[&str]) -> String {
    let layout = Layout::of(&manifest.options);
    let extension = layout.map_or_else(|| "parquet".to_owned(), |layout| layout.ending);
    let pattern = format!("{}/{table}/**/*.{extension}", pattern_of(&out.root().to_string_lossy()));
    let literal = format!("'{}'", pattern.replace('\'', "''"));
    let types: Vec<_> = columns.iter().map(|column| format!("{column}: 'VARCHAR'")).collect();
    match extension.as_str() {
        "parquet" => format!("read_parquet({literal})"),
        // Automatic detection of the columns fails for some nested records.
        _ => format!("read_json({literal}, columns={{{}}})", types.join(", ")),
    }
}

/// Escapes a path as a glob pattern that matches only itself.
fn pattern_of(path: &str) -> String {
    path.chars().fold(String::new(), |mut pattern, c| {
        match c {
            '[' | '*' | '?' => pattern.extend(['[', c, ']']),
            c => pattern.push(c),
        }
        pattern
    })
}

/// Escapes a text for double quotes in a shell.
fn in_double_quotes(text: &str) -> String {
    text.chars().fold(String::new(), |mut quoted, c| {
        if matches!(c, '"' | '$' | '`' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
        quoted
    })
}
