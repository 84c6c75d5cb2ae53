//! Strategies from end to end, through the simulated world: waves, makespans, pipelines and
//! operations.

use rollcast::outcome::{Collector, Fate, Outcome};
use rollcast::scenario::settings::{
    DeploymentKind, Generic, KubernetesDeployment, OnFailure, Operation, StrategySettings, Window,
};
use rollcast::scenario::{Dist, OutcomeKey, Pipeline, Scenario};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Moment, Record, Said, Sink, VersionId};
use rollcast::units::{CountOrPercent, Share, Span, Time};

use crate::world::any::{batches, deployment, quiet};
use crate::world::books::{Books, play};

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// Zero latencies, starts of `start` seconds.
fn kubernetes(instances: u32, start: u64, settings: KubernetesDeployment) -> Scenario {
    let mut scenario = quiet(instances);
    scenario.versions.old.start = Dist::Fixed(seconds(start));
    scenario.versions.new.start = Dist::Fixed(seconds(start));
    scenario.strategy = StrategySettings::Kubernetes(settings);
    scenario
}

fn outcome(scenario: &Scenario) -> Outcome {
    let mut collector = Collector::new(&scenario.slo, false);
    let end = World::new(&Model::new(scenario)).run(1, 0, Depth::Control, &mut collector);
    collector.finish(end)
}

/// (N, surge, unavailable, waves, lowest available) with starts of one second: the waves are the
/// duration in seconds.
#[test]
fn waves_of_deployments() {
    let percent = |p: u32| CountOrPercent::Percent(f64::from(p));
    let quarter = percent(25);
    let count = CountOrPercent::Count;
    let table = [
        (1, quarter, quarter, 1, 1),
        (2, quarter, quarter, 2, 2),
        (3, quarter, quarter, 3, 3),
        (4, quarter, quarter, 2, 3),
        (5, quarter, quarter, 2, 4),
        (7, quarter, quarter, 3, 6),
        (8, quarter, quarter, 2, 6),
        (10, quarter, quarter, 2, 8),
        (11, quarter, quarter, 3, 9),
        (15, quarter, quarter, 3, 12),
        (20, quarter, quarter, 2, 15),
        (40, quarter, quarter, 2, 30),
        (99, quarter, quarter, 3, 75),
        (100, quarter, quarter, 2, 75),
        (101, quarter, quarter, 2, 76),
        (10, count(1), count(0), 10, 10),
        (10, count(0), count(1), 10, 9),
        (10, percent(100), count(0), 1, 10),
        (10, count(0), percent(50), 2, 5),
        (1, percent(0), quarter, 1, 0),
    ];
    for (instances, max_surge, max_unavailable, waves, lowest) in table {
        let settings = KubernetesDeployment { max_surge, max_unavailable, ..deployment() };
        let scenario = kubernetes(instances, 1, settings);
        let (records, _) = play(&scenario, 0, Depth::Control);
        let books = Books::of(&records);
        let begun = books.moment(Moment::Begun).unwrap();
        let (at, said) = books.said.unwrap();
        let what = format!("{instances} {max_surge:?} {max_unavailable:?}");
        assert_eq!((said, at.since(begun)), (Said::Completed, seconds(waves)), "{what}");
        assert_eq!(books.least_ready, lowest, "{what}");
        assert_eq!(outcome(&scenario).get(OutcomeKey::Duration), Some(waves as f64), "{what}");
    }
}

#[test]
fn recreate_has_a_gap_of_one_stop_and_one_start() {
    let settings = KubernetesDeployment { kind: DeploymentKind::Recreate, ..deployment() };
    let mut scenario = kubernetes(6, 5, settings);
    scenario.versions.old.exit = Dist::Fixed(seconds(2));
    let outcome = outcome(&scenario);
    assert_eq!(outcome.fate, Fate::Completed);
    assert_eq!(outcome.get(OutcomeKey::Duration), Some(7.0));
    assert_eq!(outcome.get(OutcomeKey::Outage), Some(7.0));
    assert_eq!(outcome.get(OutcomeKey::CapacityLost), Some(42.0));
}

/// Notes when the orchestrator says completed.
#[derive(Default)]
struct Completion(Time, Time);

