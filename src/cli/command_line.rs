//! The command line of this process, and the next one to run, quoted for a shell.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::args::ContactsFormArgs;
use super::console::is_hostile;
use crate::export::ResumeCommand;
use crate::output::manifest::RunOptions;
use crate::time::short_text;

/// Replacement for a ping URL, whose path is a secret. If the variable is not set, the pasted command does
/// not ping.
const MASKED_URL: &str = "\"$CHATZY_PING_URL\"";

/// A command with its arguments.
#[derive(Clone, Debug)]
pub struct CommandLine(Vec<OsString>);

impl CommandLine {
    /// Returns the command line of this process.
    pub fn of_process() -> Self {
        Self(std::env::args_os().collect())
    }

    /// Returns a command of this program with these words.
    pub fn of_words(words: Vec<OsString>) -> Self {
        let program = std::env::args_os().next().unwrap_or_else(|| "chatzy-export".into());
        Self(std::iter::once(program).chain(words).collect())
    }

    /// Returns the same command without `--fresh`, which would discard the run to resume.
    pub fn repeated(&self) -> Self {
        self.clone().without("--fresh", Takes::Nothing)
    }

    /// Returns the command that resumes the run of this process, for the record in the work folder.
    pub fn to_resume(&self) -> ResumeCommand {
        let directory = std::env::current_dir().unwrap_or_default();
        ResumeCommand { line: self.repeated().to_shell(), directory: directory.display().to_string() }
    }

    /// Returns the same command for a new run, after a published one.
    pub fn as_new_run(&self) -> Self {
        self.repeated().without("--run-id", Takes::Value).without("--full", Takes::Nothing)
    }

    /// Returns a new run of the contacts in `failed.csv`, which has the exporter's own format.
    pub fn for_failed(&self, contacts: &Path, form: &ContactsFormArgs) -> Self {
        let mut next = self.as_new_run().without("--all-contacts", Takes::Nothing);
        for option in ["--contacts", "--contacts-column", "--delimiter", "--contact", "--search"] {
            next = next.without(option, Takes::Value);
        }
        next.0.extend([OsString::from("--contacts"), contacts.as_os_str().to_owned()]);
        // The settings file may set other values.
        if form.contacts_column.is_some() {
            next.0.extend(["--contacts-column", "contact_id"].map(OsString::from));
        }
        if form.delimiter.is_some() {
            next.0.extend(["--delimiter", ","].map(OsString::from));
        }
        next
    }

    /// Returns the same command with the times of a published run, so that a relative time such as `7d` does not
    /// move.
    ///
    /// An incremental run keeps its relative times. With others, the next run would have to read all contacts.
    pub fn with_window_of(&self, options: &RunOptions) -> Self {
        let mut next = self.clone();
        for bound in options.bounds().iter().filter(|_| !options.is_incremental()) {
            if let Some(time) = bound.relative_time() {
                next = next.without(bound.option, Takes::Value);
                next.0.extend([bound.option, &short_text(time)].map(OsString::from));
            }
        }
        next
    }

    /// Returns the same command with `--fresh`.
    pub fn with_fresh(&self) -> Self {
        let mut next = self.repeated();
        next.0.push("--fresh".into());
        next
    }

    /// Returns the same command with `--replace`.
    pub fn with_replace(&self) -> Self {
        let mut next = self.repeated();
        next.0.push("--replace".into());
        next
    }

    /// Returns the same command with `--full`.
    pub fn with_full(&self) -> Self {
        let mut next = self.repeated();
        next.0.push("--full".into());
        next
    }

    /// Returns the run that this `check` is about, with all options of the check except `--json`.
    pub fn as_run(&self, contacts: ContactsGiven, out: OutGiven) -> Self {
        let mut next = self.clone().without("--json", Takes::Nothing);
        if let Some(command) = next.0.iter_mut().skip(1).find(|argument| *argument == "check") {
            *command = "run".into();
        }
        if contacts == ContactsGiven::All {
            next.0.push("--all-contacts".into());
        }
        if out == OutGiven::Missing {
            next.0.extend(["--out", "./export"].map(OsString::from));
        }
        next
    }

    /// Returns the same command with `--wait-lock`.
    pub fn with_wait(&self) -> Self {
        let mut next = self.clone().without("--wait-lock", Takes::Value);
        next.0.extend(["--wait-lock", "1h"].map(OsString::from));
        next
    }

    fn without(mut self, option: &str, takes: Takes) -> Self {
        let mut kept = Vec::with_capacity(self.0.len());
        let mut rest = self.0.drain(..);
        while let Some(argument) = rest.next() {
            if argument == option {
                if takes == Takes::Value {
                    rest.next();
                }
            } else if value_of(&argument, option).is_none() {
                kept.push(argument);
            }
        }
        drop(rest);
        Self(kept)
    }

    /// Returns the command, quoted for a shell.
    pub fn to_shell(&self) -> String {
        let mut words = Vec::with_capacity(self.0.len());
        let mut arguments = self.0.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--ping-url" && arguments.next().is_some() {
                words.extend(["--ping-url".to_owned(), MASKED_URL.to_owned()]);
            } else if value_of(argument, "--ping-url").is_some() {
                words.push(format!("--ping-url={MASKED_URL}"));
            } else {
                words.push(quote(argument));
            }
        }
        words.join(" ")
    }
}

