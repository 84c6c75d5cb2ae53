//! Who takes a bad version back, how long that takes, and what it costs meanwhile: with fixed
//! times, so that every sum can be worked out by hand.

use rollcast::outcome::{Collector, Outcome};
use rollcast::scenario::settings::{Generic, Order, StrategySettings};
use rollcast::scenario::{
    Algorithm, Arrivals, Dist, OutcomeKey, Pipeline, PipelineKind, Profile, Protocol, Scenario,
    Traffic, Watch,
};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Ending, Moment, Sink as _};
use rollcast::units::{CountOrPercent, Rate, Share, Span};

use super::any::{batches, deployment, quiet};
use super::books::{Books, play};

const START: u64 = 10;
const RATE: f64 = 100.0;

fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

fn fixed(secs: u64) -> Dist {
    Dist::Fixed(seconds(secs))
}

/// Ten instances, one is started before one is stopped, 10 s each: at 10·k seconds k are new.
/// Half of the new version's answers are errors.
fn marching(pipeline: Pipeline) -> Scenario {
    let mut scenario = quiet(10);
    scenario.strategy =
        StrategySettings::Generic(Generic { order: Order::StartFirst, ..batches() });
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.start = fixed(START);
        version.service_time = Dist::Fixed(Span::from_millis(1));
    }
    scenario.versions.new.errors = Share(0.5);
    scenario.traffic = Some(Traffic {
        profile: Profile::Constant(Rate(RATE)),
        arrivals: Arrivals::Deterministic,
        scale: 1.0,
    });
    scenario.balancer.algorithm = Algorithm::RoundRobin;
    scenario.clients.protocol = Protocol::PerRequest { reuse: Share(0.0) };
    scenario.pipeline = pipeline;
    scenario
}

/// A Deployment of four whose new version never gets ready; one may be missing.
fn hopeless(pipeline: Pipeline) -> Scenario {
    let mut scenario = quiet(4);
    let mut settings = deployment();
    settings.max_surge = CountOrPercent::Count(0);
    settings.max_unavailable = CountOrPercent::Count(1);
    settings.progress_deadline = seconds(60);
    scenario.strategy = StrategySettings::Kubernetes(settings);
    scenario.versions.old.start = fixed(START);
    scenario.versions.new.never_ready = Share(1.0);
    scenario.pipeline = pipeline;
    scenario
}

fn watch(kind: PipelineKind, timeout: u64, reaction: u64, act: u64) -> Watch {
    Watch {
        kind,
        timeout: seconds(timeout),
        reaction: fixed(reaction),
        act: fixed(act),
        fails: Share(0.0),
        back_timeout: None,
    }
}

fn watched(watch: Watch) -> Pipeline {
    Pipeline::Watched(Box::new(watch))
}

fn outcome(scenario: &Scenario) -> Outcome {
    let (records, end) = play(scenario, 0, Depth::Requests);
    let mut collector = Collector::new(&scenario.slo, false);
    for (at, record) in records {
        collector.record(at, record);
    }
    collector.finish(end)
}

fn times(outcome: &Outcome) -> [f64; 3] {
    [OutcomeKey::Detected, OutcomeKey::Decided, OutcomeKey::Restored]
        .map(|key| outcome.get(key).unwrap_or(f64::NAN))
}

fn moments(scenario: &Scenario) -> Vec<(f64, Moment)> {
    let books = Books::of(&play(scenario, 0, Depth::Control).0);
    let begun = books.moment(Moment::Begun).expect("it begins");
    let all = books.moments.iter().filter(|(_, moment)| {
        !matches!(moment, Moment::Begun | Moment::Batch(_) | Moment::InstanceFailed(_))
    });
    all.map(|(at, moment)| (at.since(begun).as_secs_f64(), *moment)).collect()
}