impl Sink for Completion {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Moment(Moment::Begun) => self.0 = at,
            Record::Said(Said::Completed) => self.1 = at,
            _ => {}
        }
    }
}

/// Rows of the reference about the time that a rollout takes, played through the generic
/// strategy: the mean of 2000 replications lies within four standard errors.
#[test]
fn makespans_are_those_of_theory() {
    const RUNS: u32 = 2000;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/theory.csv");
    let mut rows = 0;
    for row in csv::Reader::from_path(path).unwrap().records().map(Result::unwrap) {
        let sliding = match (&row[0], &row[2]) {
            ("makespan_batches_exp" | "makespan_batches_lognormal", "E[makespan]") => false,
            ("makespan_window_lognormal", "E[makespan], list scheduling")
            | ("sliding_window_exp", "expected makespan") => true,
            _ => continue,
        };
        rows += 1;
        let parameters: serde_json::Value = serde_json::from_str(&row[1]).unwrap();
        let number = |name: &str| parameters[name].as_f64();
        let batch = number("b").unwrap() as u32;
        let mut scenario = quiet(number("N").unwrap() as u32);
        scenario.versions.new.start = match number("tau") {
            Some(tau) => Dist::Exponential { mean: Span::from_secs_f64(tau) },
            None => Dist::lognormal_mean_sd(number("mean").unwrap(), number("sd").unwrap()),
        };
        scenario.horizon = seconds(1_000_000);
        scenario.strategy = StrategySettings::Generic(Generic {
            batch: CountOrPercent::Count(batch),
            window: if sliding { Window::Sliding } else { Window::Barrier },
            ready_deadline: seconds(1_000_000),
            ..batches()
        });
        let model = Model::new(&scenario);
        let mut world = World::new(&model);
        let (mut sum, mut squares) = (0.0, 0.0);
        for replication in 0..RUNS {
            let mut completion = Completion::default();
            world.run(1, replication, Depth::Control, &mut completion);
            let makespan = completion.1.since(completion.0).as_secs_f64();
            sum += makespan;
            squares += makespan * makespan;
        }
        let runs = f64::from(RUNS);
        let (mean, value) = (sum / runs, row[3].parse::<f64>().unwrap());
        let error = ((squares / runs - mean * mean) / runs).sqrt();
        assert!(error > 0.0 && error < value * 0.1, "{row:?}: {error}");
        assert!((mean - value).abs() < 4.0 * error, "{row:?}: {mean} ± {error}");
    }
    assert!(rows >= 8, "{rows}");
}

/// A deployment whose new version never gets ready: one more, none fewer, deadline 60 s.
fn hopeless(pipeline: Pipeline) -> Scenario {
    let settings = KubernetesDeployment {
        max_surge: CountOrPercent::Count(1),
        max_unavailable: CountOrPercent::Count(0),
        progress_deadline: seconds(60),
        ..deployment()
    };
    let mut scenario = kubernetes(4, 1, settings);
    scenario.versions.new.never_ready = Share(1.0);
    scenario.pipeline = pipeline;
    scenario
}

/// Within the second that a deadline in whole seconds may take longer.
fn about(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (expected..=expected + 1.0).contains(&value))
}

#[test]
fn nobody_rolls_a_deployment_back() {
    let outcome = outcome(&hopeless(Pipeline::None));
    assert_eq!((outcome.said, outcome.fate), (Said::DeadlineExceeded, Fate::Stuck));
    assert_eq!((outcome.is.serving_old, outcome.is.serving_new), (4, 0));
    assert_eq!(outcome.get(OutcomeKey::Decided), None);
    assert_eq!(outcome.get(OutcomeKey::Stuck), Some(1.0));
}

/// The job waits for completion: what the orchestrator reports in between it does not read.
#[test]
fn a_job_rolls_back_when_its_time_is_over() {
    for timeout in [30, 100] {
        let outcome = outcome(&hopeless(Pipeline::ci(seconds(timeout))));
        assert_eq!((outcome.said, outcome.fate), (Said::RolledBack, Fate::RolledBack));
        assert_eq!(outcome.is.serving_old, 4);
        assert_eq!(outcome.get(OutcomeKey::Decided), Some(timeout as f64));
        assert!(about(outcome.get(OutcomeKey::Duration), timeout as f64));
        assert_eq!(outcome.get(OutcomeKey::Human), Some(0.0));
    }
}

