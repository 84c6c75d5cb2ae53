//! Latencies of Docker Engine 20.10 on one loaded node with two cores, in seconds, over 48
//! recorded updates.

use crate::scenario::Dist;
use crate::units::Span;

/// Quantiles at 5, 25, 50, 75 and 95 %.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured(pub(super) [f64; 5]);

const AT: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// An agent's report until the manager acts: batches of 100 ms.
pub(super) const REPORT: Measured = Measured([0.012, 0.035, 0.055, 0.075, 0.095]);
/// Task created → assigned, where nothing is to be prepared.
pub(super) const ASSIGN: Measured = Measured([0.053, 0.055, 0.057, 0.07, 0.11]);
/// Task created → prepared.
pub(super) const PREPARE: Measured = Measured([0.194, 0.225, 0.28, 0.394, 0.614]);
/// Leave to run → process started: medians of the recordings.
pub(super) const LAUNCH: Measured = Measured([0.47, 0.57, 0.86, 1.05, 1.42]);
/// Told to stop → SIGTERM, on the default bridge.
pub(super) const TERM: Measured = Measured([1.13, 1.19, 1.22, 1.30, 1.44]);
/// The same on an overlay network.
pub(super) const TERM_OVERLAY: Measured = Measured([3.18, 3.186, 3.21, 3.29, 3.34]);
/// Process ended after SIGTERM → terminal state: medians of the recordings.
pub(super) const GONE: Measured = Measured([0.147, 0.164, 0.215, 0.381, 0.579]);
/// SIGKILL due → terminal state: medians of the recordings.
pub(super) const KILLED: Measured = Measured([0.196, 0.226, 0.288, 0.436, 0.577]);
/// Process ended by itself → failed.
pub(super) const FAILED: Measured = Measured([0.12, 0.14, 0.17, 0.24, 0.45]);
/// One run of a health check.
pub(super) const PROBE: Measured = Measured([0.07, 0.09, 0.134, 0.22, 0.42]);
/// Healthy answer → running.
pub(super) const HEALTHY: Measured = Measured([0.01, 0.016, 0.027, 0.06, 0.14]);
/// Assigned → rejected because there is no such image.
pub(super) const REJECTED: Measured = Measured([0.11, 0.12, 0.13, 0.18, 0.22]);
/// Tasks of one recording around its median, as a factor.
pub(super) const AROUND: Measured = Measured([0.72, 0.87, 1.0, 1.2, 1.65]);

impl Measured {
    /// The value below which a share `p` lies; straight lines between, no tails.
    pub(super) fn at(self, p: f64) -> f64 {
        let p = p.clamp(AT[0], AT[4]);
        let above = AT.iter().position(|at| *at >= p).unwrap_or(4).max(1);
        let share = (p - AT[above - 1]) / (AT[above] - AT[above - 1]);
        self.0[above - 1] + (self.0[above] - self.0[above - 1]) * share
    }

    pub(super) fn dist(self) -> Dist {
        let point = |(at, value): (&f64, &f64)| (*at, Span::from_secs_f64(*value));
        Dist::Quantiles(AT.iter().zip(&self.0).map(point).collect())
    }
}
