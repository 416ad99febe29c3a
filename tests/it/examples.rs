//! The examples and the documents stay correct: their commands are commands of this program and work, and
//! their files are valid for the programs that read them.

mod alerts;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::monitoring::tool;
use crate::support::export::{EMAIL, Export, PASSWORD, PROGRAM, read, write, write_program};
use crate::support::service::Service;
use crate::system::skip;

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub fn example(name: &str) -> String {
    read(&root("examples").join(name))
}

/// The commands of a crontab, as cron passes them to the shell.
pub fn of_crontab(text: &str) -> Vec<String> {
    let jobs = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
    let command =
        |job: &str| job.splitn(6, ' ').nth(5).expect("five fields and a command").replace("\\%", "%");
    jobs.map(command).collect()
}

/// A unit's commands, with its specifiers.
pub fn of_unit(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let commands = text.lines().filter_map(|line| line.strip_prefix("ExecStart="));
    commands.map(|command| command.replace("%S", "/var/lib").replace("%%", "%")).collect()
}

/// The commands of the containers in a Kubernetes manifest, in their order.
pub fn of_manifest(text: &str) -> Vec<String> {
    let command = |after: &str| {
        let arguments = after.lines().map_while(|line| line.trim().strip_prefix("- "));
        format!("chatzy-export {}", arguments.collect::<Vec<_>>().join(" "))
    };
    text.split("args:\n").skip(1).map(command).collect()
}

/// The lines of a document's fenced blocks in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let parts = text.split("\n```").skip(1).step_by(2);
    let lines = parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n'));
    lines.flat_map(str::lines).map(str::to_owned).collect()
}

/// The commands in the blocks of a document, including those for cron.
fn of_document(text: &str) -> Vec<String> {
    let is_ours = |line: &String| {
        let words = line.split_whitespace().find(|word| !word.contains('='));
        words == Some("chatzy-export")
    };
    // Without the part that another program does with the output.
    let alone = |line: String| {
        [" | ", " > ", " && "]
            .iter()
            .fold(&*line, |line, mark| line.split(mark).next().unwrap_or(line))
            .to_owned()
    };
    let recorded = blocks(text, "console").into_iter();
    let recorded = recorded.filter_map(|line| line.strip_prefix("$ ").map(str::to_owned));
    let commands = blocks(text, "sh").into_iter().chain(recorded).filter(is_ours).map(alone);
    let of_cron = of_crontab(&blocks(text, "crontab").join("\n"));
    commands.chain(of_cron).collect()
}

