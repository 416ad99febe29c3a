//! Runs the command that prints the password, in its own process group, with limits on time and output.

use std::io;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::secret_source::{SIZE_LIMIT, too_large};

/// The command that is running, if any.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// Kills a running command with its process group. Call it before this process exits.
pub fn end() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(group) = running {
        kill(group);
    }
}

fn kill(group: Pid) {
    // The group may have ended meanwhile.
    let _gone = kill_process_group(group, Signal::KILL);
}

/// The process group of a command. Dropping it kills the group.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = pid;
        Self(pid)
    }

    /// Keeps the processes that an ended command has started, such as a key agent.
    fn release(mut self) {
        self.0 = None;
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
            kill(group);
        }
    }
}

/// Returns the output of the command, or the reason why there is none.
pub async fn output(command: &str, limit: Duration) -> Result<Vec<u8>, String> {
    // The command gets none of our credentials in its environment. Its error messages go to the terminal.
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env_remove("CHATZY_PASSWORD")
        .env_remove("CHATZY_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())?;
    let group = Group::of(&child);
    match timeout(limit, finish(&mut child)).await {
        Ok(output) => {
            let output = output?;
            group.release();
            Ok(output)
        }
        Err(_) => Err(format!("it did not end within {} s", limit.as_secs())),
    }
}

async fn finish(child: &mut Child) -> Result<Vec<u8>, String> {
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(SIZE_LIMIT + 1).read_to_end(&mut output).await.map_err(as_text)?;
    }
    if too_large(&output) {
        return Err(format!("it printed more than {} KiB", SIZE_LIMIT >> 10));
    }
    let status = child.wait().await.map_err(as_text)?;
    if status.success() { Ok(output) } else { Err(status.to_string()) }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn as_text(error: io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Long enough for a shell to start on a busy machine.
    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_command_that_is_too_slow() {
        let error = output("sleep 1000", Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error, "it did not end within 30 s");
    }

    #[tokio::test]
    async fn a_command_that_times_out_leaves_nothing_running() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let command = format!(
            "sleep 1000 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait",
            pids = pids.display()
        );
        let runs = async {
            while !pids.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = output(&command, LONG) => panic!("{ended:?}"),
            () = runs => {}
        }
        for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
            assert!(is_gone(pid).await, "process {pid} still runs");
        }
    }

    /// Waits a moment for a killed process to end. True if it has ended.
    async fn is_gone(pid: &str) -> bool {
        let status = Path::new("/proc").join(pid).join("stat");
        for _ in 0..1000 {
            match std::fs::read_to_string(&status) {
                Ok(stat) if !stat.contains(") Z ") => tokio::time::sleep(Duration::from_millis(5)).await,
                _ => return true,
            }
        }
        false
    }

    #[tokio::test]
    async fn endless_output_is_refused() {
        assert_eq!(output("cat /dev/zero", LONG).await.unwrap_err(), "it printed more than 64 KiB");
    }

    #[tokio::test]
    async fn the_output_of_a_command_that_succeeds() {
        assert_eq!(output("printf s3cret", LONG).await.unwrap(), b"s3cret");
        assert_eq!(output("exit 3", LONG).await.unwrap_err(), "exit status: 3");
    }
}
