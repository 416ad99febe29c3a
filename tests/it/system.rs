//! Tests that need more than the program: a small file system (root) or a tracer (strace). If the machine
//! lacks it, the test is skipped and prints so, also with captured output.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::crash::random_kill;
use crate::support::compare::{assert_same, substance};
use crate::support::export::{Export, read};
use crate::support::faults::{Call, Fault, setting};
use crate::support::scene::{Scene, WorkDir, random};
use crate::support::service::Service;

pub fn skip(test: &str, why: &str) {
    writeln!(std::io::stderr(), "\nSKIPPED {test}: {why}").expect("stderr");
}

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A file system in memory that exists until it is dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(path: &Path, kilobytes: u32) -> Option<Self> {
        chatzy_export::internals::durable::create_dir_all(path).expect("a folder");
        let size = format!("size={kilobytes}k,mode=0700");
        let is_there = runs(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path));
        is_there.then(|| Self(path.to_owned()))
    }

    fn grow(&self, kilobytes: u32) {
        let size = format!("remount,size={kilobytes}k");
        assert!(runs(Command::new("mount").args(["-o", &size]).arg(&self.0)), "grown");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        runs(Command::new("umount").arg("-l").arg(&self.0));
    }
}

#[test]
fn a_full_disk_is_reported_and_the_run_resumes_when_there_is_room() {
    let scene = Scene::new("--partition-by year");
    let mut stopped = 0;
    for kilobytes in [8, 40, 60, 80, 100, 120, 140, 160, 200, 240] {
        let name = format!("disk-of-{kilobytes}-k");
        let export = scene.place(&name);
        let Some(disk) = SmallDisk::mount(export.out_path(), kilobytes) else {
            return skip(
                "a_full_disk_is_reported_and_the_run_resumes_when_there_is_room",
                "needs root, to mount a tmpfs",
            );
        };
        let before = scene.service.stats().requests;
        let outcome = export.run();
        if outcome.code != Some(0) {
            let last = outcome.last_line();
            assert_eq!(outcome.code, Some(6), "{name}: {}", outcome.stderr);
            assert!(last.contains("DIR/") && last.contains("No space left on device"), "{name}: {last}");
            stopped += 1;
            disk.grow(8192);
            assert_same(&substance(&export.expect(0)), &scene.reference, &name);
            let asked = scene.service.stats().requests - before;
            let most = scene.most_requests(1);
            assert!(asked <= most, "{name}: {asked} requests, at most {most} are needed");
        }
    }
    assert!(stopped > 3, "only {stopped} of the disks were too small");
}

#[test]
fn killed_while_files_are_copied_from_another_file_system() {
    let (mut rng, seed) = random("copied from another file system");
    let scene = Scene::with_work("--partition-by year", WorkDir::Beside);
    for turn in 0..setting("CRASH_KILLS", 50) / 5 {
        let name = format!("copied-{turn}");
        let export = scene.fresh(&name);
        let Some(_disk) = SmallDisk::mount(&export.path(&format!("{name}/work")), 8192) else {
            return skip(
                "killed_while_files_are_copied_from_another_file_system",
                "needs root, to mount a tmpfs",
            );
        };
        // The second half of the calls builds and copies files.
        let faults =
            [0; 2].map(|_| Fault { at: rng.usize(scene.calls / 2..scene.calls), ..random_kill(&mut rng, 1) });
        scene.survives_in(&export, &faults, &format!("{seed}: {faults:?}"));
    }
}

