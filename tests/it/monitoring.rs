//! Reports to those who watch a run: its last line, its metrics file, its pings.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use insta::assert_snapshot;

use crate::support::export::{Export, read};
use crate::support::faults::{Fate, Fault};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::service::{Service, wait_until};
use crate::system::skip;

/// A tool in .tools or of the system.
pub fn tool(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
    let ours = ["bin", "examples/bin"].map(|folder| root.join(folder).join(name));
    let of_system = std::env::var_os("PATH").unwrap_or_default();
    let of_system = std::env::split_paths(&of_system).map(|folder| folder.join(name));
    ours.into_iter().chain(of_system).find(|path| path.is_file())
}

/// The value of a metric with its labels.
fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("chatzy_export_")?.strip_prefix(name))?;
    line.strip_prefix(' ')?.parse().ok()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// A page, or a refusal for contacts named `bad…`.
fn partly(asked: &Asked) -> Answer {
    if asked.contact().starts_with("bad") { Answer::message(403, "no") } else { Answer::page(asked, 3) }
}

const METRICS: &str = "--metrics-file chatzy.prom";

fn metrics(export: &Export) -> String {
    read(&export.path("chatzy.prom"))
}

#[test]
fn the_metrics_of_a_run_are_those_of_its_manifest() {
    let service = Service::start("--errors 0.2");
    let contacts = ["messages-30-a", "messages-3-b", "empty-c", "unknown-d"];
    let export = Export::run_of(service.url(), contacts).args(METRICS).args("--page-size 5");
    let before = now();
    let outcome = export.expect(0);
    let (text, manifest) = (metrics(&export), outcome.manifest());
    let value = |name: &str| metric(&text, name).unwrap_or_else(|| panic!("no {name} in {text}"));
    assert!((before..=now()).contains(&value("last_run_timestamp_seconds")), "{text}");
    assert_eq!(metric(&text, "last_run_timestamp_seconds"), metric(&text, "last_success_timestamp_seconds"));
    assert!(value("duration_seconds") > 0.0 && value("duration_seconds") <= now() - before);
    assert_eq!(metric(&text, "exit_code"), Some(0.0));
    for status in ["exported", "empty", "not_found", "unresolved", "failed"] {
        assert_eq!(
            Some(value(&format!("contacts{{status=\"{status}\"}}"))),
            manifest["contacts"][status].as_f64()
        );
    }
    for table in ["contacts", "conversations", "messages", "channel_records", "coverage"] {
        assert_eq!(
            Some(value(&format!("rows{{table=\"{table}\"}}"))),
            manifest["tables"][table]["rows"].as_f64()
        );
    }
    for (code, count) in manifest["requests"]["by_status"].as_object().unwrap() {
        assert_eq!(Some(value(&format!("requests{{code=\"{code}\"}}"))), count.as_f64());
    }
    assert_eq!(Some(value("retries")), manifest["requests"]["retries"].as_f64());
    assert!(value("retries") > 0.0, "there were faults");
    let bytes: u64 =
        manifest["files"].as_array().unwrap().iter().map(|file| file["bytes"].as_u64().unwrap()).sum();
    assert!(bytes > 0);
    assert_eq!(metric(&text, "bytes_written"), serde_json::json!(bytes).as_f64());
}

#[test]
fn a_failed_run_keeps_the_time_of_the_last_success() {
    let is_up = Arc::new(AtomicBool::new(true));
    let up = Arc::clone(&is_up);
    let server =
        Scripted::api(
            move |asked| if up.load(Ordering::Relaxed) { partly(asked) } else { Answer::message(403, "no") },
        );
    let export = Export::run_of(server.url(), ["a", "b"]).args(METRICS);
    export.expect(0);
    let success = metric(&metrics(&export), "last_success_timestamp_seconds").unwrap();
    assert!(success > 0.0);
    let after = |export: &Export, code: i32, told: &str| {
        export.expect(code);
        let text = metrics(export);
        assert_eq!(metric(&text, "exit_code"), Some(f64::from(code)), "{told}");
        assert_eq!(metric(&text, "last_success_timestamp_seconds"), Some(success), "{told}");
        assert!(metric(&text, "last_run_timestamp_seconds").unwrap() > success, "{told}");
        text
    };
    is_up.store(false, Ordering::Relaxed);
    let text = after(&export.clone().args("--max-failed 0"), 5, "too many failed");
    assert!(metric(&text, "requests{code=\"403\"}").unwrap() > 0.0, "{text}");
    assert_eq!(metric(&text, "rows{table=\"messages\"}"), Some(0.0), "nothing was published");
    is_up.store(true, Ordering::Relaxed);
    after(&export.clone().args("--format jsonl"), 9, "another run is unfinished");
    after(&export.clone().without("--contacts").args("--contacts nowhere.csv"), 2, "no contacts file");
    after(&export.clone().args("--page-size 0"), 2, "no such page size");
    after(
        &export.clone().args("--page-size 0").without("--metrics-file").args("--metrics-file=chatzy.prom"),
        2,
        "other form",
    );
    export.write("chatzy-export.toml", "pagesize = 3\nmetrics-file = 'chatzy.prom'\n");
    after(&export.clone().without("--metrics-file"), 2, "a settings file with a mistake");
    export.write("chatzy-export.toml", "");
    export.write("contacts.csv", "contact_id\na\nbad\n");
    let text = after(&export.clone().args("--fresh"), 3, "published but for one contact");
    assert_eq!(metric(&text, "contacts{status=\"failed\"}"), Some(1.0));
    assert_eq!(metric(&text, "rows{table=\"messages\"}"), Some(3.0));
    let text = after(&export.clone().args("--fresh --max-failed 0"), 5, "too many failed");
    assert_eq!(metric(&text, "contacts{status=\"failed\"}"), Some(1.0), "{text}");
}

