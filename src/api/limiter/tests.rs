use super::*;

mod model;

#[tokio::test(start_paused = true)]
async fn as_few_requests_before_two_429s_are_no_limit() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut learned = LearnedRate::new();
    for second in [0, 2000] {
        for request in 0..4 {
            learned.started(at(second + request * 10));
        }
        learned.answered(at(second), at(second + 20));
        learned.touched(at(second + 30), at(second + 40));
        learned.answered(at(second + 1480), at(second + 1500));
    }
    let interval = learned.interval(at(3500)).expect("a rate");
    assert!(interval < Duration::from_millis(170), "three requests in a second are no limit: {interval:?}");
}

#[tokio::test(start_paused = true)]
async fn never_more_than_the_ceiling_in_flight() {
    let limiter = Arc::new(Limiter::new(3, None));
    let first = limiter.admit().await;
    let _second = limiter.admit().await;
    let _third = limiter.admit().await;
    assert!(matches!(limiter.try_enter(), Entry::Full));
    drop(first);
    let _fourth = limiter.admit().await;
    assert!(matches!(limiter.try_enter(), Entry::Full));
}

#[tokio::test(start_paused = true)]
async fn the_limit_halves_once_a_round_trip_and_grows_back() {
    let limiter = Arc::new(Limiter::new(64, None));
    for _ in 0..100 {
        limiter.answered(Instant::now(), None);
    }
    assert!((limiter.lock().limit - 64.0).abs() < 0.1);
    let sent = Instant::now();
    tokio::time::advance(Duration::from_millis(50)).await;
    limiter.overloaded(sent + Duration::from_millis(1));
    limiter.overloaded(sent + Duration::from_millis(2));
    assert!((limiter.lock().limit - 32.0).abs() < 0.1, "one round trip halves once");
    limiter.answered(Instant::now(), None);
    assert!(limiter.lock().limit < 32.1, "after a cut it grows by one a round, not by one an answer");
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_all_requests_for_the_requested_time() {
    let limiter = Arc::new(Limiter::new(8, None));
    let permit = limiter.admit().await;
    assert_eq!(
        limiter.throttled(permit.since, Some(Duration::from_secs(7))),
        Throttle::Wait(Duration::from_secs(7))
    );
    drop(permit);
    let before = Instant::now();
    let _permit = limiter.admit().await;
    assert_eq!(before.elapsed(), Duration::from_secs(7));
    let day = limiter.throttled(Instant::now(), Some(Duration::from_hours(24)));
    assert_eq!(day, Throttle::Wait(MAX_SILENCE), "an absurd Retry-After is cut");
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_retried_twice() {
    let limiter = Arc::new(Limiter::new(8, None));
    for _ in 0..QUOTA_ASKS {
        let permit = limiter.admit().await;
        assert!(matches!(limiter.quota_spent(permit.since), Throttle::Wait(_)));
    }
    let permit = limiter.admit().await;
    assert_eq!(limiter.quota_spent(permit.since), Throttle::GiveUp);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_one_probe_at_a_time_leaves() {
    let limiter = Arc::new(Limiter::new(8, None));
    limiter.failed(None, Reach::Network);
    limiter.begin_outage();
    let probe = limiter.admit().await;
    assert!(probe.is_probe);
    assert!(matches!(limiter.try_enter(), Entry::Full));
    limiter.answered(Instant::now(), None);
    assert!(matches!(limiter.try_enter(), Entry::Entered { is_probe: false, .. }));
}

#[tokio::test(start_paused = true)]
async fn after_a_429_one_request_tries_whether_it_is_over() {
    let limiter = Arc::new(Limiter::new(8, None));
    let permit = limiter.admit().await;
    limiter.throttled(permit.since, None);
    drop(permit);
    let trial = limiter.admit().await;
    assert!(matches!(limiter.try_enter(), Entry::Full));
    assert!(matches!(limiter.throttled(trial.since, None), Throttle::Wait(_)));
    drop(trial);
    let trial = limiter.admit().await;
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(matches!(limiter.try_enter(), Entry::Full), "whatever the pace");
    limiter.answered(trial.since, None);
    drop(trial);
    let _one = limiter.admit().await;
    let _other = limiter.admit().await;
}

/// Sends two requests at once. The server grants the first and refuses the second.
async fn grant_one_of_two(limiter: &Arc<Limiter>) {
    let granted = limiter.admit().await;
    let refused = limiter.admit().await;
    tokio::time::advance(Duration::from_millis(1)).await;
    limiter.answered(granted.since, None);
    limiter.throttled(refused.since, Some(Duration::from_secs(1)));
}

/// Starts the next request. True if no other one follows it before its answer, whatever the pace.
async fn is_next_alone(limiter: &Arc<Limiter>) -> bool {
    let _trial = limiter.admit().await;
    tokio::time::advance(Duration::from_secs(10)).await;
    matches!(limiter.try_enter(), Entry::Full)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_grants_one_request_at_once_is_asked_at_the_learned_rate_after_the_first_pause() {
    let limiter = Arc::new(Limiter::new(8, None));
    grant_one_of_two(&limiter).await;
    let after_the_pause = limiter.admit().await;
    assert!(matches!(limiter.try_enter(), Entry::ClosedUntil(_)), "at the pace");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(limiter.try_enter(), Entry::Entered { is_trial: false, .. }), "before the answer");
    limiter.throttled(after_the_pause.since, Some(Duration::from_secs(1)));
    assert!(is_next_alone(&limiter).await, "one request tests if the throttling is over");
}

#[tokio::test(start_paused = true)]
async fn the_second_request_after_a_pause_leaves_later() {
    let limiter = Arc::new(Limiter::new(8, None));
    grant_one_of_two(&limiter).await;
    let first = limiter.admit().await;
    let interval = limiter.lock().grant.interval(first.since).expect("a rate");
    let second = limiter.admit().await;
    let distance = second.since - first.since;
    assert!(distance > interval + LATE_AFTER_PAUSE / 2, "{distance:?} at an interval of {interval:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_does_not_show_how_many_requests_the_server_grants_at_once() {
    let limiter = Arc::new(Limiter::new(8, None));
    let sign_in = limiter.admit().await;
    limiter.answered(sign_in.since, None);
    tokio::time::advance(Duration::from_millis(1)).await;
    let refused = limiter.admit().await;
    limiter.throttled(refused.since, Some(Duration::from_secs(1)));
    assert!(is_next_alone(&limiter).await, "one request tests if the throttling is over");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_granted_requests_before_is_not_one_that_grants_one_at_once() {
    let limiter = Arc::new(Limiter::new(2, None));
    for _ in 0..3 {
        let permit = limiter.admit().await;
        tokio::time::advance(Duration::from_millis(1)).await;
        limiter.answered(permit.since, None);
    }
    grant_one_of_two(&limiter).await;
    assert!(is_next_alone(&limiter).await, "one request tests if the throttling is over");
}

#[tokio::test(start_paused = true)]
async fn requests_granted_at_once_are_counted_if_they_are_answered_after_the_first_429() {
    for (count, is_alone) in [(1, false), (2, true)] {
        let limiter = Arc::new(Limiter::new(8, None));
        let refused = limiter.admit().await;
        let mut granted = Vec::new();
        for _ in 0..count {
            granted.push(limiter.admit().await);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        limiter.throttled(refused.since, Some(Duration::from_secs(1)));
        for permit in granted {
            limiter.answered(permit.since, None);
        }
        assert_eq!(is_next_alone(&limiter).await, is_alone, "{count} of several requests granted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_sent_after_the_first_429_does_not_count_as_granted_at_once() {
    let limiter = Arc::new(Limiter::new(8, None));
    grant_one_of_two(&limiter).await;
    let slow = limiter.admit().await;
    let refused = limiter.admit().await;
    tokio::time::advance(Duration::from_millis(1)).await;
    limiter.throttled(refused.since, Some(Duration::from_secs(1)));
    limiter.answered(slow.since, None);
    assert!(!limiter.lock().grant.grants_bursts());
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_the_first_pause_does_not_slow_the_search() {
    let limiter = Arc::new(Limiter::new(8, None));
    let refused = limiter.admit().await;
    limiter.throttled(refused.since, Some(Duration::from_secs(1)));
    drop(refused);
    limiter.failed(None, Reach::Network);
    assert!(limiter.begin_outage());
    tokio::time::advance(Duration::from_mins(10)).await;
    let probe = limiter.admit().await;
    assert!(limiter.answered(probe.since, None).is_some());
    tokio::time::advance(Duration::from_secs(1)).await;
    let interval = limiter.lock().grant.interval(Instant::now()).expect("a rate");
    assert!(interval < Duration::from_millis(10), "{interval:?} a second after the outage");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_too_little_is_waited_for_longer_and_longer() {
    let limiter = Arc::new(Limiter::new(8, None));
    let mut waits = Vec::new();
    for _ in 0..20 {
        let permit = limiter.admit().await;
        let Throttle::Wait(wait) = limiter.throttled(permit.since, Some(Duration::ZERO)) else { break };
        waits.push(wait);
    }
    assert!(waits[10] > Duration::from_secs(20), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_429s_ends_after_a_quarter_of_an_hour() {
    let limiter = Arc::new(Limiter::new(8, None));
    let start = Instant::now();
    loop {
        let permit = limiter.admit().await;
        if limiter.throttled(permit.since, None) == Throttle::GiveUp {
            break;
        }
    }
    assert!(start.elapsed() > MAX_THROTTLED && start.elapsed() < MAX_THROTTLED + MAX_BACKOFF * 2);
}

/// Maximum number of starts within any second.
fn most_in_a_second(starts: &[Instant]) -> usize {
    let within = |first: &Instant| {
        starts.iter().filter(|at| *at >= first && **at < *first + Duration::from_secs(1)).count()
    };
    starts.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn no_second_holds_more_than_the_rate_limit() {
    for (limit, most) in [(0.5, 1), (1.0, 1), (2.5, 3), (7.0, 7), (50.0, 50), (900.0, 900)] {
        let limiter = Arc::new(Limiter::new(32, Some(limit)));
        let starts = Arc::new(Mutex::new(Vec::new()));
        let requests = (0..most * 4 + 5).map(|number| {
            let (limiter, starts) = (Arc::clone(&limiter), Arc::clone(&starts));
            tokio::spawn(async move {
                let mut permit = limiter.admit().await;
                starts.lock().unwrap().push(permit.since);
                tokio::time::sleep(Duration::from_millis(30)).await;
                // A stall, and a closed gate. Neither may end in a burst.
                if number == most {
                    tokio::time::advance(Duration::from_millis(1700)).await;
                }
                if number == most * 3 {
                    limiter.throttled(permit.since, Some(Duration::from_secs(2)));
                    drop(permit);
                    permit = limiter.admit().await;
                    starts.lock().unwrap().push(permit.since);
                }
                limiter.answered(permit.since, None);
            })
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.unwrap();
        }
        let starts = starts.lock().unwrap();
        let worst = most_in_a_second(&starts);
        assert!(worst <= most, "{worst} in a second, {limit} allowed");
        assert_eq!(starts.len(), most * 4 + 6);
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_used() {
    let limiter = Arc::new(Limiter::new(32, Some(500.0)));
    let start = Instant::now();
    for _ in 0..1000 {
        limiter.admit().await;
    }
    assert!(start.elapsed() < Duration::from_millis(2200), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn repeats_are_bounded_over_the_whole_run() {
    let limiter = Arc::new(Limiter::new(8, None));
    let taken = (0..1000).filter(|_| limiter.take_retry()).count();
    assert_eq!(taken, 100);
    for _ in 0..52 {
        limiter.answered(Instant::now(), None);
    }
    assert_eq!((0..1000).filter(|_| limiter.take_retry()).count(), 10, "one for every five answers");
}

#[tokio::test(start_paused = true)]
async fn while_answers_are_slow_nothing_grows() {
    let limiter = Arc::new(Limiter::new(256, None));
    let answers = |count: u32, milliseconds: u64| {
        for _ in 0..count {
            limiter.took(Duration::from_millis(milliseconds));
            limiter.answered(Instant::now(), None);
        }
    };
    answers(62, 100);
    let before = limiter.lock().limit;
    assert!(before > 60.0, "{before}");
    answers(31, 250);
    let slow = limiter.lock().limit;
    answers(50, 250);
    assert!((limiter.lock().limit - slow).abs() < 0.1);
    answers(93, 110);
    assert!(limiter.lock().limit > slow + 30.0, "it grows again");
}

#[tokio::test(start_paused = true)]
async fn while_answers_are_slow_a_learned_rate_does_not_grow() {
    let limiter = Arc::new(Limiter::new(32, None));
    let permit = limiter.admit().await;
    limiter.throttled(permit.since, Some(Duration::from_secs(1)));
    drop(permit);
    for slow in [100, 250] {
        for _ in 0..62 {
            let permit = limiter.admit().await;
            limiter.took(Duration::from_millis(slow));
            limiter.answered(permit.since, None);
        }
    }
    let interval = |limiter: &Limiter| limiter.lock().grant.interval(Instant::now());
    let before = interval(&limiter);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(interval(&limiter), before);
}

async fn assert_does_not_raise_the_learned_rate(pause: impl Fn(&Limiter)) {
    let limiter = Arc::new(Limiter::new(8, None));
    for _ in 0..2 {
        grant_one_of_two(&limiter).await;
    }
    let permit = limiter.admit().await;
    limiter.answered(permit.since, None);
    let interval = |limiter: &Limiter| limiter.lock().grant.interval(Instant::now()).expect("a rate");
    let before = interval(&limiter);
    pause(&limiter);
    let _permit = limiter.admit().await;
    let after = interval(&limiter);
    assert!(after * 2 > before, "{after:?} instead of {before:?}");
}

#[tokio::test(start_paused = true)]
async fn a_503_with_retry_after_does_not_raise_the_learned_rate() {
    let several_at_once = |limiter: &Limiter| (0..8).for_each(|_| limiter.silence(Duration::from_mins(1)));
    assert_does_not_raise_the_learned_rate(several_at_once).await;
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_does_not_raise_the_learned_rate() {
    let retried = |limiter: &Limiter| {
        limiter.quota_spent(Instant::now());
    };
    assert_does_not_raise_the_learned_rate(retried).await;
}

#[tokio::test(start_paused = true)]
async fn a_503_with_retry_after_pauses_all_requests() {
    let limiter = Arc::new(Limiter::new(8, None));
    limiter.silence(Duration::from_secs(3));
    let before = Instant::now();
    let _permit = limiter.admit().await;
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    limiter.silence(Duration::from_hours(24));
    let before = Instant::now();
    let _permit = limiter.admit().await;
    assert_eq!(before.elapsed(), MAX_SILENCE);
}
