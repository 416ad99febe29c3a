//! The last line: what happened, in one sentence, and the command to type next if there is something to do.

use super::args::RunArgs;
use super::exit::Exit;
use super::invocation::Invocation;
use super::summary;
use super::watch::Ending;
use crate::output::manifest::Manifest;

/// How to wait for another run: long enough for most.
const OR_WAIT: &str = ", or have this one wait for it";

/// What to do when there is nothing wrong with the command.
pub const TO_GO_ON: &str = "; when that is mended run again to go on";

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

/// After a run that was not. `what` says why.
pub fn after_failure(what: &str, exit: Exit, typed: &Invocation) -> Ending {
    let (addition, next) = match exit {
        Exit::Damaged if what.contains("--full") => ("", Some(typed.full())),
        // There is something to mend first, which no command of ours does.
        Exit::Complete | Exit::Partial | Exit::Usage | Exit::Damaged => ("", None),
        Exit::Locked => (OR_WAIT, Some(typed.waiting())),
        // A person decides that; the command that was typed may be a mistake.
        Exit::DoesNotFit if what.contains("--allow-mixed") => ("", None),
        Exit::DoesNotFit if what.contains("--fresh") => ("", Some(typed.fresh())),
        Exit::DoesNotFit if what.contains("--full") => ("", Some(typed.full())),
        Exit::DoesNotFit => ("; throw the unfinished run away with --fresh", Some(typed.fresh())),
        Exit::Bug => ("; please report this line, then run again to go on", Some(typed.again())),
        _ if what.contains("run the same command again") => ("", Some(typed.again())),
        Exit::SignInRefused | Exit::Unavailable | Exit::Storage | Exit::Interrupted | Exit::Terminated => {
            (TO_GO_ON, Some(typed.again()))
        }
    };
    let sentence = Some(format!("error: {what}{addition}"));
    Ending { exit, sentence, command: next.map(|next| next.to_shell()), manifest: None }
}

/// After a panic, which has said where it is.
pub fn after_panic(typed: &Invocation) -> Ending {
    after_failure("a bug in chatzy-export, told above: what was fetched is kept", Exit::Bug, typed)
}

/// The ending of a run whose summary could not be written to stdout. A worse exit code stays.
pub fn without_stdout(ending: Ending) -> Ending {
    if ending.exit != Exit::Complete {
        return ending;
    }
    let sentence = "error: the run is published, but its summary could not be written to stdout";
    Ending { exit: Exit::Storage, sentence: Some(sentence.to_owned()), command: None, ..ending }
}
