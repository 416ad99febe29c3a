//! Reports the progress and the outcome of a run to the console, the metrics file and the pinged monitor.
//!
//! Each target gets the outcome once. The console is last.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::exit::Exit;
use super::log::Console;
use crate::event::{Event, Observer};
use crate::monitor::{self, Moment, Pinger, RunMetrics, Tally};
use crate::output::manifest::Manifest;
use crate::settings::PingUrl;

/// Maximum time for reports to monitors in a process that must exit at once.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum time to write the metrics file at the end of a run.
const METRICS_TIMEOUT: Duration = Duration::from_secs(5);

/// Targets of the reports about a run, besides stderr.
#[derive(Debug, Default)]
pub struct Targets {
    /// Metrics file for `node_exporter`'s textfile collector.
    pub metrics_file: Option<PathBuf>,
    /// Monitor that expects regular pings.
    pub ping: Option<PingUrl>,
}

/// Outcome of a run.
#[derive(Debug)]
pub struct RunOutcome {
    pub exit: Exit,
    /// The last line without the command. None if the output is complete without it.
    pub sentence: Option<String>,
    /// The next command to run, if one helps.
    pub command: Option<String>,
    /// Manifest of a published run.
    pub manifest: Option<Manifest>,
}

/// Observer that passes events on and reports the outcome.
pub struct RunMonitor {
    console: Arc<Console>,
    tally: Tally,
    metrics_file: Option<PathBuf>,
    pinger: Option<Pinger>,
    starting: Mutex<Option<JoinHandle<()>>>,
    began: Instant,
    outcome: OnceLock<RunOutcome>,
    has_printed: AtomicBool,
}

impl RunMonitor {
    /// Starts the clock of the run.
    pub fn new(console: Arc<Console>, targets: Targets) -> Arc<Self> {
        Arc::new(Self {
            console,
            tally: Tally::default(),
            metrics_file: targets.metrics_file,
            pinger: targets.ping.map(Pinger::new),
            starting: Mutex::default(),
            began: Instant::now(),
            outcome: OnceLock::new(),
            has_printed: AtomicBool::new(false),
        })
    }

    /// Pings the monitor for the start of the run, in the background.
    pub fn begin(self: &Arc<Self>) {
        if self.pinger.is_some() {
            let monitor = Arc::clone(self);
            let ping = tokio::spawn(async move { monitor.ping(Moment::Start).await });
            *self.starting.lock().unwrap_or_else(PoisonError::into_inner) = Some(ping);
        }
    }

    /// Reports the outcome to all targets. Returns the exit code.
    pub async fn end(&self, outcome: RunOutcome) -> Exit {
        if self.outcome.set(outcome).is_ok() {
            self.report().await;
        } else {
            // A signal came first. Its handler reports and ends the process.
            sleep(FAREWELL_TIMEOUT).await;
        }
        self.print_last_line()
    }

    /// Like [`Self::end`], for a process that must exit at once. An earlier outcome stays.
    pub async fn farewell(&self, outcome: RunOutcome) -> Exit {
        if self.outcome.set(outcome).is_ok() {
            drop(timeout(FAREWELL_TIMEOUT, self.report()).await);
        }
        self.print_last_line()
    }

    /// Like [`Self::end`], without a runtime. It does not ping.
    pub fn end_without_runtime(&self, outcome: RunOutcome) -> Exit {
        let outcome = self.outcome.get_or_init(|| outcome);
        if let Some(path) = &self.metrics_file
            && let Err(error) = monitor::write(path, &self.metrics(outcome))
        {
            self.console.event(Event::MetricsFailed { reason: error.describe() });
        }
        self.print_last_line()
    }

    fn metrics(&self, outcome: &RunOutcome) -> RunMetrics {
        RunMetrics {
            ended_at: SystemTime::now(),
            duration: self.began.elapsed(),
            exit_code: outcome.exit.code(),
            figures: self.tally.figures(outcome.manifest.as_ref()),
        }
    }

    /// Removes the progress bar. No line of progress follows.
    pub fn clear(&self) {
        self.console.finish();
    }

    async fn report(&self) {
        self.clear();
        let Some(outcome) = self.outcome.get() else { return };
        let moment = if outcome.exit == Exit::Complete { Moment::Success } else { Moment::Fail };
        let ping = async {
            let starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The ping for the end must not overtake the one for the start.
            if let Some(starting) = starting {
                drop(starting.await);
            }
            self.ping(moment).await;
        };
        tokio::join!(self.write_metrics(outcome), ping);
    }

    async fn ping(&self, moment: Moment) {
        let Some(pinger) = &self.pinger else { return };
        if let Err(reason) = pinger.ping(moment).await {
            self.console.event(Event::PingFailed { host: pinger.host().to_owned(), reason });
        }
    }

    async fn write_metrics(&self, outcome: &RunOutcome) {
        let Some(path) = self.metrics_file.clone() else { return };
        let run = self.metrics(outcome);
        // A blocking thread: a disk that hangs must not delay the ping or the exit.
        let shown = path.display().to_string();
        let write = tokio::task::spawn_blocking(move || monitor::write(&path, &run));
        let reason = match timeout(METRICS_TIMEOUT, write).await {
            Ok(Ok(Err(error))) => error.describe(),
            Err(_) => format!("{shown} was not written within {} s", METRICS_TIMEOUT.as_secs()),
            Ok(_) => return,
        };
        self.console.event(Event::MetricsFailed { reason });
    }

    fn print_last_line(&self) -> Exit {
        self.clear();
        let Some(outcome) = self.outcome.get() else { return Exit::Bug };
        if let Some(sentence) = &outcome.sentence
            && !self.has_printed.swap(true, Ordering::AcqRel)
        {
            self.console.print_last_line(outcome.exit, sentence, outcome.command.as_deref());
        }
        outcome.exit
    }
}

impl Observer for RunMonitor {
    fn event(&self, event: Event) {
        if self.metrics_file.is_some() {
            self.tally.event(&event);
        }
        self.console.event(event);
    }

    fn request_sent(&self) {
        self.console.request_sent();
    }
}
