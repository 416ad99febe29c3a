//! Prints the summary of a run, and the plan of a dry run, on stderr.

use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::console::eprint;
use super::query;
use crate::export::{ContactSelection, DryRun, Job};
use crate::layout;
use crate::output::RAW;
use crate::output::manifest::Manifest;
use crate::publish::Published;
use crate::settings::UnfinishedPolicy;
use crate::table::Table;
use bytesize::ByteSize;
use indicatif::HumanCount;

/// Prints the files of each table, the manifest, and commands to check and query the export.
pub fn tables(out: &Path, published: &Published) {
    let manifest = &published.manifest;
    let query = query::example(manifest, out);
    let out = out.display();
    eprint("");
    let has_raw = manifest.files.iter().any(|file| file.table == RAW);
    for table in Table::ALL.map(Table::name).into_iter().chain(has_raw.then_some(RAW)) {
        let files: Vec<_> = manifest.files.iter().filter(|file| file.table == table).collect();
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let bytes = ByteSize(files.iter().map(|file| file.bytes).sum());
        let count = files.len();
        eprint(&format!(
            "  {table:<16} {:>12} rows  {count:>4} {}  {bytes:>10}  {out}/{table}/",
            HumanCount(rows).to_string(),
            if count == 1 { "file " } else { "files" },
        ));
    }
    eprint("");
    eprint(&format!("Manifest: {}", published.manifest_path.display()));
    eprint(&format!("Check it: chatzy-export verify {out} --deep"));
    eprint(&format!("Try:      {query}"));
    eprint("");
}

/// Returns the outcome in one sentence. The next command follows it if one helps.
pub fn verdict(manifest: &Manifest) -> String {
    let counts = &manifest.contacts;
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let done = format!(
        "run {} is complete: {} messages of {} contacts",
        manifest.run_id,
        HumanCount(messages),
        HumanCount(counts.exported + counts.empty),
    );
    let not_found =
        if counts.not_found == 0 { String::new() } else { format!(", {} not found", counts.not_found) };
    let unchanged = match counts.unchanged {
        0 => String::new(),
        unchanged => format!(", {} unchanged", HumanCount(unchanged)),
    };
    let doubts = &manifest.input.doubts;
    match (counts.failed, counts.unresolved) {
        (0, 0) if !doubts.is_empty() => format!(
            "run {} is published, but doubtful ({}): export again",
            manifest.run_id,
            doubts.join("; ")
        ),
        (0, 0) => format!("{done}{not_found}{unchanged}"),
        (0, unresolved) => format!(
            "run {} is published, but {unresolved} of {} contacts could not be read to the end (status `unresolved` in coverage): export again",
            manifest.run_id, counts.requested
        ),
        (failed, _) => format!(
            "run {} is published, but {failed} of {} contacts failed: export these again",
            manifest.run_id, counts.requested,
        ),
    }
}

/// Returns the path of the contacts file with the failed contacts.
pub fn failed_file(manifest: &Manifest, out: &Path) -> PathBuf {
    out.join(layout::run_file(&manifest.run_id, layout::FAILED))
}

/// Prints the plan of a dry run.
pub fn plan(args: &RunArgs, job: &Job, dry_run: &DryRun) {
    let input = &dry_run.input;
    let (count, path) = (HumanCount(input.contacts), &input.path);
    eprint(&match job.contacts {
        ContactSelection::All => format!("contacts:    {count}, all contacts of the account"),
        ContactSelection::Listed(_) => {
            format!("contacts:    {count} in {path} ({} lines, {} duplicates)", input.lines, input.duplicates)
        }
    });
    eprint(&format!(
        "service:     {}, at most {} requests in flight",
        job.identity.base_url, args.concurrency
    ));
    eprint(&match &dry_run.first_page {
        Ok(messages) => format!("first page:  contact {}: {messages} messages", dry_run.contact),
        Err(reason) => format!("first page:  contact {}: {reason}", dry_run.contact),
    });
    eprint(&format!("destination: {}, work folder {}", args.out.display(), job.settings.work.display()));
    let options = job.identity.options.by_name();
    let options: Vec<String> = options
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    eprint(&format!("options:     {}", options.join(" ")));
    if let Some(due) = &dry_run.due {
        eprint(&format!("due:         {due}"));
    }
    if let Some(run_id) = &dry_run.unfinished {
        let action = match job.settings.unfinished {
            UnfinishedPolicy::Resume => "resumed",
            UnfinishedPolicy::Discard => "discarded",
        };
        eprint(&format!("unfinished:  run {run_id} would be {action}"));
    }
    eprint("dry run: nothing was written");
}
