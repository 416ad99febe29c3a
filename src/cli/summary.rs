//! Prints the summary of a run, and the plan of a dry run, on stderr.

use std::path::PathBuf;

use super::args::RunArgs;
use super::console::eprint;
use super::{not_found, query};
use crate::export::{self, AccountSelection, ContactSelection, DryRun, Job};
use crate::layout;
use crate::output::RAW;
use crate::output::manifest::Manifest;
use crate::publish::Published;
use crate::settings::UnfinishedPolicy;
use crate::store::Store;
use crate::table::Table;
use bytesize::ByteSize;
use indicatif::HumanCount;

/// Prints the files of each table, the manifest, and commands to check and query the export.
pub fn tables(out: &Store, published: &Published) {
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
    if let Some(window) = manifest.options.window_text() {
        eprint(&format!("Window:   {window}"));
    }
    eprint(&format!("Manifest: {}", published.manifest_path.display()));
    eprint(&format!("Check it: chatzy-export verify {out} --deep"));
    eprint(&format!("Try:      {query}"));
    eprint("");
}

/// Returns the outcome in one sentence. The next command follows it if one helps.
pub fn verdict(manifest: &Manifest, out: &Store) -> String {
    let counts = &manifest.contacts;
    let run_id = &manifest.run_id;
    let requested = counts.requested;
    let not_found = not_found::named(manifest, out);
    let also = not_found.as_ref().map_or_else(String::new, |named| format!(", {named}"));
    match (counts.failed, counts.unresolved) {
        (0, 0) if !manifest.input.doubts.is_empty() => {
            let doubts = manifest.input.doubts.join("; ");
            let step = if is_doubted_for_missing(manifest) {
                "correct the list of contacts and export again"
            } else {
                "export again"
            };
            format!("run {run_id} is published, but doubtful ({doubts}){also}: {step}")
        }
        (0, 0) => {
            let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
            let unchanged = match counts.unchanged {
                0 => String::new(),
                unchanged => format!(", {} unchanged", HumanCount(unchanged)),
            };
            format!(
                "run {run_id} is complete: {} messages of {} contacts{also}{unchanged}",
                HumanCount(messages),
                HumanCount(counts.exported + counts.empty),
            )
        }
        (0, unresolved) => format!(
            "run {run_id} is published, but {unresolved} of {requested} contacts could not be read to the end (status `unresolved` in coverage){also}: export again"
        ),
        (failed, _) => {
            let which = if not_found.is_some() { "the failed contacts" } else { "these" };
            format!(
                "run {run_id} is published, but {failed} of {requested} contacts failed{also}: export {which} again"
            )
        }
    }
}

/// True if the only doubt is that contacts do not exist. The same list would raise it again.
fn is_doubted_for_missing(manifest: &Manifest) -> bool {
    let doubt = export::not_found_doubt(&manifest.contacts, &manifest.options);
    doubt.is_some_and(|doubt| manifest.input.doubts == [doubt])
}

/// Returns the path of the contacts file with the failed contacts.
pub fn failed_file(manifest: &Manifest, out: &Store) -> PathBuf {
    out.join(layout::run_file(&manifest.run_id, layout::FAILED))
}

/// Prints the plan of a dry run.
pub fn plan(args: &RunArgs, job: &Job, dry_run: &DryRun) {
    let input = &dry_run.input;
    let (count, path) = (HumanCount(input.contacts), &input.path);
    eprint(&match &job.contacts {
        ContactSelection::Account(AccountSelection::All) => {
            format!("contacts:    {count}, all contacts of the account")
        }
        ContactSelection::Account(AccountSelection::Found(_)) => {
            format!("contacts:    {count}, as the service finds them for --search")
        }
        ContactSelection::Listed(_) if args.contacts.is_none() => {
            format!("contacts:    {count} of --contact ({} duplicates)", input.duplicates)
        }
        ContactSelection::Listed(_) => {
            format!("contacts:    {count} in {path} ({} lines, {} duplicates)", input.lines, input.duplicates)
        }
    });
    if input.suppressed > 0 {
        eprint(&format!(
            "erased:      {} left out, since they were erased from the export",
            HumanCount(input.suppressed)
        ));
    }
    eprint(&format!(
        "service:     {}, at most {} requests in flight",
        job.identity.base_url, args.concurrency
    ));
    eprint(&match &dry_run.first_page {
        Ok(messages) => format!("first page:  contact {}: {messages} messages", dry_run.contact),
        Err(reason) => format!("first page:  contact {}: {reason}", dry_run.contact),
    });
    eprint(&format!("destination: {}, work folder {}", args.out.display(), job.settings.work.display()));
    if let Some(window) = dry_run.options.window_text() {
        eprint(&format!("window:      {window}"));
    }
    let options = dry_run.options.by_name();
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
