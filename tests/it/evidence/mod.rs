//! `evidence`: other programs check, read and show the packages.

mod forms;
mod pages;
mod records;
mod repeated;
mod signed;
mod spreadsheet;
mod tampering;

use std::env;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::export::{Export, Outcome, PROGRAM, read};
use crate::support::service::Service;
use crate::system::skip;

/// A command that makes the package `package` of this export in a folder of its own.
fn evidence(from: &str, arguments: &str) -> Export {
    let command =
        Export::command("evidence --progress never").arg(from).args("--out package").args(arguments);
    let out = command.path("package");
    command.out_at(&out)
}

/// The same, of an export in a folder.
fn evidence_of(export: &Export, arguments: &str) -> Export {
    evidence(&export.out_path().to_string_lossy(), arguments)
}

/// A package, in a folder that stays as long as it.
struct Package(Outcome);

impl Deref for Package {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0.out
    }
}

/// Runs a command that makes a package, and fails unless the exit code is this one.
fn made(command: &Export, code: i32) -> Package {
    Package(command.expect(code))
}

/// An export of contacts of all kinds, with the responses of the API.
fn ordinary(options: &str) -> (Service, Export) {
    let service = Service::start("--seed 5");
    let contacts = ["messages-40-a", "messages-7-b", "empty-c", "unknown-d", "messages-1100-e"];
    let export = Export::run_of(service.url(), contacts).args("--keep-raw").args(options);
    export.expect(0);
    (service, export)
}

/// Runs a command of `VERIFY.txt` in a package.
fn shell(package: &Path, command: &str) -> Output {
    let bagit = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/evidence/venv/bin"));
    let program = Path::new(PROGRAM).parent().expect("a folder").to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bagit, program].into_iter().chain(env::split_paths(&path))).expect("a path");
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(package).env("PATH", path).env_remove("CDPATH");
    shell.output().expect("bash")
}

/// The commands of `VERIFY.txt`, which are its lines that begin with four blanks. Those whose program is missing are left
/// out, and named.
fn commands(package: &Path) -> Vec<String> {
    let text = read(&package.join("VERIFY.txt"));
    let commands = text.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned);
    let is_there = |command: &String| {
        let program = command.split_whitespace().next().unwrap_or_default().trim_start_matches('(');
        let is_there = shell(package, &format!("command -v {program}")).status.success();
        if !is_there {
            skip("evidence", &format!("needs {program}, for: {command}"));
        }
        is_there
    };
    let commands: Vec<String> = commands.filter(is_there).collect();
    assert!(commands.len() >= 4, "{text}");
    commands
}

/// The commands of `VERIFY.txt` that complain about a package, by the names of their programs. `diff` complains by what
/// it prints.
fn complaints(package: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    for command in commands(package) {
        let output = shell(package, &command);
        let is_diff = command.contains("| diff ");
        if !output.status.success() || (is_diff && !output.stdout.is_empty()) {
            let name = if is_diff { "diff" } else { command.split_whitespace().next().unwrap_or_default() };
            complaints.push(name.trim_start_matches('(').to_owned());
        }
    }
    complaints
}

/// Fails unless all commands of `VERIFY.txt` accept the package.
fn is_valid(package: &Path, told: &str) {
    for command in commands(package) {
        let output = shell(package, &command);
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success(), "{told}: {command}: {text:?}");
    }
    let listed = shell(package, "sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt | grep -c ': OK$'");
    let listed: usize = String::from_utf8_lossy(&listed.stdout).trim().parse().expect("a number");
    let lines = ["manifest-sha256.txt", "tagmanifest-sha256.txt"]
        .map(|name| read(&package.join(name)).lines().count());
    assert_eq!(listed, lines.iter().sum::<usize>(), "{told}");
}
