//! Hand-written records, one story a test, each with a case in which the naive answer differs.

use super::{Collector, Fate, Outcome};
use crate::scenario::{OutcomeKey as Key, Slo};
use crate::trace::{
    Cause, Ending, Histogram, Moment, Period, Phase, Record, Said, Sink, VersionId, WindowCounts,
};
use crate::units::{Share, Span, Time};

const SLO: Slo = Slo {
    availability: Share(0.999),
    latency: Span::from_millis(300),
    latency_share: Share(0.99),
    period: Span::from_secs(1000),
    window: Span::from_secs(1),
    outage_share: Share(0.5),
};

/// Writes records at whole seconds.
struct Tape(Collector);

impl Tape {
    /// `instances` of the old version serve; the rollout begins at 10 s.
    fn begun(instances: u32) -> Self {
        let mut tape = Self(Collector::new(&SLO, true));
        tape.prelude(instances);
        tape
    }

    fn prelude(&mut self, instances: u32) {
        self.at(0, Record::Desired { instances });
        for instance in 0..instances {
            self.phase(0, instance, 0, Phase::Available).serving(0, instance, 0, true);
        }
        self.moment(10, Moment::Begun);
    }

    fn at(&mut self, secs: u64, record: Record) -> &mut Self {
        self.0.record(Time(secs * 1_000_000_000), record);
        self
    }

    fn phase(&mut self, secs: u64, instance: u32, version: u8, to: Phase) -> &mut Self {
        let cause = Cause::Strategy;
        self.at(secs, Record::Phase { instance, version: VersionId(version), to, cause })
    }

    fn serving(&mut self, secs: u64, instance: u32, version: u8, serving: bool) -> &mut Self {
        self.at(secs, Record::Serving { instance, version: VersionId(version), serving })
    }

    fn said(&mut self, secs: u64, said: Said) -> &mut Self {
        self.at(secs, Record::Said(said))
    }

    fn moment(&mut self, secs: u64, moment: Moment) -> &mut Self {
        self.at(secs, Record::Moment(moment))
    }

    /// A window with these endings of requests that went to `version`.
    fn window(&mut self, secs: u64, version: usize, endings: &[(Ending, u32)]) -> &mut Self {
        self.slow_window(secs, version, endings, 0)
    }

    fn slow_window(
        &mut self,
        secs: u64,
        version: usize,
        endings: &[(Ending, u32)],
        slow: u32,
    ) -> &mut Self {
        let mut counts = [WindowCounts::default(); 3];
        for &(ending, count) in endings {
            counts[version].ended[ending as usize] = count;
            counts[version].arrived += count;
        }
        counts[version].slow = slow;
        self.at(secs, Record::Window { counts })
    }

    /// Instance `new` replaces `old`, with a gap in between.
    fn replace(&mut self, secs: u64, old: u32, new: u32) -> &mut Self {
        self.serving(secs, old, 0, false)
            .phase(secs, old, 0, Phase::Draining)
            .phase(secs + 1, old, 0, Phase::Stopped)
            .phase(secs + 1, new, 1, Phase::Pending)
            .phase(secs + 2, new, 1, Phase::Starting)
            .phase(secs + 4, new, 1, Phase::Available)
            .serving(secs + 5, new, 1, true)
    }

    fn end(&mut self, secs: u64) -> Outcome {
        self.0.finish(Time(secs * 1_000_000_000))
    }
}

#[track_caller]
fn same(outcome: &Outcome, expected: &[(Key, f64)]) {
    for &(key, value) in expected {
        let got = outcome.get(key);
        let close = got.is_some_and(|got| (got - value).abs() <= 1e-9 * value.abs().max(1.0));
        assert!(close, "{}: {got:?}, expected {value}", key.name());
    }
}

#[track_caller]
fn does_not_apply(outcome: &Outcome, keys: &[Key]) {
    for &key in keys {
        assert_eq!(outcome.get(key), None, "{}", key.name());
    }
}

