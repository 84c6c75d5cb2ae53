//! How an instance comes to life: created, placed, its image pulled, its process started and
//! probed.

use super::chance::Latency;
use super::world::{Event, World};
use crate::health;
use crate::sim::script::Fate;
use crate::trace::{Cause, Phase, Sink, VersionId};
use crate::units::{Span, Time};

impl World<'_> {
    /// An event in the life of an instance that moves it.
    pub(super) fn live(&mut self, event: Event, sink: &mut impl Sink) {
        match event {
            Event::Create { version, slot, held } => self.create(version, slot, held, sink),
            Event::Tell { instance } => self.tell(instance, sink),
            Event::Place { instance } => self.place(instance, sink),
            Event::Pull { stamp } => self.pulled(stamp, sink),
            Event::Release { instance } => self.release(instance, sink),
            Event::Launch { instance } => self.boot(instance, sink),
            Event::Able { instance, process } => self.able(instance, process, sink),
            Event::Ready { instance, process } => self.ready(instance, process, sink),
            Event::Join { instance, node } => self.join(instance, u32::from(node), sink),
            Event::Leave { instance, node } => self.leave(instance, u32::from(node), sink),
            Event::Follow { node, new } => self.follow(u32::from(node), new),
            Event::Plane(step) => self.step(step, sink),
            Event::Terminate { instance } => self.pre_stopped(instance, sink),
            Event::Idle { instance } => self.idle(instance, sink),
            Event::Exit { instance } => self.exit(instance, Cause::Exited, sink),
            Event::Outside { index } => self.outside(index as usize, sink),
            Event::Begin
            | Event::Look { .. }
            | Event::Reweigh { .. }
            | Event::Sweep
            | Event::Kill { .. }
            | Event::Waited { .. }
            | Event::Crash { .. }
            | Event::Unfit { .. }
            | Event::Restart { .. }
            | Event::Deadline
            | Event::Decide
            | Event::End { .. } => unreachable!("moves no instance by itself"),
        }
    }

    fn create(&mut self, version: VersionId, slot: u32, held: bool, sink: &mut impl Sink) {
        let instance = self.fleet.create(self.now, version, slot, sink);
        self.fleet.get_mut(instance).held = held;
        if let Some(kernel) = self.kernel() {
            kernel.add_server(version.0);
        }
        let at = self.now + self.chance.latency(Latency::Schedule);
        self.plan(at, Event::Place { instance });
        self.changed();
    }

    fn place(&mut self, instance: u32, sink: &mut impl Sink) {
        if self.fleet.get(instance).phase != Phase::Pending {
            return;
        }
        let host = self.fleet.place(instance);
        self.fleet.move_to(self.now, instance, Phase::Starting, Cause::Placed, sink);
        if let Some(after) = self.fate(instance).and_then(|fate| fate.rejected) {
            let process = self.fleet.get(instance).process;
            self.plan_crash(self.now + after, instance, process);
            return;
        }
        let version = self.fleet.get(instance).version;
        let versions = &self.scenario.versions;
        let model = if version == VersionId::OLD { &versions.old } else { &versions.new };
        let ready = match model.pull {
            None => true,
            Some(image) => self.pulls.ask(self.now, instance, host, version.0, image),
        };
        if ready {
            self.prepared(instance, sink);
        } else {
            self.plan_pull();
        }
    }

    pub(super) fn plan_pull(&mut self) {
        self.pull_stamp += 1;
        let (at, stamp) = (self.pulls.next_end(), self.pull_stamp);
        self.plan(at, Event::Pull { stamp });
    }

    fn pulled(&mut self, stamp: u32, sink: &mut impl Sink) {
        if stamp != self.pull_stamp {
            return;
        }
        let mut done = std::mem::take(&mut self.scratch);
        done.clear();
        self.pulls.finish(self.now, &mut done);
        for instance in &done {
            if self.fleet.get(*instance).phase == Phase::Starting {
                self.prepared(*instance, sink);
            }
        }
        self.scratch = done;
        self.plan_pull();
    }

    /// Placed, and its image is there: the process may be launched, unless it is held.
    fn prepared(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get_mut(instance);
        if entry.held {
            entry.halted = true;
            return;
        }
        entry.halted = false;
        let (version, ordinal) = (entry.version, entry.ordinal);
        let launch = self.chance.launch(version, ordinal);
        if launch == Span::ZERO {
            self.boot(instance, sink);
        } else {
            self.plan(self.now + launch, Event::Launch { instance });
        }
    }

    /// The process of a held instance may start as soon as it is prepared.
    fn release(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get_mut(instance);
        let waits = entry.held && entry.halted && entry.phase == Phase::Starting;
        entry.held = false;
        if waits {
            self.prepared(instance, sink);
        }
    }

    /// The process starts, for the first time or again.
    pub(super) fn boot(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if entry.phase != Phase::Starting {
            return;
        }
        let process = entry.process;
        if let Some(fate) = self.fate(instance) {
            self.boot_as_told(instance, process, fate);
            return;
        }
        if let Some(after) = self.chance.crash(entry.version, entry.ordinal, process) {
            self.plan_crash(self.now + after, instance, process);
        }
        let start = self.chance.start(entry.version, entry.ordinal, process);
        self.appear(instance, sink);
        let (begins, passes) = self.sidecar_starts(instance);
        let able = start.map_or(Time::NEVER, |start| begins + start);
        let probes = &self.scenario.probes;
        let unfit = health::unfit_at(begins, able, probes);
        let ready = health::ready_at(begins, able, probes, 0.0);
        if unfit < Time::NEVER {
            self.restless += 1;
            self.queue.push(unfit, Event::Unfit { instance, process });
            return;
        }
        self.plan(able.max(passes), Event::Able { instance, process });
        if self.scenario.probes.enabled {
            self.plan(ready, Event::Ready { instance, process });
        } else {
            // Nobody asks whether it answers.
            self.ready(instance, process, sink);
        }
    }

    /// The process starts in a world whose luck is told.
    fn boot_as_told(&mut self, instance: u32, process: u32, fate: Fate) {
        if let Some(ready) = fate.ready {
            // What comes back comes back ready.
            let at = if process == 0 { self.now + ready } else { self.now };
            self.plan(at, Event::Able { instance, process });
            self.plan(at, Event::Ready { instance, process });
        }
        self.plan_told_end(instance, false);
    }

    fn able(&mut self, instance: u32, process: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get(instance);
        // A process that was told to stop while it started serves nobody any more.
        if entry.process != process || !(entry.phase == Phase::Starting || entry.phase.is_ready()) {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.open(instance, now, false);
        }
        self.fleet.set_able(now, instance, true, sink);
        self.answers_anew(instance);
        if let Some(streams) = &mut self.streams {
            streams.set_accepts(instance, true);
        }
    }

    fn ready(&mut self, instance: u32, process: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get(instance);
        if entry.process != process || entry.phase != Phase::Starting {
            return;
        }
        self.fleet.move_to(self.now, instance, Phase::Ready, Cause::Probe, sink);
        self.announce(instance);
        self.plan_told_end(instance, true);
        self.changed();
    }
}
