//! How an instance comes to life: created, placed, its image pulled, its process started and
//! probed.

use super::chance::Latency;
use super::quota::Creation;
use super::room::Around;
use super::world::{Event, World};
use crate::health;
use crate::scenario::Change;
use crate::sim::script::Fate;
use crate::trace::{Cause, Phase, Sink, VersionId};
use crate::units::{Span, Time};

impl World<'_> {
    /// An event in the life of an instance that moves it.
    pub(super) fn live(&mut self, event: Event, sink: &mut impl Sink) {
        match event {
            Event::Create { version, slot, held, wave } => {
                self.create(Creation { version, slot, held, wave }, sink);
            }
            Event::Tell { instance } => self.tell(instance, sink),
            Event::Place { instance } => self.place(instance, sink),
            Event::Pull { stamp } => self.pulled(stamp, sink),
            Event::Release { instance } => self.release(instance, sink),
            Event::Launch { instance, process } => {
                if self.fleet.get(instance).process == process {
                    self.boot(instance, sink);
                }
            }
            Event::Able { instance, process } => self.able(instance, process, sink),
            Event::Ready { instance, process } => self.ready(instance, process, sink),
            Event::Vote { instance, process } => self.vote(instance, process),
            Event::Join { instance, node } => self.join(instance, u32::from(node), sink),
            Event::Leave { instance, node } => self.leave(instance, u32::from(node), sink),
            Event::Follow { node, new } => self.follow(u32::from(node), new),
            Event::Plane(step) => self.step(step, sink),
            Event::Terminate { instance } => self.pre_stopped(instance, sink),
            Event::Idle { instance } => self.idle(instance, sink),
            Event::Exit { instance } => self.exit(instance, Cause::Exited, sink),
            Event::Outage { dependency, begins } => self.outage(dependency, begins, sink),
            Event::Unready { instance, process } => self.unready(instance, process, sink),
            Event::Reload { instance, version, round } => {
                self.reload(instance, version, round, sink);
            }
            Event::Migrated => self.migrated(sink),
            Event::Outside { index } => self.outside(index as usize, sink),
            Event::Begin
            | Event::Look { .. }
            | Event::Reweigh { .. }
            | Event::Sweep
            | Event::Scrape
            | Event::Autoscale
            | Event::Memory
            | Event::Judge(_)
            | Event::Kill { .. }
            | Event::Waited { .. }
            | Event::Alive { .. }
            | Event::Crash { .. }
            | Event::Unfit { .. }
            | Event::Restart { .. }
            | Event::Pipeline(_)
            | Event::Around(_)
            | Event::Fault(_)
            | Event::End { .. } => unreachable!("moves no instance by itself"),
        }
    }

    fn create(&mut self, creation: Creation, sink: &mut impl Sink) {
        if !self.refuses(creation) {
            self.create_now(creation, sink);
        }
    }

    pub(super) fn create_now(&mut self, creation: Creation, sink: &mut impl Sink) {
        let Creation { version, slot, held, wave } = creation;
        let instance = self.fleet.create(self.now, version, slot, sink);
        let entry = self.fleet.get_mut(instance);
        (entry.held, entry.wave) = (held, wave);
        if let Some(kernel) = self.kernel() {
            kernel.add_server(version.0);
        }
        if let Some(messages) = &mut self.messages {
            messages.add(version.0);
        }
        let at = self.now + self.latency(Latency::Schedule);
        self.plan(at, Event::Place { instance });
        self.changed();
    }

    pub(super) fn place(&mut self, instance: u32, sink: &mut impl Sink) {
        if self.fleet.get(instance).phase != Phase::Pending {
            return;
        }
        let Some(host) = self.fleet.place(instance) else { return self.wait_for_place(instance) };
        self.tell_place(instance, host, sink);
        self.fleet.move_to(self.now, instance, Phase::Starting, Cause::Placed, sink);
        if let Some(after) = self.fate(instance).and_then(|fate| fate.rejected) {
            let process = self.fleet.get(instance).process;
            self.plan_crash(self.now + after, instance, process);
            return;
        }
        self.settle_in(instance);
        self.fetch(instance, host, sink);
    }

    /// The image must come to the host before the process can start.
    pub(super) fn fetch(&mut self, instance: u32, host: u32, sink: &mut impl Sink) {
        let version = self.fleet.get(instance).version;
        let versions = &self.scenario.versions;
        let model = if version == VersionId::OLD { &versions.old } else { &versions.new };
        let same_image = self.scenario.pieces.change.as_ref().is_some_and(Change::keeps_image);
        let ready = match model.pull.filter(|_| !same_image) {
            None => true,
            Some(image) => {
                let image = (image, model.pull_shared.0);
                self.pulls.ask(self.now, instance, host, version.0, image)
            }
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
        let (version, ordinal, process) = (entry.version, entry.ordinal, entry.process);
        let launch = self.chance.launch(version, ordinal);
        if launch == Span::ZERO {
            self.boot(instance, sink);
        } else {
            self.plan(self.now + launch, Event::Launch { instance, process });
        }
    }

    /// The process of a held instance may start as soon as it is prepared.
    fn release(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get_mut(instance);
        let waits = entry.held && entry.halted && entry.phase == Phase::Starting && !entry.gone;
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
        if let Some(scaler) = &mut self.scaler {
            scaler.note_start(instance, process, self.now);
        }
        if let Some(fate) = self.fate(instance) {
            self.boot_as_told(instance, process, fate);
            return;
        }
        self.appear(instance, sink);
        self.fleet.get_mut(instance).started = self.start_sidecar(instance);
        if let Some(delay) = self.connect(instance, sink) {
            self.warm_up(instance, delay, sink);
        }
    }

    /// The process, which has been launched, begins its start after `delay`.
    pub(super) fn warm_up(&mut self, instance: u32, delay: Span, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        let process = entry.process;
        let begins = self.now.max(entry.started) + delay;
        if let Some(after) = self.crash_of(instance, process) {
            self.plan_crash(begins + after, instance, process);
        }
        self.plan_death(instance, begins);
        let now = self.now;
        self.fleet.get_mut(instance).begins = begins;
        if let Some(work) = self.chance.start_cpu(entry.version, entry.ordinal, process) {
            let work = work * self.chance.wave(entry.wave) * self.slow_start_of(instance);
            self.starts.begin(now, (instance, process), entry.host, work);
            self.plan_worked();
            self.fleet.get_mut(instance).able_at = Time::NEVER;
            self.plan_unfit(instance, process, Time::NEVER);
        } else {
            self.worked_off(instance, process);
        }
        if !self.scenario.probes.enabled && process == self.fleet.get(instance).process {
            // Nobody asks whether it answers.
            self.ready(instance, process, sink);
        }
    }

    /// The process has had the CPU time that it needs to start; what remains is waiting.
    fn worked_off(&mut self, instance: u32, process: u32) {
        let entry = *self.fleet.get(instance);
        let start = self.start_of(instance, process);
        let start = start.map(|start| start * self.chance.wave(entry.wave));
        let able = start.map_or(Time::NEVER, |start| self.now.max(entry.begins) + start);
        self.fleet.get_mut(instance).able_at = able;
        if self.plan_unfit(instance, process, able) {
            return;
        }
        let from = self.probed_from(instance, able);
        let ready = health::ready_at(from, able, &self.scenario.probes, 0.0);
        let passes = able.max(self.sidecar_up_at(instance));
        self.plan(passes, Event::Able { instance, process });
        if self.scenario.probes.enabled {
            self.plan(ready, Event::Ready { instance, process });
        }
    }

    /// Plans that the prober gives the process up, if it does.
    fn plan_unfit(&mut self, instance: u32, process: u32, able: Time) -> bool {
        let unfit = self.given_up_at(instance, able);
        if unfit == Time::NEVER {
            return false;
        }
        self.restless += 1;
        self.queue.push(unfit.max(self.now), Event::Unfit { instance, process });
        true
    }

    pub(super) fn plan_worked(&mut self) {
        self.start_stamp += 1;
        let (at, stamp) = (self.starts.next_end(), self.start_stamp);
        self.plan(at, Event::Around(Around::Cpu { stamp }));
    }

    /// Starts have had their CPU time.
    pub(super) fn worked(&mut self, stamp: u32) {
        if stamp != self.start_stamp {
            return;
        }
        let mut done = Vec::new();
        self.starts.finish(self.now, &mut done);
        for (instance, process) in done {
            let entry = self.fleet.get(instance);
            if entry.process == process && entry.phase.is_active() {
                self.worked_off(instance, process);
            }
        }
        self.plan_worked();
    }

    /// A process that is gone or told to stop starts no further.
    pub(super) fn stop_start(&mut self, instance: u32) {
        if self.starts.cancel(self.now, instance) {
            self.plan_worked();
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

    pub(super) fn able(&mut self, instance: u32, process: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get(instance);
        // A process that was told to stop while it started serves nobody any more.
        let lives = entry.phase == Phase::Starting || entry.phase.is_ready();
        if entry.process != process || !lives || entry.gone {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.open(instance, now, false);
        }
        self.afflict(instance);
        self.reads_flag(instance);
        if let Some(messages) = &mut self.messages {
            messages.open(instance, now);
        }
        self.replay(instance, process);
        self.fleet.set_able(now, instance, true, sink);
        self.watch_life(instance);
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
        if self.postpone_ready(instance, process) {
            return;
        }
        self.fleet.move_to(self.now, instance, Phase::Ready, Cause::Probe, sink);
        self.announce(instance);
        self.plan_flap(instance);
        self.plan_told_end(instance, true);
        self.look_at_refusals(self.fleet.get(instance).version);
        self.changed();
    }
}