#[test]
fn times_count_from_the_begin_and_settling_outlasts_the_word() {
    let mut tape = Tape::begun(2);
    tape.replace(12, 0, 2).replace(18, 1, 3).said(20, Said::Completed);
    let outcome = tape.end(60);
    same(&outcome, &[(Key::Duration, 10.0), (Key::Settled, 12.0), (Key::Completed, 1.0)]);
    same(&outcome, &[(Key::Stuck, 0.0), (Key::Human, 0.0), (Key::FullOutage, 0.0)]);
    does_not_apply(&outcome, &[Key::Detected, Key::Decided, Key::Restored, Key::Exposure]);
    does_not_apply(&outcome, &[Key::Requests, Key::LatencyP50, Key::Degraded, Key::SkewAfter]);
    assert_eq!((outcome.is.serving_new, outcome.is.serving_old), (2, 0));
}

#[test]
fn one_instant_is_one_state() {
    let mut tape = Tape::begun(1);
    tape.phase(12, 1, 1, Phase::Available);
    // The old one leaves before the new one comes, but at the same nanosecond.
    tape.serving(13, 0, 0, false).phase(13, 0, 0, Phase::Draining);
    tape.phase(13, 2, 1, Phase::Available).serving(13, 1, 1, true).phase(13, 0, 0, Phase::Stopped);
    let outcome = tape.end(20);
    same(&outcome, &[(Key::ServingMin, 1.0), (Key::AvailableMin, 1.0), (Key::FullOutage, 0.0)]);
    same(&outcome, &[(Key::Outage, 0.0), (Key::InstancesPeak, 2.0)]);
}

#[test]
fn extremes_count_from_the_begin_until_the_record_ends() {
    let mut tape = Tape::begun(3);
    // Before the begin three instances came up one by one; that was no dip.
    tape.phase(12, 3, 1, Phase::Pending).phase(13, 0, 0, Phase::Draining);
    tape.phase(14, 4, 1, Phase::Pending).phase(15, 0, 0, Phase::Stopped);
    // Rotation lags: the lowest point comes after the last change of a phase.
    tape.serving(20, 1, 0, false).serving(20, 2, 0, false).serving(21, 1, 0, true);
    let outcome = tape.end(30);
    same(&outcome, &[(Key::Settled, 5.0), (Key::ServingMin, 0.0), (Key::AvailableMin, 2.0)]);
    // Instance 0 drains while 3 and 4 exist: 4 active, 5 in all.
    same(&outcome, &[(Key::InstancesMax, 4.0), (Key::InstancesPeak, 5.0)]);
    same(&outcome, &[(Key::FullOutage, 1.0), (Key::Outage, 1.0)]);
}

#[test]
fn areas_end_when_settled_and_do_not_cancel_out() {
    let mut tape = Tape::begun(2);
    // 12–15 s: three instances, one serving. Missing 1 and above desired 1 at the same time.
    tape.phase(12, 2, 1, Phase::Pending).serving(12, 0, 0, false);
    tape.phase(12, 0, 0, Phase::Draining).phase(15, 0, 0, Phase::Stopped);
    let outcome = tape.end(100);
    same(&outcome, &[(Key::CapacityLost, 3.0), (Key::SurgeCost, 3.0), (Key::Mixed, 0.0)]);
    // Serving above desired is no negative loss.
    let mut tape = Tape::begun(1);
    tape.phase(11, 1, 1, Phase::Available).serving(11, 1, 1, true);
    tape.phase(16, 0, 0, Phase::Draining).serving(18, 0, 0, false);
    tape.phase(19, 0, 0, Phase::Stopped);
    let outcome = tape.end(100);
    same(&outcome, &[(Key::CapacityLost, 0.0), (Key::SurgeCost, 8.0), (Key::Mixed, 7.0)]);
}

#[test]
fn a_stopped_process_serves_nobody_whatever_the_data_plane_believes() {
    let mut tape = Tape::begun(1);
    tape.phase(12, 0, 0, Phase::Stopped);
    let outcome = tape.end(15);
    same(&outcome, &[(Key::ServingMin, 0.0), (Key::Outage, 3.0)]);
}