/// The README and the documents beside it.
fn documents() -> Vec<(PathBuf, String)> {
    let in_folder =
        std::fs::read_dir(root("docs")).expect("documents").map(|entry| entry.expect("a file").path());
    let documents = in_folder.chain([root("README.md")]);
    documents
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

/// A shell reads each command, and this program parses it.
fn assert_commands(commands: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let shim = folder.path().join("chatzy-export");
    write_program(&shim, &format!("exec {PROGRAM} \"$@\" --help"));
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for command in commands {
        let command = command.replace("/usr/local/bin/chatzy-export", "chatzy-export");
        let ended =
            Command::new("sh").args(["-c", &command]).env("PATH", &path).current_dir(&folder).output();
        let ended = ended.unwrap();
        assert!(ended.status.success(), "{command}\n{}", String::from_utf8_lossy(&ended.stderr));
        let help = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(help.contains("Usage: chatzy-export "), "{command}\n{help}");
        if command.contains("chatzy-export run ") {
            assert!(command.contains("--out "), "{command}: what is required is there");
        }
    }
}

#[test]
fn the_commands_of_the_examples_are_commands() {
    let all = [
        (of_crontab(&example("crontab")), 2),
        (of_unit(&example("chatzy-export.service")), 1),
        (of_unit(&example("chatzy-export-weekly.service")), 2),
        (of_manifest(&example("cronjob.yaml")), 3),
    ];
    for (commands, least) in all {
        assert!(commands.len() >= least, "{commands:?}");
        assert_commands(&commands);
    }
}

#[test]
fn the_commands_of_the_documents_are_commands() {
    let mut found = 0;
    for (path, text) in documents() {
        let commands = of_document(&text);
        let is_left =
            |line: &&str| line.trim_start().starts_with("chatzy-export ") && line.starts_with("    ");
        assert_eq!(text.lines().find(is_left), None, "{}: commands are in fenced blocks", path.display());
        found += commands.len();
        assert_commands(&commands);
    }
    assert!(found >= 30, "{found}");
}

/// The text with a mark in place of figures and run IDs, which differ between two runs.
fn without_figures(text: &str) -> String {
    let is_figure = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let words = |line: &str| {
        let words = line.split_whitespace().map(|word| {
            let parts = word.split('/').map(|part| if is_figure(part) { "#" } else { part });
            parts.collect::<Vec<_>>().join("/")
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_shows_what_a_first_run_prints() {
    let shown = blocks(&read(&root("README.md")), "console");
    let folder = tempfile::tempdir().unwrap();
    let bin = Path::new(PROGRAM).parent().expect("a folder").display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let mut printed = Vec::new();
    for command in shown.iter().filter_map(|line| line.strip_prefix("$ ")) {
        let line = format!("{command} 2>&1");
        let ended = Command::new("sh").args(["-c", &line]).env("PATH", &path).current_dir(&folder).output();
        printed.extend([format!("$ {command}"), String::from_utf8(ended.unwrap().stdout).unwrap()]);
    }
    let printed = printed.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n");
    assert_eq!(without_figures(&shown.join("\n")), without_figures(&printed));
}

/// The status and name of each line, without details and figures.
fn checks(output: &str) -> Vec<String> {
    let is_plan = |line: &str| line.starts_with("plan ");
    let start = |line: &str| line.chars().take("warning  compression".len()).collect();
    output.lines().map(|line| if is_plan(line) { "plan".to_owned() } else { start(line) }).collect()
}

#[test]
fn the_documents_show_the_checks_of_check() {
    let service = Service::start("--account-contacts 40 --clamp 60 --compress");
    let export = Export::command("check --out export --rate-limit 500").base_url(service.url());
    let shown = export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD).expect(0).stderr;
    let documented = blocks(&read(&root("docs/nightly.md")), "text").join("\n");
    let (documented, _) = documented.split_once("\nsystemctl ").expect("the block after it");
    assert_eq!(checks(documented), checks(&shown));
}

#[test]
fn the_guide_shows_the_crontab_and_names_the_alerts() {
    let guide = read(&root("docs/nightly.md"));
    let is_job = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    let crontab = example("crontab");
    assert_eq!(blocks(&guide, "crontab"), crontab.lines().filter(is_job).collect::<Vec<_>>());
    let rules = example("prometheus-rules.yml");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(guide.contains(&format!("| `{alert}` |")), "{alert} is not in the guide");
    }
    for entry in std::fs::read_dir(root("examples")).expect("examples") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        assert!(guide.contains(&format!("(../examples/{name})")), "{name} is not in the guide");
    }
}

#[test]
fn every_variable_is_in_the_reference() {
    let reference = read(&root("docs/reference.md"));
    let sources = ["src/cli/settings.rs", "src/cli/args/common.rs", "src/cli/args/run.rs", "src/tls.rs"];
    let text = sources.map(|source| read(&root(source))).concat();
    let quoted = text.split('"').skip(1).step_by(2);
    let is_variable = |name: &&str| {
        ["CHATZY_", "SSL_"].iter().any(|prefix| name.starts_with(prefix))
            && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let variables: Vec<_> = quoted.filter(is_variable).collect();
    let missing: Vec<_> = variables.iter().filter(|name| !reference.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(variables.len() >= 11, "{variables:?}");
}

/// The lines of a document that need only this program, in their order. Other programs may be missing, and
/// runs have other IDs.
fn self_sufficient(text: &str) -> Vec<String> {
    let needs_more = |line: &str| {
        let parts = [" | ", "&& duckdb", " simulate ", "--base-url", "20261120T020000Z"];
        parts.iter().any(|part| line.contains(part))
    };
    let begins = ["chatzy-export ", "export ", "(cd export && sha256sum "];
    let is_ours = |line: &String| begins.iter().any(|begin| line.starts_with(begin)) && !needs_more(line);
    blocks(text, "sh").into_iter().filter(is_ours).collect()
}

#[test]
fn the_commands_of_the_documents_work() {
    let service = Service::start("--account-contacts 5 --max-messages 200");
    for (name, least) in [("README.md", 9), ("docs/nightly.md", 6), ("docs/warehouse.md", 3)] {
        let mut commands = self_sufficient(&read(&root(name)));
        assert!(commands.len() >= least, "{name}: {commands:#?}");
        if name == "docs/warehouse.md" {
            // It begins where the README ends: with an export.
            commands.insert(0, "chatzy-export run --contacts contacts.csv --out ./export".to_owned());
        }
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("contacts.csv"), "contact_id\nmessages-3-a\nmessages-130-b\nunknown-c\n");
        write(&folder.path().join("password"), "correct-horse-battery\n");
        let script = commands.join("\n").replace("~/.config/chatzy-password", "password");
        let bin = Path::new(PROGRAM).parent().expect("a folder").display().to_string();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        let environment = [
            ("PATH", &*path),
            ("CHATZY_BASE_URL", service.url()),
            ("CHATZY_EMAIL", EMAIL),
            ("CHATZY_PASSWORD_FILE", "password"),
        ];
        let ended =
            Command::new("sh").args(["-exc", &script]).envs(environment).current_dir(&folder).output();
        let ended = ended.unwrap();
        assert!(ended.status.success(), "{name}\n{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
#[should_panic(expected = "unexpected argument '--bogus'")]
fn an_invalid_command_is_noticed() {
    assert_commands(&["/usr/local/bin/chatzy-export run --out x --bogus 3".to_owned()]);
}

/// Runs a checker, which must find no fault.
pub fn passes(program: &Path, arguments: &[&str]) {
    let ended = Command::new(program).args(arguments).current_dir(root("")).output().expect("a checker");
    let told = [ended.stdout, ended.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(ended.status.success(), "{told}");
}

#[test]
fn hadolint_takes_the_dockerfile() {
    let Some(hadolint) = tool("hadolint") else {
        return skip("hadolint_takes_the_dockerfile", "needs hadolint (scripts/example-tools.sh)");
    };
    passes(&hadolint, &["examples/Dockerfile"]);
}

#[test]
fn kubernetes_takes_the_cron_job() {
    let Some(validate) = tool("kubernetes-validate") else {
        return skip("kubernetes_takes_the_cron_job", "needs kubernetes-validate (scripts/example-tools.sh)");
    };
    passes(&validate, &["--strict", "-k", "1.31", "examples/cronjob.yaml"]);
}

#[test]
fn systemd_takes_the_units() {
    let Some(analyze) = tool("systemd-analyze") else {
        return skip("systemd_takes_the_units", "needs systemd-analyze");
    };
    let folder = tempfile::tempdir().unwrap();
    let units = ["chatzy-export", "chatzy-export-weekly"]
        .map(|name| ["service", "timer"].map(|kind| format!("{name}.{kind}")))
        .concat();
    for name in &units {
        // systemd checks that the program exists.
        let text = example(name).replace("/usr/local/bin/chatzy-export ", &format!("{PROGRAM} "));
        write(&folder.path().join(name), text);
    }
    let paths = units.iter().map(|name| folder.path().join(name).to_str().expect("UTF-8").to_owned());
    let paths: Vec<String> = paths.collect();
    let arguments = ["verify", "--man=no"].into_iter().chain(paths.iter().map(String::as_str));
    passes(&analyze, &arguments.collect::<Vec<_>>());
}
