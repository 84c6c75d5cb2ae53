//! Fleets that take messages, fleets that vote, and fleets that somebody else scales.

use std::path::Path;

use proptest::prelude::*;
use rollcast::exact::Lognormal;
use rollcast::exact::drain::mginf_mean_cut;
use rollcast::scenario::pieces::{Autoscaler, DownRule, Queue, Quorum, Redelivery, UpRule};
use rollcast::scenario::settings::StrategySettings;
use rollcast::scenario::{
    Arrivals, Discipline, Dist, OutcomeKey, Profile, Scenario, Traffic, load,
};
use rollcast::sim::Depth;
use rollcast::study::{Options, Runs, SimResult, simulate};
use rollcast::trace::{MessageCounts, Moment, Phase, Record};
use rollcast::units::{CountOrPercent, Rate, Share, Span, Time};

use crate::world::any::{self, batches, deployment, quiet, steady};
use crate::world::books::play;

const fn secs(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

fn queue(rate: f64) -> Queue {
    Queue {
        arrivals: steady(rate),
        visibility_timeout: secs(30),
        extend: true,
        redelivery: Redelivery::Disconnect,
        max_receives: u32::MAX,
    }
}

fn messages(records: &[(Time, Record)]) -> MessageCounts {
    let mut counts = records.iter().filter_map(|(_, record)| match record {
        Record::Messages(counts) => Some(*counts),
        _ => None,
    });
    let found = counts.next().expect("the counts of messages");
    assert_eq!(counts.next(), None, "they are written once");
    found
}

/// All at once, the old ones first.
fn at_once(instances: u32) -> Scenario {
    let mut scenario = quiet(instances);
    let mut settings = batches();
    settings.batch = CountOrPercent::Count(instances);
    scenario.strategy = StrategySettings::Generic(settings);
    scenario
}

/// Jobs in hand whose rest is longer than the grace period are cut: with a slot for each,
/// λ·E[(S − g)⁺] of them, a Poisson number.
#[test]
fn the_jobs_cut_are_those_that_the_grace_period_is_too_short_for() {
    const RUNS: u32 = 60;
    let service = Lognormal { mean: 20.0, sd: 30.0 };
    let (rate, grace) = (5.0, 10);
    let mut scenario = at_once(4);
    scenario.service.discipline = Discipline::Fifo { slots: 4000, queue: None };
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.service_time = Dist::lognormal_mean_sd(service.mean, service.sd);
    }
    scenario.pieces.queue = Some(queue(rate));
    scenario.shutdown.grace = secs(grace);
    scenario.margin = secs(1200);
    let cut: u64 = (0..RUNS)
        .map(|replication| {
            let (records, _) = play(&scenario, replication, Depth::Control);
            messages(&records).redelivered
        })
        .sum();
    let wanted = mginf_mean_cut(rate, service, grace as f64) * f64::from(RUNS);
    let z = (cut as f64 - wanted) / wanted.sqrt();
    assert!(z.abs() < 4.0, "{cut} cut, {wanted:.0} expected: z = {z:.2}");
}

#[test]
fn a_grace_period_longer_than_any_job_loses_nothing_and_is_waited_for() {
    let mut scenario = at_once(3);
    scenario.service.discipline = Discipline::Fifo { slots: 2, queue: None };
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.service_time = Dist::Fixed(secs(40));
    }
    scenario.pieces.queue = Some(queue(0.2));
    scenario.shutdown.grace = secs(60);
    scenario.margin = secs(300);
    let begun = |records: &[(Time, Record)]| {
        let begin = |(_, r): &&(Time, Record)| *r == Record::Moment(Moment::Begun);
        records.iter().find(begin).unwrap().0
    };
    let (records, _) = play(&scenario, 0, Depth::Control);
    let counts = messages(&records);
    assert_eq!((counts.redelivered, counts.work_lost), (0, Span::ZERO));
    let ready = |(_, r): &&(Time, Record)| matches!(r, Record::Phase { to: Phase::Ready, .. });
    let first = records.iter().find(ready).unwrap().0.since(begun(&records)).as_secs_f64();
    assert!((1.0..=41.0).contains(&first), "{first}");
    // With less, jobs are cut and done again.
    scenario.shutdown.grace = secs(5);
    let (records, _) = play(&scenario, 0, Depth::Control);
    let counts = messages(&records);
    assert!(counts.redelivered > 0 && counts.work_lost > Span::ZERO, "{counts:?}");
}

