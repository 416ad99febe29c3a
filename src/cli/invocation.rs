//! The command as it was typed, and the one to type next: quoted so that it can be pasted into a shell.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::args::ContactsFormArgs;
use super::console::is_hostile;

/// What a ping URL is replaced by, since its path is a secret: pasted where the variable is not set, it pings nobody.
const MASKED_URL: &str = "\"$CHATZY_PING_URL\"";

/// A command with its arguments.
#[derive(Clone, Debug)]
pub struct Invocation(Vec<OsString>);

impl Invocation {
    /// The one of this process.
    pub fn of_process() -> Self {
        Self(std::env::args_os().collect())
    }

    /// The same again. Without `--fresh`, which would throw away what it is to go on with.
    pub fn again(&self) -> Self {
        self.clone().without("--fresh", Takes::Nothing)
    }

    /// The same as a new run, after one that was published.
    pub fn anew(&self) -> Self {
        self.again().without("--run-id", Takes::Value).without("--full", Takes::Nothing)
    }

    /// A new run of the contacts in this file, which is of the exporter's own form.
    pub fn of_failed(&self, contacts: &Path, form: &ContactsFormArgs) -> Self {
        let mut next = self.anew().without("--all-contacts", Takes::Nothing);
        for option in ["--contacts", "--contacts-column", "--delimiter"] {
            next = next.without(option, Takes::Value);
        }
        next.0.extend([OsString::from("--contacts"), contacts.as_os_str().to_owned()]);
        // The settings file may name others.
        if form.contacts_column.is_some() {
            next.0.extend(["--contacts-column", "contact_id"].map(OsString::from));
        }
        if form.delimiter.is_some() {
            next.0.extend(["--delimiter", ","].map(OsString::from));
        }
        next
    }

    /// The same with `--fresh`.
    pub fn fresh(&self) -> Self {
        let mut next = self.again();
        next.0.push("--fresh".into());
        next
    }

    /// The same with `--full`.
    pub fn full(&self) -> Self {
        let mut next = self.again();
        next.0.push("--full".into());
        next
    }

    /// The run that a check was made for: its command has all options of the check but `--json`.
    pub fn as_run(&self, whom: WhomTyped, out: OutTyped) -> Self {
        let mut next = self.clone().without("--json", Takes::Nothing);
        if let Some(command) = next.0.iter_mut().skip(1).find(|argument| *argument == "check") {
            *command = "run".into();
        }
        if whom == WhomTyped::Nobody {
            next.0.push("--all-contacts".into());
        }
        if out == OutTyped::Nowhere {
            next.0.extend(["--out", "./export"].map(OsString::from));
        }
        next
    }

    /// The same, but waiting for another run to end.
    pub fn waiting(&self) -> Self {
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

    /// The command in the words of a shell.
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

/// Whether a contacts file was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhomTyped {
    /// It was.
    File,
    /// All contacts of the account are meant.
    Nobody,
}

/// Whether a destination was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutTyped {
    /// It was.
    Path,
    /// It was not.
    Nowhere,
}

/// Whether an option has a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
}

/// The value in `--option=value`.
pub fn value_of(argument: &OsStr, option: &str) -> Option<OsString> {
    let value = argument.as_bytes().strip_prefix(option.as_bytes())?.strip_prefix(b"=")?;
    Some(OsString::from_vec(value.to_vec()))
}

/// An argument as a shell reads it back.
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

/// `$'…'` with every byte but plain ones in octal: what a terminal would obey, and what is no text.
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

    fn typed(arguments: &[&str]) -> Invocation {
        Invocation(["chatzy-export", "run"].iter().chain(arguments).map(OsString::from).collect())
    }

    #[test]
    fn a_shell_reads_back_what_was_typed() {
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
    fn the_next_command() {
        let first = typed(&[
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
        insta::assert_snapshot!(first.again().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --run-id x --contacts-column c '--delimiter=;'");
        insta::assert_snapshot!(first.anew().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --contacts-column c '--delimiter=;'");
        let form =
            ContactsFormArgs { contacts_column: Some("c".into()), delimiter: Some(Delimiter::Char(b';')) };
        insta::assert_snapshot!(first.of_failed(Path::new("a b/failed.csv"), &form).to_shell(), @"chatzy-export run --out 'my export' --contacts 'a b/failed.csv' --contacts-column contact_id --delimiter ,");
        insta::assert_snapshot!(first.fresh().to_shell(), @"chatzy-export run --contacts=ids.csv --out 'my export' --run-id x --contacts-column c '--delimiter=;' --fresh");
        insta::assert_snapshot!(typed(&["--wait-lock", "1s", "--out=x"]).waiting().to_shell(), @"chatzy-export run --out=x --wait-lock 1h");
    }

    #[test]
    fn the_run_after_a_check() {
        let check = |arguments: &[&str]| {
            Invocation(["chatzy-export", "check"].iter().chain(arguments).map(OsString::from).collect())
        };
        let all = check(&["--json", "--page-size", "50"]).as_run(WhomTyped::Nobody, OutTyped::Nowhere);
        insta::assert_snapshot!(all.to_shell(), @"chatzy-export run --page-size 50 --all-contacts --out ./export");
        let file = check(&["--contacts", "check", "--out=a b"]).as_run(WhomTyped::File, OutTyped::Path);
        insta::assert_snapshot!(file.to_shell(), @"chatzy-export run --contacts check '--out=a b'");
    }

    #[test]
    fn a_ping_url_is_not_shown() {
        for arguments in [&["--ping-url", "https://host/secret"][..], &["--ping-url=https://host/secret"]] {
            let shown = typed(arguments).again().to_shell();
            assert!(!shown.contains("host") && shown.contains("\"$CHATZY_PING_URL\""), "{shown}");
        }
    }
}
