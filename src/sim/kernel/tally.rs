//! Requests counted as they end: by window, version and ending; latency by period and version.

use crate::trace::{Ending, Histogram, Period, Record, Sink, VersionId, WindowCounts};
use crate::units::{Span, Time};

/// Index of requests that reached no version.
pub(crate) const NOWHERE: usize = 2;

/// Counts so far. Memory grows with the time simulated, not with requests.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    windows: Vec<[WindowCounts; 3]>,
    window: u64,
    /// The window that arrivals and most endings fall into, and its end.
    current: usize,
    current_end: u64,
    current_begin: u64,
    slow_above: u64,
    begun: u64,
    settled: u64,
    /// Period × version (old, new).
    latency: [Histogram; 6],
    /// Attempts beyond the first of each request.
    pub(crate) retried: u64,
}

impl Tally {
    pub(crate) fn new(window: Span, slow_above: Span) -> Self {
        let window = window.0.max(1);
        Self {
            windows: vec![Default::default(); 64],
            window,
            current: 0,
            current_end: window,
            current_begin: 0,
            slow_above: slow_above.0,
            begun: u64::MAX,
            settled: u64::MAX,
            latency: std::array::from_fn(|_| Histogram::default()),
            retried: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.windows.fill(Default::default());
        self.latency.iter_mut().for_each(Histogram::clear);
        (self.current, self.current_begin, self.current_end) = (0, 0, self.window);
        (self.begun, self.settled) = (u64::MAX, u64::MAX);
        self.retried = 0;
    }

    /// Requests that arrive from now on count as during the rollout.
    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = now.0;
    }

    /// Requests that arrive from now on count as after the rollout (`NEVER` takes that back).
    pub(crate) fn settle(&mut self, now: Time) {
        if self.settled != u64::MAX {
            // What counted as after it was during the rollout after all; and what is undone must
            // be found where it was counted.
            let (earlier, after) = self.latency.split_at_mut(4);
            for (during, after) in earlier[2..].iter_mut().zip(after) {
                during.merge(after);
                after.clear();
            }
        }
        self.settled = now.0;
    }

    #[inline(always)]
    pub(crate) fn arrive(&mut self, now: u64) {
        if now >= self.current_end {
            self.move_to(now);
        }
        self.windows[self.current][0].arrived += 1;
    }

    #[cold]
    fn move_to(&mut self, now: u64) {
        self.current = (now / self.window) as usize;
        self.current_begin = self.current as u64 * self.window;
        self.current_end = self.current_begin + self.window;
        self.reach(self.current);
    }

    fn reach(&mut self, index: usize) {
        if index >= self.windows.len() {
            self.windows.resize((index + 1).next_power_of_two(), Default::default());
        }
    }

    #[inline(always)]
    fn window_of(&mut self, at: u64) -> usize {
        // Before the current window the difference wraps to something large.
        if at.wrapping_sub(self.current_begin) < self.window {
            return self.current;
        }
        self.other_window(at)
    }

    #[inline(never)]
    fn other_window(&mut self, at: u64) -> usize {
        let index = (at / self.window) as usize;
        self.reach(index);
        index
    }

    #[inline(always)]
    fn histogram(&self, first: u64, version: usize) -> usize {
        let period = usize::from(first >= self.begun) + usize::from(first >= self.settled);
        period * 2 + version
    }

    /// A request that arrived at `first` was answered at `at`.
    #[inline(always)]
    pub(crate) fn answered(&mut self, first: u64, at: u64, version: usize) {
        let window = self.window_of(at);
        let sojourn = at - first;
        let counts = &mut self.windows[window][version];
        counts.ended[Ending::Ok as usize] += 1;
        counts.slow += u32::from(sojourn > self.slow_above);
        let histogram = self.histogram(first, version);
        self.latency[histogram].add(sojourn);
    }

    /// Takes [`Self::answered`] back.
    pub(crate) fn unanswered(&mut self, first: u64, at: u64, version: usize) {
        let window = self.window_of(at);
        let sojourn = at - first;
        let counts = &mut self.windows[window][version];
        counts.ended[Ending::Ok as usize] -= 1;
        counts.slow -= u32::from(sojourn > self.slow_above);
        let histogram = self.histogram(first, version);
        self.latency[histogram].remove(sojourn);
    }

    /// A request failed at `at`.
    pub(crate) fn failed(&mut self, at: u64, version: usize, ending: Ending) {
        let window = self.window_of(at);
        self.windows[window][version].ended[ending as usize] += 1;
    }

    /// Takes [`Self::failed`] back.
    pub(crate) fn unfailed(&mut self, at: u64, version: usize, ending: Ending) {
        let window = self.window_of(at);
        self.windows[window][version].ended[ending as usize] -= 1;
    }

    /// Sum over windows of requests with this ending.
    pub(crate) fn total(&self, ending: Ending) -> u64 {
        let ended = |w: &[WindowCounts; 3]| {
            w.iter().map(|c| u64::from(c.ended[ending as usize])).sum::<u64>()
        };
        self.windows.iter().map(ended).sum()
    }

    /// Requests that arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.windows.iter().map(|w| u64::from(w[0].arrived)).sum()
    }

    /// Latency of all requests of a period, both versions.
    pub(crate) fn latency(&self, period: Period) -> Histogram {
        let mut all = self.latency[period as usize * 2].clone();
        all.merge(&self.latency[period as usize * 2 + 1]);
        all
    }

    /// Writes the windows that are over by `end`, and latency. Requests that would end later are
    /// in no window, but their latency is kept: they did arrive in their period.
    pub(crate) fn flush(&self, end: Time, sink: &mut impl Sink) {
        for index in 0..end.0 / self.window {
            // Memory reaches as far as requests did, in this run or an earlier one.
            let counts = self.windows.get(index as usize).copied().unwrap_or_default();
            sink.record(Time(index * self.window), Record::Window { counts });
        }
        for period in [Period::Before, Period::During, Period::After] {
            for version in [VersionId::OLD, VersionId::NEW] {
                let histogram = &self.latency[period as usize * 2 + version.0 as usize];
                if !histogram.is_empty() {
                    let histogram = histogram.clone();
                    sink.record(end, Record::Latency { period, version, histogram });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fleet that had settled is stirred up again: an instance crashes, then another.
    #[test]
    fn what_was_counted_as_after_can_be_undone_once_it_is_not() {
        let mut tally = Tally::new(Span(100), Span(1000));
        tally.begin(Time(0));
        tally.settle(Time(10));
        tally.answered(11, 15, 0);
        tally.answered(12, 19, 0);
        tally.settle(Time::NEVER);
        tally.unanswered(11, 15, 0);
        let lengths = |tally: &Tally| {
            [Period::Before, Period::During, Period::After].map(|p| tally.latency(p).len())
        };
        assert_eq!(lengths(&tally), [0, 1, 0]);
        tally.settle(Time(30));
        tally.answered(30, 31, 1);
        assert_eq!(lengths(&tally), [0, 1, 1]);
        tally.settle(Time(40));
        assert_eq!(lengths(&tally), [0, 2, 0]);
    }
}
