//! The last line of a run: its outcome in one sentence, and the next command if one helps.

use super::args::RunArgs;
use super::command_line::CommandLine;
use super::exit::Exit;
use super::run_monitor::RunOutcome;
use super::summary;
use crate::export::Remedy;
use crate::output::manifest::Manifest;

/// Returns the outcome of a published run.
pub fn after_publishing(manifest: Manifest, args: &RunArgs, command: &CommandLine) -> RunOutcome {
    let exit = Exit::of_manifest(&manifest);
    let sentence = Some(summary::verdict(&manifest, &args.out));
    let command = &command.with_window_of(&manifest.options);
    let next = match (manifest.contacts.failed, manifest.contacts.unresolved) {
        (0, 0) if manifest.input.doubts.is_empty() => None,
        (0, _) => Some(command.as_new_run()),
        (_, _) => Some(command.for_failed(&summary::failed_file(&manifest, &args.out), &args.contacts_form)),
    };
    RunOutcome { exit, sentence, command: next.map(|next| next.to_shell()), manifest: Some(manifest) }
}

/// Returns the outcome of a run that published nothing.
pub fn after_failure(error: &str, exit: Exit, remedy: Remedy, command: &CommandLine) -> RunOutcome {
    let (hint, next) = match next_step(remedy, command) {
        Some((hint, next)) => (hint, Some(next)),
        None => ("", None),
    };
    let sentence = Some(format!("error: {error}{hint}"));
    RunOutcome { exit, sentence, command: next.map(|next| next.to_shell()), manifest: None }
}

/// Returns the outcome after a panic. The panic hook has printed the source location.
pub fn after_panic(command: &CommandLine) -> RunOutcome {
    let error = "a bug in chatzy-export, described above; fetched data is kept";
    after_failure(error, Exit::Bug, Remedy::Report, command)
}

/// Returns the hint at the end of the last line, and the command that follows it.
pub fn next_step(remedy: Remedy, command: &CommandLine) -> Option<(&'static str, CommandLine)> {
    match remedy {
        Remedy::Resume => Some(("; to resume, run", command.repeated())),
        Remedy::Repeat => Some(("; to try again, run", command.repeated())),
        Remedy::Wait => Some(("; to wait for it, run", command.with_wait())),
        Remedy::Discard => Some(("; to discard the unfinished run with --fresh, run", command.with_fresh())),
        Remedy::Replace => Some(("; to replace it, run", command.with_replace())),
        Remedy::ReadAll => Some(("; to read all contacts again with --full, run", command.with_full())),
        Remedy::Report => Some(("; please report this line; to resume, run", command.repeated())),
        Remedy::Manual => None,
    }
}

/// Returns the outcome of a run whose summary could not be written to stdout. A worse exit code stays.
pub fn without_stdout(outcome: RunOutcome) -> RunOutcome {
    if outcome.exit != Exit::Complete {
        return outcome;
    }
    let sentence = "error: the run is published, but its summary could not be written to stdout";
    RunOutcome { exit: Exit::Storage, sentence: Some(sentence.to_owned()), command: None, ..outcome }
}
