//! The command `commit`: publishes the shards of a run.

use super::args::CommitArgs;
use super::exit::Exit;
use super::output_paths::WorkFolderError;
use super::publishing::{self, CommandError, JobError, Reports};
use super::settings::SettingsError;
use super::summary;
use crate::export::{self, CommitJob, ExportError, Interruption, Remedy};

impl JobError for ExportError {
    fn exit(&self) -> Exit {
        Exit::of_export(self)
    }

    fn remedy(&self) -> Remedy {
        match self.remedy() {
            // There is no unfinished run that a command could resume or discard.
            Remedy::Resume | Remedy::Discard => Remedy::Repeat,
            remedy => remedy,
        }
    }

    fn interrupted(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

/// Runs the command `commit`.
pub fn commit(args: &CommitArgs) -> Exit {
    let reports = Reports {
        log: &args.log,
        progress: &args.progress,
        json: args.json,
        out: &args.path,
        verdict: summary::verdict,
    };
    publishing::run(&reports, async |monitor, signals| {
        let job = job(args)?;
        Box::pin(export::commit(job, monitor, signals.first())).await.map_err(CommandError::Job)
    })
}

fn job(args: &CommitArgs) -> Result<CommitJob, SettingsError> {
    if args.path.folder().is_none() && args.work_dir.is_none() {
        return Err(WorkFolderError::Missing { out: args.path.root().to_owned() }.into());
    }
    Ok(CommitJob {
        out: args.store.of(&args.path),
        work: args.work_dir.clone(),
        run_id: args.run_id.clone(),
        shards: args.shards,
        wait_lock: args.wait_lock.unwrap_or_default(),
    })
}