/// Five members, two out at a time for a second, and half a minute of log.
fn voters(batch: u32, bake: Span) -> (Scenario, Vec<(f64, u32)>) {
    let mut scenario = quiet(5);
    let mut settings = batches();
    (settings.batch, settings.bake) = (CountOrPercent::Count(batch), bake);
    scenario.strategy = StrategySettings::Generic(settings);
    scenario.pieces.quorum = Some(Quorum { members: 5, need: 3, catch_up: Dist::Fixed(secs(30)) });
    let (records, _) = play(&scenario, 0, Depth::Control);
    let begin = |(_, r): &&(Time, Record)| *r == Record::Moment(Moment::Begun);
    let begun = records.iter().find(begin).unwrap().0;
    let mut votes: Vec<(f64, u32)> = Vec::new();
    for (at, record) in &records {
        if let Record::Votes { votes: now, .. } = record {
            let at = at.as_secs_f64() - begun.as_secs_f64();
            // What holds is what is after an instant.
            votes.retain(|(before, _)| *before < at);
            votes.push((at, *now));
        }
    }
    (scenario, votes)
}

#[test]
fn members_vote_when_they_have_caught_up_not_when_they_are_ready() {
    // Two stop at 0, two at 1, one at 2; each starts in a second and votes thirty later.
    let (scenario, votes) = voters(2, Span::ZERO);
    let wanted = [(-10.0, 5), (0.0, 3), (1.0, 1), (2.0, 0), (31.0, 2), (32.0, 4), (33.0, 5)];
    assert_eq!(votes, wanted);
    let result = study(&scenario, 1);
    let value = |key| result.summary(key).unwrap().max;
    assert_eq!(value(OutcomeKey::QuorumLost), 31.0);
    assert_eq!(value(OutcomeKey::Outage), 31.0);
    assert_eq!(result.summary(OutcomeKey::VotesMin).unwrap().min, 0.0);
    let (patient, votes) = voters(2, secs(30));
    assert!(votes.iter().all(|(_, votes)| *votes >= 3), "{votes:?}");
    assert_eq!(study(&patient, 1).summary(OutcomeKey::QuorumLost).unwrap().max, 0.0);
    // Three of five are too many, however long one waits in between: half a minute each time.
    let (three, _) = voters(3, secs(60));
    assert_eq!(study(&three, 1).summary(OutcomeKey::QuorumLost).unwrap().max, 31.0);
}

fn study(scenario: &Scenario, runs: u32) -> SimResult {
    let options = Options { seed: 1, runs: Runs::Fixed(runs), max_runs: runs, threads: 0 };
    simulate(scenario, &options, &|_| {})
}

fn autoscaler() -> Autoscaler {
    let period = secs(15);
    Autoscaler {
        min: 2,
        max: 40,
        target_cpu: Some(Share(0.6)),
        target_requests: None,
        tolerance: Share(0.1),
        sync: period,
        scrape: period,
        delay: Span::ZERO,
        initial_readiness_delay: secs(30),
        cpu_initialization: secs(300),
        up: UpRule { pods: 4, percent: 100, period, stabilization: Span::ZERO },
        down: DownRule { percent: 100, period, stabilization: secs(300) },
    }
}

/// Twelve pods with two slots, each request a tenth of a second: at 144 a second 60 % busy.
fn scaled(rates: &[(u64, f64)]) -> Scenario {
    let mut scenario = quiet(12);
    scenario.service.discipline = Discipline::Fifo { slots: 2, queue: None };
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.service_time = Dist::Fixed(Span::from_millis(100));
    }
    let points = rates.iter().map(|(at, rate)| (secs(*at), Rate(*rate))).collect();
    let profile = Profile::Table(points);
    scenario.traffic = Some(Traffic { profile, arrivals: Arrivals::Deterministic, scale: 1.0 });
    scenario.strategy = StrategySettings::Kubernetes(deployment());
    scenario.pieces.autoscaler = Some(autoscaler());
    scenario.margin = secs(900);
    scenario
}

