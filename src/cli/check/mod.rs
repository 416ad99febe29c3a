//! The command `check`: tests if a run would work, and estimates its size.

mod plan;
mod settings;
mod show;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::args::{CheckArgs, LogFormat};
use super::built_in::{BuiltIn, BuiltInError};
use super::command_line::{CommandLine, ContactsGiven, OutGiven};
use super::console;
use super::exit::Exit;
use super::limits::{self, LimitError};
use super::log::{self, Console};
use super::output_paths::work_folder;
use super::settings::SettingsError;
use super::signals::Signals;
use crate::check::{self, Checked, Destination, Writes};
use crate::event::SharedObserver;
use crate::export::{ExportError, Interruption};

/// Maximum time that a signal waits until the probe folder at the destination is removed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Failure to run the checks.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    BuiltIn(#[from] BuiltInError),
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
}

impl CheckError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            Self::BuiltIn(_) | Self::Limits(_) | Self::Signals(_) => Exit::Storage,
        }
    }
}

/// Runs the command `check`.
pub fn check(args: &CheckArgs) -> Exit {
    let console = Console::with_progress(&args.log, &args.progress);
    let checked = match limits::runtime() {
        Ok(runtime) => {
            let checked = runtime.block_on(Box::pin(run_checks(args, &console)));
            runtime.shutdown_background();
            checked
        }
        Err(error) => Err(error.into()),
    };
    console.finish();
    match checked {
        Ok(checked) => end(args, &checked),
        Err(error) => {
            let sentence = format!("error: {}", console::chain(&error));
            log::print_last_line(args.log.log_format, "checked", error.exit(), &sentence, None);
            error.exit()
        }
    }
}

async fn run_checks(args: &CheckArgs, console: &Arc<Console>) -> Result<Checked, CheckError> {
    let format = args.log.log_format;
    let probing = Arc::new(Mutex::new(()));
    let busy = Arc::clone(&probing);
    // A signal ends the command at once, except that the probe folder at the destination is removed first.
    let _signals =
        Signals::listen(None, move |why| farewell(format, why, busy)).map_err(CheckError::Signals)?;
    let built_in = BuiltIn::start(&args.built_in).await?;
    let url = built_in.url();
    let mut task = settings::task(args, url)?;
    let work = args.out.as_ref().map(|out| work_folder(out, args.work_dir.as_deref()));
    let work = work.transpose().map_err(SettingsError::from)?;
    if let Some(connection) = Arc::get_mut(&mut task.connection) {
        limits::fit(connection, limits::Simulator::of(url), &**console);
    }
    let destination: Destination = {
        let _busy = probing.lock().await;
        let writes = if args.store.unconditional { Writes::Unconditional } else { Writes::Conditional };
        let out = args.out.as_ref().map(|out| args.store.of(out));
        let out = out.as_ref().map(|out| (out, writes));
        tokio::task::block_in_place(|| check::destination(out, work.as_deref()))
    };
    let observer: SharedObserver = console.clone();
    Ok(Box::pin(check::check(task, destination, &observer)).await)
}

fn end(args: &CheckArgs, checked: &Checked) -> Exit {
    let exit = show::exit(&checked.findings);
    let is_printed = !args.json || console::print_json(&show::json(checked, exit));
    let exit = if exit == Exit::Complete && !is_printed { Exit::Storage } else { exit };
    show::findings(args, &checked.findings);
    if let Some(plan) = checked.plan.as_ref().filter(|_| !args.log.quiet) {
        plan::print(args, plan);
    }
    if exit != Exit::Complete || !args.log.quiet {
        let sentence = show::sentence(checked, exit);
        log::print_last_line(args.log.log_format, "checked", exit, &sentence, Some(&next(args, exit)));
    }
    exit
}

/// Returns the next command: the run, or the same check.
fn next(args: &CheckArgs, exit: Exit) -> String {
    let command = CommandLine::of_process();
    if exit != Exit::Complete {
        return command.to_shell();
    }
    let contacts = if args.contacts.is_some() { ContactsGiven::File } else { ContactsGiven::All };
    let out = if args.out.is_some() { OutGiven::Path } else { OutGiven::Missing };
    command.as_run(contacts, out).to_shell()
}

async fn farewell(format: LogFormat, why: Interruption, probing: Arc<Mutex<()>>) -> Exit {
    // The signal must end the process even if the disk hangs.
    drop(tokio::time::timeout(PROBE_TIMEOUT, probing.lock()).await);
    let exit = Exit::of_export(&ExportError::Interrupted(why));
    let again = CommandLine::of_process().to_shell();
    log::print_last_line(
        format,
        "checked",
        exit,
        &format!("error: {why}: nothing was written"),
        Some(&again),
    );
    exit
}