#[test]
fn scaling_to_nothing_is_no_outage() {
    let mut tape = Tape::begun(1);
    tape.at(12, Record::Desired { instances: 0 }).serving(12, 0, 0, false);
    same(&tape.end(20), &[(Key::Outage, 0.0), (Key::FullOutage, 0.0), (Key::CapacityLost, 0.0)]);
}

#[test]
fn a_rollback_reopens_what_was_completed() {
    let mut tape = Tape::begun(1);
    tape.phase(11, 1, 1, Phase::Available).serving(11, 1, 1, true);
    tape.serving(12, 0, 0, false).phase(12, 0, 0, Phase::Stopped).said(13, Said::Completed);
    tape.moment(14, Moment::Detected).moment(15, Moment::Detected);
    tape.moment(16, Moment::RollbackDecided).said(16, Said::RollingBack);
    tape.phase(17, 2, 0, Phase::Available).serving(20, 2, 0, true);
    tape.serving(20, 1, 1, false).phase(22, 1, 1, Phase::Stopped).said(23, Said::RolledBack);
    let outcome = tape.end(40);
    assert_eq!((outcome.fate, outcome.said), (Fate::RolledBack, Said::RolledBack));
    same(&outcome, &[(Key::Duration, 13.0), (Key::RolledBack, 1.0), (Key::Completed, 0.0)]);
    same(&outcome, &[(Key::Detected, 4.0), (Key::Decided, 6.0), (Key::Restored, 10.0)]);
}

#[test]
fn a_pause_that_is_resumed_is_no_end_but_repeating_oneself_is_no_new_one() {
    let mut tape = Tape::begun(1);
    tape.said(12, Said::Paused).said(13, Said::Progressing).replace(14, 0, 1);
    tape.said(25, Said::Completed).said(35, Said::Completed);
    let outcome = tape.end(40);
    assert_eq!(outcome.fate, Fate::Completed);
    same(&outcome, &[(Key::Duration, 15.0), (Key::Human, 0.0), (Key::Paused, 0.0)]);
    // A second wind after completion does not move the end either.
    let mut tape = Tape::begun(1);
    tape.replace(14, 0, 1).said(25, Said::Completed).said(30, Said::Progressing);
    tape.said(31, Said::Completed);
    same(&tape.end(40), &[(Key::Duration, 15.0)]);
    // A rollback that never ends leaves no duration.
    let mut tape = Tape::begun(1);
    tape.said(12, Said::Paused).said(13, Said::RollingBack);
    let outcome = tape.end(40);
    does_not_apply(&outcome, &[Key::Duration]);
    assert_eq!(outcome.fate, Fate::Stuck);
}

#[test]
fn the_word_completed_is_held_against_what_serves() {
    let mut tape = Tape::begun(2);
    tape.replace(12, 0, 2).said(20, Said::Completed);
    let outcome = tape.end(60);
    assert_eq!((outcome.fate, outcome.said), (Fate::CompletedNotServing, Said::Completed));
    same(&outcome, &[(Key::Completed, 0.0), (Key::Duration, 10.0), (Key::Stuck, 0.0)]);
    // New ones everywhere, but an old one still takes requests.
    let mut tape = Tape::begun(1);
    tape.phase(12, 1, 1, Phase::Available).serving(12, 1, 1, true).said(13, Said::Completed);
    assert_eq!(tape.end(60).fate, Fate::CompletedNotServing);
    // A way back that the orchestrator calls completed is a rollback all the same.
    let mut tape = Tape::begun(1);
    tape.said(12, Said::RollingBack).said(13, Said::Completed);
    assert_eq!(tape.end(60).fate, Fate::RolledBack);
}

