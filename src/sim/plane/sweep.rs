//! Outlier detection: the nodes look at the errors that the kernel counts.

use crate::balancer::Mark;
use crate::health::stragglers;
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
            self.eject(&rules, instance, node, sink);
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
                self.compare(&rules, node, sink);
            }
        }
        self.plan_sweep();
    }

    /// Whoever had many more errors than the others since the last look is left out.
    fn compare(&mut self, rules: &Outlier, node: u32, sink: &mut impl Sink) {
        let Some(rule) = rules.success_rate else { return };
        let Some(kernel) = self.kernel() else { return };
        let mut seen = kernel.desk.errors.take_volumes(node);
        let Some(plane) = &self.plane else { return };
        seen.retain(|(instance, _)| {
            plane.has(*instance, node, Mark::Known) && !plane.has(*instance, node, Mark::Ejected)
        });
        for instance in stragglers(&rule, &seen) {
            self.eject(rules, instance, node, sink);
        }
    }

    /// Leaves an instance out that a node knows, if there is room for one more.
    fn eject(&mut self, rules: &Outlier, instance: u32, node: u32, sink: &mut impl Sink) {
        let now = self.now;
        let Some(plane) = &mut self.plane else { return };
        if !plane.has(instance, node, Mark::Known) {
            return;
        }
        let known = plane.members(node).known();
        if plane.nodes[node as usize].ejections.trip(rules, instance, known, now) {
            self.mark(instance, node, Mark::Ejected, true, sink);
        }
    }
}
