//! The last line: the outcome in one sentence, and the command to type next where one helps.

use super::args::RunArgs;
use super::exit::Exit;
use super::invocation::Invocation;
use super::summary;
use super::watch::Ending;
use crate::export::Remedy;
use crate::output::manifest::Manifest;

/// After a run that was published.
pub fn after_publishing(manifest: Manifest, args: &RunArgs, typed: &Invocation) -> Ending {
    let exit = Exit::of_manifest(&manifest);
    let sentence = Some(summary::verdict(&manifest));
    let next = match (manifest.contacts.failed, manifest.contacts.unresolved) {
        (0, 0) if manifest.input.doubts.is_empty() => None,
        (0, _) => Some(typed.anew()),
        (_, _) => Some(typed.of_failed(&summary::failed_file(&manifest, &args.out), &args.contacts_form)),
    };
    Ending { exit, sentence, command: next.map(|next| next.to_shell()), manifest: Some(manifest) }
}

/// After a run that published nothing. `what` is the error.
pub fn after_failure(what: &str, exit: Exit, remedy: Remedy, typed: &Invocation) -> Ending {
    let (addition, next) = match next_step(remedy, typed) {
        Some((addition, next)) => (addition, Some(next)),
        None => ("", None),
    };
    let sentence = Some(format!("error: {what}{addition}"));
    Ending { exit, sentence, command: next.map(|next| next.to_shell()), manifest: None }
}

/// After a panic, which has printed its source location.
pub fn after_panic(typed: &Invocation) -> Ending {
    let what = "a bug in chatzy-export, described above; fetched data is kept";
    after_failure(what, Exit::Bug, Remedy::Report, typed)
}

/// The end of the last line, which the command follows, and the command.
pub fn next_step(remedy: Remedy, typed: &Invocation) -> Option<(&'static str, Invocation)> {
    match remedy {
        Remedy::Resume => Some(("; to resume, run", typed.again())),
        Remedy::Repeat => Some(("; to try again, run", typed.again())),
        Remedy::Wait => Some(("; to wait for it, run", typed.waiting())),
        Remedy::Discard => Some(("; to discard the unfinished run with --fresh, run", typed.fresh())),
        Remedy::ReadAll => Some(("; to read all contacts again with --full, run", typed.full())),
        Remedy::Report => Some(("; please report this line; to resume, run", typed.again())),
        Remedy::Manual => None,
    }
}

/// The ending of a run whose summary could not be written to stdout. A worse exit code stays.
pub fn without_stdout(ending: Ending) -> Ending {
    if ending.exit != Exit::Complete {
        return ending;
    }
    let sentence = "error: the run is published, but its summary could not be written to stdout";
    Ending { exit: Exit::Storage, sentence: Some(sentence.to_owned()), command: None, ..ending }
}
