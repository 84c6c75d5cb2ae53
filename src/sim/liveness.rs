//! Liveness and start-up probes.
//!
//! A liveness probe is a request among others: it is answered when those before it are. Under
//! overload it times out on a sound process, and what ends that process sends its load to the
//! others. The kernel is asked for the wait at the moment of each probe, so this only happens
//! where requests are simulated; the control plane alone sees processes that do not start.

use super::world::{Depth, Event, World};
use crate::health;
use crate::scenario::pieces::Liveness;
use crate::trace::Phase;
use crate::units::Time;

impl<'a> World<'a> {
    fn liveness(&self) -> Option<&'a Liveness> {
        self.scenario.pieces.liveness.as_ref()
    }

    /// When probes other than the start-up probe begin to count, of a process that can answer
    /// from `able` on.
    pub(super) fn probed_from(&self, instance: u32, able: Time) -> Time {
        let started = self.fleet.get(instance).started;
        match &self.scenario.pieces.startup {
            Some(startup) => health::ready_at(started, able, &startup.probes(), 0.0),
            None => started,
        }
    }

    /// When a process is given up that can answer from `able` on.
    pub(super) fn given_up_at(&self, instance: u32, able: Time) -> Time {
        let started = self.fleet.get(instance).started;
        match (&self.scenario.pieces.startup, self.liveness()) {
            (Some(startup), _) => health::unfit_at(started, able, &startup.probes()),
            (None, liveness) => {
                let readiness = health::unfit_at(started, able, &self.scenario.probes);
                let alive = liveness.map_or(Time::NEVER, |liveness| {
                    health::unfit_at(started, able, &liveness.probes())
                });
                readiness.min(alive)
            }
        }
    }

    /// A process begins to answer: liveness probes find it alive from now on, as long as it has
    /// time for them.
    pub(super) fn watch_life(&mut self, instance: u32) {
        let Some(liveness) = self.liveness().filter(|_| self.depth == Depth::Requests) else {
            return;
        };
        let entry = self.fleet.get(instance);
        let (process, booted) = (entry.process, entry.started);
        let begins = self.probed_from(instance, self.now);
        // The rhythm of what ran before the record is anybody's guess.
        let jitter = self.chance.probe_phase(instance, booted);
        let at = health::ready_at(begins, self.now, &liveness.probes(), jitter);
        self.queue.push(at, Event::Alive { instance, process, failures: 0 });
    }

    /// A liveness probe; says whether it ended the process.
    pub(super) fn probe_life(&mut self, instance: u32, process: u32, failures: u32) -> bool {
        let Some(liveness) = self.liveness() else { return false };
        let entry = *self.fleet.get(instance);
        let runs = entry.phase == Phase::Starting || entry.phase.is_ready();
        if entry.process != process || !runs || entry.gone {
            return false;
        }
        let now = self.now;
        let kernel = self.kernel().filter(|_| entry.able);
        let answer = kernel.and_then(|kernel| kernel.answers_after(instance, now, liveness.work));
        let failures = if answer.is_some_and(|t| t <= liveness.timeout) { 0 } else { failures + 1 };
        if failures >= liveness.failure {
            self.end_unfit(instance);
            return true;
        }
        let next = now + liveness.period;
        self.queue.push(next, Event::Alive { instance, process, failures });
        false
    }
}
