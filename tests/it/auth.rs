//! Sign-in, and the secrecy of credentials.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;

use crate::paging::assert_complete;
use crate::support::export::{EMAIL, Export, PASSWORD, tree, write};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::{Service, wait_until};

const CONTACTS: [&str; 3] = ["messages-120-a", "messages-5-b", "empty-c"];

/// The command without the e-mail address and password of other tests.
fn without_login(url: &str) -> Export {
    Export::run_of(url, CONTACTS).env_remove("CHATZY_EMAIL").env_remove("CHATZY_PASSWORD")
}

/// A service with one valid password.
fn guarded() -> Service {
    Service::start(&format!("--email {EMAIL} --sim-password {PASSWORD}"))
}

fn sign_ins_asked(service: &Service) -> u64 {
    service.stats().by_endpoint.get(&chatzy_simulator::Endpoint::SignIn).copied().unwrap_or(0)
}

#[test]
fn a_wrong_password_is_tried_once() {
    let service = guarded();
    let outcome = Export::run_of(service.url(), CONTACTS).env("CHATZY_PASSWORD", "wrong").expect(4);
    assert_snapshot!(outcome.last_line(), @"error: sign-in refused (401 Unauthorized: Incorrect username or password.): check the credentials; to resume, run");
    assert_eq!(service.stats().requests, 1, "one sign-in and nothing else");
}

#[test]
fn a_password_changed_under_way_is_tried_once_more() {
    let server = Scripted::start(|asked| match (asked.is_sign_in(), asked.before) {
        (true, 0) => Answer::token_until("token-1", SystemTime::now() + Duration::from_secs(2)),
        (true, _) => Answer::message(401, "Incorrect username or password."),
        (false, _) => Answer::page(asked, 1),
    });
    let contacts: Vec<String> = (0..200).map(|at| format!("c{at}")).collect();
    let export = Export::run_of(server.url(), contacts).args("--rate-limit 50");
    let outcome = export.expect(4);
    assert_snapshot!(outcome.last_line(), @"error: sign-in refused (401 Unauthorized: Incorrect username or password.): check the credentials; to resume, run");
    assert_eq!(server.asked().iter().filter(|asked| asked.is_sign_in()).count(), 2);
}

#[test]
fn one_sign_in_serves_the_whole_run() {
    let service = guarded();
    Export::run_of(service.url(), CONTACTS).expect(0);
    assert_eq!(sign_ins_asked(&service), 1);
}

#[test]
fn a_token_is_renewed_before_it_expires() {
    let service = Service::start("--token-life 2s --latency 50ms");
    let contacts: Vec<String> = (0..60).map(|at| format!("messages-5-{at}")).collect();
    let outcome = Export::run_of(service.url(), &contacts).args("--format jsonl --concurrency 1").expect(0);
    assert_eq!(outcome.rows("messages").len(), 300);
    let stats = service.stats();
    assert!((2..=10).contains(&stats.sign_ins), "{} sign-ins", stats.sign_ins);
}

#[test]
fn whatever_is_said_of_the_expiry() {
    for expiry in ["missing", "seconds", "past", "absurd"] {
        let service = Service::start(&format!("--token-life 1s --latency 50ms --expiry-at {expiry}"));
        let contacts: Vec<String> = (0..30).map(|at| format!("messages-5-{at}")).collect();
        let outcome =
            Export::run_of(service.url(), &contacts).args("--format jsonl --concurrency 1").expect(0);
        assert_eq!(outcome.rows("messages").len(), 150, "{expiry}");
    }
}

#[test]
fn a_refused_token_is_renewed_and_the_request_repeated() {
    // With more requests in flight this is rarer: a request with three such faults in a row ends the run.
    for (every, concurrency) in [(3, 1), (50, 32)] {
        let service = Service::start(&format!("--unauthorized-every {every}"));
        let contacts: Vec<String> = (0..40).map(|at| format!("messages-15-{at}")).collect();
        let export = Export::run_of(service.url(), &contacts).args("--format jsonl");
        let outcome = export.args(&format!("--concurrency {concurrency}")).expect(0);
        assert_complete(&service, &outcome, &contacts, "refused now and then");
        assert!(service.stats().by_status["401"] > 0);
    }
}

