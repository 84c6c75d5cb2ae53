//! What breaks around a service: against closed forms, and as the stories tell it.

use std::path::Path;

use rollcast::scenario::pieces::Trouble;
use rollcast::scenario::{OutcomeKey, Scenario, load};
use rollcast::sim::Depth;
use rollcast::study::{Options, Runs, SimResult, simulate};
use rollcast::trace::{Cause, Ending, HostChange, Phase, Record};
use rollcast::units::{Span, Time};

use crate::world::books::{Books, play};

fn read(text: &str, name: &str) -> Scenario {
    load(text, name, Path::new("."), &[]).unwrap_or_else(|e| panic!("{:?}", e.diagnostics)).scenario
}

/// A fleet that is replaced one by one in a minute each; everything else is immediate.
fn fleet(instances: u32, lines: &str) -> Scenario {
    let mut scenario = read(
        &format!(
            "rollcast = 1\nmargin = \"10s\"\n[service]\ninstances = {instances}\n\
             [versions.old]\nstart = \"60s\"\nexit = \"0s\"\n[probes]\nperiod = \"0s\"\n\
             [clients]\ncount = 1\nlag_add = \"0s\"\nlag_remove = \"0s\"\n{lines}\n\
             [strategy.generic]\nbatch = 1\n"
        ),
        "fleet.toml",
    );
    scenario.slo.window = Span::from_secs(1);
    scenario
}

fn crashes(records: &[(Time, Record)], until: Time) -> usize {
    let crashed = |at: &Time, record: &Record| {
        let is_crash = matches!(
            record,
            Record::Phase { to: Phase::Failed | Phase::Starting, cause: Cause::Crashed, .. }
        );
        is_crash && *at <= until
    };
    records.iter().filter(|(at, record)| crashed(at, record)).count()
}

/// Each of n processes that nobody replaces ends within t with chance 1 − exp(−(t/scale)^shape).
#[test]
fn as_many_processes_end_as_weibull_says() {
    const RUNS: u32 = 300;
    let lines = "[faults.crash]\nkind = \"instance_crash\"\nversion = \"old\"\n\
        lifetime = { law = \"weibull\", scale = \"200s\", shape = 0.7 }";
    let mut scenario = fleet(40, lines);
    scenario.restart.attempts = 0;
    // The first half minute of a rollout that takes one at a time: the first has left.
    let (t, n) = (30.0_f64, 39.0);
    let p = 1.0 - (-(t / 200.0).powf(0.7)).exp();
    let mut sum = 0;
    for replication in 0..RUNS {
        let (records, _) = play(&scenario, replication, Depth::Control);
        let begun = Books::of(&records).moment(rollcast::trace::Moment::Begun).unwrap();
        sum += crashes(&records, begun + Span::from_secs_f64(t));
    }
    let runs = f64::from(RUNS);
    let (mean, error) = (sum as f64 / runs, (n * p * (1.0 - p) / runs).sqrt());
    assert!((mean - n * p).abs() < 4.0 * error, "{mean} instead of {} ± {error}", n * p);
}

/// A host with a share g of the fleet is gone: 1 − g of it serves until the host is back.
#[test]
fn a_zone_takes_its_share_of_the_fleet_along() {
    let lines = "[hosts]\ncount = 6\nzones = 3\n[faults.zone]\nkind = \"zone_loss\"\nat = \"5s\"\n\
        for = \"20s\"\nsilent = \"4s\"\nreplaced = \"never\"\nzone = 2";
    let scenario = fleet(12, lines);
    let (records, _) = play(&scenario, 0, Depth::Control);
    let books = Books::of(&records);
    // One is being replaced, and it is not of that zone: 12 − 1 − 4 serve.
    let lowest = books.serving_over_time.iter().filter(|(at, _)| *at > Time::ZERO);
    assert_eq!(lowest.map(|(_, serving)| *serving).min(), Some(7));
    let hosts = |which| {
        let of = |(_, record): &&(Time, Record)| match record {
            Record::Host { change, zone: 2, .. } => *change == which,
            _ => false,
        };
        records.iter().filter(of).count()
    };
    assert_eq!((hosts(HostChange::Lost), hosts(HostChange::Returned)), (2, 2));
    // They are not ready once heartbeats have failed to come, and start again when it is back.
    let at = |cause: Cause| -> Vec<u64> {
        let of = |(at, record): &(Time, Record)| match record {
            Record::Phase { cause: why, .. } if *why == cause => Some(at.0 / 1_000_000_000),
            _ => None,
        };
        records.iter().filter_map(of).collect()
    };
    assert_eq!(at(Cause::Unreachable), [19; 4]);
    assert_eq!(at(Cause::HostLost), [0_u64; 0]);
}

