//! Errors of stores as a user sees them: what is wrong, on what, and what to do. One line, without secrets.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::export::Export;
use crate::support::stores::{Remote, SECRETS};

/// The longest time of a command, on a slow machine. Nothing is waited for in vain.
const LONGEST: Duration = Duration::from_secs(30);

/// A key that the store does not know, which must not be printed.
const WRONG: &str = "d3Jvbmctc2VjcmV0LW9mLXRoZS10ZXN0cw==";

/// Environment variables that a machine may have.
const OF_THE_MACHINE: [&str; 14] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
];

/// The command in an environment with only these variables of stores.
fn command(arguments: &str, environment: &[(&str, &str)]) -> Export {
    let command =
        OF_THE_MACHINE.iter().fold(Export::command(arguments), |command, name| command.env_remove(name));
    let home = command.path("home").to_string_lossy().into_owned();
    let command = command.env("HOME", &home);
    environment.iter().fold(command, |command, (name, value)| command.env(name, value))
}

/// The environment of a store, with other values of some variables.
fn with<'a>(
    environment: &'a [(&'static str, String)],
    others: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let own = environment.iter().map(|(name, value)| (*name, value.as_str()));
    own.chain(others.iter().copied()).collect()
}

/// The exit code and the last line of `runs`, without what differs between two executions.
fn told(url: &str, environment: &[(&str, &str)]) -> String {
    let outcome = command("runs", environment).arg(url).start().wait(LONGEST);
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    for secret in SECRETS.iter().chain(&[WRONG]) {
        assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains(['<', '>']) || outcome.stderr.contains("<PATH>"), "{}", outcome.stderr);
    let mut line = outcome.stderr.trim_end().to_owned();
    if let Some((before, after)) = line.split_once("127.0.0.1:") {
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        line = format!("{before}HOST{after}");
    }
    format!("{} {line}", outcome.code.unwrap_or(-1))
}

/// An address on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// A server that accepts connections and never answers.
fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    (format!("http://{}", listener.local_addr().expect("an address")), listener)
}

/// A server that gives this response to each request, until the tests end.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    url
}