/// What was wanted when, in seconds after the beginning.
fn wanted(scenario: &Scenario, depth: Depth) -> Vec<(f64, u32)> {
    let (records, _) = play(scenario, 0, depth);
    let begin = |(_, r): &&(Time, Record)| *r == Record::Moment(Moment::Begun);
    let begun = records.iter().find(begin).unwrap().0;
    let all = records.iter().filter_map(|(at, record)| match record {
        Record::Desired { instances } => Some((at.as_secs_f64() - begun.as_secs_f64(), *instances)),
        _ => None,
    });
    all.collect()
}

#[test]
fn an_autoscaler_on_target_leaves_a_rollout_alone() {
    for depth in [Depth::Control, Depth::Requests] {
        let all = wanted(&scaled(&[(0, 144.0)]), depth);
        assert_eq!(all.len(), 1, "{depth:?} {all:?}");
    }
}

#[test]
fn it_follows_load_up_at_once_and_down_after_five_minutes() {
    let scenario = scaled(&[(0, 144.0), (200, 144.0), (201, 216.0), (500, 216.0), (501, 60.0)]);
    for depth in [Depth::Control, Depth::Requests] {
        let all = wanted(&scenario, depth);
        let up = all.iter().find(|(at, count)| *at > 0.0 && *count > 12).expect("it grows");
        // Metrics are up to 15 s old and half of the first window is old load.
        assert!((201.0..235.0).contains(&up.0), "{depth:?} {all:?}");
        let most = all.iter().map(|(_, count)| *count).max().unwrap();
        // 216 · 0.1 / 2 / 0.6 = 18, within a tenth.
        assert!((17..=20).contains(&most), "{depth:?} {all:?}");
        let down = all.iter().find(|(at, count)| *at > up.0 && *count < most).expect("it shrinks");
        assert!((795.0..850.0).contains(&down.0), "{depth:?} {all:?}");
        // 60 · 0.1 / 2 / 0.6 = 5.
        assert!((5..=6).contains(&all.last().unwrap().1), "{depth:?} {all:?}");
    }
}

/// Whoever can be scaled follows: what is wanted at the end is there, and enough.
#[test]
fn every_orchestrator_that_is_scaled_follows() {
    let names = "kubernetes statefulset argo_canary argo_bluegreen flagger nomad ecs swarm";
    for name in names.split(' ') {
        let text = format!(
            "rollcast = 1\nmargin = \"10m\"\n[service]\ninstances = 6\nslots = 2\n\
             [versions.old]\nservice_time = \"100ms\"\nstart = \"2s\"\n\
             [traffic]\narrivals = \"deterministic\"\n\
             rate = {{ table = [[\"60s\", \"72/s\"], [\"61s\", \"144/s\"]] }}\n\
             [autoscaler]\nmax = 20\ntarget_cpu = \"60%\"\n[strategy.{name}]\n"
        );
        let loaded = load(&text, name, Path::new("."), &[]);
        let scenario = loaded.unwrap_or_else(|_| panic!("{name}")).scenario;
        let (records, _) = play(&scenario, 0, Depth::Control);
        let mut wanted = 0;
        let mut active = std::collections::BTreeSet::new();
        for (_, record) in &records {
            match *record {
                Record::Desired { instances } => wanted = instances,
                Record::Phase { instance, to, .. } if to.is_active() => _ = active.insert(instance),
                Record::Phase { instance, .. } => _ = active.remove(&instance),
                _ => {}
            }
        }
        // 144 · 0.1 / 2 / 0.6 = 12, within a tenth.
        assert!((11..=13).contains(&wanted), "{name}: {wanted}");
        assert_eq!(active.len(), wanted as usize, "{name}");
    }
}

