//! `check`: whether a run would work, and what it would be.

mod settings;
mod show;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::args::{CheckArgs, LogFormat};
use super::built_in::{BuiltIn, BuiltInError};
use super::console;
use super::exit::Exit;
use super::invocation::{Invocation, OutTyped, WhomTyped};
use super::limits::{self, LimitError};
use super::log::{self, Console};
use super::settings::SettingsError;
use super::signals::Signals;
use crate::check::{self, Checked, Destination};
use crate::event::SharedObserver;
use crate::export::{ExportError, Interruption};

/// How long a signal waits for the file at the destination to be removed again.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    BuiltIn(#[from] BuiltInError),
    #[error(transparent)]
    Limits(#[from] LimitError),
    #[error("cannot listen to signals")]
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

/// Runs the command.
pub fn check(args: &CheckArgs) -> Exit {
    let console = Console::new(&args.log);
    let checked = match limits::runtime() {
        Ok(runtime) => {
            let checked = runtime.block_on(Box::pin(look(args, &console)));
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
            log::last_word(args.log.log_format, "checked", error.exit(), &sentence, None);
            error.exit()
        }
    }
}

async fn look(args: &CheckArgs, console: &Arc<Console>) -> Result<Checked, CheckError> {
    let format = args.log.log_format;
    let probing = Arc::new(Mutex::new(()));
    let busy = Arc::clone(&probing);
    // Nothing is left half done but the file at the destination, if a signal comes just then.
    let _signals =
        Signals::listen(None, move |why| farewell(format, why, busy)).map_err(CheckError::Signals)?;
    let built_in = BuiltIn::start(&args.built_in).await?;
    let url = built_in.url();
    let mut task = settings::task(args, url)?;
    if let Some(connection) = Arc::get_mut(&mut task.connection) {
        limits::fit(connection, limits::Simulator::of(url), &**console);
    }
    let destination: Destination = {
        let _busy = probing.lock().await;
        tokio::task::block_in_place(|| check::destination(args.out.as_deref()))
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
        show::plan(args, plan);
    }
    if exit != Exit::Complete || !args.log.quiet {
        let sentence = show::sentence(checked, exit);
        log::last_word(args.log.log_format, "checked", exit, &sentence, Some(&next(args, exit)));
    }
    exit
}

/// What to type next: the run, or the check again.
fn next(args: &CheckArgs, exit: Exit) -> String {
    let typed = Invocation::of_process();
    if exit != Exit::Complete {
        return typed.to_shell();
    }
    let whom = if args.contacts.is_some() { WhomTyped::File } else { WhomTyped::Nobody };
    let out = if args.out.is_some() { OutTyped::Path } else { OutTyped::Nowhere };
    typed.as_run(whom, out).to_shell()
}

async fn farewell(format: LogFormat, why: Interruption, probing: Arc<Mutex<()>>) -> Exit {
    // Whatever hangs, a signal is obeyed.
    drop(tokio::time::timeout(PROBE_PATIENCE, probing.lock()).await);
    let exit = Exit::of_export(&ExportError::Interrupted(why));
    let again = Invocation::of_process().to_shell();
    log::last_word(format, "checked", exit, &format!("error: {why}: nothing was written"), Some(&again));
    exit
}
