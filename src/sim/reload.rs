//! Changes that running processes take, all of them at once: no instance is replaced, and the
//! orchestrator has no part in it.

use super::world::{Event, World};
use crate::strategy::InstanceView;
use crate::trace::{Cause, Phase, Said, Sink, VersionId};

impl World<'_> {
    /// Whether the change is taken by running processes.
    pub(super) fn is_hot(&self) -> bool {
        self.scenario.pieces.change.as_ref().is_some_and(|change| change.hot().is_some())
    }

    /// The change, or what was before it, is written: each instance will have it.
    pub(super) fn reload_all(&mut self, version: VersionId, sink: &mut impl Sink) {
        self.reloads += 1;
        let instances: Vec<u32> = self.fleet.views().iter().map(|view| view.id).collect();
        let round = self.reloads;
        for instance in instances {
            let at = self.now + self.chance.propagate(instance, round);
            self.reloading += 1;
            self.plan(at, Event::Reload { instance, version, round });
        }
        if self.reloading == 0 {
            self.say(Said::Completed, sink);
        }
    }

    /// An instance takes the change.
    pub(super) fn reload(
        &mut self,
        instance: u32,
        version: VersionId,
        round: u32,
        sink: &mut impl Sink,
    ) {
        self.reloading -= 1;
        // What was taken back before it arrived never does.
        if round == self.reloads {
            self.take_change(instance, version, sink);
        }
        if self.reloading == 0 {
            let back = version == VersionId::OLD;
            self.say(if back { Said::RolledBack } else { Said::Completed }, sink);
        }
    }

    fn take_change(&mut self, instance: u32, version: VersionId, sink: &mut impl Sink) {
        let now = self.now;
        self.fleet.turn(now, instance, version, sink);
        if let Some(kernel) = self.kernel() {
            kernel.turn(instance, version.0, now);
        }
        self.afflict(instance);
        let entry = *self.fleet.get(instance);
        let runs = entry.phase == Phase::Starting || entry.phase.is_ready();
        if !runs || entry.halted {
            // What starts next has it.
            return;
        }
        let process = entry.process;
        if let Some(after) = self.crash_of(instance, process) {
            self.plan_crash(now + after, instance, process);
        }
        let hangs = self.start_of(instance, process).is_none();
        if hangs && entry.able {
            self.hang(instance, sink);
        } else if !hangs && !entry.able && version == VersionId::OLD {
            self.able(instance, process, sink);
            let ready = crate::health::ready_at(now, now, &self.scenario.probes, 0.0);
            self.plan(ready, Event::Ready { instance, process });
        }
    }

    /// The process is there and answers nobody any more.
    fn hang(&mut self, instance: u32, sink: &mut impl Sink) {
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.close(instance, false);
        }
        self.fleet.set_able(now, instance, false, sink);
        if self.fleet.get(instance).phase.is_ready() {
            self.fleet.move_to(now, instance, Phase::Starting, Cause::Unready, sink);
            self.withdraw(instance);
        }
        self.noticed(sink);
    }

    /// Somebody who watches the service sees processes fail that took the change.
    pub(super) fn noticed(&mut self, sink: &mut impl Sink) {
        if self.is_hot() && self.said != Said::RolledBack {
            self.alert(sink);
        }
    }

    /// Somebody takes a hot change back.
    pub(super) fn take_back(&mut self, sink: &mut impl Sink) {
        self.say(Said::RollingBack, sink);
        self.reload_all(VersionId::OLD, sink);
    }

    /// Whether processes that a hot change felled have yet to come back.
    pub(super) fn is_recovering(&self) -> bool {
        let starts = |view: &InstanceView| view.phase == Phase::Starting;
        self.said == Said::RolledBack && self.is_hot() && self.fleet.views().iter().any(starts)
    }
}
