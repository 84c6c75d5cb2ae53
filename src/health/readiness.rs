//! When a prober finds out that an instance can answer.

use crate::scenario::Probes;
use crate::units::{Span, Time};

/// The instant of the probe that makes an instance ready, if it answers every probe from `able`
/// on and none before.
///
/// The first probe goes out at `started` + initial delay + `jitter`·period, every further one a
/// period later. `jitter` in [0, 1) is the world's to draw: 0 for a prober that starts with the
/// instance; uniform for one whose rhythm is older than the instance (a load balancer's, or a
/// kubelet's after its restart). A probe at `able` itself succeeds; an answer takes no time.
/// Period zero: ready as soon as it can answer and the initial delay is over.
/// [`Time::NEVER`] if `able` is.
pub fn ready_at(started: Time, able: Time, probes: &Probes, jitter: f64) -> Time {
    let first = started + probes.initial_delay;
    let period = probes.period.0;
    if able == Time::NEVER || period == 0 {
        return first.max(able);
    }
    let first = first + Span((jitter * period as f64) as u64);
    let in_vain = able.since(first).0.div_ceil(period);
    let probes_after_first = in_vain + u64::from(probes.success_threshold.max(1) - 1);
    first + Span(probes_after_first.saturating_mul(period))
}

/// The instant of the probe that gives up an instance whose failed probes are counted against it
/// (a liveness or start-up probe, a container's health check): the last of `failure` failures in
/// a row, all of them at or after the start period, as long as no probe has passed.
///
/// A process that does not answer yet refuses: its probes fail at once, not at their timeout.
/// [`Time::NEVER`] if it answers in time, or if nobody counts.
pub fn unfit_at(started: Time, able: Time, probes: &Probes) -> Time {
    let period = probes.period.0;
    if !probes.enabled || !probes.kills || period == 0 {
        return Time::NEVER;
    }
    let first = started + probes.initial_delay;
    let uncounted = (started + probes.start_period).since(first).0.div_ceil(period);
    let failures = uncounted + u64::from(probes.failure_threshold.max(1) - 1);
    let last = first + Span(failures.saturating_mul(period));
    if last < able { last } else { Time::NEVER }
}

/// The instant of the probe that makes an instance unready whose probes fail from `down` until
/// `up`: the last of `failure` failures in a row. [`Time::NEVER`] if a probe succeeds before that,
/// or if nobody asks. Probes go out as in [`ready_at`].
pub fn unready_at(started: Time, down: Time, up: Time, probes: &Probes, jitter: f64) -> Time {
    let counted = Probes { success_threshold: probes.failure_threshold, ..*probes };
    let at = ready_at(started, down, &counted, jitter);
    if probes.enabled && at < up { at } else { Time::NEVER }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ready_at, unfit_at, unready_at};
    use crate::health::{Change, Health, Thresholds};
    use crate::scenario::Probes;
    use crate::units::{Span, Time};

    fn probes(initial_delay: u64, period: u64, success_threshold: u32) -> Probes {
        Probes {
            initial_delay: Span(initial_delay),
            period: Span(period),
            success_threshold,
            failure_threshold: 3,
            timeout: Span(1),
            enabled: true,
            kills: false,
            start_period: Span(0),
        }
    }

    #[test]
    fn readiness_waits_for_the_next_probe() {
        // Probes at 105, 115, 125, …
        let settings = probes(5, 10, 1);
        assert_eq!(ready_at(Time(100), Time(100), &settings, 0.0), Time(105));
        assert_eq!(ready_at(Time(100), Time(105), &settings, 0.0), Time(105));
        assert_eq!(ready_at(Time(100), Time(106), &settings, 0.0), Time(115));
        assert_eq!(ready_at(Time(100), Time(115), &settings, 0.0), Time(115));
        // Half a period later with that jitter: 110, 120, …
        assert_eq!(ready_at(Time(100), Time(106), &settings, 0.5), Time(110));
        // Three in a row.
        assert_eq!(ready_at(Time(100), Time(106), &probes(5, 10, 3), 0.0), Time(135));
    }

    #[test]
    fn without_a_period_it_is_known_at_once_and_never_stays_never() {
        assert_eq!(ready_at(Time(100), Time(117), &probes(5, 0, 3), 0.9), Time(117));
        assert_eq!(ready_at(Time(100), Time(101), &probes(5, 0, 1), 0.0), Time(105));
        assert_eq!(ready_at(Time(100), Time::NEVER, &probes(5, 10, 3), 0.0), Time::NEVER);
        assert_eq!(ready_at(Time(100), Time::NEVER, &probes(5, 0, 3), 0.0), Time::NEVER);
    }

    #[test]
    fn too_many_failures_in_a_row_are_the_end() {
        // Probes at 105, 115, 125, …; three failures.
        let counted = Probes { kills: true, ..probes(5, 10, 1) };
        assert_eq!(unfit_at(Time(100), Time::NEVER, &counted), Time(125));
        assert_eq!(unfit_at(Time(100), Time(126), &counted), Time(125));
        assert_eq!(unfit_at(Time(100), Time(125), &counted), Time::NEVER);
        // Failures at 105 and 115 do not count, that at 125 does.
        let late = Probes { start_period: Span(25), ..counted };
        assert_eq!(unfit_at(Time(100), Time::NEVER, &late), Time(145));
        let later = Probes { start_period: Span(26), ..counted };
        assert_eq!(unfit_at(Time(100), Time::NEVER, &later), Time(155));
        // Nobody counts.
        assert_eq!(unfit_at(Time(100), Time::NEVER, &probes(5, 10, 1)), Time::NEVER);
        let unasked = Probes { enabled: false, ..counted };
        assert_eq!(unfit_at(Time(100), Time::NEVER, &unasked), Time::NEVER);
    }

    #[test]
    fn an_outage_must_last_for_some_probes() {
        // Probes at 105, 115, 125, …; three failures in a row.
        let settings = probes(5, 10, 1);
        let unready = |down, up| unready_at(Time(100), Time(down), Time(up), &settings, 0.0);
        assert_eq!(unready(200, 300), Time(225));
        assert_eq!(unready(205, 226), Time(225));
        assert_eq!(unready(205, 225), Time::NEVER, "the third probe succeeds");
        let unasked = Probes { enabled: false, ..settings };
        assert_eq!(unready_at(Time(100), Time(200), Time(300), &unasked, 0.0), Time::NEVER);
        let at_once = probes(0, 0, 1);
        assert_eq!(unready_at(Time(100), Time(200), Time(201), &at_once, 0.0), Time(200));
    }

    proptest! {
        /// The formula says what a prober with its counter says.
        #[test]
        fn stepping_from_probe_to_probe_agrees(
            started in 0_u64..1000,
            able_after in 0_u64..1000,
            delay in 0_u64..50,
            period in 1_u64..40,
            rise in 1_u32..5,
            jitter in 0.0_f64..1.0,
        ) {
            let settings = probes(delay, period, rise);
            let able = Time(started + able_after);
            let thresholds = Thresholds::from(&settings);
            let mut health = Health::down();
            let mut at = Time(started + delay + (jitter * period as f64) as u64);
            while health.observe(at >= able, thresholds) != Some(Change::Up) {
                at += Span(period);
            }
            prop_assert_eq!(ready_at(Time(started), able, &settings, jitter), at);
        }
    }
}
