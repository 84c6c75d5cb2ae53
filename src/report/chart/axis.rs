//! Axes with ticks that people read at once: clock steps for time, 1-2-5 steps for counts.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::report::format;

/// A linear axis with its ticks.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    label: fn(f64) -> String,
}

impl Axis {
    /// Seconds, with ticks at whole steps of the clock, labelled `m:ss` or `h:mm:ss`.
    pub(super) fn time(low: f64, high: f64) -> Self {
        const STEPS: [f64; 17] = [
            0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0,
            1800.0, 3600.0, 7200.0,
        ];
        let width = (high - low).max(1e-3);
        let step = STEPS.into_iter().find(|s| width / s <= 10.0);
        let step = step.unwrap_or_else(|| round_step(width / 9.0 / 86400.0) * 86400.0);
        let label = if step < 1.0 { format::clock_tenths } else { format::clock };
        Self { low, high: low + width, ticks: ticks(low, high, step), label }
    }

    /// Counts from 0 to at least `high`, in whole steps.
    pub(super) fn count(high: f64) -> Self {
        let high = high.max(1.0);
        let step = round_step(high / 8.0).max(1.0);
        Self { low: 0.0, high, ticks: ticks(0.0, high, step), label: format::plain }
    }

    /// Rates from 0 to `high`.
    pub(super) fn rate(high: f64, about: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let ticks = ticks(0.0, high, round_step(high / about));
        Self { low: 0.0, high, ticks, label: format::plain }
    }

    /// Shares from 0 to `high` in percent, at most eleven ticks.
    pub(super) fn share(high: f64) -> Self {
        let step = round_step(high / 10.0);
        Self { low: 0.0, high, ticks: ticks(0.0, high, step), label: format::percent_short }
    }

    /// The same ticks on an axis that reaches up to `high`.
    pub(super) fn up_to(mut self, high: f64) -> Self {
        self.high = high;
        self
    }

    /// The same axis without ticks and labels.
    pub(super) fn without_ticks(mut self) -> Self {
        self.ticks.clear();
        self
    }

    /// The same picture without labels.
    pub(super) fn unlabelled(mut self) -> Self {
        self.label = |_| String::new();
        self
    }
}

fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `about`.
fn round_step(about: f64) -> f64 {
    let power = 10f64.powi(about.log10().floor() as i32);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= about * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let part = (value - self.low) / (self.high - self.low);
        limit.0 + (part * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, round_step, ticks};

    #[test]
    fn ticks_lie_on_whole_steps() {
        assert_eq!(ticks(-10.0, 95.0, 30.0), [0.0, 30.0, 60.0, 90.0]);
        assert_eq!(
            Axis::time(-12.0, 250.0).ticks,
            [0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0, 210.0, 240.0]
        );
        assert_eq!(Axis::count(12.0).ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert_eq!(Axis::count(1.0).ticks, [0.0, 1.0]);
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(0.11), 0.2);
        assert_eq!(round_step(43.0), 50.0);
        assert_eq!(round_step(50.0), 50.0);
    }
}
