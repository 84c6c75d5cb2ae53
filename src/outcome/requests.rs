//! Sums over the windows of requests.

use crate::scenario::Slo;
use crate::trace::{Ending, WindowCounts};
use crate::units::Time;

/// Float noise that must not decide whether a share keeps its limit: `99.9%` is read as
/// 99.9/100, which is not the double nearest to 0.999.
const TOLERANCE: f64 = 1e-12;

/// Sums over some windows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// By version (old, new, none) and [`Ending`].
    pub(super) endings: [[u64; 8]; 3],
    /// Windows in which too many failed, although somebody served.
    pub(super) failing: u64,
    /// Windows that break the SLO.
    pub(super) degraded: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.endings.iter_mut().flatten().zip(other.endings.as_flattened()) {
            *mine += theirs;
        }
        self.failing += other.failing;
        self.degraded += other.degraded;
    }

    /// All requests.
    pub(super) fn requests(&self) -> u64 {
        self.endings.as_flattened().iter().sum()
    }

    /// Requests with this ending.
    pub(super) fn ended(&self, ending: Ending) -> u64 {
        self.endings.iter().map(|by_ending| by_ending[ending as usize]).sum()
    }
}

/// What is known of the requests so far.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Windows that begin between the rollout's begin and the last change of an instance so far.
    during: Sums,
    /// Windows that begin after that: part of `during` as soon as another instance changes.
    waiting: Sums,
    has_waiting: bool,
    /// Requests that ended, over the whole record.
    pub(super) ended: u64,
    /// Requests that arrived, over the whole record.
    pub(super) arrived: u64,
    /// Requests that the new version answered, rightly or wrongly, while it might be bad.
    pub(super) answered_new: u64,
    /// Windows since the rollout's begin in which nobody served throughout.
    pub(super) dark: u64,
    /// Begin of the first and of the last window.
    ends: Option<(Time, Time)>,
}

impl Requests {
    /// Whether any window was recorded.
    pub(super) fn any(&self) -> bool {
        self.ends.is_some()
    }

    /// An instance changed: the windows until now belong to the rollout.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.has_waiting {
            let waiting = std::mem::take(&mut self.waiting);
            self.during.add(&waiting);
            self.has_waiting = false;
        }
    }

    /// The new version, which may be bad, answered these.
    #[inline]
    pub(super) fn expose(&mut self, new: &WindowCounts) {
        let answered = [Ending::Ok, Ending::Version].map(|ending| new.ended[ending as usize]);
        self.answered_new += answered.into_iter().map(u64::from).sum::<u64>();
    }

    /// Counts a window that begins at `at`. `dark`: nobody served throughout. `settled`: last
    /// change of an instance so far.
    pub(super) fn window(
        &mut self,
        at: Time,
        counts: &[WindowCounts; 3],
        slo: &Slo,
        dark: bool,
        begun: Option<Time>,
        settled: Time,
    ) {
        self.ends = Some(self.ends.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
        let mut sums = Sums::default();
        let mut slow = 0;
        for (sum, count) in sums.endings.iter_mut().zip(counts) {
            for (sum, ended) in sum.iter_mut().zip(count.ended) {
                *sum = u64::from(ended);
            }
            slow += u64::from(count.slow);
            self.arrived += u64::from(count.arrived);
        }
        let (ended, ok) = (sums.requests(), sums.ended(Ending::Ok));
        self.ended += ended;
        if begun.is_none_or(|begun| at < begun) {
            return;
        }
        self.dark += u64::from(dark);
        let exceeds = |part: u64, whole: u64, limit: f64| {
            whole > 0 && part as f64 > (limit + TOLERANCE) * whole as f64
        };
        let failed = ended - ok;
        let reaches = failed as f64 >= (slo.outage_share.0 - TOLERANCE) * ended as f64;
        sums.failing = u64::from(!dark && failed > 0 && reaches);
        sums.degraded = u64::from(
            exceeds(failed, ended, 1.0 - slo.availability.0)
                || exceeds(slow, ok, 1.0 - slo.latency_share.0),
        );
        if at <= settled {
            self.during.add(&sums);
        } else {
            self.waiting.add(&sums);
            self.has_waiting = true;
        }
    }

    /// Sums over the rollout: the windows that begin from its begin until it settled.
    pub(super) fn during(&self) -> &Sums {
        &self.during
    }

    /// The share of the error budget of one SLO period that the failures of the rollout spent:
    /// failed / ((1 − availability) × mean rate × period), the rate taken over the whole record.
    pub(super) fn error_budget(&self, slo: &Slo) -> f64 {
        let Some((first, last)) = self.ends else { return f64::NAN };
        let failed = self.during.requests() - self.during.ended(Ending::Ok);
        if failed == 0 {
            return 0.0;
        }
        let observed = ((last + slo.window).since(first)).as_secs_f64();
        let expected = self.arrived as f64 / observed * slo.period.as_secs_f64();
        failed as f64 / ((1.0 - slo.availability.0) * expected)
    }
}
