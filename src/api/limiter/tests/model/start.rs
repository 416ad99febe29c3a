//! Time until an unknown limit is found: the first half minute, and the minute after it.

use super::*;

/// Burst, latency in milliseconds, and `Retry-After` in seconds of each simulated server.
fn servers() -> impl Iterator<Item = (u32, u32, Option<u64>)> {
    let latencies = |burst| [10, 30, 100, 300_u32].map(|latency| (burst, latency));
    let all = [1, 10, 100].into_iter().flat_map(latencies);
    all.flat_map(|(burst, latency)| [None, Some(1)].map(|retry_after| (burst, latency, retry_after)))
}

async fn assert_found_soon(rate: u32, seconds: u32) {
    for (burst, latency, retry_after) in servers() {
        fastrand::seed(7);
        let limit = Limit::Bucket { burst: burst.into() };
        let wait = retry_after.map(Duration::from_secs);
        let mut server = Server::new(limit, rate, wait, Duration::from_millis(latency.into()));
        // A server that grants no two requests at once refuses half of those that arrive at random, whatever
        // the rate.
        server.jitter = 0.0;
        let server = Arc::new(Mutex::new(server));
        press(&Arc::new(Limiter::new(32, None)), &server, Duration::from_secs(seconds.into())).await;
        // 32 requests in flight may be fewer than the limit.
        let most = (32_000.0 / f64::from(latency) / f64::from(rate)).min(1.0);
        let (first, _) = shares(&server, 0, 30);
        let (later, refused) = shares(&server, 30, seconds);
        let description = format!("{rate}/s, burst {burst}, {latency} ms, Retry-After {retry_after:?}");
        // Three 429s find the limit. Each costs a pause and a round trip.
        let least = if latency == 300 && retry_after.is_some() { 0.83 } else { 0.85 };
        assert!(first >= least * most, "{first:.3} of the limit in the first half minute: {description}");
        assert!(later >= 0.95 * most, "{later:.3} of the limit after that: {description}");
        assert!(refused <= 0.015, "{refused:.4} refused after that: {description}");
        // Until the first 429, requests double with each round trip. So as many as were granted at once may
        // be refused, which is more than 2 % in the first minutes of a slow server.
        let (_, refused) = shares(&server, 0, seconds);
        assert!(refused <= 0.02, "{refused:.4} refused: {description}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_5_a_second_is_found_soon() {
    assert_found_soon(5, 1200).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_20_a_second_is_found_soon() {
    assert_found_soon(20, 360).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_60_a_second_is_found_soon() {
    assert_found_soon(60, 120).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_200_a_second_is_found_soon() {
    assert_found_soon(200, 75).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_1000_a_second_is_found_soon() {
    assert_found_soon(1000, 75).await;
}

/// Small bursts, after a sign-in, of a server that refuses sooner than it grants.
#[tokio::test(start_paused = true)]
async fn a_limit_with_a_small_burst_is_found_soon() {
    let servers =
        [2, 4, 6, 8_u32].into_iter().flat_map(|burst| [10, 30, 100].map(|latency| (burst, latency)));
    for (burst, latency) in servers {
        for (rate, retry_after) in [(20, None), (20, Some(1)), (60, None), (60, Some(1)), (200, Some(1))] {
            fastrand::seed(7);
            let limit = Limit::Bucket { burst: burst.into() };
            let latency = Duration::from_millis(latency);
            let mut server = Server::new(limit, rate, retry_after.map(Duration::from_secs), latency);
            (server.jitter, server.work) = (0.0, Duration::from_millis(3));
            let server = Arc::new(Mutex::new(server));
            let limiter = Arc::new(Limiter::new(32, None));
            request(&limiter, &server).await;
            press(&limiter, &server, Duration::from_mins(2)).await;
            let (first, _) = shares(&server, 0, 30);
            let (later, refused) = shares(&server, 30, 120);
            let description = format!("{rate}/s, burst {burst}, {latency:?}, Retry-After {retry_after:?}");
            let least = if (rate, burst) == (60, 6) { 0.8 } else { 0.75 };
            assert!(first >= least, "{first:.3} of the limit in the first half minute: {description}");
            assert!(later >= 0.95, "{later:.3} of the limit after that: {description}");
            assert!(refused <= 0.015, "{refused:.4} refused after that: {description}");
        }
    }
}

/// At such limits, a request more or less makes a difference of a few percent.
#[tokio::test(start_paused = true)]
async fn a_limit_of_a_few_requests_a_second_is_found_soon() {
    for rate in [2, 3, 4] {
        for (burst, latency, retry_after) in servers().filter(|(burst, ..)| *burst < 100) {
            fastrand::seed(7);
            let wait = retry_after.map(Duration::from_secs);
            let limit = Limit::Bucket { burst: burst.into() };
            let mut server = Server::new(limit, rate, wait, Duration::from_millis(latency.into()));
            server.jitter = 0.0;
            let server = Arc::new(Mutex::new(server));
            press(&Arc::new(Limiter::new(32, None)), &server, Duration::from_mins(15)).await;
            let (first, _) = shares(&server, 0, 30);
            let (later, refused) = shares(&server, 30, 900);
            let description = format!("{rate}/s, burst {burst}, {latency} ms, Retry-After {retry_after:?}");
            assert!(first >= 0.75, "{first:.3} of the limit in the first half minute: {description}");
            assert!(later >= 0.95, "{later:.3} of the limit after that: {description}");
            assert!(refused <= 0.02, "{refused:.4} refused after that: {description}");
        }
    }
}

/// Returns the granted fractions in the first half minute and after it.
async fn shares_by_the_second(limit: Limit, rate: u32, latency: u64, retry_after: Option<u64>) -> (f64, f64) {
    let seeds: u32 = if rate < 1000 { 3 } else { 1 };
    let (mut first, mut later) = (0.0, 0.0);
    for seed in 0..seeds {
        fastrand::seed(seed.into());
        let wait = retry_after.map(Duration::from_secs);
        let server = Arc::new(Mutex::new(Server::new(limit, rate, wait, Duration::from_millis(latency))));
        press(&Arc::new(Limiter::new(32, None)), &server, Duration::from_mins(2)).await;
        first += shares(&server, 0, 30).0 / f64::from(seeds);
        later += shares(&server, 30, 120).0 / f64::from(seeds);
    }
    (first, later)
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_each_second_is_found_soon() {
    for limit in [Limit::Window { length: Duration::from_secs(1) }, Limit::Sliding] {
        for rate in [60, 200, 1000] {
            for (latency, retry_after) in [(10, None), (10, Some(1)), (30, None), (30, Some(1))] {
                let (first, later) = shares_by_the_second(limit, rate, latency, retry_after).await;
                let description = format!("{limit:?}, {rate}/s, {latency} ms, Retry-After {retry_after:?}");
                assert!(first >= 0.85, "{first:.3} of the limit in the first half minute: {description}");
                assert!(later >= 0.93, "{later:.3} of the limit after that: {description}");
            }
        }
    }
}

/// Five requests are too few to see the limit soon. What the first refused ones cost must not delay the next attempt for
/// minutes.
#[tokio::test(start_paused = true)]
async fn a_slow_limit_of_each_second_is_approached_within_minutes() {
    let (_, later) = shares_by_the_second(Limit::Sliding, 5, 300, Some(1)).await;
    assert!(later >= 0.6, "{later:.3} of the limit after the first half minute");
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_that_is_a_429_stalls_nothing() {
    fastrand::seed(7);
    let limiter = Arc::new(Limiter::new(32, None));
    for _ in 0..3 {
        let permit = limiter.admit().await;
        limiter.throttled(permit.since, Some(Duration::from_secs(1)));
    }
    let start = Instant::now();
    for _ in 0..1000 {
        let permit = limiter.admit().await;
        limiter.answered(permit.since, None);
    }
    assert!(start.elapsed() < Duration::from_secs(12), "{:?} for 1,000 answers", start.elapsed());
}
