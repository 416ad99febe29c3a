//! Kills at any call to the file system and at any time, also while a run resumes: nothing is lost, and
//! nothing is there twice.
//!
//! The long form is `make crash`: every call, and 1,000 random kills.

use std::time::Duration;

use crate::support::faults::{CHANGING, Call, Fate, Fault, setting};
use crate::support::power;
use crate::support::scene::{Scene, WorkDir, random};

/// Maximum time until a killed run is gone.
const SOON: Duration = Duration::from_mins(1);

pub fn kill(at: usize, fate: Fate) -> Fault {
    Fault { calls: CHANGING, path: "", at, fate }
}

pub fn random_kill(rng: &mut fastrand::Rng, calls: usize) -> Fault {
    kill(rng.usize(1..=calls), if rng.bool() { Fate::KillBefore } else { Fate::KillAfter })
}

#[test]
fn killed_at_random_calls_also_while_going_on() {
    let (mut rng, seed) = random("killed at random calls");
    for (options, work) in
        [("--partition-by month", WorkDir::Inside), ("--target-file-size 4KB", WorkDir::Beside)]
    {
        let scene = Scene::with_work(options, work);
        for turn in 0..setting("CRASH_KILLS", 50) / 5 {
            let faults: Vec<Fault> =
                (0..rng.usize(1..=4)).map(|_| random_kill(&mut rng, scene.calls)).collect();
            scene.survives(&format!("random-{turn}"), &faults, &format!("{seed}, {options}: {faults:?}"));
        }
    }
}

#[test]
fn killed_at_random_times() {
    let (mut rng, seed) = random("killed at random times");
    let scene = Scene::new("--partition-by year");
    let began = std::time::Instant::now();
    scene.fresh("timed").expect(0);
    let whole = began.elapsed();
    for turn in 0..setting("CRASH_KILLS", 50) / 5 {
        let export = scene.fresh(&format!("timed-{turn}"));
        let told = format!("{seed}, turn {turn}");
        for _ in 0..rng.usize(1..=3) {
            let mut running = export.start();
            // Only here does time decide: any moment is as good as another.
            std::thread::sleep(whole.mul_f64(rng.f64()));
            if !running.is_over() {
                running.signal("KILL");
            }
            running.wait(SOON);
            scene.readers_see_a_whole_run(&export, &told);
        }
        scene.ends_well(&export, &told);
    }
}

#[test]
fn what_a_step_relies_on_is_on_the_disk() {
    let scene = Scene::new("--partition-by month");
    let export = scene.fresh("durable").logging_calls();
    export.expect(0);
    let calls = export.calls();
    let step = |name: &str| {
        let is_it = |call: &Call| call.name == "rename" && call.with.ends_with(name);
        &calls[..calls.iter().position(is_it).expect("a step")]
    };
    let stage = export.out_path().join("_work/stage");
    let work = export.out_path().join("_work");
    let nothing: [std::path::PathBuf; 0] = [];
    let staged = power::not_durable(step("publish.json"));
    let staged: Vec<_> = staged.into_iter().filter(|path| path.starts_with(&stage)).collect();
    assert_eq!(staged, nothing, "the journal relies on what is staged");
    let elsewhere =
        |path: &std::path::PathBuf| !path.starts_with(&work) && !path.ends_with("manifest.json.tmp");
    let placed: Vec<_> = power::not_durable(step("manifest.json")).into_iter().filter(elsewhere).collect();
    assert_eq!(placed, nothing, "the manifest relies on the files it names");
    let left: Vec<_> = power::not_durable(&calls).into_iter().filter(elsewhere).collect();
    assert_eq!(left, nothing, "who sees exit code 0 relies on everything");
}

#[test]
fn the_power_fails_at_random_calls() {
    let (mut rng, seed) = random("the power fails");
    let scene = Scene::new("--partition-by month");
    for turn in 0..setting("CRASH_KILLS", 50) / 5 {
        let export = scene.fresh(&format!("power-{turn}"));
        let fault = random_kill(&mut rng, scene.calls);
        let told = format!("{seed}: {fault:?}");
        let logging = export.logging_calls();
        let outcome = logging.with_fault(fault).run();
        if outcome.code.is_some() {
            outcome.expect(0); // it ended before the call came
            continue;
        }
        let lost = power::cut(&logging.calls(), &mut rng);
        let told = format!("{told}, lost {lost:?}");
        scene.readers_see_a_whole_run(&export, &told);
        scene.ends_well(&export, &told);
    }
}

#[test]
#[ignore = "takes minutes: make crash"]
fn killed_at_every_call_and_once_more_while_going_on() {
    let (mut rng, seed) = random("killed at every call");
    let scene = Scene::new("--partition-by month");
    for at in 1..=scene.calls {
        for fate in [Fate::KillBefore, Fate::KillAfter] {
            let name = format!("every-{at}-{fate:?}");
            scene.survives(&name, &[kill(at, fate)], &format!("call {at}, {fate:?}"));
            let again = random_kill(&mut rng, scene.calls);
            let told = format!("{seed}: call {at}, {fate:?}, then {again:?}");
            scene.survives(&name, &[kill(at, fate), again], &told);
        }
    }
}

#[test]
fn thrown_away_at_random_calls() {
    let (mut rng, seed) = random("thrown away");
    let scene = Scene::new("");
    for turn in 0..setting("CRASH_KILLS", 50) / 10 {
        let export = scene.fresh(&format!("thrown-{turn}"));
        let first = random_kill(&mut rng, scene.calls);
        export.with_fault(first).run();
        // The early calls of the second run discard the first run.
        let second = kill(rng.usize(1..=20), Fate::KillBefore);
        export.clone().args("--fresh").with_fault(second).run();
        let told = format!("{seed}: {first:?}, then --fresh {second:?}");
        scene.readers_see_a_whole_run(&export, &told);
        scene.ends_well(&export, &told);
    }
}