#[test]
fn an_interrupted_run_is_in_the_metrics() {
    let export = Export::run_of("http://127.0.0.1:1", ["a"]).args(METRICS);
    let running = export.start();
    wait_until("it asks", || read(&export.path("stderr-0")).contains("cannot connect"));
    running.signal("TERM");
    running.wait(Duration::from_secs(10)).expect(143);
    let text = metrics(&export);
    assert_eq!(metric(&text, "exit_code"), Some(143.0));
    assert_eq!(metric(&text, "last_success_timestamp_seconds"), Some(0.0), "there was none");
    assert!(metric(&text, "requests{code=\"error\"}").unwrap() > 0.0, "{text}");
}

#[test]
fn the_metrics_file_is_for_all_to_read_and_replaced_as_a_whole() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args(METRICS);
    let about = |export: &Export| std::fs::metadata(export.path("chatzy.prom")).unwrap();
    export.clone().shell(r#"umask 077; exec "$@""#).expect(0);
    assert_eq!(about(&export).permissions().mode() & 0o7777, 0o644);
    let before = about(&export).ino();
    export.clone().shell(r#"umask 000; exec "$@""#).expect(0);
    assert_eq!(about(&export).permissions().mode() & 0o7777, 0o644);
    assert_ne!(about(&export).ino(), before, "a new file under the old name");
    assert!(!export.path("chatzy.prom.tmp").exists());
}

#[test]
fn metrics_that_cannot_be_written_are_a_warning() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    let outcome = export.args("-q --metrics-file nowhere/chatzy.prom").expect(0);
    assert_snapshot!(outcome.stderr.trim(), @"warning: metrics file not updated: cannot create nowhere/chatzy.prom.tmp: No such file or directory (os error 2)");
}

#[test]
fn a_metrics_file_on_a_disk_that_hangs_does_not_hold_up_the_end() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    let metrics = export.path("chatzy.prom").to_string_lossy().into_owned();
    let export = export.args("-q --metrics-file").arg(&metrics);
    let fault = Fault { calls: " rename ", path: "chatzy.prom", at: 1, fate: Fate::Hang };
    let outcome = export.with_fault(fault).expect(0);
    assert_snapshot!(outcome.first_line(), @"warning: metrics file not updated: DIR/chatzy.prom was not written within 5 s");
}

#[test]
fn a_dry_run_tells_nobody() {
    let service = Service::start("");
    let monitor = Monitor::start(|_| Answer::new(200, "OK"));
    let export =
        monitor.watches(Export::run_of(service.url(), ["messages-3-a"])).args(METRICS).args("--dry-run");
    export.expect(0);
    assert!(!export.path("chatzy.prom").exists());
    export.args("--page-size 0").expect(2);
    assert!(monitor.told().is_empty());
}

/// The verdict of promtool on a metrics file.
fn lint(promtool: &Path, text: &str) {
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let told =
        [output.stdout, output.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(output.status.success() && told.is_empty(), "{told}\n{text}");
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    let Some(promtool) = tool("promtool") else {
        return skip("promtool_finds_no_fault_in_the_metrics", "needs promtool (scripts/example-tools.sh)");
    };
    let server = Scripted::api(partly);
    let export = Export::run_of(server.url(), ["a", "bad"]).args(METRICS);
    export.expect(3);
    lint(&promtool, &metrics(&export));
    export.clone().args("--page-size 0").expect(2);
    lint(&promtool, &metrics(&export));
    assert!(metrics(&export).ends_with("# EOF\n"), "OpenMetrics wants it, Prometheus takes it for a comment");
}

/// A monitor that receives pings.
struct Monitor(Scripted);

impl Monitor {
    fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self(Scripted::start(answer))
    }

    /// The same export with pings to the monitor. The path of the URL is a secret.
    fn watches(&self, export: Export) -> Export {
        export.env("CHATZY_PING_URL", &format!("{}/ping/secret-key", self.0.url()))
    }

    /// The last part of each path, in order.
    fn told(&self) -> Vec<String> {
        for asked in self.0.asked() {
            assert!(
                asked.authorization.is_none() && asked.body.is_empty(),
                "nothing goes with it: {asked:?}"
            );
        }
        self.0.asked().into_iter().map(|asked| asked.endpoint).collect()
    }
}

