//! What the packages of a release are made of, as far as it needs no build: metadata, the Python package, the archive and the
//! Dockerfile. `make dist-test` installs the packages themselves.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::promises::root;
use crate::support::export::{PROGRAM, read, tree, write_program};
use crate::support::tables::python;
use crate::system::skip;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The output of a command that succeeds.
fn passes(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("a command");
    assert!(status.success(), "{}{}", text(&stdout), text(&stderr));
    text(&stdout)
}

fn version() -> String {
    passes(Command::new(PROGRAM).arg("--version"))
}

fn fields(metadata: &str, name: &str) -> Vec<String> {
    let lines = metadata.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned).collect()
}

#[test]
fn the_wheel_says_what_cargo_says() {
    let folder = tempfile::tempdir().unwrap();
    let maturin = Path::new(python()).with_file_name("maturin");
    let arguments = ["pep517", "write-dist-info", "--interpreter", python(), "--metadata-directory"];
    passes(Command::new(maturin).args(arguments).arg(folder.path()).current_dir(root()));
    let info = folder.path().join(format!("chatzy_export-{}.dist-info", env!("CARGO_PKG_VERSION")));
    let metadata = read(&info.join("METADATA"));
    let cargo: toml::Table = read(&root().join("Cargo.toml")).parse().expect("TOML");
    assert_eq!(fields(&metadata, "Name"), ["chatzy-export"]);
    assert_eq!(fields(&metadata, "Version"), [env!("CARGO_PKG_VERSION")]);
    assert_eq!(fields(&metadata, "Summary"), [env!("CARGO_PKG_DESCRIPTION")]);
    let license = cargo["workspace"]["package"]["license"].as_str().unwrap();
    assert_eq!(fields(&metadata, "License-Expression"), [license]);
    assert_eq!(fields(&metadata, "License-File"), ["LICENSE-APACHE", "LICENSE-MIT"]);
    let needed_by_spark = ["pyarrow ; extra == 'spark'", "pyspark>=3.5 ; extra == 'spark'"];
    assert_eq!(fields(&metadata, "Requires-Dist"), needed_by_spark);
    // Neither the version nor the interface of a Python.
    assert!(fields(&read(&info.join("WHEEL")), "Tag").iter().all(|tag| tag.starts_with("py3-none-")));
}

/// The Python package in this folder of modules, and the program in this folder of programs, as an installer puts them.
fn install(modules: &Path, programs: Option<&Path>) {
    passes(Command::new("mkdir").arg("-p").arg(modules));
    let package = modules.join("chatzy_export");
    passes(Command::new("cp").arg("-R").arg(root().join("python/chatzy_export")).arg(package));
    if let Some(programs) = programs {
        passes(Command::new("mkdir").arg("-p").arg(programs));
        symlink(PROGRAM, programs.join("chatzy-export")).unwrap();
    }
}

/// A virtual environment: its Python and the folder of its modules.
fn environment(folder: &TempDir) -> (PathBuf, PathBuf) {
    let place = folder.path().join("venv");
    passes(Command::new(python()).args(["-m", "venv", "--without-pip"]).arg(&place));
    let python = place.join("bin/python");
    let modules = "import sysconfig; print(sysconfig.get_path('purelib'), end='')";
    let modules = passes(Command::new(&python).args(["-c", modules]));
    (python, modules.into())
}

const FIND: [&str; 2] = ["-c", "from chatzy_export import find_bin; print(find_bin(), end='')"];

#[test]
fn the_python_package_finds_the_program_wherever_pip_puts_it() {
    let folder = tempfile::tempdir().unwrap();
    let (python, modules) = environment(&folder);
    let elsewhere = |name: &str| folder.path().join(name);
    // `pip install`, `pip install --prefix` (and `--user`), `pip install --target`.
    let places = [
        (modules, elsewhere("venv/bin")),
        (elsewhere("prefix/lib/python3.12/site-packages"), elsewhere("prefix/bin")),
        (elsewhere("target"), elsewhere("target/bin")),
    ];
    for (modules, programs) in &places {
        install(modules, Some(programs));
        let mut find = Command::new(&python);
        let found = passes(find.args(FIND).env("PYTHONPATH", modules));
        // The program of the same installation, though others have one too.
        assert_eq!(Path::new(&found), programs.join("chatzy-export"));
    }
}

#[test]
fn the_python_package_runs_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (python, modules) = environment(&folder);
    install(&modules, Some(&folder.path().join("venv/bin")));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(["-m", "chatzy_export"]).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    assert_eq!(text(&run(&["--version"]).stdout), version());
    let refused = run(&["verify", "no such export"]);
    let expected =
        Command::new(PROGRAM).args(["verify", "no such export"]).current_dir(folder.path()).output();
    assert_eq!(refused, expected.unwrap(), "arguments, output and exit code are the program's");
    assert!(!refused.status.success());
}

