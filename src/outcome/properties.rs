//! Whatever is recorded, the streaming sums agree with those over the finished series.

use proptest::prelude::*;

use super::{Collector, Outcome, Series};
use crate::scenario::{OutcomeKey as Key, Slo};
use crate::trace::{Cause, Ending, Moment, Phase, Record, Sink, VersionId, WindowCounts};
use crate::units::{Share, Span, Time};

const STEP: u64 = 250_000_000;
const WINDOW: u64 = 4 * STEP;

const SLO: Slo = Slo {
    availability: Share(0.9),
    latency: Span::from_millis(300),
    latency_share: Share(0.99),
    period: Span::from_secs(1000),
    window: Span(WINDOW),
    outage_share: Share(0.5),
};

#[derive(Debug, Clone)]
enum Op {
    Phase(u32, Phase),
    Serving(u32, bool),
    Desired(u32),
}

/// Records, in no sensible order but in order of time: (steps since the last one, what).
fn ops() -> impl Strategy<Value = Vec<(u64, Op)>> {
    let phase = prop::sample::select(vec![
        Phase::Pending,
        Phase::Starting,
        Phase::Available,
        Phase::Draining,
        Phase::Stopped,
    ]);
    let op = prop_oneof![
        (0..4_u32, phase).prop_map(|(i, phase)| Op::Phase(i, phase)),
        (0..4_u32, any::<bool>()).prop_map(|(i, on)| Op::Serving(i, on)),
        (0..4_u32).prop_map(Op::Desired),
    ];
    prop::collection::vec((0..7_u64, op), 1..30)
}

/// A run with what the oracle needs to know about it.
struct Played {
    outcome: Outcome,
    series: Series,
    settled: Time,
    /// (begin, failed, ended)
    windows: Vec<(Time, u32, u32)>,
}

fn play(ops: &[(u64, Op)], begin_at: usize, failures: Option<&[u32]>) -> Played {
    let mut collector = Collector::new(&SLO, true);
    let (mut now, mut begun) = (0, None);
    let mut settled = Time::ZERO;
    let mut windows: Vec<(Time, u32, u32)> = Vec::new();
    let mut write_windows = |collector: &mut Collector, until: u64| {
        let Some(failures) = failures else { return };
        while (windows.len() as u64 + 1) * WINDOW <= until {
            let (begin, failed) = (windows.len() as u64 * WINDOW, failures[windows.len() % 8]);
            let mut counts = [WindowCounts::default(); 3];
            counts[0].ended[Ending::Cut as usize] = failed;
            counts[1].ended[Ending::Ok as usize] = 10 - failed;
            collector.record(Time(begin), Record::Window { counts });
            windows.push((Time(begin), failed, 10));
        }
    };
    for (index, (steps, op)) in ops.iter().enumerate() {
        now += steps * STEP;
        write_windows(&mut collector, now);
        let at = Time(now);
        if index == begin_at {
            collector.record(at, Record::Moment(Moment::Begun));
            (begun, settled) = (Some(at), at);
        }
        let version = |instance: u32| VersionId((instance % 2) as u8);
        let record = match *op {
            Op::Phase(instance, to) => {
                settled = if begun.is_some() { at } else { settled };
                Record::Phase { instance, version: version(instance), to, cause: Cause::Strategy }
            }
            Op::Serving(instance, serving) => {
                Record::Serving { instance, version: version(instance), serving }
            }
            Op::Desired(instances) => Record::Desired { instances },
        };
        collector.record(at, record);
    }
    let end = now + 3 * WINDOW;
    write_windows(&mut collector, end);
    let outcome = collector.finish(Time(end));
    Played { outcome, series: collector.series().clone(), settled, windows }
}

/// Seconds between `from` and `to` weighted by `weight`, in steps.
fn area(series: &Series, from: Time, to: Time, weight: impl Fn(&super::Point) -> u32) -> f64 {
    let steps = (from.0..to.0).step_by(STEP as usize);
    steps.map(|at| f64::from(weight(&series.at(Time(at))))).sum::<f64>() * 0.25
}

fn is_out(point: &super::Point) -> bool {
    point.desired > 0 && point.serving() == 0
}

proptest! {
    #[test]
    fn areas_and_extremes_agree_with_the_series(ops in ops(), begin_at in 0_usize..30) {
        let begin_at = begin_at % ops.len();
        let Played { outcome, series, settled, .. } = play(&ops, begin_at, None);
        let (begun, end) = (series.begun, series.end);
        let lost = area(&series, begun, settled, |p| p.desired.saturating_sub(p.serving()));
        prop_assert_eq!(outcome.get(Key::CapacityLost), Some(lost));
        let both = |p: &super::Point| u32::from(p.serving_old > 0 && p.serving_new > 0);
        prop_assert_eq!(outcome.get(Key::Mixed), Some(area(&series, begun, end, both)));
        let dark = area(&series, begun, end, |p| u32::from(is_out(p)));
        prop_assert_eq!(outcome.get(Key::Outage), Some(dark));
        prop_assert_eq!(outcome.get(Key::Settled), Some(settled.since(begun).as_secs_f64()));
        let points = (begun.0..=end.0).step_by(STEP as usize).map(|at| series.at(Time(at)));
        let serving_min = points.clone().map(|p| p.serving()).min().map(f64::from);
        prop_assert_eq!(outcome.get(Key::ServingMin), serving_min);
        let active_max = points.map(|p| p.active).max().map(f64::from);
        prop_assert_eq!(outcome.get(Key::InstancesMax), active_max);
    }

    #[test]
    fn windows_agree_with_the_series(
        ops in ops(),
        begin_at in 0_usize..30,
        failures in prop::collection::vec(0..=10_u32, 8),
    ) {
        let begin_at = begin_at % ops.len();
        let played = play(&ops, begin_at, Some(&failures));
        let Played { outcome, series, settled, windows } = &played;
        let mut sums = (0, 0, 0);
        for &(begin, failed, ended) in windows.iter().filter(|w| w.0 >= series.begun) {
            let mut steps = (begin.0..begin.0 + WINDOW).step_by(STEP as usize);
            let dark = steps.all(|at| is_out(&series.at(Time(at))));
            let during = begin <= *settled;
            sums.0 += if during { ended } else { 0 };
            sums.1 += if during { failed } else { 0 };
            sums.2 += u32::from(dark || during && failed * 2 >= ended);
        }
        if !windows.is_empty() {
            prop_assert_eq!(outcome.get(Key::Requests), Some(f64::from(sums.0)));
            prop_assert_eq!(outcome.get(Key::Failed), Some(f64::from(sums.1)));
            prop_assert_eq!(outcome.get(Key::Outage), Some(f64::from(sums.2)));
        }
    }
}