#[test]
fn people_are_needed_when_called_and_when_a_rollout_pauses_fails_or_sticks() {
    let mut tape = Tape::begun(1);
    tape.said(12, Said::DeadlineExceeded);
    let outcome = tape.end(60);
    same(&outcome, &[(Key::Stuck, 1.0), (Key::Human, 1.0), (Key::Settled, 0.0)]);
    does_not_apply(&outcome, &[Key::Duration]);
    let mut tape = Tape::begun(1);
    tape.said(12, Said::Paused);
    same(&tape.end(60), &[(Key::Paused, 1.0), (Key::Human, 1.0), (Key::Stuck, 0.0)]);
    let mut tape = Tape::begun(1);
    tape.said(12, Said::Failed);
    let outcome = tape.end(60);
    same(&outcome, &[(Key::GivenUp, 1.0), (Key::Human, 1.0), (Key::Duration, 2.0)]);
    same(&outcome, &[(Key::Paused, 0.0), (Key::Stuck, 0.0)]);
    let mut tape = Tape::begun(1);
    tape.replace(12, 0, 1).moment(13, Moment::HumanCalled).said(18, Said::Completed);
    same(&tape.end(60), &[(Key::Completed, 1.0), (Key::Human, 1.0)]);
    let mut tape = Tape::begun(1);
    tape.replace(12, 0, 1).said(18, Said::Completed).moment(50, Moment::GaveUp);
    same(&tape.end(60), &[(Key::Completed, 0.0), (Key::Stuck, 1.0), (Key::Human, 1.0)]);
}

#[test]
fn old_capacity_that_never_sank_is_restored_at_the_decision() {
    let mut tape = Tape::begun(1);
    tape.phase(12, 1, 1, Phase::Available).serving(12, 1, 1, true);
    tape.moment(20, Moment::RollbackDecided);
    same(&tape.end(60), &[(Key::Restored, 10.0), (Key::Decided, 10.0)]);
    // The bad version's instances do not make the service whole.
    let mut tape = Tape::begun(1);
    tape.phase(12, 1, 1, Phase::Available).serving(12, 1, 1, true).serving(12, 0, 0, false);
    tape.moment(20, Moment::RollbackDecided);
    does_not_apply(&tape.end(60), &[Key::Restored]);
}

#[test]
fn windows_belong_to_the_rollout_until_it_settled_also_in_hindsight() {
    use Ending::{NoEndpoint, Ok, Refused};
    let mut tape = Tape::begun(2);
    tape.window(9, 0, &[(Ok, 5), (Refused, 1)]).phase(11, 0, 0, Phase::Draining);
    // Nothing changed when these two began; the change at 15 s makes them part of it.
    tape.window(12, 0, &[(Ok, 90), (Refused, 10)]).window(13, 2, &[(NoEndpoint, 3)]);
    tape.phase(15, 0, 0, Phase::Stopped);
    tape.window(15, 0, &[(Ok, 97)]).window(16, 0, &[(Ok, 50), (Refused, 50)]);
    let outcome = tape.end(17);
    same(&outcome, &[(Key::Requests, 200.0), (Key::Failed, 13.0), (Key::FailedShare, 0.065)]);
    same(&outcome, &[(Key::FailedRefused, 10.0), (Key::FailedNoEndpoint, 3.0)]);
    assert_eq!(outcome.ended(Ok), 187);
    assert_eq!(outcome.endings[2][NoEndpoint as usize], 3);
    // The window at 16 s is half lost, but after the end; the one at 13 s is an outage.
    same(&outcome, &[(Key::Outage, 1.0), (Key::Degraded, 2.0)]);
}

#[test]
fn each_cause_of_failure_is_counted_by_itself() {
    let mut tape = Tape::begun(1);
    let endings: Vec<_> = Ending::ALL.iter().copied().zip([100, 1, 2, 3, 4, 5, 6, 7]).collect();
    tape.window(10, 0, &endings);
    let outcome = tape.end(20);
    same(&outcome, &[(Key::FailedRefused, 1.0), (Key::FailedReset, 2.0), (Key::FailedCut, 3.0)]);
    same(&outcome, &[(Key::FailedTimeout, 4.0), (Key::FailedShed, 5.0), (Key::Failed, 28.0)]);
    same(&outcome, &[(Key::FailedVersion, 6.0), (Key::FailedNoEndpoint, 7.0)]);
}