#[test]
fn a_person_is_called_at_the_first_report_and_takes_time() {
    for (timeout, called) in [(600, 60.0), (30, 30.0)] {
        let reaction = Dist::Fixed(seconds(45));
        let outcome = outcome(&hopeless(Pipeline::human(seconds(timeout), reaction)));
        assert_eq!(outcome.fate, Fate::RolledBack);
        assert!(about(outcome.get(OutcomeKey::Decided), called + 45.0), "{called}");
        assert_eq!(outcome.get(OutcomeKey::Human), Some(1.0));
    }
}

#[test]
fn failed_batches_end_as_they_were_told() {
    let play = |on_failure, pipeline| {
        let mut scenario = quiet(4);
        scenario.versions.new.never_ready = Share(1.0);
        scenario.pipeline = pipeline;
        scenario.horizon = seconds(600);
        scenario.strategy = StrategySettings::Generic(Generic {
            ready_deadline: seconds(20),
            on_failure,
            ..batches()
        });
        outcome(&scenario)
    };
    let paused = play(OnFailure::Pause, Pipeline::None);
    assert_eq!((paused.said, paused.fate), (Said::Paused, Fate::Paused));
    assert_eq!(paused.get(OutcomeKey::Duration), Some(20.0));
    assert_eq!((paused.is.serving_old, paused.is.serving_new), (3, 0));
    let back = play(OnFailure::Rollback, Pipeline::None);
    assert_eq!(back.fate, Fate::RolledBack);
    // An old instance starts for one second.
    assert_eq!(back.get(OutcomeKey::Duration), Some(21.0));
    assert_eq!(back.get(OutcomeKey::Decided), Some(20.0));
    assert_eq!(back.is.serving_old, 4);
    // A pause is an end: the job need not wait for longer.
    let by_job = play(OnFailure::Pause, Pipeline::ci(seconds(500)));
    assert_eq!((by_job.fate, by_job.get(OutcomeKey::Decided)), (Fate::RolledBack, Some(20.0)));
    let stuck = play(OnFailure::Continue, Pipeline::None);
    assert_eq!((stuck.said, stuck.fate), (Said::Progressing, Fate::Stuck));
}

/// Four instances, one more at a time, ten seconds each: undisturbed it takes 40 s.
fn operated(operations: &[(u64, Operation)]) -> (Said, u64, Vec<(VersionId, u32)>) {
    let settings = KubernetesDeployment {
        max_surge: CountOrPercent::Count(1),
        max_unavailable: CountOrPercent::Count(0),
        operations: operations.iter().map(|(at, what)| (seconds(*at), *what)).collect(),
        ..deployment()
    };
    let (records, _) = play(&kubernetes(4, 10, settings), 0, Depth::Control);
    let books = Books::of(&records);
    let (at, said) = books.said.unwrap();
    let took = at.since(books.moment(Moment::Begun).unwrap());
    assert_eq!(took.0 % 1_000_000_000, 0, "{took:?}");
    assert!(books.least_ready >= 4, "surge only");
    (said, took.0 / 1_000_000_000, books.finally_ready.into_iter().collect())
}

#[test]
fn operations_in_mid_rollout() {
    let (new, old) = (VersionId::NEW, VersionId::OLD);
    assert_eq!(operated(&[]), (Said::Completed, 40, vec![(new, 4)]));
    // What had been started gets ready at 20; nothing else begins until the resume.
    let pause = [(15, Operation::Pause), (45, Operation::Resume)];
    assert_eq!(operated(&pause), (Said::Completed, 65, vec![(new, 4)]));
    let paused = operated(&[(15, Operation::Pause)]);
    assert_eq!((paused.0, paused.2), (Said::Paused, vec![(old, 3), (new, 2)]));
    let undone = operated(&[(15, Operation::Undo)]);
    assert_eq!((undone.0, undone.2), (Said::RolledBack, vec![(old, 4)]));
    let scaled = operated(&[(15, Operation::Scale(6))]);
    assert_eq!((scaled.0, scaled.2), (Said::Completed, vec![(new, 6)]));
    let rolled_over = operated(&[(15, Operation::Rollover)]);
    assert_eq!((rolled_over.0, rolled_over.2), (Said::Completed, vec![(VersionId(2), 4)]));
}
