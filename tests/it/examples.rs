//! The examples and the README stay true: their commands are commands of this program, and their files are what the
//! programs that read them take.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::export::{PROGRAM, read, write};
use crate::monitoring::tool;
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

/// The commands in the blocks of a document, those for cron too.
fn of_document(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let is_ours = |line: &&str| {
        let words = line.split_whitespace().find(|word| !word.contains('='));
        words == Some("chatzy-export")
    };
    // Without what another program does with the output.
    let alone = |line: &str| {
        [" | ", " > "].iter().fold(line, |line, mark| line.split(mark).next().unwrap_or(line)).to_owned()
    };
    let mut commands: Vec<_> = lines.iter().copied().filter(is_ours).map(alone).collect();
    commands.extend(of_crontab(&lines.join("\n")).into_iter().filter(|command| is_ours(&command.as_str())));
    commands
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
        (of_document(&read(&root("README.md"))), 6),
    ];
    for (commands, least) in all {
        assert!(commands.len() >= least, "{commands:?}");
        assert_commands(&commands);
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
