//! Latencies of Docker Engine 20.10 on one loaded node with two cores, in seconds, over 48
//! recorded updates.

use crate::scenario::Dist;
use crate::units::Span;

/// Quantiles at 5, 25, 50, 75 and 95 %.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured(pub(super) [f64; 5]);

const AT: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// An agent's report until the manager acts: batches of 100 ms.
pub(super) const REPORT: Measured = Measured([0.013, 0.036, 0.064, 0.091, 0.108]);
/// The manager decides → it is written, and somebody looks.
pub(super) const WRITE: Measured = Measured([0.005, 0.007, 0.011, 0.02, 0.04]);
/// Task created → prepared: medians of the recordings.
pub(super) const PREPARE: Measured = Measured([0.204, 0.224, 0.251, 0.286, 0.417]);
/// Leave to run → process started: medians of the recordings.
pub(super) const LAUNCH: Measured = Measured([0.47, 0.57, 0.86, 1.05, 1.42]);
/// What an overlay network adds to that (three recordings).
pub(super) const ATTACH: f64 = 0.25;
/// Told to stop → SIGTERM on the default bridge: medians of the recordings.
pub(super) const TERM: Measured = Measured([1.135, 1.191, 1.226, 1.268, 1.392]);
/// What an overlay network adds to that: the wait for gossip.
pub(super) const GOSSIP: f64 = 2.0;
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
/// Waits of one recording around their median, as a factor.
pub(super) const WAITED: Measured = Measured([0.96, 0.99, 1.0, 1.02, 1.07]);
/// Tasks of one recording around its median, as a factor; in a quiet one they are closer.
pub(super) const AROUND: Measured = Measured([0.6, 0.85, 1.0, 1.18, 1.74]);

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
