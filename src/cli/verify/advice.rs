//! Advice for each damaged part of an export: how to repair it.
//!
//! Each command can be typed as it is. The advice is in the order in which it should be followed: later advice
//! assumes that earlier damage is repaired. `tests/it/advice.rs` follows all of it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::export_again::{export_again, has_other_address};
use super::facts::Facts;
use super::repair::{Repair, repairs};
use crate::catalog::Run;
use crate::cli::command_line::{CommandLine, quote};
use crate::contacts;
use crate::layout::{self, CHECKSUMS, FAILED, LATEST, MANIFEST, NOT_FOUND};
use crate::store::Store;
use crate::verify::{Damage, Report, Subject};

/// Maximum length of the commands in a line of text. `--json` prints all.
const MAX_SHOWN: usize = 1000;

/// A way to repair some parts of an export.
#[derive(Debug, Serialize)]
pub struct Advice {
    /// The damaged parts.
    subjects: Vec<Subject>,
    /// The runs that they belong to.
    run_ids: BTreeSet<String>,
    /// What to do.
    text: String,
    /// Commands for it, in their order.
    commands: Vec<String>,
}

impl Advice {
    /// The advice as one line of text.
    pub fn line(&self) -> String {
        let names: Vec<&str> = self.subjects.iter().map(|subject| subject.name()).collect();
        format!("advice for {}: {}", names.join(", "), self.sentence())
    }

    /// The advice without the parts that it is for.
    pub fn sentence(&self) -> String {
        let commands = self.commands.join(" && ");
        match commands.len() {
            0 => self.text.clone(),
            length if length > MAX_SHOWN => format!("{} (--json has the commands)", self.text),
            _ => format!("{}: {commands}", self.text),
        }
    }

    /// True if the advice is for this part.
    pub fn is_for(&self, subject: Subject) -> bool {
        self.subjects.contains(&subject)
    }
}

/// Returns the advice for all findings of a report.
pub fn advice(out: &Store, report: &Report) -> Vec<Advice> {
    if report.damages.is_empty() && report.warnings.is_empty() {
        return Vec::new();
    }
    let facts = Facts::read(out, report);
    let findings = repairs(report, &facts);
    findings.iter().map(|(repair, findings)| Advisor { facts: &facts, findings }.advise(repair)).collect()
}

/// The findings that one way repairs.
struct Advisor<'a> {
    facts: &'a Facts<'a>,
    findings: &'a [(Subject, &'a Damage)],
}