/// Contacts that the arguments select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactsGiven {
    File,
    /// All contacts of the account.
    All,
}

/// Presence of `--out` among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutGiven {
    Path,
    Missing,
}

/// Number of arguments that belong to an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
}

/// Returns the value in `--option=value`.
pub fn value_of(argument: &OsStr, option: &str) -> Option<OsString> {
    let value = argument.as_bytes().strip_prefix(option.as_bytes())?.strip_prefix(b"=")?;
    Some(OsString::from_vec(value.to_vec()))
}

/// Returns the argument, quoted for a shell.
pub fn quote(argument: &OsStr) -> String {
    match argument.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_hostile) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => quote_bytes(argument.as_bytes()),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c)
}

/// Returns `$'…'` with every unusual byte in octal. It needs no valid UTF-8, and a terminal runs nothing in
/// it.
fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = "$'".to_owned();
    for byte in bytes {
        let c = char::from(*byte);
        if is_plain(c) || c == ' ' {
            quoted.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "\\{byte:03o}");
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cli::args::ContactsFormArgs;
    use crate::contacts::Delimiter;

    fn run_with(arguments: &[&str]) -> CommandLine {
        CommandLine(["chatzy-export", "run"].iter().chain(arguments).map(OsString::from).collect())
    }

    #[test]
    fn a_shell_reads_back_the_arguments() {
        let odd: [&[u8]; 9] = [
            b"plain-1.csv",
            b"",
            b"two words",
            b"it's",
            b"$HOME `id` \\ \"x\" *",
            "Gr\u{fc}\u{df}e".as_bytes(),
            b"a\nb\x1b[31m7",
            "x\u{202e}y".as_bytes(),
            b"no\xffutf8'",
        ];
        for argument in odd {
            let quoted = quote(OsStr::from_bytes(argument));
            let output = Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output().unwrap();
            assert_eq!(output.stdout, argument, "{quoted}");
            assert!(!quoted.contains(is_hostile), "{quoted}");
        }
    }

    #[test]
    fn next_commands_have_the_right_options() {
        let first = run_with(&[
            "--contacts=ids.csv",
            "--out",
            "my export",
            "--run-id",
            "x",
            "--fresh",
            "--contacts-column",
            "c",
            "--delimiter=;",
        ]);
        insta::assert_snapshot!(first.repeated().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --run-id x --contacts-column c '--delimiter=;'");
        insta::assert_snapshot!(first.as_new_run().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --contacts-column c '--delimiter=;'");
        let form =
            ContactsFormArgs { contacts_column: Some("c".into()), delimiter: Some(Delimiter::Char(b';')) };
        insta::assert_snapshot!(first.for_failed(Path::new("a b/failed.csv"), &form).to_shell(), @"chatzy-export run --out 'my export' --contacts 'a b/failed.csv' --contacts-column contact_id --delimiter ,");
        insta::assert_snapshot!(first.with_fresh().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --run-id x --contacts-column c '--delimiter=;' --fresh");
        insta::assert_snapshot!(run_with(&["--wait-lock", "1s", "--out=x"]).with_wait().to_shell(), @"chatzy-export run --out=x --wait-lock 1h");
    }

    #[test]
    fn the_next_command_has_the_times_of_the_run() {
        let time = |text: &str| Some(text.to_owned());
        let mut options = RunOptions {
            since: time("2026-02-22T10:20:30.000000Z"),
            relative_since: time("7d"),
            until: time("2026-03-01T00:00:00.000000Z"),
            ..RunOptions::default()
        };
        let command = run_with(&["--since", "7d", "--until=2026-03-01", "--out", "x"]);
        insta::assert_snapshot!(command.with_window_of(&options).to_shell(), @"chatzy-export run --until=2026-03-01 --out x --since 2026-02-22T10:20:30Z");
        options.incremental = Some(true);
        assert_eq!(command.with_window_of(&options).to_shell(), command.to_shell());
    }

    #[test]
    fn the_run_after_a_check() {
        let check = |arguments: &[&str]| {
            CommandLine(["chatzy-export", "check"].iter().chain(arguments).map(OsString::from).collect())
        };
        let all = check(&["--json", "--page-size", "50"]).as_run(ContactsGiven::All, OutGiven::Missing);
        insta::assert_snapshot!(all.to_shell(), @"chatzy-export run --page-size 50 --all-contacts --out ./export");
        let file = check(&["--contacts", "check", "--out=a b"]).as_run(ContactsGiven::File, OutGiven::Path);
        insta::assert_snapshot!(file.to_shell(), @"chatzy-export run --contacts check '--out=a b'");
    }

    #[test]
    fn a_ping_url_is_masked() {
        for arguments in [&["--ping-url", "https://host/secret"][..], &["--ping-url=https://host/secret"]] {
            let shown = run_with(arguments).repeated().to_shell();
            assert!(!shown.contains("host") && shown.contains("\"$CHATZY_PING_URL\""), "{shown}");
        }
    }
}
