//! Secrecy apart from the responses of the API: mistakes of the user, the environment, commands, proxies and
//! panics.

use std::process::Command;

use crate::secret_leaks::{
    EMAIL, GIVEN, GRANTED, ID, NAME, PASSWORD, PERSONAL, PHONE, SECRETS, TEXT, export_from, page, sweep,
};
use crate::support::export::{Export, read};
use crate::support::scripted::{Answer, Scripted};
use crate::support::service::wait_until;

#[test]
fn mistakes_of_the_user_are_not_repeated() {
    let base = || {
        let export = Export::command(
            "run --contacts contacts.csv -vv --progress never --dry-run --timeout 1s --base-url http://127.0.0.1:1",
        );
        export.write("contacts.csv", "contact_id\na\n");
        export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD)
    };
    let refused = |export: Export, told: &str| {
        let outcome = export.run();
        assert_eq!(outcome.code, Some(2), "{told}: {}", outcome.stderr);
        sweep(&export, told);
    };
    let url = |url: &str| base().without("--base-url").base_url(url);
    refused(url(&format!("https://me:{GIVEN}@api.example.com")), "a token in the URL");
    refused(url(&format!("https://api.example.com?token={GIVEN}")), "a token in the query");
    refused(url(&format!("http://127.0.0.1:{GIVEN}")), "a token as the port");
    refused(url(&format!("me:{GIVEN}@api.example.com")), "user-info without a scheme");
    let settings = |text: &str| {
        let export = base();
        export.write("given/settings", text);
        export.without("--base-url").args("--config given/settings")
    };
    refused(settings(&format!("password = '{GIVEN}'")), "a secret as a setting");
    refused(settings(&format!("CHATZY_TOKEN={GIVEN}\n")), "an environment file");
    refused(
        settings(&format!("base-url = 'https://me:{GIVEN}@host'")),
        "a URL with a secret in the settings",
    );
    refused(settings(&format!("{GIVEN}\n")), "a token file");
    refused(settings(&format!("out = 'x'\ntoken = \"{GIVEN}\nflat = true\n")), "a string that is not closed");
    let contacts = |text: String| {
        let export = base();
        export.write("contacts.csv", text);
        export
    };
    refused(contacts(format!("{ID}1,{NAME},{PHONE}\n")), "a contacts file without a header");
    refused(contacts(format!("contact_id\n{ID}1,{NAME},{PHONE}\n")), "a line with more cells");
    refused(contacts(format!("contact_id,name\n\"{NAME}\n")), "a quote that is not closed");
    refused(contacts(format!("contact_id\n{NAME}\u{1b}{TEXT}\n")), "a control character");
    refused(contacts(format!("contact_id\n{}\n", TEXT.repeat(9))), "a line that is too long");
    let without = || base().env_remove("CHATZY_PASSWORD").env_remove("CHATZY_EMAIL");
    refused(without().env("CHATZY_TOKEN", &format!("{GIVEN}\u{7f}\n{GIVEN}")), "an invalid token");
    refused(without().env("CHATZY_TOKEN_FILE", GIVEN), "the token in place of its file");
    refused(
        without().env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD_FILE", PASSWORD),
        "the password likewise",
    );
    refused(without().env("CHATZY_PASSWORD", PASSWORD), "no e-mail address");
    for option in ["--token", "--password", "--header", "-p", "--email"] {
        refused(base().arg(&format!("{option}={GIVEN}")), "an option that there is not");
        refused(base().arg(option).arg(GIVEN), "an option that there is not, and its value");
    }
    let from_command = without().env("CHATZY_EMAIL", EMAIL);
    refused(
        from_command.env("CHATZY_PASSWORD_COMMAND", &format!(": '{PASSWORD}'; exit 9")),
        "a command that fails",
    );
}

