//! The `\copy` lines with which `psql` reads an export's files.

use std::fmt::Write as _;

use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;
use crate::warehouse::sql::literal;
use crate::warehouse::{ExportSource, Purpose};

/// Options that read lines unchanged. A JSON line contains no control characters, so neither quote nor
/// delimiter occurs in it.
const AS_LINES: &str = r"WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02', ENCODING 'UTF8')";

/// Returns the lines for the runs of an export, one run at a time; an example if no export is given.
pub(super) fn lines(source: Option<&ExportSource>, purpose: Purpose) -> String {
    let Some(source) = source else {
        return format!(
            "-- Copy the files of the runs here, each table's into its own, for example:\n\
             -- \\copy staging_messages FROM 'export/messages/part-20261120T020000Z-ab12cd-00000.jsonl' {AS_LINES}\n"
        );
    };
    let held = match purpose {
        Purpose::Merge => "coverage",
        Purpose::Latest => "staged_coverage",
    };
    source.manifests.iter().map(|manifest| of_run(&source.path, manifest, held)).collect()
}

fn of_run(export: &str, manifest: &Manifest, held: &str) -> String {
    let run = literal(manifest.run_id.as_str());
    let mut lines = format!(
        "-- Skipped where it is there already.\nSELECT NOT EXISTS (SELECT 1 FROM {held} WHERE run_id = {run}) AS wanted \\gset\n\\if :wanted\n"
    );
    for file in &manifest.files {
        if Table::ALL.iter().any(|table| table.name() == file.table) {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "\\copy staging_{} FROM {} {AS_LINES}", file.table, place(export, file));
        }
    }
    lines.push_str("\\endif\n");
    lines
}

/// Returns the file, or the program that decompresses it.
fn place(export: &str, file: &FileEntry) -> String {
    let path = format!("{export}/{}", file.path);
    let program = match path.rsplit_once('.') {
        Some((_, "gz")) => "gzip -dc",
        Some((_, "zst")) => "zstd -dcq",
        _ => return literal(&path),
    };
    let for_shell = format!("'{}'", path.replace('\'', r"'\''"));
    format!("PROGRAM {}", literal(&format!("{program} {for_shell}")))
}