/// Restored = detected + reaction + act + the start of what was stopped.
#[test]
fn time_to_restore_is_the_sum_of_its_parts() {
    for (timeout, reaction, act) in [(40, 25, 0), (40, 0, 5), (30, 70, 12)] {
        let pipeline = watched(watch(PipelineKind::Human, timeout, reaction, act));
        let found = times(&outcome(&hopeless(pipeline)));
        let (detected, decided) = (timeout, timeout + reaction);
        assert_eq!(found, [detected, decided, decided + act + START].map(|s| s as f64));
    }
}

/// A person who is told after 35 s and reacts in 20 s, whatever is bad: the area under the share
/// of new instances, there and back, times the rate.
#[test]
fn exposure_under_a_fixed_reaction_is_the_area_under_the_new_share() {
    let found = outcome(&marching(Pipeline::human(seconds(35), fixed(20))));
    assert_eq!(times(&found)[..2], [35.0, 55.0]);
    let there = (1 + 2 + 3 + 4) * START + 5 * 5;
    let back = (5 + 4 + 3 + 2 + 1) * START;
    let expected = (there + back) as f64 / 10.0 * RATE;
    let exposure = found.get(OutcomeKey::Exposure).expect("it was taken back");
    assert!((exposure - expected).abs() <= 30.0, "{exposure} instead of {expected}");
    assert_eq!(times(&found)[2], 55.0 + 50.0);
}

/// The flag is off 55 s after the beginning and 4 s later everywhere; the rollout goes on.
#[test]
fn a_flag_stops_the_errors_and_keeps_the_version() {
    let kill = |covers| PipelineKind::KillSwitch { propagation: fixed(4), covers: Share(covers) };
    let scenario = marching(watched(watch(kill(1.0), 35, 20, 0)));
    let found = outcome(&scenario);
    assert_eq!(times(&found), [35.0, 55.0, 59.0]);
    assert_eq!((found.is.serving_old, found.is.serving_new), (0, 10));
    // 100 s of new instances, 5 · 5 s, then 4 s; half of that fails, and nothing afterwards.
    let expected = (100.0 + 25.0 + 20.0) / 10.0 * RATE;
    let exposure = found.get(OutcomeKey::Exposure).expect("somebody acted");
    assert!((exposure - expected).abs() <= 30.0, "{exposure} instead of {expected}");
    let errors: u64 = found.endings.iter().map(|ended| ended[Ending::Version as usize]).sum();
    assert!((errors as f64 - expected / 2.0).abs() < 150.0, "{errors}");
    // What is not behind the flag needs a person again, and a rollback.
    let scenario = marching(watched(watch(kill(0.0), 35, 20, 0)));
    let found = moments(&scenario);
    let told: Vec<Moment> = found.iter().map(|(_, moment)| *moment).collect();
    let expected = [
        Moment::Detected,
        Moment::HumanCalled,
        Moment::FlagTurned,
        Moment::RollbackFailed,
        Moment::HumanCalled,
        Moment::RollbackDecided,
    ];
    assert_eq!(told[..6], expected);
    assert_eq!(found[5].0, 55.0 + 4.0 + 20.0);
    assert_eq!(outcome(&scenario).get(OutcomeKey::RolledBack), Some(1.0));
}

/// `kubectl rollout status` fails at the progress deadline, `helm --wait` at its own; Helm calls
/// somebody if the way back takes too long, the undo of a job is not looked after.
#[test]
fn jobs_differ_in_what_they_hear_and_in_who_looks_back() {
    let undo = times(&outcome(&hopeless(watched(watch(PipelineKind::CiUndo, 300, 0, 10)))));
    assert!((60.0..62.0).contains(&undo[0]), "{undo:?}");
    assert!((undo[2] - undo[0] - 10.0 - START as f64).abs() < 0.01, "{undo:?}");
    let mut helm = watch(PipelineKind::HelmAtomic, 100, 0, 0);
    helm.back_timeout = Some(seconds(100));
    let in_time = hopeless(watched(helm.clone()));
    assert_eq!(times(&outcome(&in_time)), [100.0, 100.0, 110.0]);
    assert_eq!(outcome(&in_time).get(OutcomeKey::Human), Some(0.0));
    helm.back_timeout = Some(seconds(4));
    let late = outcome(&hopeless(watched(helm.clone())));
    assert_eq!(late.get(OutcomeKey::Human), Some(1.0));
    assert_eq!(times(&late)[2], 110.0, "the orchestrator goes on nevertheless");
    // One of four is missing, which Helm does not mind.
    let mut most = hopeless(watched(helm));
    most.versions.new.never_ready = Share(0.0);
    most.versions.new.start = fixed(30);
    // At 100 s three are ready: enough.
    assert_eq!(outcome(&most).get(OutcomeKey::RolledBack), Some(0.0));
    let ci = Pipeline::ci(seconds(100));
    most.pipeline = ci;
    assert_eq!(outcome(&most).get(OutcomeKey::RolledBack), Some(1.0));
}