#[test]
fn help_does_not_show_the_environment() {
    let export = Export::command("run --help").env("CHATZY_PASSWORD_COMMAND", &format!("echo {GIVEN}"));
    let export =
        export.env("CHATZY_BASE_URL", &format!("https://me:{GIVEN}@host")).env("CHATZY_PASSWORD", PASSWORD);
    let outcome = export.expect(0);
    assert!(outcome.stdout.contains("CHATZY_PASSWORD_COMMAND"));
    sweep(&export, "help");
}

#[test]
fn a_password_command_is_given_no_secret() {
    let server = Scripted::start(|asked| match asked.authorization.as_deref() {
        _ if asked.is_sign_in() => Answer::token(GRANTED),
        Some(header) if header.ends_with(GRANTED) => page(asked),
        _ => Answer::message(401, "The incoming token has expired"),
    });
    let export = Export::run_of(server.url(), [format!("{ID}a")]).args("-vv --format jsonl");
    export.write("given/password", PASSWORD);
    let look = "cat /proc/$$/environ > given/environment; cat /proc/$PPID/cmdline > seen-arguments; cat given/password";
    let export = export.env_remove("CHATZY_PASSWORD").env("CHATZY_EMAIL", EMAIL).env("CHATZY_TOKEN", GIVEN);
    export.clone().args("--password-command").arg(look).expect(0);
    let seen = read(&export.path("given/environment"));
    for name in ["CHATZY_TOKEN=", "CHATZY_PASSWORD="] {
        assert!(!seen.contains(name), "{name} in {seen}");
    }
    assert!(seen.contains("PATH="), "the rest is there: {seen}");
    assert!(read(&export.path("seen-arguments")).contains("--contacts"), "the exporter's own arguments");
    sweep(&export, "a password command");
}

#[test]
fn a_proxy_and_the_log_learn_no_secret() {
    let proxy = Scripted::start(|_| Answer::message(502, "no"));
    let address = proxy.url().replace("http://", &format!("http://me:{GIVEN}@"));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let export =
            export_from("https://api.example.invalid/prod", [format!("{ID}a")]).env(variable, &address);
        let running = export.start();
        wait_until("it says why it cannot sign in", || {
            read(&export.path("stderr-0")).contains("sign-in failed")
        });
        running.signal("KILL");
        running.wait(std::time::Duration::from_mins(1));
        sweep(&export, variable);
    }
    for asked in proxy.asked() {
        assert!(
            asked.authorization.is_none() && asked.body.is_empty(),
            "the proxy opens a tunnel: {asked:?}"
        );
    }
    // Requests to a loopback address use no proxy.
    let server =
        Scripted::start(|asked| if asked.is_sign_in() { Answer::token(GRANTED) } else { page(asked) });
    let before = proxy.asked().len();
    let export =
        export_from(server.url(), [format!("{ID}a")]).env("HTTP_PROXY", &address).env("ALL_PROXY", &address);
    export.expect(0);
    sweep(&export, "loopback");
    assert_eq!(proxy.asked().len(), before);
}

/// Panics as the program does, if [`a_panic_tells_where_and_not_what`] starts it.
#[test]
fn panics_when_told_to() {
    if std::env::var_os("PANIC_WITH").is_some() {
        chatzy_export::internals::cli::panics::install();
        let text = format!("{TEXT} {PASSWORD}");
        let worker =
            std::thread::Builder::new().name(NAME.to_owned()).spawn(move || panic!("{text}")).unwrap();
        drop(worker.join());
    }
}

#[test]
fn a_panic_tells_where_and_not_what() {
    let this = std::env::current_exe().unwrap();
    let mut again = Command::new(this);
    again.args(["--exact", "user_input_secrecy::panics_when_told_to", "--nocapture"]);
    for backtrace in ["0", "1"] {
        let output = again.env("PANIC_WITH", "canaries").env("RUST_BACKTRACE", backtrace).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("a bug in chatzy-export") && told.contains("user_input_secrecy.rs:"), "{told}");
        for canary in SECRETS.iter().chain(&PERSONAL) {
            assert!(!told.contains(canary), "{told}");
        }
    }
}
