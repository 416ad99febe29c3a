//! Fetching a password or token from where the user keeps it.

use std::path::Path;
use std::process::{Command, Stdio};

use secrecy::SecretString;

use super::stop::Stop;
use crate::settings::PasswordSource;

/// The password, from its file or command if that is where it is.
pub fn password(source: &PasswordSource) -> Result<SecretString, Stop> {
    match source {
        PasswordSource::Value(secret) => Ok(secret.clone()),
        PasswordSource::File(path) => first_line(path, "password"),
        PasswordSource::Command(command) => from_command(command),
    }
}

/// The first line of a file.
///
/// The path is not told: who puts the secret itself into the variable would find it in the log.
pub fn first_line(path: &Path, what: &str) -> Result<SecretString, Stop> {
    let variable = if what == "token" { "CHATZY_TOKEN_FILE" } else { "CHATZY_PASSWORD_FILE" };
    let named = format!("the {what} file that {variable} names");
    let text = std::fs::read_to_string(path)
        .map_err(|error| Stop::Credentials { what: format!("cannot read {named}: {error}") })?;
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(line.into()),
        None => Err(Stop::Credentials { what: format!("{named} is empty") }),
    }
}

fn from_command(command: &str) -> Result<SecretString, Stop> {
    let failed = |why: String| Stop::Credentials { what: format!("the password command failed: {why}") };
    // The command gets no credential of ours in its environment, and its errors go where the user sees them.
    let output = Command::new("sh")
        .args(["-c", command])
        .env_remove("CHATZY_PASSWORD")
        .env_remove("CHATZY_TOKEN")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("it printed no UTF-8".to_owned()))?;
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(line.into()),
        None => Err(failed("it printed nothing".to_owned())),
    }
}
