//! Completions and manual pages: every command has them, the programs that read them accept them, and they
//! are in the right folders.

use std::path::Path;
use std::process::Command;

use crate::monitoring::tool;
use crate::support::export::{Export, PROGRAM, read, tree};
use crate::system::skip;

/// The commands in the help.
fn commands() -> Vec<String> {
    let help = Export::command("--help").expect(0).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("commands");
    let names = list.lines().take_while(|line| line.starts_with("  "));
    let names = names.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    let names: Vec<_> = names.filter(|name| name != "help").collect();
    assert!(names.len() >= 6, "{names:?}");
    names
}

/// The long options in the help of a command.
fn options(command: &str) -> Vec<String> {
    let help = Export::command(command).args("--help").expect(0).stdout;
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let longs = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    // An optional value is written as --option[=<VALUE>].
    let name = |long: &str| long.split("[=").next().unwrap_or(long).trim_end_matches("...").to_owned();
    longs.map(name).collect()
}

/// The completions of bash for this beginning of a line.
fn completed(line: &str) -> Vec<String> {
    let script = format!(
        "source <({PROGRAM} completions bash)
        COMP_WORDS=({line}); [[ '{line}' == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        complete=($(complete -p chatzy-export))
        for at in \"${{!complete[@]}}\"; do [[ ${{complete[at]}} == -F ]] && function=${{complete[at+1]}}; done
        $function chatzy-export \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
        printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["--norc", "-c", &script]).output().expect("bash");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let offered = completed("chatzy-export ");
    for command in commands() {
        assert!(offered.contains(&command), "{command} in {offered:?}");
        let offered = completed(&format!("chatzy-export {command} --"));
        for option in options(&command) {
            assert!(offered.contains(&option), "{command} {option} in {offered:?}");
        }
    }
    assert_eq!(completed("chatzy-export ver"), ["verify"]);
    assert_eq!(completed("chatzy-export run --format "), ["parquet", "jsonl"]);
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Export::command("completions").arg(shell).expect(0).stdout;
        assert!(script.contains("max-duration") && script.contains("verify"), "{shell}");
    }
    let unknown = Export::command("completions tcsh").expect(2);
    assert!(unknown.stderr.contains("bash, elvish, fish, powershell, zsh"), "{}", unknown.stderr);
}

#[test]
fn manual_pages_tell_what_the_help_tells() {
    let export = Export::command("man --out pages");
    export.expect(0);
    let pages = tree(&export.path("pages"));
    let mut expected: Vec<_> =
        commands().iter().map(|command| format!("chatzy-export-{command}.1")).collect();
    expected.push("chatzy-export.1".to_owned());
    expected.sort();
    assert_eq!(pages, expected);
    for command in commands() {
        let page = read(&export.path(&format!("pages/chatzy-export-{command}.1")));
        assert!(page.is_ascii(), "formatters that know no UTF-8 take it");
        assert!(page.contains(".SH EXAMPLES"), "{page}");
        for option in options(&command) {
            assert!(page.contains(&option.replace('-', "\\-")), "{command} {option}");
        }
        let printed = Export::command("man").arg(&command).expect(0).stdout;
        assert_eq!(printed, page, "on stdout and in the folder");
    }
    let main = Export::command("man").expect(0).stdout;
    assert!(main.contains("chatzy\\-export\\-run(1)"), "{main}");
    let unknown = Export::command("man fly").expect(2);
    insta::assert_snapshot!(unknown.last_line(), @"error: unknown command fly; see: chatzy-export --help");
}

#[test]
fn a_formatter_takes_the_manual_pages() {
    let Some(groff) = tool("groff") else {
        return skip("a_formatter_takes_the_manual_pages", "needs groff");
    };
    let export = Export::command("man --out pages");
    export.expect(0);
    for page in tree(&export.path("pages")) {
        let page = export.path("pages").join(page);
        let output = Command::new(&groff)
            .args(["-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-o", "-P-u"])
            .arg(&page)
            .output();
        let output = output.unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("chatzy-export")
                && text.contains("\n\nSYNOPSIS\n")
                && text.contains("\nSEE ALSO\n") != (page.ends_with("chatzy-export.1")),
            "{text}"
        );
    }
}

fn install(arguments: [&str; 2]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install.sh");
    let output = Command::new(script).args(arguments).output().expect("the script");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_installed_can_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr local");
    let prefix = prefix.to_str().unwrap();
    install([PROGRAM, prefix]);
    let mut expected = vec![
        "bin/chatzy-export".to_owned(),
        "share/bash-completion/completions/chatzy-export".to_owned(),
        "share/fish/vendor_completions.d/chatzy-export.fish".to_owned(),
        "share/man/man1/chatzy-export.1".to_owned(),
        "share/zsh/site-functions/_chatzy-export".to_owned(),
    ];
    expected.extend(commands().iter().map(|command| format!("share/man/man1/chatzy-export-{command}.1")));
    expected.sort();
    assert_eq!(tree(Path::new(prefix)), expected);
    let version = Command::new(format!("{prefix}/bin/chatzy-export")).arg("--version").output().unwrap();
    assert!(version.status.success());
    crate::support::export::write(&Path::new(prefix).join("bin/other"), "of another");
    install(["--uninstall", prefix]);
    assert_eq!(tree(Path::new(prefix)), ["bin/other"]);
}
