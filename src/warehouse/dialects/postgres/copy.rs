//! The `\copy` lines with which `psql` reads an export's files.

use std::fmt::Write as _;
use std::path::Path;

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
    let mut sql = String::from(
        "-- The number of lines that each table is to have.\n\
         CREATE TEMP TABLE chatzy_expected (table_name text, lines bigint) ON COMMIT DROP;\n",
    );
    for table in Table::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(
            sql,
            "INSERT INTO chatzy_expected SELECT '{table}', count(*) FROM staging_{table};",
            table = table.name()
        );
    }
    sql.extend(source.manifests.iter().map(|manifest| of_run(source, manifest, held)));
    sql.push_str(&check());
    sql
}

fn of_run(source: &ExportSource, manifest: &Manifest, held: &str) -> String {
    let run = literal(manifest.run_id.as_str());
    let mut lines = format!(
        "-- Skipped if the run is loaded already.\nSELECT NOT EXISTS (SELECT 1 FROM {held} WHERE run_id = {run}) AS wanted \\gset\n\\if :wanted\n"
    );
    for table in Table::ALL {
        let files: Vec<_> = manifest.files.iter().filter(|file| file.table == table.name()).collect();
        let sources: Vec<_> = match (source.has_plain_lines(manifest), files.as_slice()) {
            (_, []) => Vec::new(),
            (true, files) => files.iter().map(|file| of_file(&source.path, file)).collect(),
            (false, _) => vec![of_table(&source.path, manifest, table)],
        };
        for source in &sources {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "\\copy staging_{} FROM {source} {AS_LINES}", table.name());
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let _ = writeln!(lines, "INSERT INTO chatzy_expected VALUES ('{}', {rows});", table.name());
    }
    lines.push_str("\\endif\n");
    lines
}

/// Returns the file, or the program that decompresses it.
fn of_file(export: &str, file: &FileEntry) -> String {
    let path = format!("{export}/{}", file.path);
    let program = match path.rsplit_once('.') {
        Some((_, "gz")) => "gzip -dc",
        Some((_, "zst")) => "zstd -dcq",
        _ => return literal(&path),
    };
    format!("PROGRAM {}", literal(&format!("{program} {}", for_shell(&path))))
}

/// Returns the program that prints the table as JSON lines, whatever the form and location of its files. It checks
/// each file before it prints its rows.
fn of_table(export: &str, manifest: &Manifest, table: Table) -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::to_str).unwrap_or("chatzy-export");
    // The variable names another program, such as one on another machine.
    let program = format!("program={}; \"${{CHATZY_EXPORT:-$program}}\"", for_shell(program));
    let (export, run) = (for_shell(export), for_shell(manifest.run_id.as_str()));
    let command = format!("{program} cat {export} {} --run {run} --format jsonl", table.name());
    format!("PROGRAM {}", literal(&command))
}

fn for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a statement that fails if a table has more or fewer lines than its manifests say. A program that ends
/// early gives fewer.
fn check() -> String {
    let counts: Vec<_> = Table::ALL
        .iter()
        .map(|table| {
            format!(
                "SELECT '{table}' AS table_name, count(*) AS lines FROM staging_{table}",
                table = table.name()
            )
        })
        .collect();
    format!(
        "
DO $$
DECLARE wrong text;
BEGIN
    SELECT string_agg(table_name || ' has ' || found.lines || ' lines instead of ' || expected.lines, ', ') INTO wrong
    FROM (SELECT table_name, sum(lines) AS lines FROM chatzy_expected GROUP BY table_name) AS expected
    JOIN (
        {}
    ) AS found USING (table_name)
    WHERE found.lines <> expected.lines;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'lines too many or too few: %; run chatzy-export verify: nothing is loaded', wrong;
    END IF;
END $$;
",
        counts.join("\n        UNION ALL ")
    )
}
