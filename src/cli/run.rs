//! `run`: the export.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::args::{LogFormat, RunArgs};
use super::built_in::{BuiltIn, BuiltInError};
use super::exit::Exit;
use super::invocation::Invocation;
use super::limits::{self, LimitError};
use super::log::Console;
use super::settings::{self, SettingsError};
use super::signals::Signals;
use super::watch::{Ending, Targets, Watch};
use super::{advice, console, place, summary};
use crate::export::{self, ExportError, Interruption, Job, Remedy};
use crate::publish::Published;

/// Why there is no export.
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
    #[error("cannot listen to signals")]
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

    fn ending(&self) -> Ending {
        advice::after_failure(&console::chain(self), self.exit(), self.remedy(), &Invocation::of_process())
    }
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Exit {
    let watch = Watch::new(Console::new(&args.log), targets(args));
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return watch.end_without_runtime(RunError::Limits(error).ending()),
    };
    let work = || runtime.block_on(Box::pin(in_time(args, &watch)));
    // A bug is told to monitors too; the panic has said where it is.
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Ok(advice::after_panic(&Invocation::of_process())));
    let ending = ended.unwrap_or_else(|error| error.ending());
    let exit = runtime.block_on(watch.end(ending));
    // What still runs after an interrupt is not waited for.
    runtime.shutdown_background();
    exit
}

/// Who watches. A dry run leaves no trace.
fn targets(args: &RunArgs) -> Targets {
    if args.dry_run {
        return Targets::default();
    }
    let ping = args.ping_url.as_deref().and_then(|url| url.parse().ok());
    // A file inside an export is refused together with other mistakes in the settings.
    let metrics_file =
        args.metrics_file.clone().filter(|path| place::export_around(path, Some(&args.out)).is_none());
    Targets { metrics_file, ping }
}

async fn in_time(args: &RunArgs, watch: &Arc<Watch>) -> Result<Ending, RunError> {
    let watching = Arc::clone(watch);
    let signals =
        Signals::listen(args.max_duration, move |why| farewell(watching, why)).map_err(RunError::Signals)?;
    watch.begin();
    let built_in = BuiltIn::start(&args.built_in).await?;
    let url = built_in.url();
    let mut job = settings::job(args, url)?;
    if let Some(connection) = Arc::get_mut(&mut job.settings.connection) {
        limits::fit(connection, limits::Simulator::of(url), &**watch);
    }
    if args.dry_run {
        let rehearsal = export::dry_run(&job, watch.clone()).await?;
        summary::plan(args, &job, &rehearsal);
        return Ok(Ending { exit: Exit::Complete, sentence: None, command: None, manifest: None });
    }
    let published = export_job(job, watch, signals).await?;
    let is_printed = !args.json || console::print_json(published.manifest.to_json().trim_end());
    if args.log.log_format == LogFormat::Text && !args.log.quiet {
        watch.clear();
        summary::tables(&args.out, &published);
    }
    let ending = advice::after_publishing(published.manifest, args, &Invocation::of_process());
    Ok(if is_printed { ending } else { advice::without_stdout(ending) })
}

async fn export_job(job: Job, watch: &Arc<Watch>, signals: Signals) -> Result<Published, RunError> {
    Ok(Box::pin(export::export(job, watch.clone(), signals.first())).await?)
}

/// What is done when a signal ends the process before the run could.
async fn farewell(watch: Arc<Watch>, why: Interruption) -> Exit {
    let error = RunError::Export(ExportError::Interrupted(why));
    watch.farewell(error.ending()).await
}