#[test]
fn a_token_refused_to_many_is_renewed_by_one() {
    let sign_ins = AtomicUsize::new(0);
    let server = Scripted::start(move |asked| match asked.authorization.as_deref() {
        None => Answer::token(&format!("token-{}", sign_ins.fetch_add(1, Ordering::Relaxed) + 1)),
        // Contacts in flight beside the first one that finds the token expired.
        Some("Bearer token-1") if asked.before >= 20 => {
            Answer::message(401, "The incoming token has expired")
        }
        Some(_) => Answer::page(asked, 3),
    });
    let contacts: Vec<String> = (0..100).map(|at| format!("c{at}")).collect();
    let outcome = Export::run_of(server.url(), &contacts).args("--format jsonl").expect(0);
    assert_eq!(outcome.rows("messages").len(), 300);
    assert_eq!(server.asked().iter().filter(|asked| asked.is_sign_in()).count(), 2);
}

#[test]
fn a_fresh_token_refused_again_and_again_ends_the_run() {
    for concurrency in ["1", "32"] {
        let sign_ins = AtomicUsize::new(0);
        let server = Scripted::start(move |asked| {
            if !asked.is_sign_in() {
                return Answer::message(401, "Unauthorized");
            }
            Answer::token(&format!("token-{}", sign_ins.fetch_add(1, Ordering::Relaxed)))
        });
        let contacts: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
        let outcome = Export::run_of(server.url(), contacts).args("--concurrency").arg(concurrency).expect(4);
        insta::allow_duplicates! {
            assert_snapshot!(outcome.last_line(), @"error: sign-in refused (401 Unauthorized: Unauthorized): check the credentials; to resume, run");
        }
        assert_eq!(server.asked().iter().filter(|asked| asked.is_sign_in()).count(), 3, "two renewals");
    }
}

#[test]
fn a_contact_that_is_always_unauthorized_fails_alone() {
    for concurrency in ["1", "32"] {
        let sign_ins = AtomicUsize::new(0);
        let server = Scripted::start(move |asked| {
            if asked.is_sign_in() {
                return Answer::token(&format!("token-{}", sign_ins.fetch_add(1, Ordering::Relaxed)));
            }
            if asked.contact() == "c7" {
                Answer::message(401, "Unauthorized")
            } else {
                Answer::page(asked, 3)
            }
        });
        let contacts: Vec<String> = (0..12).map(|at| format!("c{at}")).collect();
        let export = Export::run_of(server.url(), contacts).args("--format jsonl --retries 3 --concurrency");
        let outcome = export.arg(concurrency).expect(3);
        assert_eq!(outcome.contacts("failed"), 1);
        assert_eq!(outcome.rows("messages").len(), 33);
        assert!(server.asked().iter().filter(|asked| asked.is_sign_in()).count() <= 4, "few renewals");
    }
}

#[test]
fn while_nobody_can_sign_in_the_old_token_serves_until_it_expires() {
    let server = Scripted::start(|asked| match (asked.is_sign_in(), asked.before) {
        (true, 0) => Answer::token_until("token-1", SystemTime::now() + Duration::from_secs(3)),
        (true, ..4) => Answer::message(503, "Service Unavailable"),
        (true, _) => Answer::token("token-2"),
        (false, _) => Answer::page(asked, 3),
    });
    let contacts: Vec<String> = (0..200).map(|at| format!("c{at}")).collect();
    let export = Export::run_of(server.url(), &contacts).args("--format jsonl --rate-limit 50 --retries 0");
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 600);
    let warnings = outcome.stderr.matches("sign-in failed").count();
    assert_eq!(warnings, 1, "three failures within a minute: {}", outcome.stderr);
    let asked = server.asked();
    let place = |what: &dyn Fn(&crate::support::scripted::Asked) -> bool| {
        asked.iter().position(what).expect("there is one")
    };
    let refused = place(&|asked| asked.is_sign_in() && asked.before == 1);
    let old = Some("Bearer token-1".to_owned());
    assert!(asked[refused..].iter().any(|asked| asked.authorization == old), "the old token serves on");
    let new = place(&|asked| asked.authorization.as_deref() == Some("Bearer token-2"));
    assert!(asked[new..].iter().all(|asked| asked.authorization != old), "the new one from then on");
}

