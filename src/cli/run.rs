//! The command `run`: exports contacts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::args::{LogFormat, RunArgs};
use super::built_in::{BuiltIn, BuiltInError};
use super::command_line::CommandLine;
use super::exit::Exit;
use super::limits::{self, LimitError};
use super::log::Console;
use super::run_monitor::{RunMonitor, RunOutcome, Targets};
use super::settings::{self, SettingsError};
use super::signals::Signals;
use super::{console, next_command, output_paths, shard, summary};
use crate::export::{self, ExportError, Interruption, Job, Remedy};
use crate::publish::Published;

/// Failure of a run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    BuiltIn(#[from] BuiltInError),
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
}

impl RunError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            Self::Export(error) => Exit::of_export(error),
            Self::BuiltIn(_) | Self::Limits(_) | Self::Signals(_) => Exit::Storage,
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Settings(_) => Remedy::Manual,
            Self::Export(error) => error.remedy(),
            Self::BuiltIn(_) | Self::Limits(_) | Self::Signals(_) => Remedy::Resume,
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

/// Runs the command `run`.
pub fn run(args: &RunArgs) -> Exit {
    let monitor = RunMonitor::new(Console::with_progress(&args.log, &args.progress), targets(args));
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return monitor.end_without_runtime(RunError::Limits(error).outcome()),
    };
    let work = || runtime.block_on(Box::pin(in_time(args, &monitor)));
    // Monitors learn of a bug too. The panic hook has printed its location.
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Ok(next_command::after_panic(&CommandLine::of_process())));
    let outcome = ended.unwrap_or_else(|error| error.outcome());
    let exit = runtime.block_on(monitor.end(outcome));
    // Tasks that still run after an interruption are abandoned.
    runtime.shutdown_background();
    exit
}

/// Returns the targets of the reports. A dry run has none, since it leaves no trace.
fn targets(args: &RunArgs) -> Targets {
    if args.dry_run {
        return Targets::default();
    }
    let ping = args.ping_url.as_deref().and_then(|url| url.parse().ok());
    // The settings refuse a file inside an export. The refusal must not be written there either.
    let metrics_file =
        args.metrics_file.clone().filter(|path| output_paths::export_around(path, Some(&args.out)).is_none());
    Targets { metrics_file, ping }
}

async fn in_time(args: &RunArgs, monitor: &Arc<RunMonitor>) -> Result<RunOutcome, RunError> {
    let shared = Arc::clone(monitor);
    let signals =
        Signals::listen(args.max_duration, move |why| farewell(shared, why)).map_err(RunError::Signals)?;
    monitor.begin();
    let built_in = BuiltIn::start(&args.built_in).await?;
    let url = built_in.url();
    let mut job = settings::job(args, url)?;
    if let Some(connection) = Arc::get_mut(&mut job.settings.connection) {
        limits::fit(connection, limits::Simulator::of(url), &**monitor);
    }
    if args.dry_run {
        let dry_run = export::dry_run(&job, monitor.clone()).await?;
        summary::plan(args, &job, &dry_run);
        return Ok(RunOutcome { exit: Exit::Complete, sentence: None, command: None, manifest: None });
    }
    let published = export_job(job, monitor, signals).await?;
    let is_printed = !args.json || console::print_json(published.manifest.to_json().trim_end());
    if args.log.log_format == LogFormat::Text && !args.log.quiet && args.shard.is_none() {
        monitor.clear();
        summary::tables(&args.out, &published);
    }
    let outcome = match args.shard {
        Some(which) => shard::outcome(published.manifest, which, args),
        None => next_command::after_publishing(published.manifest, args, &CommandLine::of_process()),
    };
    Ok(if is_printed { outcome } else { next_command::without_stdout(outcome) })
}

async fn export_job(job: Job, monitor: &Arc<RunMonitor>, signals: Signals) -> Result<Published, RunError> {
    Ok(Box::pin(export::export(job, monitor.clone(), signals.first())).await?)
}

/// Reports the interruption when a signal ends the process before the run does.
async fn farewell(monitor: Arc<RunMonitor>, why: Interruption) -> Exit {
    let error = RunError::Export(ExportError::Interrupted(why));
    monitor.farewell(error.outcome()).await
}
