//! `run`: the export.

use std::sync::Arc;

use super::args::{LogFormat, RunArgs};
use super::exit::Exit;
use super::log::{Console, Word};
use super::settings::{self, SettingsError};
use super::signals::Signals;
use super::{console, summary};
use crate::export::{self, ExportError, Job};
use crate::publish::Published;
use crate::simulator::{Simulator, SimulatorError, SimulatorOptions};

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("cannot start the built-in API")]
    Simulator(#[from] SimulatorError),
    #[error("cannot start threads")]
    Threads(#[source] std::io::Error),
}

impl RunError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            Self::Export(error) => Exit::of_export(error),
            Self::Simulator(_) | Self::Threads(_) => Exit::Storage,
        }
    }
}

/// Runs the command.
pub fn run(args: &RunArgs) -> Exit {
    let observer = Console::new(&args.log);
    let ended = in_runtime(args, &observer);
    observer.finish();
    match ended {
        Ok(exit) => exit,
        Err(error) => {
            observer.last_word(Word::Failed, &format!("error: {}", console::chain(&error)), error.exit());
            error.exit()
        }
    }
}

fn in_runtime(args: &RunArgs, observer: &Arc<Console>) -> Result<Exit, RunError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunError::Threads)?;
    let ended = runtime.block_on(Box::pin(in_time(args, observer)));
    // What still runs after an interrupt is not waited for.
    runtime.shutdown_background();
    ended
}

async fn in_time(args: &RunArgs, observer: &Arc<Console>) -> Result<Exit, RunError> {
    let signals = Signals::listen(farewell(observer)).map_err(RunError::Threads)?;
    let simulator =
        if args.simulated { Some(Simulator::start(SimulatorOptions::default()).await?) } else { None };
    let job = settings::job(args, simulator.as_ref().map(Simulator::url))?;
    if args.dry_run {
        let rehearsal = export::rehearse(&job, observer.clone()).await?;
        summary::plan(args, &job, &rehearsal);
        return Ok(Exit::Complete);
    }
    let published = export_job(job, observer, signals).await?;
    observer.finish();
    if args.json {
        console::print_json(published.manifest.to_json().trim_end());
    }
    let exit = Exit::of_manifest(&published.manifest);
    if args.log.log_format == LogFormat::Text && !args.log.quiet {
        summary::tables(args, &published);
    }
    let word = if exit == Exit::Complete { Word::Published } else { Word::Partial };
    observer.last_word(word, &summary::verdict(&published.manifest, &args.out), exit);
    Ok(exit)
}

async fn export_job(job: Job, observer: &Arc<Console>, signals: Signals) -> Result<Published, RunError> {
    Ok(Box::pin(export::export(job, observer.clone(), signals.first())).await?)
}

/// What is said when a signal ends the process before the run could.
fn farewell(observer: &Arc<Console>) -> impl Fn(Exit) + Send + 'static {
    let observer = Arc::clone(observer);
    move |exit| {
        observer.finish();
        let interrupted = "error: interrupted: what was fetched is kept, run the same command again to go on";
        observer.last_word(Word::Failed, interrupted, exit);
    }
}
