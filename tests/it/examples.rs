//! The examples and the documents stay true: their commands are commands of this program and work, and their files are
//! valid for the programs that read them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::monitoring::tool;
use crate::support::export::{EMAIL, Export, PASSWORD, PROGRAM, read, write};
use crate::support::service::Service;
use crate::system::skip;

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn example(name: &str) -> String {
    read(&root("examples").join(name))
}

/// A crontab's commands, as cron hands them to the shell.
fn of_crontab(text: &str) -> Vec<String> {
    let jobs = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
    let command =
        |job: &str| job.splitn(6, ' ').nth(5).expect("five fields and a command").replace("\\%", "%");
    jobs.map(command).collect()
}

/// A unit's commands, with its specifiers.
fn of_unit(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let commands = text.lines().filter_map(|line| line.strip_prefix("ExecStart="));
    commands.map(|command| command.replace("%S", "/var/lib").replace("%%", "%")).collect()
}

/// The arguments of a pod.
fn of_manifest(text: &str) -> Vec<String> {
    let (_, after) = text.split_once("args:\n").expect("arguments");
    let arguments = after.lines().map_while(|line| line.trim().strip_prefix("- "));
    let arguments: Vec<_> = arguments.take_while(|argument| !argument.contains(": ")).collect();
    vec![format!("chatzy-export {}", arguments.join(" "))]
}

/// The lines of a document's fenced blocks in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let parts = text.split("\n```").skip(1).step_by(2);
    let lines = parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n'));
    lines.flat_map(str::lines).map(str::to_owned).collect()
}

/// The commands in the blocks of a document, those for cron too.
fn of_document(text: &str) -> Vec<String> {
    let is_ours = |line: &String| {
        let words = line.split_whitespace().find(|word| !word.contains('='));
        words == Some("chatzy-export")
    };
    // Without what another program does with the output.
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

/// Has a shell read each command and this program parse it.
fn assert_commands(commands: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let shim = folder.path().join("chatzy-export");
    write(&shim, format!("#!/bin/sh\nexec {PROGRAM} \"$@\" --help\n"));
    let executable = Command::new("chmod").arg("+x").arg(&shim).status().unwrap();
    assert!(executable.success());
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
        (of_manifest(&example("cronjob.yaml")), 1),
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

/// Status and name of each line, without the details and figures.
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
fn every_variable_is_in_the_reference() {
    let reference = read(&root("docs/reference.md"));
    let sources = ["src/cli/settings.rs", "src/cli/args/common.rs", "src/cli/args/run.rs", "src/api/tls.rs"];
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

/// The lines of a document that need nothing but this program, in their order: another program is not there, and runs
/// have other IDs.
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
    for (name, least) in [("README.md", 9), ("docs/nightly.md", 6), ("docs/warehouse.md", 2)] {
        let commands = self_sufficient(&read(&root(name)));
        assert!(commands.len() >= least, "{name}: {commands:#?}");
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
fn a_command_that_is_none_is_noticed() {
    assert_commands(&["/usr/local/bin/chatzy-export run --out x --bogus 3".to_owned()]);
}

/// Runs a checker, which is to find no fault.
fn passes(program: &Path, arguments: &[&str]) {
    let ended = Command::new(program).args(arguments).current_dir(root("")).output().expect("a checker");
    let told = [ended.stdout, ended.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(ended.status.success(), "{told}");
}

#[test]
fn promtool_takes_the_alerts() {
    let Some(promtool) = tool("promtool") else {
        return skip("promtool_takes_the_alerts", "needs promtool (scripts/example-tools.sh)");
    };
    passes(&promtool, &["check", "rules", "examples/prometheus-rules.yml"]);
    let metrics = example("prometheus-rules.yml");
    for name in ["last_success_timestamp_seconds", "exit_code", "contacts{"] {
        assert!(metrics.contains(&format!("chatzy_export_{name}")), "{name}");
    }
}

#[test]
fn hadolint_takes_the_dockerfile() {
    let Some(hadolint) = tool("hadolint") else {
        return skip("hadolint_takes_the_dockerfile", "needs hadolint (scripts/example-tools.sh)");
    };
    passes(&hadolint, &["examples/Dockerfile"]);
    for line in example("Dockerfile").lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<_> = line.split_whitespace().collect();
        let sources = words[..words.len() - 1].iter().filter(|_| !line.starts_with("--from"));
        for source in sources {
            assert!(root(source).exists(), "{source} is there to be copied");
        }
    }
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
    for name in ["chatzy-export.service", "chatzy-export.timer"] {
        // The program is to be there.
        write(&folder.path().join(name), example(name).replace("/usr/local/bin/chatzy-export", PROGRAM));
    }
    let units = ["chatzy-export.service", "chatzy-export.timer"].map(|name| folder.path().join(name));
    let units = units.each_ref().map(|path| path.to_str().expect("UTF-8"));
    passes(&analyze, &["verify", "--man=no", units[0], units[1]]);
}