#[test]
fn a_given_token_that_expires_is_reported_and_the_run_resumes_with_another() {
    let answered = AtomicUsize::new(0);
    let server = Scripted::start(move |asked| match asked.authorization.as_deref() {
        Some("Bearer old") if answered.fetch_add(1, Ordering::Relaxed) >= 30 => {
            Answer::message(401, "expired")
        }
        _ => Answer::page(asked, 3),
    });
    let contacts: Vec<String> = (0..60).map(|at| format!("c{at}")).collect();
    let export =
        Export::run_of(server.url(), &contacts).env_remove("CHATZY_EMAIL").env_remove("CHATZY_PASSWORD");
    let export = export.args("--format jsonl --concurrency 4 --consistency fast");
    let outcome = export.clone().env("CHATZY_TOKEN", "old").expect(4);
    assert_snapshot!(outcome.last_line(), @"error: sign-in refused (the given token has expired or is not valid): check the credentials; to resume, run");
    let outcome = export.env("CHATZY_TOKEN", "new").expect(0);
    assert_eq!(outcome.rows("messages").len(), 180);
    let again =
        server.asked().iter().filter(|asked| asked.authorization.as_deref() == Some("Bearer new")).count();
    assert!(again <= 30 + 4, "what was answered is not asked for again: {again} requests");
}

#[test]
fn a_given_token_is_used_and_nobody_signs_in() {
    let service = Service::start("--token given");
    without_login(service.url()).env("CHATZY_TOKEN", "given").expect(0);
    assert_eq!(sign_ins_asked(&service), 0);
}

#[test]
fn a_given_token_that_is_refused_ends_the_run() {
    let service = Service::start("--token given");
    let outcome = without_login(service.url()).env("CHATZY_TOKEN", "old").expect(4);
    assert_snapshot!(outcome.last_line(), @"error: sign-in refused (the given token has expired or is not valid): check the credentials; to resume, run");
    assert_eq!(sign_ins_asked(&service), 0);
}

#[test]
fn a_given_token_that_is_refused_is_replaced_by_signing_in() {
    let service = Service::start("--token given");
    Export::run_of(service.url(), CONTACTS).env("CHATZY_TOKEN", "old").expect(0);
    assert_eq!(sign_ins_asked(&service), 1);
}

#[test]
fn the_token_file_is_read_again_when_the_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    write(&file, "first\n");
    let renewing = file.clone();
    let server = Scripted::start(move |asked| match asked.authorization.as_deref() {
        Some("Bearer first") if asked.before < 2 => Answer::page(asked, 3),
        Some("Bearer second") => Answer::page(asked, 3),
        _ => {
            write(&renewing, "second\n");
            Answer::message(401, "The incoming token has expired")
        }
    });
    let export = without_login(server.url()).env("CHATZY_TOKEN_FILE", &file.to_string_lossy());
    let outcome = export.args("--format jsonl --concurrency 1").expect(0);
    assert_eq!(outcome.rows("messages").len(), 9);
    assert!(server.asked().iter().all(|asked| !asked.is_sign_in()));
}

#[test]
fn a_token_file_that_is_not_renewed_ends_the_run() {
    let service = guarded();
    let export = without_login(service.url()).env("CHATZY_TOKEN_FILE", "token");
    export.write("token", "old\n");
    assert_snapshot!(export.expect(4).last_line(), @"error: sign-in refused (the given token has expired or is not valid): check the credentials; to resume, run");
    let export = export.env("CHATZY_TOKEN_FILE", "nowhere");
    assert_snapshot!(export.expect(2).last_line(), @"error: cannot read the token file that CHATZY_TOKEN_FILE names: No such file or directory (os error 2)");
}

#[test]
fn the_password_may_come_from_a_file_or_a_command() {
    let service = guarded();
    let export = without_login(service.url()).env("CHATZY_EMAIL", EMAIL);
    export.write("secret", format!("{PASSWORD}\n"));
    export.clone().out("file").env("CHATZY_PASSWORD_FILE", "secret").expect(0);
    export.clone().out("option").args("--password-command").arg("cat secret").expect(0);
    export.clone().out("variable").env("CHATZY_PASSWORD_COMMAND", "cat secret").expect(0);
    let outcome = export.clone().args("--password-command").arg("echo to stderr >&2; exit 3").expect(2);
    assert_snapshot!(outcome.last_line(), @"error: the password command failed: exit status: 3");
    let outcome = export.env("CHATZY_PASSWORD_FILE", "nowhere").expect(2);
    assert_snapshot!(outcome.last_line(), @"error: cannot read the password file that CHATZY_PASSWORD_FILE names: No such file or directory (os error 2)");
}