impl Advisor<'_> {
    fn advise(&self, repair: &Repair) -> Advice {
        let (text, commands) = match repair {
            Repair::RemoveObstacles => self.remove_obstacles(),
            Repair::WriteLatest => self.write_latest(),
            Repair::RestoreRecord => {
                let text = "restore it from a copy made after the newest erasure; without one, export into a new folder, without the erased contacts";
                (text.to_owned(), Vec::new())
            }
            Repair::Restore => self.restore(),
            Repair::ListChecksums => self.list_checksums(),
            Repair::Rebuild { run_id } => self.rebuild(run_id),
            Repair::ExportAgain => self.export_again(),
            Repair::ReplaceLogs => self.replace_logs(),
            Repair::UpdateLogs => {
                let text = "the next run updates them; to update them now, run";
                (text.to_owned(), vec![self.update_logs()])
            }
            Repair::AwaitLogs => ("the next run writes new ones".to_owned(), Vec::new()),
            Repair::RemoveFiles if self.facts.has_lost_manifest() => {
                let text = "restore the manifests first: these files may belong to their runs";
                (text.to_owned(), Vec::new())
            }
            Repair::RemoveFiles => self.remove_files("if no other program needs them, remove them"),
            Repair::RemoveSystemFiles => self.remove_files("to remove them, run"),
            Repair::Restrict => {
                let command = format!("chmod -R go-rwx {}", quote(self.facts.out.as_os_str()));
                ("to deny access to other users, run".to_owned(), vec![command])
            }
            Repair::SignErasures => {
                let path = quote(self.facts.out.as_os_str());
                let command = format!("chatzy-export erase {path} --finish --sign KEY");
                ("if the record is right, sign it again".to_owned(), vec![command])
            }
            Repair::FinishErasure => {
                let words = ["erase".as_ref(), self.facts.out.as_os_str(), "--finish".as_ref()];
                let words = words.into_iter().map(OsStr::to_owned).collect();
                ("to finish it, run".to_owned(), vec![CommandLine::of_words(words).to_shell()])
            }
        };
        // Commands of the shell do not reach an object store.
        let is_local = self.facts.out.folder().is_some();
        let (text, commands) = if is_local { (text, commands) } else { in_store(text, commands) };
        let subjects: BTreeSet<Subject> = self.findings.iter().map(|(subject, _)| *subject).collect();
        Advice { subjects: subjects.into_iter().collect(), run_ids: self.run_ids(), text, commands }
    }

    fn run_ids(&self) -> BTreeSet<String> {
        self.findings.iter().filter_map(|(_, damage)| damage.run_id.clone()).collect()
    }

    /// The damaged paths, each once.
    fn paths(&self) -> BTreeSet<&str> {
        self.findings.iter().map(|(_, damage)| damage.path.as_str()).collect()
    }

    fn quoted(&self, path: &str) -> String {
        quote(self.facts.out.join(path).as_os_str())
    }

    fn remove_obstacles(&self) -> (String, Vec<String>) {
        let is_obstacle = |(subject, _): &&(Subject, &Damage)| *subject == Subject::NotRegular;
        let damages = self.findings.iter().filter(is_obstacle).map(|(_, damage)| Path::new(&damage.path));
        let obstacles: BTreeSet<PathBuf> =
            damages.filter_map(|path| obstacle(self.facts.out.root(), path)).collect();
        let removed = self.facts.beside("removed");
        let command = |(number, path): (usize, PathBuf)| {
            let quoted = quote(path.as_os_str());
            if path.is_symlink() {
                // Only the link is removed.
                format!("rm -- {quoted}")
            } else {
                let target = removed.with_added_extension((number + 1).to_string());
                format!("mv -- {quoted} {}", quote(target.as_os_str()))
            }
        };
        let text = "remove them, then run verify again for the files that are missing in their place";
        (text.to_owned(), obstacles.into_iter().enumerate().map(command).collect())
    }

    fn write_latest(&self) -> (String, Vec<String>) {
        let Some(run) = self.facts.newest() else { return (String::new(), Vec::new()) };
        let run_id = &run.manifest.run_id;
        let manifest = layout::run_file(run_id, MANIFEST);
        let latest = self.quoted(LATEST);
        let json = format!(
            r#"{{\n  "run_id": "{run_id}",\n  "manifest": "{manifest}",\n  "sha256": "{}"\n}}\n"#,
            run.sha256
        );
        let text = format!(
            "restore it from a copy of the export; without one, if {run_id} is the newest run, write it again"
        );
        (text, vec![format!("rm -f -- {latest}"), format!("(umask 077; printf '{json}' >{latest})")])
    }

    fn restore(&self) -> (String, Vec<String>) {
        let text = "restore them from a copy of the export; without one, export again into a new folder";
        let new = self.facts.beside("new");
        let Some(run) = self.facts.largest(&self.run_ids()) else { return (text.to_owned(), Vec::new()) };
        let commands = vec![export_again(&run.manifest, &new).to_shell()];
        if run.manifest.is_snapshot() {
            let text = "restore them from a copy; without one, make the snapshot again in a new folder";
            return (text.to_owned(), commands);
        }
        (with_missing(text, run), commands)
    }

    fn list_checksums(&self) -> (String, Vec<String>) {
        let out = quote(self.facts.out.as_os_str());
        let run_ids = self.run_ids();
        let sound = run_ids.iter().filter_map(|id| self.facts.sound(id));
        let command = |run: &Run| {
            let file = |name| quote(OsStr::new(&layout::run_file(&run.manifest.run_id, name)));
            let (manifest, sums) = (file(MANIFEST), file(CHECKSUMS));
            let mut parts = vec![format!(r#"jq -r '.files[] | .sha256 + "  " + .path' {manifest}"#)];
            let counts = &run.manifest.contacts;
            // Versions without `--max-not-found` write no `not_found.csv`.
            let not_found =
                if run.manifest.options.not_found_limit().is_some() { counts.not_found } else { 0 };
            for (name, contacts) in [(FAILED, counts.failed), (NOT_FOUND, not_found)] {
                if contacts > 0 {
                    parts.push(format!("sha256sum {}", file(name)));
                }
            }
            if run.manifest.state.is_some() {
                parts.push(format!(r#"jq -r '.state | .sha256 + "  " + .path' {manifest}"#));
            }
            format!("(cd {out} && umask 077 && {{ {}; }} >{sums})", parts.join(" && "))
        };
        let text = "restore it from a copy of the export, or write it again from the manifest";
        (text.to_owned(), sound.map(command).collect())
    }

    fn rebuild(&self, run_id: &str) -> (String, Vec<String>) {
        let rebuilt = self.facts.beside("rebuilt");
        let words = ["rebuild".as_ref(), "--from".as_ref(), self.facts.out.as_os_str(), "--run".as_ref()];
        let rest = [run_id.as_ref(), "--out".as_ref(), rebuilt.as_os_str()];
        let words = words.into_iter().chain(rest).map(OsStr::to_owned).collect();
        let mut commands = vec![CommandLine::of_words(words).to_shell()];
        let folders: BTreeSet<PathBuf> = self
            .paths()
            .into_iter()
            .filter_map(|path| self.facts.out.join(path).parent().map(Path::to_owned))
            .filter(|folder| !folder.exists())
            .collect();
        commands.extend(
            folders.iter().map(|folder| format!("(umask 077; mkdir -p -- {})", quote(folder.as_os_str()))),
        );
        commands.extend(
            self.paths().into_iter().map(|path| {
                format!("cp -p -- {} {}", quote(rebuilt.join(path).as_os_str()), self.quoted(path))
            }),
        );
        let text = format!(
            "restore them from a copy of the export; without one, rebuild run {run_id} and copy the files back"
        );
        (text, commands)
    }

    fn export_again(&self) -> (String, Vec<String>) {
        let run_ids = self.run_ids();
        let is_only_rows = self.findings.iter().all(|(subject, _)| *subject == Subject::Rows);
        let text = if is_only_rows {
            "the files are as they were written, so a copy does not help; export the contacts again, then remove the damaged run and all older ones"
        } else {
            "restore them from a copy of the export; without one, export the contacts again, then remove the damaged run and all older ones"
        };
        let Some(run) = self.facts.largest(&run_ids) else { return (text.to_owned(), Vec::new()) };
        let keep = self.facts.keep_last(&run_ids).to_string();
        let words = ["prune".as_ref(), self.facts.out.as_os_str(), "--keep-last".as_ref(), keep.as_ref()];
        let prune = CommandLine::of_words(words.into_iter().map(OsStr::to_owned).collect());
        let commands = vec![export_again(&run.manifest, self.facts.out.root()).to_shell(), prune.to_shell()];
        (with_missing(text, run), commands)
    }

    fn replace_logs(&self) -> (String, Vec<String>) {
        let logs: BTreeSet<String> = self
            .paths()
            .into_iter()
            .filter_map(|path| Some(layout::delta_log(path.split('/').next()?)))
            .collect();
        let removed = self.facts.beside("removed");
        let away = |log: &String| {
            let target = removed.with_added_extension(log.replace('/', "-"));
            format!("mv -- {} {}", self.quoted(log), quote(target.as_os_str()))
        };
        let mut commands: Vec<String> = logs.iter().map(away).collect();
        commands.push(self.update_logs());
        let text = format!(
            "the files of the export stay as they are; move {} away, and write new logs",
            logs.into_iter().collect::<Vec<_>>().join(", ")
        );
        (text, commands)
    }

    /// The command that updates the Delta logs and removes no run.
    fn update_logs(&self) -> String {
        let all = self.facts.runs().to_string();
        let words = ["prune".as_ref(), self.facts.out.as_os_str(), "--keep-last".as_ref(), all.as_ref()];
        CommandLine::of_words(words.into_iter().map(OsStr::to_owned).collect()).to_shell()
    }

    fn remove_files(&self, text: &str) -> (String, Vec<String>) {
        // A name that is not text, or is shortened, cannot be typed.
        let exists = |path: &&str| self.facts.out.join(path).symlink_metadata().is_ok();
        let paths: Vec<String> =
            self.paths().into_iter().filter(exists).map(|path| self.quoted(path)).collect();
        let command = (!paths.is_empty()).then(|| format!("rm -- {}", paths.join(" ")));
        (text.to_owned(), command.into_iter().collect())
    }
}

/// Advice for an export in an object store: the commands that work there, which need a work folder.
fn in_store(text: String, commands: Vec<String>) -> (String, Vec<String>) {
    let all = commands.len();
    let writes =
        |command: &str| [" run ", " rebuild ", " snapshot "].iter().any(|name| command.contains(name));
    let commands: Vec<String> = commands
        .into_iter()
        .filter(|command| command.starts_with("chatzy-export "))
        .map(|command| if writes(&command) { format!("{command} --work-dir DIR") } else { command })
        .collect();
    if commands.len() == all {
        return (text, commands);
    }
    let how = "copy the export to a local folder, run verify there, follow its advice, and upload the files that it changed";
    (format!("{text} ({how})"), commands)
}

/// Adds what the command to export again lacks.
fn with_missing(text: &str, run: &Run) -> String {
    let mut missing = Vec::new();
    if has_other_address(&run.manifest) {
        missing.push("with the --base-url of that run, if CHATZY_BASE_URL does not set it");
    }
    if [contacts::GIVEN, contacts::FOUND].contains(&run.manifest.input.path.as_str()) {
        missing.push("with the contacts of that run");
    }
    if missing.is_empty() { text.to_owned() } else { format!("{text} ({})", missing.join("; ")) }
}

/// The first part of a path that is a symbolic link, or what is at its end.
fn obstacle(out: &Path, path: &Path) -> Option<PathBuf> {
    let mut place = out.to_owned();
    for part in path.components() {
        place.push(part);
        if place.is_symlink() {
            return Some(place);
        }
    }
    place.symlink_metadata().is_ok().then_some(place)
}
