//! Networks in which the API is not reached: what is said about it, how soon, and by which proxy it is tried.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::Value;

use crate::last_line::objects;
use crate::secret_leaks::{GIVEN, ID, export_from, sweep};
use crate::support::export::{EMAIL, Export, Outcome, PASSWORD};
use crate::support::proxy::Proxy;
use crate::support::scripted::{Answer, Scripted};
use crate::support::secure::{Act, Script, SecureServer};
use crate::support::service::wait_until;

/// A name that only a proxy leads to. The certificate `elsewhere` is for it.
const ELSEWHERE: &str = "https://elsewhere.example/prod";
const VARIABLES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// The command without a proxy of this machine.
fn without_proxies(export: Export) -> Export {
    VARIABLES.iter().fold(export, |export, name| export.env_remove(name))
}

fn check(url: &str, retries: usize) -> Export {
    let export = Export::command("check --progress never --retries").arg(&retries.to_string()).base_url(url);
    without_proxies(export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD))
}

/// The finding of the check that failed, without the reason of the system's resolver.
fn failure(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().find(|line| line.starts_with("failed ")).expect("a failed check");
    let line = match line.split_once("(DNS: ") {
        Some((before, _)) => format!("{before}(DNS: …))"),
        None => line.to_owned(),
    };
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A loopback address at which nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("127.0.0.1:{}", listener.local_addr().expect("an address").port())
}

#[test]
fn a_check_says_where_it_cannot_connect_and_why() {
    let closed = closed();
    let refused = check(&format!("http://{closed}"), 2).expect(5);
    assert_snapshot!(failure(&refused).replace(&closed, "HOST:PORT"), @"failed sign in the API does not answer (cannot connect to HOST:PORT: connection refused)");
    assert_eq!(refused.stderr.matches("warning: sign-in failed").count(), 1, "{}", refused.stderr);
    let unknown = check("https://nowhere.invalid/prod", 0).expect(5);
    assert_snapshot!(failure(&unknown), @"failed sign in the API does not answer (cannot connect to nowhere.invalid:443: its address is not found (DNS: …))");
    let plain = Scripted::api(|asked| Answer::page(asked, 1));
    let no_tls = check(&plain.url().replace("http://", "https://"), 0).expect(5);
    let address = plain.url().trim_start_matches("http://");
    assert_snapshot!(failure(&no_tls).replace(address, "HOST:PORT"), @"failed sign in the API does not answer (cannot connect to HOST:PORT: the TLS handshake failed (received corrupt message of type InvalidContentType))");
}

#[test]
fn a_check_without_an_answer_does_not_say_that_the_token_is_accepted() {
    let export =
        check("https://nowhere.invalid", 1).env("CHATZY_TOKEN", "some-token").also("ids.txt", "a\nb\nc\n");
    for arguments in ["", "--contacts ids.txt"] {
        let outcome = export.clone().args(arguments).expect(5);
        let sign_in = outcome.stderr.lines().find(|line| line.contains("sign in ")).expect("the check");
        assert!(sign_in.ends_with("the given token is not checked: the API does not respond"), "{sign_in}");
        assert!(failure(&outcome).contains("cannot connect to nowhere.invalid:443: "), "{}", outcome.stderr);
    }
}

#[test]
fn a_check_and_a_dry_run_make_as_many_attempts_as_the_retries_allow() {
    for retries in [0, 1, 3] {
        let server = Scripted::start(|_| Answer::message(500, "Internal Server Error"));
        check(server.url(), retries).expect(5);
        assert_eq!(server.asked().len(), retries + 1, "sign-ins of check");
        let server = Scripted::start(|_| Answer::message(500, "Internal Server Error"));
        let dry = Export::run_of(server.url(), ["a"]).args("--dry-run --retries").arg(&retries.to_string());
        dry.expect(5);
        assert_eq!(server.asked().len(), retries + 1, "sign-ins of a dry run");
        let server = Scripted::api(|_| Answer::message(500, "Internal Server Error"));
        check(server.url(), retries).expect(5);
        let lists = server.asked().iter().filter(|asked| !asked.is_sign_in()).count();
        assert_eq!(lists, retries + 1, "requests for the list of contacts");
    }
}

/// A server of `elsewhere.example`, a run of two contacts from it, and the proxy in front of it.
fn elsewhere() -> (SecureServer, Proxy, Export) {
    let server = SecureServer::start(Script {
        certificate: |_| "elsewhere",
        ..Script::new(|asked, _| Act::Answer(Answer::page(asked, 3)))
    });
    let proxy = Proxy::to(server.url());
    let export = without_proxies(server.run_of(["a", "b"]).without("--base-url")).base_url(ELSEWHERE);
    (server, proxy, export)
}

#[test]
fn the_proxy_of_the_environment_leads_to_the_api() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let (_server, proxy, export) = elsewhere();
        let address = format!("http://me:{GIVEN}@{}", proxy.address());
        let outcome = export.env(variable, &address).env("HTTP_PROXY", "http://127.0.0.1:1").expect(0);
        assert_eq!(outcome.manifest()["tables"]["messages"]["rows"], 6);
        let asked = proxy.asked();
        assert!(!asked.is_empty(), "{variable}");
        for head in asked {
            assert!(head.starts_with("CONNECT elsewhere.example:443 HTTP/1.1\r\n"), "{variable}: {head}");
            assert!(head.to_lowercase().contains("\r\nproxy-authorization: basic "), "{variable}: {head}");
        }
        assert!(!outcome.stderr.contains(GIVEN) && !outcome.stderr.contains("me:"), "{}", outcome.stderr);
    }
}