#[test]
fn it_stays_at_its_bound() {
    let mut scenario = scaled(&[(0, 288.0)]);
    scenario.pieces.autoscaler = Some(Autoscaler { max: 14, ..autoscaler() });
    let all = wanted(&scenario, Depth::Requests);
    // At its bound it stays.
    assert_eq!(all.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [12, 14]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_message_is_done_dead_or_left(
        plan in any::plan(),
        slots in 1u32..5,
        (extend, disconnect) in proptest::arbitrary::any::<(bool, bool)>(),
        (visibility, most) in (1u64..40, 1u32..6),
    ) {
        let mut scenario = plan.scenario();
        let arrivals = scenario.traffic.take().expect("traffic");
        scenario.service.discipline = Discipline::Fifo { slots, queue: None };
        let redelivery = if disconnect { Redelivery::Disconnect } else { Redelivery::Timeout };
        scenario.pieces.queue = Some(Queue {
            arrivals,
            visibility_timeout: secs(visibility),
            extend,
            redelivery,
            max_receives: most,
        });
        let (records, end) = play(&scenario, 3, Depth::Control);
        let counts = messages(&records);
        prop_assert!(counts.sent > 0);
        prop_assert_eq!(counts.sent, counts.done + counts.dead + counts.left);
        prop_assert!(counts.dead_letters <= counts.dead);
        prop_assert!(counts.backlog_max <= counts.sent);
        prop_assert!(counts.oldest <= end.since(Time::ZERO));
    }

    #[test]
    fn an_autoscaler_keeps_its_bounds(
        plan in any::plan(),
        (min, more) in (1u32..8, 0u32..20),
        target in 0.1f64..0.9,
    ) {
        let mut scenario = plan.scenario();
        scenario.strategy = StrategySettings::Kubernetes(deployment());
        let max = min + more;
        let target_cpu = Some(Share(target));
        scenario.pieces.autoscaler = Some(Autoscaler { min, max, target_cpu, ..autoscaler() });
        for depth in [Depth::Control, Depth::Requests] {
            let all = wanted(&scenario, depth);
            let scaled = all.iter().skip(1);
            prop_assert!(scaled.clone().all(|(_, count)| (min..=max).contains(count)), "{:?}", all);
        }
    }
}

fn story(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    load(&text, name, Path::new("."), &[]).expect("a good scenario").scenario
}

fn median(result: &SimResult, key: OutcomeKey) -> f64 {
    result.summary(key).expect("an outcome").quantiles[2].value
}

#[test]
fn the_story_of_the_autoscaler() {
    let mut scenario = story("autoscaler.toml");
    let grown = study(&scenario, 20);
    assert!(median(&grown, OutcomeKey::DesiredMax) >= 15.0);
    assert!(median(&grown, OutcomeKey::ScaleEvents) >= 2.0);
    let autoscaler = scenario.pieces.autoscaler.as_mut().unwrap();
    autoscaler.up.stabilization = secs(180);
    assert_eq!(median(&study(&scenario, 20), OutcomeKey::DesiredMax), 12.0);
}

#[test]
fn the_story_of_the_workers() {
    let mut scenario = story("queue-workers.toml");
    let cut = study(&scenario, 60);
    assert!(median(&cut, OutcomeKey::Redelivered) >= 5.0);
    assert!(median(&cut, OutcomeKey::WorkLost) >= 600.0);
    scenario.shutdown.grace = secs(1800);
    let patient = study(&scenario, 60);
    assert_eq!(patient.summary(OutcomeKey::Redelivered).unwrap().quantiles[4].value, 0.0);
    // Nobody waits for a stopping worker where its replacement starts without it.
    assert!(median(&patient, OutcomeKey::BacklogAge) < median(&cut, OutcomeKey::BacklogAge));
    assert!(median(&patient, OutcomeKey::Settled) > 2.0 * median(&cut, OutcomeKey::Settled));
}

#[test]
fn the_story_of_the_quorum() {
    let mut scenario = story("quorum.toml");
    assert!(median(&study(&scenario, 40), OutcomeKey::QuorumLost) > 20.0);
    let StrategySettings::Generic(settings) = &mut scenario.strategy else { panic!("generic") };
    settings.bake = secs(60);
    assert_eq!(median(&study(&scenario, 40), OutcomeKey::QuorumLost), 0.0);
    let StrategySettings::Generic(settings) = &mut scenario.strategy else { panic!("generic") };
    settings.batch = CountOrPercent::Count(3);
    assert!(median(&study(&scenario, 40), OutcomeKey::QuorumLost) > 20.0);
}
