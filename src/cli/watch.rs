//! Who watches a run: the console, the metrics file and the monitor that is pinged. Each learns how it ended, once, and
//! the console last.

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

/// How long a process that is asked to leave at once may still take to tell monitors.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a run that has ended waits for its metrics file to be written.
const METRICS_PATIENCE: Duration = Duration::from_secs(5);

/// Where to tell how a run goes, besides stderr.
#[derive(Debug, Default)]
pub struct Targets {
    /// A file for `node_exporter`'s textfile collector.
    pub metrics_file: Option<PathBuf>,
    /// A monitor that waits for signs of life.
    pub ping: Option<PingUrl>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// Its exit code.
    pub exit: Exit,
    /// What happened, in one sentence; none where all is said already.
    pub sentence: Option<String>,
    /// What to type next, if there is something to do.
    pub command: Option<String>,
    /// What was published.
    pub manifest: Option<Manifest>,
}

/// Watches a run.
pub struct Watch {
    console: Arc<Console>,
    tally: Tally,
    metrics_file: Option<PathBuf>,
    pinger: Option<Pinger>,
    starting: Mutex<Option<JoinHandle<()>>>,
    began: Instant,
    ending: OnceLock<Ending>,
    has_spoken: AtomicBool,
}

impl Watch {
    /// From now on.
    pub fn new(console: Arc<Console>, targets: Targets) -> Arc<Self> {
        Arc::new(Self {
            console,
            tally: Tally::default(),
            metrics_file: targets.metrics_file,
            pinger: targets.ping.map(Pinger::new),
            starting: Mutex::default(),
            began: Instant::now(),
            ending: OnceLock::new(),
            has_spoken: AtomicBool::new(false),
        })
    }

    /// Tells the monitor that a run has begun. The run does not wait for it.
    pub fn begin(self: &Arc<Self>) {
        if self.pinger.is_some() {
            let watch = Arc::clone(self);
            let ping = tokio::spawn(async move { watch.ping(Moment::Start).await });
            *self.starting.lock().unwrap_or_else(PoisonError::into_inner) = Some(ping);
        }
    }

    /// Tells everybody how the run ended; gives its exit code.
    pub async fn end(&self, ending: Ending) -> Exit {
        if self.ending.set(ending).is_ok() {
            self.report().await;
        } else {
            // A signal was faster and is just being told; the process ends with that.
            sleep(FAREWELL).await;
        }
        self.last_word()
    }

    /// As [`Self::end`], when the process has to leave at once. A run that had ended before keeps its ending.
    pub async fn farewell(&self, ending: Ending) -> Exit {
        if self.ending.set(ending).is_ok() {
            drop(timeout(FAREWELL, self.report()).await);
        }
        self.last_word()
    }

    /// As [`Self::end`], where there are no threads to ping from.
    pub fn end_without_runtime(&self, ending: Ending) -> Exit {
        let ending = self.ending.get_or_init(|| ending);
        if let Some(path) = &self.metrics_file
            && let Err(error) = monitor::write(path, &self.metrics(ending))
        {
            self.console.event(Event::MetricsFailed { reason: error.describe() });
        }
        self.last_word()
    }

    fn metrics(&self, ending: &Ending) -> RunMetrics {
        RunMetrics {
            ended_at: SystemTime::now(),
            took: self.began.elapsed(),
            exit_code: ending.exit.code(),
            figures: self.tally.figures(ending.manifest.as_ref()),
        }
    }

    /// Takes the progress bar away.
    pub fn clear(&self) {
        self.console.finish();
    }

    async fn report(&self) {
        self.clear();
        let Some(ending) = self.ending.get() else { return };
        let moment = if ending.exit == Exit::Complete { Moment::Success } else { Moment::Fail };
        let ping = async {
            let starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The end must not overtake the start.
            if let Some(starting) = starting {
                drop(starting.await);
            }
            self.ping(moment).await;
        };
        tokio::join!(self.write_metrics(ending), ping);
    }

    async fn ping(&self, moment: Moment) {
        let Some(pinger) = &self.pinger else { return };
        if let Err(reason) = pinger.tell(moment).await {
            self.console.event(Event::PingFailed { host: pinger.host().to_owned(), reason });
        }
    }

    async fn write_metrics(&self, ending: &Ending) {
        let Some(path) = self.metrics_file.clone() else { return };
        let run = self.metrics(ending);
        // On a thread of its own: a disk that hangs must not hold up the ping or a farewell.
        let told = path.display().to_string();
        let write = tokio::task::spawn_blocking(move || monitor::write(&path, &run));
        let reason = match timeout(METRICS_PATIENCE, write).await {
            Ok(Ok(Err(error))) => error.describe(),
            Err(_) => format!("{told} is not written within {} s", METRICS_PATIENCE.as_secs()),
            Ok(_) => return,
        };
        self.console.event(Event::MetricsFailed { reason });
    }

    fn last_word(&self) -> Exit {
        let Some(ending) = self.ending.get() else { return Exit::Bug };
        if let Some(sentence) = &ending.sentence
            && !self.has_spoken.swap(true, Ordering::AcqRel)
        {
            self.console.last_word(ending.exit, sentence, ending.command.as_deref());
        }
        ending.exit
    }
}

impl Observer for Watch {
    fn event(&self, event: Event) {
        if self.metrics_file.is_some() {
            self.tally.event(&event);
        }
        self.console.event(event);
    }
}