#[test]
fn a_socks_proxy_leads_to_the_api() {
    let (_server, proxy, export) = elsewhere();
    export.env("ALL_PROXY", &format!("socks5h://{}", proxy.address())).expect(0);
    let asked = proxy.asked();
    assert!(!asked.is_empty() && asked.iter().all(|target| target == "elsewhere.example:443"), "{asked:?}");
}

#[test]
fn no_proxy_is_used_where_none_is_wanted() {
    for exempt in ["elsewhere.example", ".example", "*", "other, elsewhere.example"] {
        let (server, proxy, export) = elsewhere();
        let address = format!("http://{}", proxy.address());
        let check = export.into_check().args("--retries 0").env("HTTPS_PROXY", &address);
        let outcome = check.clone().env("NO_PROXY", exempt).expect(5);
        assert!(
            outcome.stderr.contains("cannot connect to elsewhere.example:443: its address"),
            "{}",
            outcome.stderr
        );
        assert_eq!((proxy.asked().len(), server.connections()), (0, 0), "{exempt}");
        check.env("NO_PROXY", "elsewhere.other").expect(0);
        assert!(!proxy.asked().is_empty());
    }
}

#[test]
fn a_proxy_that_does_not_help_is_named_without_its_password() {
    let closed = closed();
    let through = |address: &str| {
        let url = format!("http://me:{GIVEN}@{address}");
        let export = check(ELSEWHERE, 0).env("HTTPS_PROXY", &url);
        let outcome = export.expect(5);
        sweep(&export, address);
        failure(&outcome).replace(address, "PROXY")
    };
    assert_snapshot!(through(&closed), @"failed sign in the API does not answer (cannot connect to elsewhere.example:443 through the proxy http://PROXY: connection refused)");
    assert_snapshot!(through("proxy.invalid:3128"), @"failed sign in the API does not answer (cannot connect to elsewhere.example:443 through the proxy http://PROXY: the address of the proxy is not found (DNS: …))");
    let wants_password =
        Proxy::refusing("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    assert_snapshot!(through(&wants_password.address()), @"failed sign in the API does not answer (cannot connect to elsewhere.example:443 through the proxy http://PROXY: the proxy requires a user and password (407))");
    let forbids = Proxy::refusing("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    assert_snapshot!(through(&forbids.address()), @"failed sign in the API does not answer (cannot connect to elsewhere.example:443 through the proxy http://PROXY: the proxy refuses to connect to it)");
    let hangs_up = Proxy::refusing("");
    assert_snapshot!(through(&hangs_up.address()), @"failed sign in the API does not answer (cannot connect to elsewhere.example:443 through the proxy http://PROXY: the proxy closed the connection)");
}

#[test]
fn what_is_no_proxy_address_is_refused_and_not_ignored() {
    let bad = format!("http://me:{GIVEN} x@proxy:3128");
    for (variable, value) in
        [("HTTPS_PROXY", bad.as_str()), ("ALL_PROXY", "ftp://proxy"), ("https_proxy", "://")]
    {
        let export = export_from("https://nowhere.invalid", [format!("{ID}a")]);
        let export = without_proxies(export).env(variable, value);
        let outcome = export.expect(2);
        let expected =
            format!("error: {variable} is no proxy address: use one such as http://proxy:3128, or unset it");
        assert_eq!(outcome.last_line(), expected);
        sweep(&export, variable);
    }
    // Where it does not apply, it does not matter.
    let server = Scripted::api(|asked| Answer::page(asked, 1));
    without_proxies(Export::run_of(server.url(), ["a"])).env("HTTPS_PROXY", &bad).expect(0);
    let exempt = check("https://nowhere.invalid", 0).env("HTTPS_PROXY", &bad).env("NO_PROXY", ".invalid");
    assert!(failure(&exempt.expect(5)).contains("its address is not found"));
    without_proxies(Export::run_of(server.url(), ["a"])).env("HTTPS_PROXY", "").expect(0);
}

#[test]
fn an_outage_that_comes_again_within_a_minute_is_one_warning() {
    let is_down = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let (down, count) = (Arc::clone(&is_down), Arc::clone(&answered));
    let server = Scripted::api(move |asked| {
        if down.load(Ordering::Relaxed) {
            return Answer::message(500, "Internal Server Error");
        }
        count.fetch_add(1, Ordering::Relaxed);
        Answer::page(asked, 3)
    });
    // The rate leaves contacts for the second outage.
    let contacts = (0..400).map(|at| format!("c{at}"));
    let export = Export::run_of(server.url(), contacts).args("-v --log-format json --rate-limit 60");
    let running = export.start();
    let count = |event: &str| running.stderr().matches(&format!("\"event\":\"{event}\"")).count();
    for outage in 1..=2 {
        let before = answered.load(Ordering::Relaxed);
        wait_until("answers", || answered.load(Ordering::Relaxed) > before + 3);
        is_down.store(true, Ordering::Relaxed);
        wait_until("an outage", || count("outage_began") == outage);
        is_down.store(false, Ordering::Relaxed);
        wait_until("its end", || count("outage_ended") == outage);
    }
    running.signal("TERM");
    let lines = objects(&running.wait(Duration::from_mins(1)).expect(143));
    let of = |event: &str| {
        let lines = lines.iter().filter(|line| line["event"] == event);
        lines.map(|line| (line["level"].clone(), line["repeated"].clone())).collect::<Vec<_>>()
    };
    let level = |level: &str, repeated: bool| (Value::from(level), Value::from(repeated));
    assert_eq!(of("outage_began"), [level("warn", false), level("debug", true)]);
    assert_eq!(of("outage_ended"), [level("info", false), level("debug", true)]);
}