#[test]
fn the_python_package_names_where_the_program_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (python, modules) = environment(&folder);
    install(&modules, None);
    let ended = Command::new(&python).args(["-m", "chatzy_export", "--version"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let stderr = text(&ended.stderr).replace(folder.path().to_str().unwrap(), "");
    let versioned = modules.strip_prefix(folder.path()).unwrap().to_str().unwrap();
    assert_snapshot!(stderr.replace(versioned, "venv/lib/python3/site-packages"), @"error: the program chatzy-export is in none of these folders: /venv/bin, /venv/lib/python3/site-packages/bin; to install it, run: pip install --force-reinstall chatzy-export");
}

#[test]
fn the_python_package_passes_its_tests() {
    let folder = tempfile::tempdir().unwrap();
    let modules = folder.path().join("lib/python3.12/site-packages");
    install(&modules, Some(&folder.path().join("bin")));
    let mut tests = Command::new(python());
    tests.args(["-W", "error::ResourceWarning", "-m", "unittest", "discover", "-v", "-s"]);
    let tests = tests.arg(root().join("tests/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    let Output { status, stderr, .. } = tests.env("PYTHONPATH", &modules).output().expect("tests");
    let told = text(&stderr);
    assert!(status.success(), "{told}");
    for line in told.lines().filter(|line| line.contains(" ... skipped ")) {
        skip("the_python_package_passes_its_tests", line);
    }
}

/// A program of a few bytes that prints what the real one prints, and the folder for its archive.
fn small_program() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    write_program(&program, &format!("exec '{PROGRAM}' \"$@\""));
    (folder, program)
}

/// Makes the archive of this program for a target, with this umask.
fn archive(program: &Path, target: &str, umask: &str) -> PathBuf {
    let script = root().join("scripts/archive.sh");
    let command = format!("umask {umask}; \"$@\"");
    let mut command_line = Command::new("sh");
    command_line.args(["-c", &command, "sh"]).arg(script).arg(program).arg(target);
    let path = passes(command_line.arg(program.parent().unwrap()).env("SOURCE_DATE_EPOCH", "1700000000"));
    PathBuf::from(path.trim_end())
}

#[test]
fn an_archive_has_the_same_bytes_whoever_makes_it_and_when() {
    let (_one_folder, program) = small_program();
    let one = archive(&program, "x86_64-unknown-linux-musl", "022");
    let (_another_folder, program) = small_program();
    let another = archive(&program, "x86_64-unknown-linux-musl", "077");
    assert!(std::fs::read(one).unwrap() == std::fs::read(another).unwrap());
}

#[test]
fn an_archive_has_what_install_installs_and_the_documents() {
    let (folder, program) = small_program();
    let archive = archive(&program, "x86_64-unknown-linux-musl", "022");
    let stem = format!("chatzy-export-{}-x86_64-unknown-linux-musl", env!("CARGO_PKG_VERSION"));
    assert_eq!(archive.file_name().unwrap().to_str().unwrap(), format!("{stem}.tar.gz"));
    passes(Command::new("tar").arg("-xzf").arg(&archive).current_dir(folder.path()));
    let installed = folder.path().join("installed");
    passes(Command::new(root().join("scripts/install.sh")).arg(&program).arg(&installed));
    let is_document = |path: &String| path.starts_with("share/doc/chatzy-export/");
    let (documents, others): (Vec<_>, Vec<_>) =
        tree(&folder.path().join(&stem)).into_iter().partition(is_document);
    assert_eq!(others, tree(&installed));
    let prefix = folder.path().join(stem);
    for document in [
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "sample_contacts.csv",
        "docs/reference.md",
    ] {
        assert!(documents.contains(&format!("share/doc/chatzy-export/{document}")), "{document}");
    }
    let sums = ["--check", "--strict", "--quiet", "share/doc/chatzy-export/SHA256SUMS"];
    passes(Command::new("sha256sum").args(sums).current_dir(&prefix));
    let mode = std::fs::metadata(prefix.join("bin/chatzy-export")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn the_dockerfile_takes_the_program_from_the_archives() {
    let (_folder, program) = small_program();
    let dockerfile = read(&root().join("examples/Dockerfile"));
    let makefile = read(&root().join("Makefile"));
    let targets = makefile.lines().find_map(|line| line.strip_prefix("DIST_TARGETS ?= ")).expect("targets");
    let targets: Vec<_> = targets.split(' ').collect();
    assert_eq!(dockerfile.matches("\nADD ").count(), targets.len());
    for target in targets {
        let name = archive(&program, target, "022").file_name().unwrap().to_str().unwrap().to_owned();
        let pattern = name.replace(env!("CARGO_PKG_VERSION"), "*");
        assert!(dockerfile.contains(&format!("\nADD dist/{pattern} /\n")), "{pattern}");
    }
    let copied = dockerfile.lines().find_map(|line| line.strip_prefix("COPY --from=archive ")).expect("COPY");
    assert_eq!(copied, "/chatzy-export-*/bin/chatzy-export /usr/local/bin/");
    assert!(dockerfile.contains("\nENTRYPOINT [\"/usr/local/bin/chatzy-export\"]\n"));
}
