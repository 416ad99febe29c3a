//! The command `snapshot`: publishes the newest version of each contact as an export of its own.

use indicatif::HumanCount;

use super::args::SnapshotArgs;
use super::command_line::CommandLine;
use super::exit::Exit;
use super::output_paths;
use super::publishing::{self, CommandError, JobError, Reports};
use super::settings::{self, SettingsError};
use crate::export::{self, ExistingPolicy, Interruption, Remedy, SnapshotJob, SnapshotJobError};
use crate::output::manifest::{Manifest, RunOptions};
use crate::settings::{RawAnswers, UnfinishedPolicy};
use crate::store::Store;
use crate::table::Table;

impl JobError for SnapshotJobError {
    fn exit(&self) -> Exit {
        Exit::of_snapshot(self)
    }

    fn remedy(&self) -> Remedy {
        self.remedy()
    }

    fn interrupted(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

/// Runs the command `snapshot`.
pub fn snapshot(args: &SnapshotArgs) -> Exit {
    let reports =
        Reports { log: &args.log, progress: &args.progress, json: args.json, out: &args.out, verdict };
    publishing::run(&reports, async |monitor, signals| {
        let job = job(args)?;
        Box::pin(export::snapshot(job, monitor, signals.first())).await.map_err(CommandError::Job)
    })
}

/// Returns the outcome in one sentence.
fn verdict(manifest: &Manifest, _out: &Store) -> String {
    let messages = manifest.tables.get(Table::Messages.name()).map_or(0, |entry| entry.rows);
    let (counts, runs) = (&manifest.contacts, manifest.snapshot_of.len());
    let what = format!(
        "{} messages of {} contacts, from {runs} {}",
        HumanCount(messages),
        HumanCount(counts.exported + counts.empty + counts.unresolved),
        if runs == 1 { "run" } else { "runs" },
    );
    let run_id = &manifest.run_id;
    match (counts.failed, counts.unresolved) {
        (0, 0) if manifest.input.doubts.is_empty() => format!("snapshot {run_id} is complete: {what}"),
        (0, 0) => {
            let doubts = manifest.input.doubts.join("; ");
            format!("snapshot {run_id} is published, but doubtful ({doubts}): {what}")
        }
        (0, unresolved) => {
            format!("snapshot {run_id} is published, but {unresolved} contacts are unresolved: {what}")
        }
        (failed, _) => format!(
            "snapshot {run_id} is published, but no run has read {failed} contacts (status `failed` in coverage): {what}"
        ),
    }
}

fn job(args: &SnapshotArgs) -> Result<SnapshotJob, SettingsError> {
    output_paths::outside_source(&args.path, &args.out)?;
    let work = output_paths::work_folder(&args.out, args.work_dir.as_deref())?;
    let output = settings::output(
        args.format,
        args.compression.as_deref(),
        &args.partition_by,
        (args.table_format, args.target_file_size),
    )?;
    Ok(SnapshotJob {
        from: args.path.clone(),
        out: args.store.of(&args.out),
        work,
        unfinished: if args.fresh { UnfinishedPolicy::Discard } else { UnfinishedPolicy::Resume },
        existing: if args.replace { ExistingPolicy::Replace } else { ExistingPolicy::Keep },
        wait_lock: args.wait_lock.unwrap_or_default(),
        run_id: args.run_id.clone(),
        options: RunOptions::default().with_output(&output, RawAnswers::Dropped),
        output,
        major_version: settings::major_version(),
        command: CommandLine::of_process().to_resume(),
    })
}