#[test]
fn a_monitor_hears_of_the_start_and_the_end() {
    let server = Scripted::api(partly);
    let ends = |contacts: &[&str], arguments: &str, code: i32| {
        let monitor = Monitor::start(|_| Answer::new(200, "OK"));
        let export = monitor.watches(Export::run_of(server.url(), contacts)).args(arguments);
        let outcome = export.expect(code);
        assert!(!outcome.stderr.contains("ping"), "{}", outcome.stderr);
        monitor.told()
    };
    assert_eq!(ends(&["a"], "", 0), ["start", "secret-key"]);
    assert_eq!(ends(&["a", "bad"], "", 3), ["start", "fail"], "published, and yet to be looked at");
    assert_eq!(ends(&["a", "bad"], "--max-failed 0", 5), ["start", "fail"]);
    assert_eq!(ends(&["a"], "--since soon", 2), ["start", "fail"], "settings");
    assert_eq!(ends(&["a"], "--page-size 0", 2), ["fail"], "it never began");
    assert_eq!(ends(&["a"], "--config nowhere.toml", 2), ["fail"]);
}

#[test]
fn the_address_of_a_monitor_may_come_from_anywhere() {
    let server = Scripted::api(partly);
    let monitor = Monitor::start(|_| Answer::new(200, "OK"));
    let url = format!("{}/ping/other-key", monitor.0.url());
    let export = Export::run_of(server.url(), ["a"]);
    export.clone().args("--ping-url").arg(&url).expect(0);
    export.write("chatzy-export.toml", format!("ping-url = '{url}'\n"));
    export.expect(0);
    export.write("chatzy-export.toml", format!("ping-url = '{url}'\npagesize = 3\n"));
    export.expect(2);
    assert_eq!(monitor.told(), ["start", "other-key", "start", "other-key", "fail"]);
    export.write("chatzy-export.toml", "");
    export.env("CHATZY_PING_URL", "").expect(0);
}

#[test]
fn a_monitor_that_does_not_listen_is_a_warning() {
    let server = Scripted::api(partly);
    let warned = |monitor: &Monitor| {
        let outcome = monitor.watches(Export::run_of(server.url(), ["a"])).args("-q").expect(0);
        assert!(!outcome.stderr.contains("secret-key"), "{}", outcome.stderr);
        outcome.stderr.trim().replace('\n', " / ")
    };
    let refusing = Monitor::start(|_| Answer::new(500, "no"));
    assert_snapshot!(warned(&refusing), @"warning: cannot ping 127.0.0.1: status 500 / warning: cannot ping 127.0.0.1: status 500");
    assert_eq!(refusing.told(), ["start", "start", "secret-key", "secret-key"], "each is tried twice");
    let elsewhere = Scripted::start(|_| Answer::new(200, "OK"));
    let target = elsewhere.url().to_owned();
    let redirecting = Monitor::start(move |_| Answer::redirect(&target));
    assert_snapshot!(warned(&redirecting), @"warning: cannot ping 127.0.0.1: status 302, and redirects are not followed / warning: cannot ping 127.0.0.1: status 302, and redirects are not followed");
    assert!(elsewhere.asked().is_empty(), "no redirect is followed");
    let gone =
        Export::run_of(server.url(), ["a"]).args("-q --ping-url http://127.0.0.1:1/secret-key").expect(0);
    assert_snapshot!(gone.first_line(), @"warning: cannot ping 127.0.0.1: cannot connect");
}

#[test]
fn addresses_of_monitors_that_are_refused() {
    let with = |url: &str| {
        let outcome = Export::run_of("http://127.0.0.1:1", ["a"]).args("--ping-url").arg(url).expect(2);
        assert!(!outcome.stderr.contains("secret"), "{}", outcome.stderr);
        outcome.last_line()
    };
    assert_snapshot!(with("http://hc-ping.com/secret"), @"error: --ping-url: unsupported scheme: use https (http is accepted for loopback addresses only)");
    assert_snapshot!(with("hc-ping.com/secret"), @"error: --ping-url: invalid URL: relative URL without a base; use a URL such as https://host/key");
    assert_snapshot!(with("https://me:secret@hc-ping.com/key"), @"error: --ping-url: the URL contains a user or password, which would not be sent: remove it");
    assert_snapshot!(with("file:///secret"), @"error: --ping-url: unsupported scheme: use https (http is accepted for loopback addresses only)");
}
