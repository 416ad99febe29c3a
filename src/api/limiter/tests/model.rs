//! The limiter against simulated servers that limit the rate in different ways.

use std::collections::VecDeque;
use std::ops::Range;

use super::*;

mod start;

/// Rate limit of a server.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// A bucket of at most this many tokens, refilled evenly.
    Bucket { burst: f64 },
    /// A fixed number per window.
    Window { length: Duration },
    /// A fixed number in any second.
    Sliding,
}

/// Response of the server.
enum Answer {
    Granted,
    /// A refusal with this `Retry-After`.
    Refused(Option<Duration>),
    None,
}

#[derive(Debug)]
struct Server {
    limit: Limit,
    rate: u32,
    retry_after: Option<Duration>,
    latency: Duration,
    /// Relative variation of the latency.
    jitter: f64,
    /// Additional time until a granted request is answered.
    work: Duration,
    /// Seconds in which no request succeeds.
    outage: Range<u64>,
    start: Instant,
    tokens: f64,
    filled: Instant,
    window: u128,
    in_window: f64,
    recent: VecDeque<Instant>,
    /// Arrival time of each request, and true if it was granted.
    seen: Vec<(Duration, bool)>,
}

impl Server {
    fn new(limit: Limit, rate: u32, retry_after: Option<Duration>, latency: Duration) -> Self {
        let now = Instant::now();
        let tokens = if let Limit::Bucket { burst } = limit { burst } else { 0.0 };
        Self {
            limit,
            rate,
            retry_after,
            latency,
            jitter: 0.2,
            work: Duration::ZERO,
            outage: 0..0,
            start: now,
            tokens,
            filled: now,
            window: 0,
            in_window: 0.0,
            recent: VecDeque::new(),
            seen: Vec::new(),
        }
    }

    fn answer(&mut self) -> Answer {
        let is_down = self.outage.contains(&self.start.elapsed().as_secs());
        let granted = self.grants();
        self.seen.push((self.start.elapsed(), granted && !is_down));
        match (is_down, granted) {
            (true, _) => Answer::None,
            (false, true) => Answer::Granted,
            (false, false) => Answer::Refused(self.retry_after),
        }
    }

    fn grants(&mut self) -> bool {
        let now = Instant::now();
        match self.limit {
            Limit::Bucket { burst } => {
                let earned = (now - self.filled).as_secs_f64() * f64::from(self.rate);
                (self.tokens, self.filled) = ((self.tokens + earned).min(burst), now);
                let granted = self.tokens >= 1.0;
                self.tokens -= f64::from(u8::from(granted));
                granted
            }
            Limit::Window { length } => {
                let window = (now - self.start).as_nanos() / length.as_nanos();
                if window > self.window {
                    (self.window, self.in_window) = (window, 0.0);
                }
                let granted = self.in_window + 1.0 <= f64::from(self.rate) * length.as_secs_f64();
                self.in_window += f64::from(u8::from(granted));
                granted
            }
            Limit::Sliding => {
                while self.recent.front().is_some_and(|first| now - *first >= Duration::from_secs(1)) {
                    self.recent.pop_front();
                }
                let granted = self.recent.len() < self.rate.try_into().unwrap();
                if granted {
                    self.recent.push_back(now);
                }
                granted
            }
        }
    }
}

/// Sends requests as fast as the limiter allows, until this time.
async fn press(limiter: &Arc<Limiter>, server: &Arc<Mutex<Server>>, until: Duration) {
    let end = server.lock().unwrap().start + until;
    let contacts = (0..limiter.ceiling).map(|_| {
        let (limiter, server) = (Arc::clone(limiter), Arc::clone(server));
        tokio::spawn(async move {
            while Instant::now() < end {
                request(&limiter, &server).await;
            }
        })
    });
    for contact in contacts.collect::<Vec<_>>() {
        contact.await.unwrap();
    }
}

/// Sends one request when the limiter allows it.
async fn request(limiter: &Arc<Limiter>, server: &Mutex<Server>) {
    let permit = limiter.admit().await;
    let (way, work) = {
        let server = server.lock().unwrap();
        (server.latency.mul_f64(0.5 + server.jitter * (fastrand::f64() - 0.5)), server.work)
    };
    tokio::time::sleep(way).await;
    let answer = server.lock().unwrap().answer();
    tokio::time::sleep(way).await;
    match answer {
        Answer::Granted => {
            tokio::time::sleep(work).await;
            limiter.answered(permit.since, None);
        }
        Answer::Refused(hint) => {
            assert!(matches!(limiter.throttled(permit.since, hint), Throttle::Wait(_)));
        }
        Answer::None => {
            if matches!(limiter.failed(None, Reach::Network), Diagnosis::Suspected(_)) {
                limiter.begin_outage();
            }
        }
    }
}