#[test]
fn the_shim_sees_every_call() {
    if !runs(Command::new("strace").args(["-o", "/dev/null", "true"])) {
        return skip("the_shim_sees_every_call", "needs strace, and the right to trace");
    }
    let scene = Scene::new("--partition-by year");
    let names = ["write", "fsync", "fdatasync", "rename", "mkdir", "unlink", "ftruncate", "chmod"];
    let traced = "trace=write,pwrite64,writev,pwritev,copy_file_range,sendfile,splice,fsync,fdatasync,sync_file_range,\
                  rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir,\
                  ftruncate,truncate,fallocate,chmod,fchmod,fchmodat";
    let export = scene.fresh("traced").logging_calls();
    let trace = format!("exec strace -f -y -qq -o trace -e {traced} \"$@\"");
    export.clone().shell(&trace).expect(0);
    let out = export.out_path().to_string_lossy().into_owned();
    let trace = read(&export.path("trace"));
    let by_strace: Vec<&str> = trace
        .lines()
        .filter(|line| line.contains(&out) && !line.contains("resumed>") && !line.contains(".calls>"))
        .filter_map(|line| Some(line.split_once(char::is_whitespace)?.1.trim_start().split_once('(')?.0))
        .collect();
    let is_counted = |call: &&Call| names.contains(&call.name.as_str());
    let by_shim = export.calls().iter().filter(is_counted).count();
    assert!(by_shim > 100, "{by_shim} calls");
    assert_eq!(by_shim, by_strace.len(), "calls of the system: {by_strace:?}");
}

/// A run of many contacts with the maximum concurrency, below a shell with this limit.
fn limited(limit: &str) -> (Service, Export) {
    let service = Service::start("--latency 20ms");
    let contacts = (0..300).map(|at| format!("messages-5-{at}"));
    let export = Export::run_of(service.url(), contacts).args("--concurrency 1024");
    (service, export.shell(&format!("{limit}; exec \"$@\"")))
}

#[test]
fn the_soft_limit_on_open_files_is_raised() {
    let (_service, export) = limited("ulimit -S -n 64");
    let outcome = export.expect(0);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

#[test]
fn below_a_hard_limit_on_open_files_fewer_requests_are_sent() {
    let (_service, export) = limited("ulimit -n 168");
    let outcome = export.expect(0);
    assert_snapshot!(outcome.first_line(), @"warning: the limit on open files (ulimit -n) is 168, --concurrency is lowered to 20: fewer requests run at once");
}

#[test]
fn too_few_open_files_are_told_as_such() {
    for files in [12, 20, 30, 40, 47, 48, 52, 60, 80] {
        let (_service, export) = limited(&format!("ulimit -n {files}"));
        let outcome = export.run();
        let line = outcome.last_line();
        assert!(
            !outcome.stderr.contains("does not answer") && !outcome.stderr.contains("stopped responding"),
            "{files}: {}",
            outcome.stderr
        );
        if outcome.code != Some(0) {
            assert_eq!(outcome.code, Some(6), "{files}: {}", outcome.stderr);
            assert!(line.contains("open files"), "{files}: {line}");
        }
    }
}

#[test]
fn too_little_address_space_is_said_before_anything_begins() {
    let outcome =
        Export::run_of("http://127.0.0.1:1", ["a"]).shell("ulimit -v 100000; exec \"$@\"").expect(6);
    assert_snapshot!(outcome.last_line(), @"error: the limit on address space (ulimit -v) is 97 MiB: raise it to 512 MiB; to resume, run");
}

#[test]
fn too_few_threads_are_said_before_anything_begins() {
    // The allocator starts a thread too. Its own message must not follow the last line.
    for limit in [1, 4, 12] {
        let export = Export::run_of("http://127.0.0.1:1", ["a"]);
        // Root has no limit on its processes, and dash has no option to set one. The user has no other processes,
        // unlike nobody, who may have servers of other tests.
        let user = format!("setpriv --reuid 61234 --clear-groups bash -c 'ulimit -u {limit}; exec \"$@\"'");
        let may_run = "setpriv --reuid 61234 --clear-groups \"$1\" --version >/dev/null || exit 99";
        let outcome = export.shell(&format!("{may_run}; exec {user} bash \"$@\"")).run();
        if outcome.code == Some(99) {
            return skip(
                "too_few_threads_are_said_before_anything_begins",
                "needs root, setpriv and bash, to become another user",
            );
        }
        let outcome = outcome.expect(6);
        assert!(outcome.last_line().starts_with("error: cannot start "), "{}", outcome.last_line());
        assert!(outcome.last_line().contains("ulimit -u"), "{}", outcome.last_line());
    }
}
