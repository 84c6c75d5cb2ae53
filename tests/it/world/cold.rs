//! Starts that depend on each other, held against closed forms; layers of images; caches and CPU
//! limits under requests.

use rollcast::exact::{Lognormal, SharedCore, Wave, shared_ends};
use rollcast::scenario::pieces::Cache;
use rollcast::scenario::settings::StrategySettings;
use rollcast::scenario::{Discipline, Dist, Hosts, Scenario};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Ending, Period, Phase, Record, VersionId};
use rollcast::units::{Bandwidth, Bytes, CountOrPercent, Share, Span, Time};

use super::any::{batches, quiet, steady};
use super::books::{Books, play};

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// `instances` that are replaced all at once, and nothing that takes time but their starts.
fn at_once(instances: u32, hosts: u32) -> Scenario {
    let mut scenario = quiet(instances);
    let mut settings = batches();
    settings.batch = CountOrPercent::Count(instances);
    scenario.strategy = StrategySettings::Generic(settings);
    scenario.hosts = Hosts::of(hosts);
    scenario
}

/// When the new instances became ready after the beginning of the rollout, ascending, seconds.
fn ready(records: &[(Time, Record)]) -> Vec<f64> {
    let mut found: Vec<f64> = records
        .iter()
        .filter_map(|(at, record)| match record {
            Record::Phase { version: VersionId::NEW, to: Phase::Ready, .. } => {
                Some(at.since(Time::from_secs(10)).as_secs_f64())
            }
            _ => None,
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// Of so many runs: each one's times of readiness.
fn runs(scenario: &Scenario, count: u32) -> Vec<Vec<f64>> {
    let model = Model::new(scenario);
    let mut world = World::new(&model);
    let one = |replication| {
        let mut records = Vec::new();
        world.run(1, replication, Depth::Control, &mut records);
        ready(&records)
    };
    (0..count).map(one).collect()
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// The mean of `values`, of standard deviation `sd`, is `expected` within three standard errors.
fn assert_mean(values: &[f64], (expected, sd): (f64, f64), what: &str) {
    let (mean, _) = moments(values);
    let error = sd / (values.len() as f64).sqrt();
    let z = (mean - expected) / error;
    assert!(z.abs() < 3.0, "{what}: {mean} instead of {expected}, z = {z}");
}

#[test]
fn equal_work_on_one_host_ends_together_at_the_sum() {
    for count in [1, 2, 10] {
        let mut scenario = at_once(count, 1);
        scenario.versions.new.start_cpu = Some(Dist::Fixed(seconds(14)));
        scenario.versions.new.start = Dist::Fixed(seconds(2));
        let (records, _) = play(&scenario, 0, Depth::Control);
        let expected = shared_ends(&vec![14.0; count as usize]);
        let expected: Vec<f64> = expected.iter().map(|end| end + 2.0).collect();
        assert_eq!(ready(&records), expected, "{count} at once");
        // Each on its own host, or one after the other, is in nobody's way.
        scenario.hosts = Hosts::of(count);
        let (records, _) = play(&scenario, 0, Depth::Control);
        assert_eq!(ready(&records), vec![16.0; count as usize]);
        scenario.hosts = Hosts::of(1);
        scenario.strategy = StrategySettings::Generic(batches());
        let (records, _) = play(&scenario, 0, Depth::Control);
        assert_eq!(ready(&records).last(), Some(&(16.0 * f64::from(count))));
    }
}

#[test]
fn exponential_work_on_one_core_ends_as_a_poisson_process() {
    let mut scenario = at_once(8, 1);
    scenario.versions.new.start_cpu = Some(Dist::Exponential { mean: seconds(5) });
    scenario.versions.new.start = Dist::Fixed(Span::ZERO);
    let shared = SharedCore { count: 8, mean: 5.0 };
    let runs = runs(&scenario, 2000);
    for k in [1, 4, 8] {
        let ends: Vec<f64> = runs.iter().map(|ends| ends[k as usize - 1]).collect();
        assert_mean(&ends, (shared.mean_kth(k), shared.sd_kth(k)), "k-th end");
    }
    // With a core each it would be the largest of eight.
    let mut apart = scenario;
    apart.hosts.cores = 8.0;
    let last: Vec<f64> = self::runs(&apart, 2000).iter().map(|ends| ends[7]).collect();
    let (_, sd) = moments(&last);
    assert_mean(&last, (shared.mean_apart(), sd), "the last of eight");
}

#[test]
fn a_common_factor_leaves_the_mean_of_the_last_and_widens_it() {
    let own = Lognormal { mean: 20.0, sd: 6.0 };
    let mut scenario = at_once(10, 10);
    scenario.versions.new.start = Dist::LogNormal { mu: own.mu(), sigma: own.sigma() };
    for common_cv in [0.0, 0.4] {
        scenario.hosts.wave_cv = common_cv;
        let wave = Wave { count: 10, common_cv, own };
        let runs = runs(&scenario, 4000);
        let last: Vec<f64> = runs.iter().map(|ends| ends[9]).collect();
        assert_mean(&last, (wave.mean_last(), wave.sd_last()), "mean of the last");
        // The variance, by its own standard error.
        let deviations: Vec<f64> =
            last.iter().map(|end| (end - wave.mean_last()).powi(2)).collect();
        let (_, sd) = moments(&deviations);
        assert_mean(&deviations, (wave.sd_last().powi(2), sd), "variance of the last");
    }
}

#[test]
fn starts_of_one_wave_correlate_as_the_factor_says() {
    let own = Lognormal { mean: 20.0, sd: 5.0 };
    let mut scenario = at_once(2, 2);
    scenario.versions.new.start = Dist::LogNormal { mu: own.mu(), sigma: own.sigma() };
    scenario.hosts.wave_cv = 0.3;
    let wave = Wave { count: 2, common_cv: 0.3, own };
    // The product of logarithms: both shares of the variance are known.
    let common = libm::log1p(0.09);
    let log_mean = own.mu() - common / 2.0;
    let products: Vec<f64> = runs(&scenario, 4000)
        .iter()
        .map(|ends| (libm::log(ends[0]) - log_mean) * (libm::log(ends[1]) - log_mean))
        .collect();
    let (_, sd) = moments(&products);
    // Cov(ln F + ln X₁, ln F + ln X₂) = Var ln F.
    assert_mean(&products, (common, sd), "covariance of logarithms");
    assert!((wave.correlation() - 0.09 / (0.09 + 0.0625 + 0.09 * 0.0625)).abs() < 1e-12);
    // One after the other each is a wave of its own.
    scenario.strategy = StrategySettings::Generic(batches());
    let products: Vec<f64> = runs(&scenario, 4000)
        .iter()
        .map(|ends| (libm::log(ends[0]) - log_mean) * (libm::log(ends[1] - ends[0]) - log_mean))
        .collect();
    let (_, sd) = moments(&products);
    assert_mean(&products, (0.0, sd), "no covariance between waves");
}

#[test]
fn a_host_pulls_only_the_layers_that_it_lacks() {
    let mut scenario = at_once(2, 2);
    scenario.hosts.bandwidth = Some(Bandwidth(100));
    scenario.versions.old.pull = Some(Bytes(1000));
    scenario.versions.new.pull = Some(Bytes(1000));
    scenario.versions.new.start = Dist::Fixed(seconds(1));
    let at = |scenario: &Scenario| ready(&play(scenario, 0, Depth::Control).0);
    assert_eq!(at(&scenario), [11.0, 11.0]);
    scenario.versions.new.pull_shared = Share(0.8);
    assert_eq!(at(&scenario), [3.0, 3.0]);
    scenario.hosts.cache = false;
    assert_eq!(at(&scenario), [11.0, 11.0]);
}

/// Two slow starts may be given up by their probe while they share a core, though each alone
/// would be in time.
#[test]
fn a_crowd_of_starts_is_given_up_by_its_probes() {
    let mut scenario = at_once(2, 1);
    scenario.versions.new.start_cpu = Some(Dist::Fixed(seconds(20)));
    scenario.versions.new.start = Dist::Fixed(Span::ZERO);
    scenario.probes.period = seconds(10);
    scenario.probes.kills = true;
    scenario.probes.failure_threshold = 3;
    // Probes at 0, 10, 20 s: the third failure is at 20 s, when one alone is just there.
    let failed = |scenario: &Scenario| {
        let (records, _) = play(scenario, 0, Depth::Control);
        let failures = |(_, record): &&(Time, Record)| {
            matches!(record, Record::Phase { to: Phase::Failed, .. })
        };
        records.iter().filter(failures).count()
    };
    assert_eq!(failed(&scenario), 2);
    scenario.hosts = Hosts::of(2);
    assert_eq!(failed(&scenario), 0);
}

/// Mean latency before and during the rollout, seconds, and misses.
fn latencies(scenario: &Scenario) -> (f64, f64, Option<(u64, u64)>, Books) {
    let (records, _) = play(scenario, 0, Depth::Requests);
    let mut means = [f64::NAN; 2];
    let mut misses = None;
    for (_, record) in &records {
        match record {
            Record::Latency { period: Period::Before, version: VersionId::OLD, histogram } => {
                means[0] = histogram.mean_secs();
            }
            Record::Latency { period: Period::During, version: VersionId::NEW, histogram } => {
                means[1] = histogram.mean_secs();
            }
            Record::Misses { total, most } => misses = Some((*total, *most)),
            _ => {}
        }
    }
    let books = Books::of(&records);
    (means[0], means[1], misses, books)
}

#[test]
fn an_empty_cache_makes_requests_slow_and_fills() {
    let mut scenario = quiet(4);
    scenario.traffic = Some(steady(400.0));
    scenario.service.discipline = Discipline::Fifo { slots: 1000, queue: None };
    let cache =
        Cache { hit: Share(0.9), requests: 1000.0, miss_time: Dist::Fixed(Span::from_millis(100)) };
    scenario.pieces.cache = Some(cache);
    scenario.versions.new.start = Dist::Fixed(seconds(15));
    let (before, during, misses, books) = latencies(&scenario);
    // Full caches: 10 ms and a tenth of 100 ms more. 4000 requests: ± 0.5 ms.
    assert!((before - 0.020).abs() < 0.0015, "{before}");
    assert!(during > 0.030 && during < 0.100, "{during}");
    let (total, most) = misses.expect("there are caches");
    let arrived = books.ended.iter().map(|ended| ended[Ending::Ok as usize]).sum::<u64>();
    assert!(total > arrived / 10 && most > 80 && total > most, "{total} {most} of {arrived}");
    // Each of four fresh caches misses hit·scale more than a full one does, in the long run.
    scenario.margin = seconds(120);
    let (records, end) = play(&scenario, 0, Depth::Requests);
    let total = records.iter().find_map(|(_, record)| match record {
        Record::Misses { total, .. } => Some(*total as f64),
        _ => None,
    });
    let lookups = 400.0 * end.since(Time::ZERO + scenario.margin).as_secs_f64();
    let expected = lookups * 0.1 + 4.0 * 0.9 * 1000.0;
    let total = total.expect("there are caches");
    assert!((total / expected - 1.0).abs() < 0.03, "{total} instead of {expected}");
    scenario.pieces.cache = None;
    let (before, during, misses, _) = latencies(&scenario);
    assert!((before - 0.010).abs() < 1e-4 && (during - 0.010).abs() < 1e-4 && misses.is_none());
}

#[test]
fn a_cpu_limit_throttles_only_what_exceeds_it() {
    let mut scenario = quiet(2);
    scenario.traffic = Some(steady(8.0));
    scenario.service.discipline = Discipline::Sharing { cores: 1.0, limit: None };
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.service_time = Dist::Fixed(Span::from_millis(30));
    }
    let mean = |limit: Option<f64>| {
        let mut scenario = scenario.clone();
        scenario.service.cpu_limit = limit;
        latencies(&scenario).0
    };
    let (free, wide, narrow) = (mean(None), mean(Some(0.9)), mean(Some(0.25)));
    // Four requests a second of 30 ms at each: 12 % of a core, rarely two in one period.
    assert!(free < 0.033 && wide < free + 0.002, "{free} {wide}");
    // 25 ms of each 100: every request is throttled at least once, unless it spans two periods.
    assert!(narrow > 0.060, "{narrow}");
}