#[test]
fn errors_of_an_s3_store_say_what_to_do() {
    let Some(remote) = Remote::seaweedfs("errors_of_an_s3_store_say_what_to_do") else { return };
    let (url, environment) = ("s3://exports/nothing-here", remote.environment());
    let nobody = nobody();
    let denied = answering("403 Forbidden", "<Error><Code>AccessDenied</Code><Message>No</Message></Error>");
    let region = answering(
        "400 Bad Request",
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
    );
    let no_bucket =
        answering("404 Not Found", "<Error><Code>NoSuchBucket</Code><BucketName>b</BucketName></Error>");
    let mut table = format!("unknown bucket: {}\n", told("s3://no-such-bucket/p", &with(&environment, &[])));
    for (case, others) in [
        ("nothing there", vec![]),
        ("secret", vec![("AWS_SECRET_ACCESS_KEY", WRONG)]),
        ("access key", vec![("AWS_ACCESS_KEY_ID", "nobody")]),
        ("no bucket", vec![("AWS_ENDPOINT_URL", &*no_bucket)]),
        ("denied", vec![("AWS_ENDPOINT_URL", &*denied)]),
        ("region", vec![("AWS_ENDPOINT_URL", &*region)]),
        ("down", vec![("AWS_ENDPOINT_URL", &*nobody)]),
        ("another machine", vec![("AWS_ENDPOINT_URL", "http://storage.example.com")]),
        ("no URL", vec![("AWS_ENDPOINT_URL", "storage")]),
        ("a password", vec![("AWS_ENDPOINT_URL", "https://u:d3Jvbmctc2VjcmV0LW9mLXRoZS10ZXN0cw@h")]),
    ] {
        writeln!(table, "{case}: {}", told(url, &with(&environment, &others))).unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    unknown bucket: 6 error: cannot read s3://no-such-bucket/p/_runs/latest.json: there is no bucket no-such-bucket: create it, or correct the URL
    nothing there: 2 error: there is no export at s3://exports/nothing-here: it has no _runs/latest.json and no tables
    secret: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: the store refuses the signature (SignatureDoesNotMatch): check AWS_SECRET_ACCESS_KEY
    access key: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: the store does not know the access key (InvalidAccessKeyId): check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL
    no bucket: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: there is no bucket exports: create it, or correct the URL
    denied: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: the store denies access (AccessDenied): the credentials need permission to list, read, write and delete objects there
    region: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1
    down: 6 error: cannot read s3://exports/nothing-here/_runs/latest.json: cannot connect to HOST (Connection refused (os error 111)): check AWS_ENDPOINT_URL and the network
    another machine: 2 error: invalid value 's3://exports/nothing-here' for '<PATH>': AWS_ENDPOINT_URL has plain http, which is only allowed to this machine: use https; see: chatzy-export runs --help
    no URL: 2 error: invalid value 's3://exports/nothing-here' for '<PATH>': AWS_ENDPOINT_URL is not a URL: use a form such as https://storage.example.com; see: chatzy-export runs --help
    a password: 2 error: invalid value 's3://exports/nothing-here' for '<PATH>': AWS_ENDPOINT_URL contains a user name or password: set the variables of the credentials instead; see: chatzy-export runs --help
    "#);
}

#[test]
fn missing_credentials_end_soon_and_say_where_they_were_looked_for() {
    let (silent, _listener) = silent();
    let nobody = nobody();
    let host = nobody.replace("http://", "");
    let identity = format!("{nobody}/token");
    let mut table = String::new();
    for (url, environment) in [
        ("s3://b/p", vec![("AWS_METADATA_ENDPOINT", &*silent), ("AWS_REGION", "us-east-1")]),
        ("s3://b/p", vec![("AWS_METADATA_ENDPOINT", &*nobody), ("AWS_PROFILE", "work")]),
        ("s3://b/p", vec![("AWS_ACCESS_KEY_ID", "half")]),
        ("gs://b/p", vec![("GCE_METADATA_HOST", &*host), ("GCE_METADATA_IP", &*host)]),
        ("gs://b/p", vec![("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]),
        ("az://b/p", vec![("AZURE_STORAGE_ACCOUNT_NAME", "account"), ("IDENTITY_ENDPOINT", &*identity)]),
        ("az://b/p", vec![]),
    ] {
        writeln!(table, "{url}: {}", told(url, &environment)).unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    s3://b/p: 2 error: cannot read s3://b/p/_runs/latest.json: no credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and the metadata service at 127.0.0.1 does not respond: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN
    s3://b/p: 2 error: cannot read s3://b/p/_runs/latest.json: no credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and the metadata service at 127.0.0.1 does not respond: profiles (AWS_PROFILE) and SSO are not read: run eval "$(aws configure export-credentials --format env)" first
    s3://b/p: 2 error: invalid value 's3://b/p' for '<PATH>': cannot use s3://b/p: Missing SecretAccessKey; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN; see: chatzy-export runs --help
    gs://b/p: 2 error: cannot read gs://b/p/_runs/latest.json: no credentials in GOOGLE_APPLICATION_CREDENTIALS and the file of `gcloud auth application-default login`, and the metadata service at 127.0.0.1 does not respond: set GOOGLE_APPLICATION_CREDENTIALS, the path of a key file
    gs://b/p: 2 error: invalid value 'gs://b/p' for '<PATH>': cannot use gs://b/p: Unable to open service account file from /nowhere/key.json: No such file or directory (os error 2); set GOOGLE_APPLICATION_CREDENTIALS, the path of a key file; see: chatzy-export runs --help
    az://b/p: 2 error: cannot read az://b/p/_runs/latest.json: no credentials in AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_CLIENT_ID with AZURE_TENANT_ID and AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE, and the metadata service at 127.0.0.1 does not respond: set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN
    az://b/p: 2 error: invalid value 'az://b/p' for '<PATH>': cannot use az://b/p: Account must be specified; set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN; see: chatzy-export runs --help
    "#);
}

#[test]
fn errors_of_azure_say_what_to_do() {
    let Some(remote) = Remote::azurite("errors_of_azure_say_what_to_do") else { return };
    let environment = remote.environment();
    let mut table = String::new();
    for (url, others) in [
        ("az://exports/nothing-here", vec![("AZURE_STORAGE_ACCOUNT_KEY", WRONG)]),
        ("az://no-such-container/p", vec![]),
    ] {
        writeln!(table, "{url}: {}", told(url, &with(&environment, &others))).unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    az://exports/nothing-here: 6 error: cannot read az://exports/nothing-here/_runs/latest.json: the store denies access (AuthorizationFailure): check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY; the credentials need permission to list, read, write and delete objects there
    az://no-such-container/p: 6 error: cannot read az://no-such-container/p/_runs/latest.json: there is no container no-such-container: create it, or correct the URL
    "#);
}