#[test]
fn with_requests_an_outage_is_counted_in_windows_each_once() {
    use Ending::{NoEndpoint, Ok};
    let mut tape = Tape::begun(1);
    tape.serving(12, 0, 0, false).phase(12, 0, 0, Phase::Draining);
    tape.window(11, 0, &[(Ok, 10)]).window(12, 2, &[(NoEndpoint, 10)]);
    // Dark and without any request; then dark for its first half only and mostly answered.
    tape.window(13, 2, &[]);
    tape.0.record(
        Time(14_500_000_000),
        Record::Serving { instance: 0, version: VersionId::OLD, serving: true },
    );
    tape.window(14, 0, &[(Ok, 9)]);
    // Long after settling: dark again until the record ends.
    tape.serving(30, 0, 0, false).window(29, 0, &[(Ok, 5)]).window(30, 0, &[]);
    let outcome = tape.end(31);
    same(&outcome, &[(Key::Outage, 3.0), (Key::FullOutage, 1.0)]);
}

#[test]
fn the_limits_themselves_are_kept() {
    use Ending::{Ok, Timeout};
    // As doubles, 1 − "99.9%" is a little less than 1/1000, and 7 % of 100 a little more than 7.
    let availability: Share = "99.9%".parse().unwrap();
    let slo = Slo { availability, outage_share: Share(0.07), ..SLO };
    let mut tape = Tape(Collector::new(&slo, false));
    tape.prelude(1);
    // Exactly 99.9 % answered and exactly 99 % of those in time: good. One more slow one: bad.
    let good = [(Ok, 99_900), (Timeout, 100)];
    tape.slow_window(10, 0, &good, 999).phase(14, 0, 0, Phase::Draining);
    tape.slow_window(11, 0, &good, 1000).window(12, 0, &[(Ok, 998), (Timeout, 2)]);
    // Exactly the share that makes an outage; a little less; nothing asked is neither.
    tape.window(13, 0, &[(Ok, 93), (Timeout, 7)]).window(13, 0, &[(Ok, 94), (Timeout, 6)]);
    tape.window(14, 0, &[]);
    same(&tape.end(20), &[(Key::Degraded, 4.0), (Key::Outage, 1.0)]);
}

#[test]
fn the_budget_is_that_of_the_whole_period_at_the_rate_of_the_whole_record() {
    use Ending::{Ok, Timeout};
    let mut tape = Tape::begun(1);
    tape.window(8, 0, &[(Ok, 100)]).window(9, 0, &[(Ok, 100)]);
    tape.window(10, 0, &[(Ok, 85), (Timeout, 15)]).window(11, 0, &[(Timeout, 100)]);
    // 100/s for 1000 s, of which 0.1 % may fail: 100. Only the first 15 failed in the rollout.
    same(&tape.end(20), &[(Key::ErrorBudget, 0.15)]);
    let mut tape = Tape::begun(1);
    tape.window(10, 0, &[]);
    let outcome = tape.end(20);
    same(&outcome, &[(Key::ErrorBudget, 0.0), (Key::Requests, 0.0)]);
    does_not_apply(&outcome, &[Key::FailedShare, Key::AttemptsPerRequest]);
}

#[test]
fn only_a_bad_version_exposes_and_its_errors_are_answers() {
    use Ending::{Ok, Timeout, Version};
    let feed = |tape: &mut Tape| {
        tape.phase(11, 1, 1, Phase::Available).window(11, 0, &[(Ok, 50)]);
        tape.window(12, 1, &[(Ok, 20), (Version, 30), (Timeout, 7)]);
        // After the last change of any instance, but before it is stopped.
        tape.window(13, 1, &[(Version, 5)]);
    };
    let mut tape = Tape::begun(1);
    feed(&mut tape);
    tape.said(14, Said::Completed);
    does_not_apply(&tape.end(20), &[Key::Exposure]);
    let mut tape = Tape::begun(1);
    feed(&mut tape);
    tape.said(14, Said::Paused);
    same(&tape.end(20), &[(Key::Exposure, 55.0)]);
    let mut tape = Tape::begun(1);
    feed(&mut tape);
    tape.moment(14, Moment::RollbackDecided);
    same(&tape.end(20), &[(Key::Exposure, 55.0), (Key::Stuck, 1.0)]);
}