/// Returns the granted fraction of the limit and the refused fraction of the requests, in the seconds from
/// `from` to `to`.
fn shares(server: &Mutex<Server>, from: u32, to: u32) -> (f64, f64) {
    let server = server.lock().unwrap();
    let within = |at: &Duration| (u64::from(from)..u64::from(to)).contains(&at.as_secs());
    let (mut all, mut granted) = (0, 0);
    for (_, is_granted) in server.seen.iter().filter(|(at, _)| within(at)) {
        all += 1;
        granted += u32::from(*is_granted);
    }
    (f64::from(granted) / f64::from(server.rate * (to - from)), 1.0 - f64::from(granted) / f64::from(all))
}

/// Runs against a server with this seed. Returns the granted fraction of the limit and the refused fraction,
/// after the start phase.
async fn settled(seed: u64, server: Server, minutes: u32) -> (f64, f64) {
    fastrand::seed(seed);
    let server = Arc::new(Mutex::new(server));
    press(&Arc::new(Limiter::new(32, None)), &server, Duration::from_mins(minutes.into())).await;
    shares(&server, 60, minutes * 60)
}

fn assert_used(granted: f64, (refused, most): (f64, f64), description: &str) {
    assert!(granted >= 0.9, "{granted:.3} of the limit used: {description}");
    assert!(refused <= most, "{refused:.4} of the requests refused: {description}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_used_and_rarely_exceeded() {
    for (rate, minutes, seeds) in [(5, 6, 4), (50, 5, 3), (500, 3, 1)] {
        for limit in [
            Limit::Bucket { burst: f64::from(rate / 5).max(2.0) },
            Limit::Bucket { burst: f64::from(rate) * 10.0 },
            Limit::Window { length: Duration::from_secs(1) },
            Limit::Sliding,
        ] {
            for (retry_after, latency) in [(None, 3), (None, 40), (Some(1), 20)] {
                for seed in 0..seeds {
                    let description =
                        format!("{rate}/s, {limit:?}, {retry_after:?}, {latency} ms, seed {seed}");
                    let retry_after = retry_after.map(Duration::from_secs);
                    let server = Server::new(limit, rate, retry_after, Duration::from_millis(latency));
                    let (granted, refused) = settled(seed, server, minutes).await;
                    assert_used(granted, (refused, 0.01), &description);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_by_the_minute_is_used_too() {
    for (rate, minutes) in [(50, 7), (500, 3)] {
        for retry_after in [None, Some(Duration::from_secs(5))] {
            let limit = Limit::Window { length: Duration::from_mins(1) };
            let server = Server::new(limit, rate, retry_after, Duration::from_millis(20));
            let (granted, refused) = settled(7, server, minutes).await;
            // At the end of each minute's quota, the server refuses all 32 requests in flight.
            let most = 32.0 / f64::from(rate * 60) + 0.0005;
            assert_used(granted, (refused, most), &format!("{rate}/s, {retry_after:?}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_moves_is_found_again() {
    fastrand::seed(7);
    let server = Server::new(Limit::Bucket { burst: 50.0 }, 50, None, Duration::from_millis(20));
    let server = Arc::new(Mutex::new(server));
    let limiter = Arc::new(Limiter::new(32, None));
    for (minute, rate) in [(2, 50), (4, 10), (8, 200)] {
        server.lock().unwrap().rate = rate;
        press(&limiter, &server, Duration::from_mins(minute.into())).await;
        let (granted, refused) = shares(&server, (minute - 1) * 60, minute * 60);
        let description = format!("{granted:.3} of {rate}/s granted, {refused:.4} refused");
        assert!(granted >= 0.9, "{description}");
        assert!(refused <= 0.02, "{description}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_limit_is_used_as_before() {
    fastrand::seed(7);
    let mut server = Server::new(Limit::Sliding, 50, None, Duration::from_millis(20));
    server.outage = 120..180;
    let server = Arc::new(Mutex::new(server));
    press(&Arc::new(Limiter::new(32, None)), &server, Duration::from_mins(5)).await;
    let probes =
        server.lock().unwrap().seen.iter().filter(|(at, _)| (125..180).contains(&at.as_secs())).count();
    assert!(probes < 15, "{probes} requests in the outage");
    let (granted, refused) = shares(&server, 3 * 60 + 30, 5 * 60);
    assert!(granted >= 0.9, "{granted:.3} granted half a minute after the outage");
    assert!(refused <= 0.01, "{refused:.4} refused");
}