#[test]
fn a_first_try_that_fails_costs_a_person() {
    let mut job = watch(PipelineKind::Ci, 40, 90, 5);
    job.fails = Share(1.0);
    let scenario = hopeless(watched(job));
    let expected = [
        (40.0, Moment::Detected),
        (40.0, Moment::RollbackDecided),
        (45.0, Moment::RollbackFailed),
        (45.0, Moment::HumanCalled),
        (135.0, Moment::RollbackDecided),
    ];
    assert_eq!(moments(&scenario)[..5], expected);
    let found = outcome(&scenario);
    assert_eq!(times(&found), [40.0, 40.0, 140.0 + START as f64]);
    assert_eq!(found.get(OutcomeKey::Human), Some(1.0));
}

/// A reverted commit waits for the controller's next look, which is anywhere in its interval.
/// Hands that are faster than the commit are undone.
#[test]
fn a_revert_waits_for_the_controller_which_undoes_what_hands_did() {
    let kind =
        |by_hand| PipelineKind::GitopsRevert { sync: seconds(60), reconcile: fixed(3), by_hand };
    let plain = hopeless(watched(watch(kind(None), 40, 200, 0)));
    let mut waits = Vec::new();
    for replication in 0..200 {
        let books = Books::of(&play(&plain, replication, Depth::Control).0);
        let decided = books.moment(Moment::RollbackDecided).expect("it is reverted");
        let back = books.said.expect("it ends").0;
        waits.push(back.since(decided).as_secs_f64() - 3.0 - START as f64);
    }
    assert!(waits.iter().all(|wait| (0.0..=61.0).contains(wait)), "within one interval");
    let mean = waits.iter().sum::<f64>() / 200.0;
    // Uniform on a minute: 30 s ± 4 · 17.3/√200, and the Deployment rounds up to a second.
    assert!((25.0..36.0).contains(&mean), "{mean}");
    let fought = hopeless(watched(watch(kind(Some(fixed(20))), 40, 200, 0)));
    let found = moments(&fought);
    let at = |wanted: Moment| found.iter().find(|(_, m)| *m == wanted).map(|(at, _)| *at);
    assert_eq!(at(Moment::RollbackDecided), Some(60.0), "by hand");
    let put_back = at(Moment::PutBack).expect("the controller knows better");
    assert!((60.0..=120.0).contains(&put_back), "{put_back}");
    let last = found.iter().rev().find(|(_, m)| *m == Moment::RollbackDecided);
    assert!(last.is_some_and(|(at, _)| *at >= 240.0), "the revert ends it: {found:?}");
    assert_eq!(outcome(&fought).get(OutcomeKey::RolledBack), Some(1.0));
}

#[test]
fn the_way_back_is_the_same_on_every_run() {
    let pipeline = watched(watch(PipelineKind::Human, 35, 20, 3));
    let scenario = marching(pipeline);
    let model = Model::new(&scenario);
    let run = |world: &mut World<'_>| {
        let mut records = Vec::new();
        world.run(1, 3, Depth::Requests, &mut records);
        records
    };
    let mut world = World::new(&model);
    let first = run(&mut world);
    assert_eq!(first, run(&mut world), "in the same world");
    assert_eq!(first, run(&mut World::new(&model)), "in another");
}