#[test]
fn who_asks_the_dead_waits_in_vain() {
    let lines = "[hosts]\ncount = 2\n[traffic]\nrate = \"100/s\"\narrivals = \"deterministic\"\n\
        [balancer]\nalgorithm = \"round_robin\"\n\
        [faults.host]\nkind = \"host_loss\"\nat = \"5s\"\nhost = 1\nsilent = \"10s\"\n\
        replaced = \"0s\"";
    let mut scenario = fleet(4, lines);
    scenario.clients.timeout = Span::from_secs(1);
    let (records, _) = play(&scenario, 0, Depth::Requests);
    let ended = Books::of(&records).ended;
    let sum = |ending: Ending| ended.iter().map(|by| by[ending as usize]).sum::<u64>();
    // Ten seconds of 100 a second; two of the three that serve are gone, or two of four.
    let lost = sum(Ending::Timeout);
    assert!((480..=680).contains(&lost), "{lost}");
    assert_eq!(sum(Ending::Refused), 0);
}

fn story(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    read(&std::fs::read_to_string(path).unwrap(), name)
}

fn study(scenario: &Scenario, runs: u32) -> SimResult {
    let options = Options { seed: 1, runs: Runs::Fixed(runs), max_runs: runs, threads: 0 };
    simulate(scenario, &options, &|_| {})
}

fn median(result: &SimResult, key: OutcomeKey) -> f64 {
    result.summary(key).expect("an outcome").quantiles[2].value
}

#[test]
fn the_story_of_the_lost_zone() {
    let mut scenario = story("zone-loss.toml");
    let slow = study(&scenario, 12);
    // Given up after 40 to 55 s and five minutes; until then the release stands still.
    assert!(median(&slow, OutcomeKey::Duration) > 340.0);
    assert!(median(&slow, OutcomeKey::FailedShare) > 0.01);
    let Trouble::ZoneLoss { notice, .. } = &mut scenario.pieces.faults[0].piece.trouble else {
        panic!("a zone is lost")
    };
    notice.silent = rollcast::scenario::Dist::Fixed(Span::from_secs(15));
    notice.replaced = Some(rollcast::scenario::Dist::Fixed(Span::ZERO));
    let quick = study(&scenario, 12);
    let (quick_end, slow_end) =
        (median(&quick, OutcomeKey::Duration), median(&slow, OutcomeKey::Duration));
    assert!(quick_end < slow_end - 60.0, "{quick_end} {slow_end}");
    let lost = |result: &SimResult| median(result, OutcomeKey::CapacityLost);
    assert!(lost(&quick) < 0.7 * lost(&slow));
}

#[test]
fn the_story_of_the_death_spiral() {
    let mut scenario = story("death-spiral.toml");
    let strict = median(&study(&scenario, 6), OutcomeKey::FailedShare);
    let liveness = scenario.pieces.liveness.as_mut().expect("there is one");
    liveness.timeout = Span::from_secs(20);
    let patient = median(&study(&scenario, 6), OutcomeKey::FailedShare);
    assert!(strict > 0.05 && strict > 5.0 * patient, "{strict} {patient}");
}

#[test]
fn the_story_of_the_registry() {
    let mut scenario = story("registry-outage.toml");
    let stopped = study(&scenario, 60);
    // Tries at 10, 30, 70, 150 and 310 s after the first.
    assert!(median(&stopped, OutcomeKey::Duration) > 300.0);
    assert!(median(&stopped, OutcomeKey::AvailableMin) <= 10.0);
    let Scenario { strategy, .. } = &mut scenario;
    let rollcast::scenario::settings::StrategySettings::Kubernetes(settings) = strategy else {
        panic!("kubernetes")
    };
    settings.max_unavailable = rollcast::units::CountOrPercent::Count(0);
    assert_eq!(median(&study(&scenario, 60), OutcomeKey::AvailableMin), 12.0);
}

#[test]
fn the_story_of_the_controller() {
    let mut scenario = story("controller-crash.toml");
    let broken = study(&scenario, 12);
    assert_eq!(median(&broken, OutcomeKey::FailedShare), 0.0);
    scenario.pieces.faults.clear();
    let sound = study(&scenario, 12);
    let longer = median(&broken, OutcomeKey::Duration) - median(&sound, OutcomeKey::Duration);
    // An election of 15 s and an outage of a minute, less what goes on meanwhile.
    assert!((20.0..100.0).contains(&longer), "{longer}");
}