#[test]
fn latency_attempts_and_skew_come_from_their_records() {
    let histogram = |millis: u64, count: u64| {
        let mut histogram = Histogram::default();
        (0..count).for_each(|_| histogram.add(millis * 1_000_000));
        histogram
    };
    let mut tape = Tape::begun(1);
    tape.window(5, 0, &[(Ending::Ok, 100)]).window(10, 0, &[(Ending::Ok, 100)]);
    for (period, version, histogram) in [
        (Period::Before, 0, histogram(900, 1000)),
        (Period::During, 0, histogram(10, 75)),
        (Period::During, 1, histogram(50, 25)),
        (Period::After, 1, histogram(700, 1000)),
    ] {
        let version = VersionId(version);
        tape.at(10, Record::Latency { period, version, histogram });
    }
    let served_after = vec![(1, 30), (2, 0), (3, 10), (4, 0)];
    tape.at(10, Record::Totals { attempts: 240, served_after });
    let outcome = tape.end(20);
    // Attempts over the requests of the whole record, not of the rollout alone; idle instances
    // count in the mean.
    same(&outcome, &[(Key::AttemptsPerRequest, 1.2), (Key::SkewAfter, 3.0)]);
    same(&outcome, &[(Key::LatencyMean, 0.020)]);
    let quantile = |key: Key| outcome.get(key).unwrap();
    assert!((quantile(Key::LatencyP50) / 0.010 - 1.0).abs() < 0.01);
    for key in [Key::LatencyP90, Key::LatencyP99, Key::LatencyP999] {
        assert!((quantile(key) / 0.050 - 1.0).abs() < 0.01);
    }
    assert_eq!(outcome.latency[Period::After as usize][1].len(), 1000);
}

#[test]
fn nothing_of_one_rollout_is_left_in_the_next() {
    let mut tape = Tape::begun(3);
    tape.replace(12, 0, 3).window(12, 0, &[(Ending::Cut, 9)]).moment(13, Moment::GaveUp);
    tape.moment(13, Moment::RollbackDecided).moment(13, Moment::HumanCalled);
    tape.at(13, Record::Totals { attempts: 240, served_after: vec![(1, 1)] });
    let histogram = Histogram::default();
    let (period, version) = (Period::During, VersionId::NEW);
    tape.at(13, Record::Latency { period, version, histogram });
    tape.0.reset();
    tape.prelude(1);
    tape.replace(12, 0, 1).said(20, Said::Completed);
    let again = tape.end(30);
    let mut fresh = Tape::begun(1);
    fresh.replace(12, 0, 1).said(20, Said::Completed);
    let first = fresh.end(30);
    assert_eq!(format!("{again:?}"), format!("{first:?}"));
    assert_eq!(tape.0.series(), fresh.0.series());
}

#[test]
fn the_series_adds_up_and_skips_instants_without_change() {
    let mut tape = Tape::begun(2);
    tape.replace(12, 0, 2);
    tape.end(30);
    let series = tape.0.series();
    assert_eq!((series.begun, series.end), (Time(10_000_000_000), Time(30_000_000_000)));
    let times: Vec<u64> = series.points.iter().map(|p| p.at.0 / 1_000_000_000).collect();
    assert_eq!(times, [0, 12, 13, 16, 17]);
    let at = |secs: u64| series.at(Time(secs * 1_000_000_000));
    assert_eq!((at(12).draining, at(12).serving(), at(12).active), (1, 1, 1));
    // Starting at 14 s, available at 16 s, in rotation at 17 s.
    assert_eq!((at(14).starting, at(16).starting, at(17).starting), (1, 1, 0));
    assert_eq!((at(16).available, at(17).serving_new, at(17).serving_old), (2, 1, 1));
}

#[test]
fn without_a_begin_only_the_fate_is_known() {
    let mut tape = Tape(Collector::new(&SLO, false));
    tape.phase(1, 0, 0, Phase::Available).said(2, Said::Completed);
    let outcome = tape.end(3);
    does_not_apply(&outcome, &[Key::Duration, Key::ServingMin, Key::Settled, Key::Outage]);
    assert!(tape.0.series().points.is_empty());
}
