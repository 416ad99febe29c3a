//! The frame of commands that write something without the API: `rebuild`, `snapshot` and `evidence`.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::args::{LogArgs, LogFormat, ProgressArgs};
use super::command_line::CommandLine;
use super::exit::Exit;
use super::limits::{self, LimitError};
use super::log::Console;
use super::run_monitor::{RunMonitor, RunOutcome, Targets};
use super::settings::SettingsError;
use super::signals::Signals;
use super::{console, next_command, summary};
use crate::export::{Interruption, Remedy};
use crate::output::manifest::Manifest;
use crate::publish::Published;
use crate::store::Store;

/// An error of the job.
pub trait JobError: Error + Sized + 'static {
    /// Returns the exit code of the command.
    fn exit(&self) -> Exit;
    /// Returns the next step.
    fn remedy(&self) -> Remedy;
    /// Creates the error of an interruption.
    fn interrupted(why: Interruption) -> Self;
}

/// Failure of the command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<E: JobError> {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Job(E),
    #[error("missing or unknown value of the option {name} in the manifest of run {run_id}")]
    Option { run_id: String, name: &'static str },
    #[error(transparent)]
    Limits(LimitError),
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
}

impl<E: JobError> CommandError<E> {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Option { .. } => Exit::Usage,
            Self::Job(error) => error.exit(),
            Self::Limits(_) | Self::Signals(_) => Exit::Storage,
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Settings(_) | Self::Option { .. } => Remedy::Manual,
            Self::Job(error) => error.remedy(),
            Self::Limits(_) | Self::Signals(_) => Remedy::Repeat,
        }
    }

    fn outcome(&self) -> RunOutcome {
        next_command::after_failure(
            &console::chain(self),
            self.exit(),
            self.remedy(),
            &CommandLine::of_process(),
        )
    }
}

/// Options of the command that concern its reports.
pub struct Reports<'a> {
    pub log: &'a LogArgs,
    pub progress: &'a ProgressArgs,
    pub json: bool,
    pub out: &'a Store,
    /// Returns the outcome in one sentence.
    pub verdict: fn(&Manifest, &Store) -> String,
}

/// Runs the job, and reports its outcome.
pub fn run<E: JobError>(
    reports: &Reports<'_>,
    job: impl AsyncFnOnce(Arc<RunMonitor>, Signals) -> Result<Published, CommandError<E>>,
) -> Exit {
    conduct(reports.log, reports.progress, async |monitor, signals| {
        let published = job(Arc::clone(&monitor), signals).await?;
        Ok(outcome(reports, &monitor, published))
    })
}

/// Runs a job that reports its own outcome.
pub fn conduct<E: JobError>(
    log: &LogArgs,
    progress: &ProgressArgs,
    job: impl AsyncFnOnce(Arc<RunMonitor>, Signals) -> Result<RunOutcome, CommandError<E>>,
) -> Exit {
    let monitor = RunMonitor::new(Console::with_progress(log, progress), Targets::default());
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return monitor.end_without_runtime(CommandError::<E>::Limits(error).outcome()),
    };
    let work = || runtime.block_on(Box::pin(with_signals(&monitor, job)));
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Ok(next_command::after_panic(&CommandLine::of_process())));
    let exit = runtime.block_on(monitor.end(ended.unwrap_or_else(|error| error.outcome())));
    // Tasks that still run after an interruption are abandoned.
    runtime.shutdown_background();
    exit
}

async fn with_signals<E: JobError>(
    monitor: &Arc<RunMonitor>,
    job: impl AsyncFnOnce(Arc<RunMonitor>, Signals) -> Result<RunOutcome, CommandError<E>>,
) -> Result<RunOutcome, CommandError<E>> {
    let shared = Arc::clone(monitor);
    let signals =
        Signals::listen(None, move |why| farewell::<E>(shared, why)).map_err(CommandError::Signals)?;
    job(Arc::clone(monitor), signals).await
}

/// Prints what was published.
fn outcome(reports: &Reports<'_>, monitor: &RunMonitor, published: Published) -> RunOutcome {
    let is_printed = !reports.json || console::print_json(published.manifest.to_json().trim_end());
    if reports.log.log_format == LogFormat::Text && !reports.log.quiet {
        monitor.clear();
        summary::tables(reports.out, &published);
    }
    let manifest = published.manifest;
    let (exit, sentence) = (Exit::of_manifest(&manifest), Some((reports.verdict)(&manifest, reports.out)));
    let outcome = RunOutcome { exit, sentence, command: None, manifest: Some(manifest) };
    if is_printed { outcome } else { next_command::without_stdout(outcome) }
}

async fn farewell<E: JobError>(monitor: Arc<RunMonitor>, why: Interruption) -> Exit {
    let outcome = CommandError::Job(E::interrupted(why)).outcome();
    monitor.farewell(outcome).await
}
