//! Outlier detection: the nodes look at the errors that the kernel counts.

use crate::balancer::Mark;
use crate::scenario::pieces::Outlier;
use crate::sim::world::{Depth, Event, World};
use crate::trace::Sink;
use crate::units::Span;

/// Errors are looked at so often in an interval: ejection is late by a hundredth of it at most.
const LOOKS: u32 = 100;

impl World<'_> {
    fn outlier(&self) -> Option<Outlier> {
        self.plane.as_ref()?.settings.outlier.filter(|_| self.depth == Depth::Requests)
    }

    pub(in crate::sim) fn plan_sweep(&mut self) {
        if let Some(outlier) = self.outlier() {
            let step = Span(outlier.interval.0.div_ceil(LOOKS.into()));
            self.queue.push(self.now + step, Event::Sweep);
        }
    }

    /// Whoever had its errors in a row is left out; now and then some may come back.
    pub(in crate::sim) fn sweep(&mut self, sink: &mut impl Sink) {
        let Some(rules) = self.outlier() else { return };
        let reported = match self.kernel() {
            Some(kernel) => std::mem::take(&mut kernel.desk.errors.reported),
            None => Vec::new(),
        };
        let now = self.now;
        for (node, instance) in reported {
            let Some(plane) = &mut self.plane else { return };
            if !plane.has(instance, node, Mark::Known) {
                continue;
            }
            let known = plane.members(node).known();
            if plane.nodes[node as usize].ejections.trip(&rules, instance, known, now) {
                self.mark(instance, node, Mark::Ejected, true, sink);
            }
        }
        let Some(plane) = &mut self.plane else { return };
        plane.sweeps += 1;
        if plane.sweeps.is_multiple_of(LOOKS) {
            for node in 0..self.scenario.clients.nodes {
                let mut back = Vec::new();
                let Some(plane) = &mut self.plane else { return };
                plane.nodes[node as usize].ejections.sweep(now, &mut back);
                for instance in back {
                    self.mark(instance, node, Mark::Ejected, false, sink);
                }
            }
        }
        self.plan_sweep();
    }
}
