//! Counts of instances over time, as step functions.

use crate::units::Time;

/// Counts that hold from `at` until the next point. Times are absolute; see [`Series::begun`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Point {
    /// From when.
    pub at: Time,
    /// Serving, old version.
    pub serving_old: u32,
    /// Serving, new version.
    pub serving_new: u32,
    /// Pending, starting, or ready but not yet serving; not draining.
    pub starting: u32,
    /// Told to stop, not gone, and not serving any more.
    pub draining: u32,
    /// Available.
    pub available: u32,
    /// Exist and are not terminating.
    pub active: u32,
    /// Wanted.
    pub desired: u32,
}

impl Point {
    /// Serving, either version.
    pub fn serving(&self) -> u32 {
        self.serving_old + self.serving_new
    }
}

/// The whole record of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Series {
    /// When the rollout began.
    pub begun: Time,
    /// When the record ends.
    pub end: Time,
    /// In order of time; the first holds from the beginning of the record.
    pub points: Vec<Point>,
}

impl Series {
    /// The point that holds at `time`.
    pub fn at(&self, time: Time) -> Point {
        let index = self.points.partition_point(|p| p.at <= time);
        self.points.get(index.saturating_sub(1)).copied().unwrap_or_default()
    }
}
