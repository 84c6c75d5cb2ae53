//! Instances that live a while, whose probes flap, or that do not end when told to.

use super::control::befalls;
use super::{Step, World};
use crate::scenario::pieces::{Trouble, Whose};
use crate::sim::world::Event;
use crate::trace::{Cause, Phase, Sink, VersionId};
use crate::units::Time;

fn is_of(whose: Whose, version: VersionId) -> bool {
    match whose {
        Whose::Any => true,
        Whose::Old => version == VersionId::OLD,
        Whose::New => version != VersionId::OLD,
    }
}

impl World<'_> {
    /// When the process of an instance that begins to run then will have lived its life.
    pub(in crate::sim) fn plan_death(&mut self, instance: u32, begins: Time) {
        if self.faults.is_none() {
            return;
        }
        let seeds = self.chance.seeds();
        let entry = *self.fleet.get(instance);
        let (version, process) = (entry.version, entry.process);
        for (fault, piece) in self.all_faults() {
            let Trouble::InstanceCrash { of, .. } = piece.trouble else { continue };
            if is_of(of, version) {
                let who = (version, entry.ordinal);
                let at = begins + self.fault_luck(fault).life(seeds, fault, who, process);
                self.restless += 1;
                self.queue.push(at, Event::Fault(Step::Die { instance, process }));
            }
        }
    }

    /// Probes begin to flap.
    pub(super) fn flap_all(&mut self, fault: u8, sink: &mut impl Sink) {
        let ready = self.fleet.views().iter().filter(|view| view.phase.is_ready());
        for instance in ready.map(|view| view.id).collect::<Vec<_>>() {
            let process = self.fleet.get(instance).process;
            self.flap(instance, process, fault, sink);
        }
    }

    /// Probes of an instance fail now, and pass again a while later.
    pub(super) fn flap(&mut self, instance: u32, process: u32, fault: u8, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        let Trouble::FlappingProbe { down, .. } = self.fault(fault).trouble else { return };
        let runs = entry.process == process && entry.phase.is_ready() && !entry.gone;
        if !runs || !self.is_active(fault) || !self.flaps(fault, instance) {
            return;
        }
        self.fleet.move_to(self.now, instance, Phase::Starting, Cause::Unready, sink);
        self.withdraw(instance);
        self.changed();
        self.plan(self.now + down, Event::Ready { instance, process });
    }

    fn flaps(&self, fault: u8, instance: u32) -> bool {
        let Trouble::FlappingProbe { of, share, .. } = self.fault(fault).trouble else {
            return false;
        };
        let version = self.fleet.get(instance).version;
        is_of(of, version) && befalls(self, fault, instance, share.0)
    }

    /// An instance has become ready: its probes may fail again soon.
    pub(in crate::sim) fn plan_flap(&mut self, instance: u32) {
        if self.faults.is_none() {
            return;
        }
        let process = self.fleet.get(instance).process;
        for (fault, piece) in self.all_faults() {
            if let Trouble::FlappingProbe { up, .. } = piece.trouble
                && self.is_active(fault)
                && self.flaps(fault, instance)
            {
                self.plan(self.now + up, Event::Fault(Step::Flap { instance, process, fault }));
            }
        }
    }

    /// Whether an instance that is told to end now does not.
    pub(in crate::sim) fn sticks(&mut self, instance: u32) -> bool {
        if self.faults.is_none() {
            return false;
        }
        let version = self.fleet.get(instance).version;
        let mut stuck = false;
        for (fault, piece) in self.all_faults() {
            if let Trouble::StuckDrain { of, share, for_ever } = piece.trouble
                && self.is_active(fault)
                && is_of(of, version)
                && befalls(self, fault, instance, share.0)
            {
                stuck = true;
                self.fleet.get_mut(instance).immortal |= for_ever;
            }
        }
        stuck
    }

    /// What did not end even of SIGKILL does now.
    pub(super) fn unstick(&mut self, sink: &mut impl Sink) {
        let draining = self.fleet.views().iter().filter(|view| view.phase == Phase::Draining);
        for instance in draining.map(|view| view.id).collect::<Vec<_>>() {
            let entry = self.fleet.get_mut(instance);
            entry.immortal = false;
            if std::mem::take(&mut entry.survived) {
                self.exit(instance, Cause::Killed, sink);
            }
        }
    }
}