#[test]
fn without_credentials_nothing_begins() {
    let service = guarded();
    let none = without_login(service.url());
    assert_snapshot!(none.expect(2).last_line(), @"error: no credentials: set CHATZY_EMAIL with CHATZY_PASSWORD_FILE (or CHATZY_PASSWORD, or --password-command), or CHATZY_TOKEN_FILE (or CHATZY_TOKEN)");
    assert_snapshot!(none.clone().env("CHATZY_EMAIL", EMAIL).expect(2).last_line(), @"error: CHATZY_EMAIL is set, but no password: set CHATZY_PASSWORD_FILE, CHATZY_PASSWORD or --password-command");
    let outcome = none.env("CHATZY_PASSWORD", PASSWORD).expect(2);
    assert_snapshot!(outcome.last_line(), @"error: a password is set, but no account: set CHATZY_EMAIL");
    assert!(!outcome.out.exists(), "nothing is written");
    assert_eq!(service.stats().requests, 0);
}

#[test]
fn the_header_has_the_form_that_was_chosen() {
    for (scheme, other) in [("raw", "bearer"), ("bearer", "raw")] {
        let service = Service::start(&format!("--auth {scheme}"));
        Export::run_of(service.url(), CONTACTS).args("--auth-scheme").arg(scheme).expect(0);
        let schemes = service.stats().auth_schemes;
        assert!(schemes.contains_key(scheme) && schemes.len() == 1, "{schemes:?}");
        let outcome = Export::run_of(service.url(), CONTACTS).args("--auth-scheme").arg(other).expect(4);
        assert!(!outcome.out.join("_runs").exists());
    }
}

const SECRETS: [&str; 3] = ["hidden.person@shop.example", "pass-phrase-41", "eyJ0b2tlbiI6NDJ9"];

