//! Reads a password or token from its file or command, with limits on time and size.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fatal::Fatal;
use super::password_command;
use crate::settings::{PasswordSource, secret};

/// Maximum time for a command or a file. A pipe may never be written to, and a network disk may hang.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Maximum number of bytes read from a file or command. Secrets are shorter, and a device is endless.
pub const SIZE_LIMIT: u64 = 64 << 10;

/// Returns the password, from its file or command if configured.
pub async fn password(source: &PasswordSource) -> Result<SecretString, Fatal> {
    match source {
        PasswordSource::Value(secret) => Ok(secret.clone()),
        PasswordSource::File(path) => {
            let named = "the password file that CHATZY_PASSWORD_FILE names";
            let text = text(path, named).await?;
            secret::first_line(&text).ok_or_else(|| bad(format!("{named} is empty")))
        }
        PasswordSource::Command(command) => {
            let failed = |why: &str| bad(format!("the password command failed: {why}"));
            let output = password_command::output(command, TIME_LIMIT).await.map_err(|why| failed(&why))?;
            let text = String::from_utf8(output).map_err(|_| failed("it printed no UTF-8"))?;
            secret::first_line(&text).ok_or_else(|| failed("it printed nothing"))
        }
    }
}

/// Reads the token from a file.
pub async fn token(path: &Path) -> Result<SecretString, Fatal> {
    let named = "the token file that CHATZY_TOKEN_FILE names";
    let text = text(path, named).await?;
    let line = text.lines().next().unwrap_or_default();
    if secret::trimmed(line).is_empty() {
        return Err(bad(format!("{named} is empty")));
    }
    Ok(secret::token(line))
}

/// True if more than [`SIZE_LIMIT`] was read.
pub fn too_large(bytes: &[u8]) -> bool {
    bytes.len() as u64 > SIZE_LIMIT
}

fn bad(what: String) -> Fatal {
    Fatal::Credentials { what }
}

/// Reads a file. Errors call it `named` instead of its path, because a user may put the secret itself into
/// the variable.
async fn text(path: &Path, named: &str) -> Result<String, Fatal> {
    let reading = read(path.to_owned()).map_err(|error| Fatal::NoThreads { what: error.to_string() })?;
    let bytes = match timeout(TIME_LIMIT, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(bad(format!("cannot read {named}: {error}"))),
        Err(_) => {
            let seconds = TIME_LIMIT.as_secs();
            return Err(bad(format!("cannot read {named}: no data arrived for {seconds} s")));
        }
    };
    if too_large(&bytes) {
        return Err(bad(format!("{named} is larger than {} KiB, too large for a secret", SIZE_LIMIT >> 10)));
    }
    String::from_utf8(bytes).map_err(|_| bad(format!("{named} is not UTF-8")))
}

/// Reads a file on its own thread, which stays behind if the file never responds. The error is that of
/// starting the thread.
fn read(path: PathBuf) -> io::Result<impl Future<Output = io::Result<Vec<u8>>>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name("secret".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes));
        // The receiver is gone if the read took too long.
        let _unwanted = sender.send(read.map(|_| bytes));
    })?;
    Ok(async {
        receiver.await.unwrap_or_else(|_| Err(io::Error::other("the thread that reads it panicked")))
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use secrecy::ExposeSecret;

    use super::*;

    async fn error_of(path: &Path) -> String {
        let error = password(&PasswordSource::File(path.to_owned())).await.unwrap_err();
        error.to_string()
    }

    #[tokio::test]
    async fn an_endless_device_is_refused() {
        insta::assert_snapshot!(error_of(Path::new("/dev/zero")).await, @"the password file that CHATZY_PASSWORD_FILE names is larger than 64 KiB, too large for a secret");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pipe_without_a_writer_times_out() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        insta::assert_snapshot!(error_of(&pipe).await, @"cannot read the password file that CHATZY_PASSWORD_FILE names: no data arrived for 30 s");
    }

    #[tokio::test]
    async fn a_pipe_may_hold_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let line = format!("printf 'Bearer a.b.c\\n' > {}", pipe.display());
        let mut writer = Command::new("sh").args(["-c", &line]).spawn().unwrap();
        assert_eq!(token(&pipe).await.unwrap().expose_secret(), "a.b.c");
        writer.wait().unwrap();
    }
}