/// Asserts that no secret is in the output and the files of the run.
fn assert_nothing_is_told(export: &Export) {
    for file in tree(&export.path("")) {
        let bytes = fs::read(export.path(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {file}:\n{text}");
        }
    }
}

#[test]
fn secrets_are_told_to_the_api_only() {
    let [email, password, token] = SECRETS;
    let sign_in = move |asked: &crate::support::scripted::Asked| {
        let is_right = asked.body.contains(password) && asked.body.contains(email);
        if is_right { Answer::token(token) } else { Answer::message(401, "no") }
    };
    let has_expired = AtomicBool::new(false);
    let server = Scripted::start(move |asked| match asked.contact() {
        _ if asked.is_sign_in() => sign_in(asked),
        "refused" => Answer::message(403, "no"),
        "broken" => Answer::message(500, "no"),
        "expired" if !has_expired.swap(true, Ordering::Relaxed) => Answer::message(401, "expired"),
        _ => Answer::page(asked, 3),
    });
    let contacts = ["a", "refused", "broken", "expired", "b"];
    let export =
        Export::run_of(server.url(), contacts).env("CHATZY_EMAIL", email).env("CHATZY_PASSWORD", password);
    let export = export.args("-vv --format jsonl --retries 1 --json");
    export.expect(3);
    assert_nothing_is_told(&export);
    assert!(server.asked().iter().any(|asked| asked.authorization == Some(format!("Bearer {token}"))));
    // Unfinished runs, refused sign-ins and the other forms of the log.
    export.clone().args("--max-failed 0").out("stopped").expect(5);
    let refusing = Scripted::start(|_| Answer::message(401, "no"));
    let refused = export.clone().without("--base-url").base_url(refusing.url()).out("refused");
    refused.args("--log-format json").expect(4);
    export.clone().args("--dry-run").expect(0);
    assert_nothing_is_told(&export);
}

#[test]
fn no_secret_is_taken_from_an_argument() {
    for option in ["--password", "--token", "--email"] {
        let outcome = without_login("http://127.0.0.1:1").args(option).arg("x").expect(2);
        assert!(outcome.first_line().contains("unexpected argument"), "{}", outcome.first_line());
    }
}

#[test]
fn secrets_are_taken_as_files_and_tools_store_them() {
    let sent = Scripted::start(|asked| {
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let is_right = body["user_email_id"] == EMAIL && body["password"] == PASSWORD;
        match asked.authorization.as_deref() {
            None if is_right => Answer::token("a.b.c"),
            Some("Bearer a.b.c") => Answer::page(asked, 3),
            _ => Answer::message(401, "no"),
        }
    });
    let none = without_login(sent.url());
    for end in ["", "\n", "\r\n"] {
        for start in ["", "\u{feff}"] {
            let (email, password) = (format!("{start}{EMAIL}{end}"), format!("{start}{PASSWORD}{end}"));
            let export = none.clone().env("CHATZY_EMAIL", &email).args("--fresh");
            export.clone().env("CHATZY_PASSWORD", &password).expect(0);
            export.write("secret", &password);
            export.clone().env("CHATZY_PASSWORD_FILE", "secret").expect(0);
            export.args("--password-command").arg("cat secret").expect(0);
            for scheme in ["", "Bearer ", "bearer ", "BEARER\t"] {
                let token = format!("{start}{scheme}a.b.c{end}");
                none.clone().env("CHATZY_TOKEN", &token).expect(0);
                none.write("token", &token);
                none.clone().env("CHATZY_TOKEN_FILE", "token").expect(0);
            }
        }
    }
}

#[test]
fn an_invalid_token_is_an_error_that_does_not_repeat_it() {
    let service = guarded();
    let none = without_login(service.url());
    for token in ["one two", "one\ntwo", "t\u{f6}ken", "a\u{1}b", "a\u{7f}b"] {
        let outcome = none.clone().env("CHATZY_TOKEN", token).expect(2);
        insta::allow_duplicates! {
            assert_snapshot!(outcome.last_line(), @"error: the given token is invalid, it contains spaces or non-ASCII characters: check CHATZY_TOKEN or the file that CHATZY_TOKEN_FILE names");
        }
    }
    none.write("token", b"\xff\xfea\0.\0b\0");
    let outcome = none.clone().env("CHATZY_TOKEN_FILE", "token").expect(2);
    assert_snapshot!(outcome.last_line(), @"error: the token file that CHATZY_TOKEN_FILE names is not UTF-8");
    assert_eq!(service.stats().requests, 0);
}

#[test]
fn secrets_without_an_end_are_refused() {
    let none = without_login("http://127.0.0.1:1").env("CHATZY_EMAIL", EMAIL);
    let zeros = none.clone().env("CHATZY_PASSWORD_FILE", "/dev/zero").expect(2);
    assert_snapshot!(zeros.last_line(), @"error: the password file that CHATZY_PASSWORD_FILE names is larger than 64 KiB, too large for a secret");
    let zeros = none.clone().args("--password-command").arg("yes").expect(2);
    assert_snapshot!(zeros.last_line(), @"error: the password command failed: it printed more than 64 KiB");
    let zeros = none.env("CHATZY_TOKEN_FILE", "/dev/zero").expect(2);
    assert_snapshot!(zeros.last_line(), @"error: the token file that CHATZY_TOKEN_FILE names is larger than 64 KiB, too large for a secret");
}

#[test]
fn a_password_may_come_from_a_process_substitution() {
    let service = guarded();
    let export = without_login(service.url()).env("CHATZY_EMAIL", EMAIL).env("SECRET", PASSWORD);
    export.shell("exec bash -c 'CHATZY_PASSWORD_FILE=<(echo \"$SECRET\") \"$@\"' bash \"$@\"").expect(0);
}

#[test]
fn a_signal_ends_a_password_command_with_all_that_it_started() {
    let service = guarded();
    for command in ["run", "check"] {
        let export = without_login(service.url()).env("CHATZY_EMAIL", EMAIL);
        let export = if command == "check" { export.into_check() } else { export };
        let export =
            export.args("--password-command").arg("sleep 1000 & echo $$ $! > new; mv new pids; wait");
        let running = export.start();
        wait_until("the command runs", || export.path("pids").exists());
        running.signal("TERM");
        running.wait(Duration::from_mins(1)).expect(143);
        for pid in fs::read_to_string(export.path("pids")).unwrap().split_whitespace() {
            let stat = std::path::PathBuf::from(format!("/proc/{pid}/stat"));
            wait_until("the command is gone", || {
                fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
            });
        }
    }
}
