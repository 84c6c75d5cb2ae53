//! The life of an instance: placed, pulled, started, probed, in rotation; told to stop, out of
//! rotation, terminated, gone.

use super::chance::Latency;
use super::world::{Event, World};
use crate::health;
use crate::scenario::{OnTerm, Protocol};
use crate::strategy::Action;
use crate::trace::{Cause, Phase, Sink, VersionId};
use crate::units::{Span, Time};

/// How often the weight of a fresh instance is raised during slow start.
const REWEIGH_STEPS: f64 = 60.0;

impl World<'_> {
    /// Carries out actions. Starts go out in batches of 1, 2, 4, … (each waits for the last),
    /// stops all at once.
    pub(super) fn act(&mut self, actions: &[Action], sink: &mut impl Sink) {
        let mut batch_at = self.now;
        let (mut started, mut batch) = (0, 1);
        for action in actions {
            match *action {
                Action::Start { version, slot, held } => {
                    if started == 0 || started == batch {
                        batch = if started == 0 { 1 } else { batch * 2 };
                        started = 0;
                        batch_at += self.chance.latency(Latency::Act);
                    }
                    started += 1;
                    self.plan(batch_at, Event::Create { version, slot, held });
                }
                Action::Stop { instance } => {
                    let at = self.now + self.chance.latency(Latency::Act);
                    self.plan(at, Event::Tell { instance });
                }
                Action::Route { new } => {
                    if let Some(kernel) = self.kernel() {
                        kernel.route(new);
                    }
                }
                Action::Release { .. } => {}
                Action::MarkAvailable { instance } => {
                    if self.fleet.get(instance).phase == Phase::Ready {
                        let to = Phase::Available;
                        self.fleet.move_to(self.now, instance, to, Cause::MinReady, sink);
                        // Who marked it counts it in the same look. A strategy of one
                        // controller may still have to act upon it.
                        if self.looks.len() == 1 {
                            self.changed();
                        }
                    }
                }
            }
        }
    }

    /// An event in the life of an instance.
    pub(super) fn live(&mut self, event: Event, sink: &mut impl Sink) {
        match event {
            Event::Create { version, slot, held } => self.create(version, slot, held, sink),
            Event::Tell { instance } => self.tell(instance, sink),
            Event::Place { instance } => self.place(instance, sink),
            Event::Pull { stamp } => self.pulled(stamp),
            Event::Able { instance } => self.able(instance, sink),
            Event::Ready { instance } => self.ready(instance, sink),
            Event::Join { instance, node } => self.join(instance, u32::from(node), sink),
            Event::Leave { instance, node } => {
                self.rotate(instance, u32::from(node), false, sink);
            }
            Event::Terminate { instance } => self.terminate(instance, sink),
            Event::Exit { instance } => self.exit(instance, Cause::Exited, sink),
            Event::Begin
            | Event::Look { .. }
            | Event::Reweigh { .. }
            | Event::Kill { .. }
            | Event::Deadline
            | Event::Decide
            | Event::End { .. } => unreachable!("not in the life of an instance"),
        }
    }

    fn create(&mut self, version: VersionId, slot: u32, _held: bool, sink: &mut impl Sink) {
        let instance = self.fleet.create(self.now, version, slot, sink);
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
        let version = self.fleet.get(instance).version;
        let versions = &self.scenario.versions;
        let model = if version == VersionId::OLD { &versions.old } else { &versions.new };
        let ready = match model.pull {
            None => true,
            Some(image) => self.pulls.ask(self.now, instance, host, version.0, image),
        };
        if ready {
            self.boot(instance);
        } else {
            self.plan_pull();
        }
    }

    fn plan_pull(&mut self) {
        self.pull_stamp += 1;
        let (at, stamp) = (self.pulls.next_end(), self.pull_stamp);
        self.plan(at, Event::Pull { stamp });
    }

    fn pulled(&mut self, stamp: u32) {
        if stamp != self.pull_stamp {
            return;
        }
        let mut done = std::mem::take(&mut self.scratch);
        done.clear();
        self.pulls.finish(self.now, &mut done);
        for instance in &done {
            if self.fleet.get(*instance).phase == Phase::Starting {
                self.boot(*instance);
            }
        }
        self.scratch = done;
        self.plan_pull();
    }

    /// The process starts.
    fn boot(&mut self, instance: u32) {
        let (version, ordinal) = {
            let instance = self.fleet.get(instance);
            (instance.version, instance.ordinal)
        };
        let Some(start) = self.chance.start(version, ordinal) else { return };
        let able = self.now + start;
        self.plan(able, Event::Able { instance });
        let ready = health::ready_at(self.now, able, &self.scenario.probes, 0.0);
        self.plan(ready, Event::Ready { instance });
    }

    fn able(&mut self, instance: u32, sink: &mut impl Sink) {
        // A process that was told to stop while it started serves nobody any more.
        if self.fleet.get(instance).phase != Phase::Starting {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.open(instance, now, false);
        }
        self.fleet.set_able(now, instance, true, sink);
    }

    fn ready(&mut self, instance: u32, sink: &mut impl Sink) {
        if self.fleet.get(instance).phase != Phase::Starting {
            return;
        }
        self.fleet.move_to(self.now, instance, Phase::Ready, Cause::Probe, sink);
        for node in 0..self.scenario.clients.nodes {
            let at = self.now + self.chance.lag_add(instance, node);
            self.plan(at, Event::Join { instance, node: node as u16 });
        }
        self.changed();
    }

    fn join(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        if !self.fleet.get(instance).phase.is_ready() {
            return;
        }
        self.rotate(instance, node, true, sink);
        if self.has_slow_start() && node == 0 {
            self.plan_reweigh(instance);
        }
    }

    fn plan_reweigh(&mut self, instance: u32) {
        let step = self.scenario.balancer.slow_start * (1.0 / REWEIGH_STEPS);
        self.queue.push(self.now + step, Event::Reweigh { instance });
    }

    /// Slow start counts from readiness, which is when the first node may know.
    pub(super) fn reweigh(&mut self, instance: u32) {
        let views = self.fleet.views();
        let Some(view) = views.iter().find(|view| view.id == instance).copied() else { return };
        if !view.phase.is_ready() {
            return;
        }
        let weight = self.weight(instance, view.ready_since);
        let nodes = self.scenario.clients.nodes;
        if let Some(kernel) = self.kernel() {
            for node in 0..nodes {
                if kernel.is_member(node, instance) {
                    kernel.reweigh(node, instance, weight);
                }
            }
        }
        if self.now.since(view.ready_since) < self.scenario.balancer.slow_start {
            self.plan_reweigh(instance);
        }
    }

    /// The instance is told to stop: removal from the data plane and the way to SIGTERM begin
    /// at the same moment and race.
    fn tell(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if !entry.phase.is_active() {
            return;
        }
        self.changed();
        self.fleet.move_to(self.now, instance, Phase::Draining, Cause::Strategy, sink);
        if entry.phase == Phase::Pending || entry.phase == Phase::Failed {
            self.fleet.move_to(self.now, instance, Phase::Stopped, Cause::Exited, sink);
            return;
        }
        self.pulls.cancel(self.now, instance);
        if self.pulls.next_end() != Time::NEVER {
            self.plan_pull();
        }
        for node in 0..self.scenario.clients.nodes {
            if self.fleet.is_member(instance, node) {
                let at = self.now + self.chance.lag_remove(instance, node);
                self.plan(at, Event::Leave { instance, node: node as u16 });
            }
        }
        let shutdown = self.scenario.shutdown;
        let pre_stop = if entry.able { shutdown.pre_stop } else { Span::ZERO };
        self.plan(self.now + pre_stop.min(shutdown.grace), Event::Terminate { instance });
        let kill = self.now + shutdown.grace;
        self.fleet.set_kill(instance, kill);
        self.plan(kill, Event::Kill { instance });
    }

    fn terminate(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if entry.phase != Phase::Draining {
            return;
        }
        let now = self.now;
        let idle = now + self.chance.exit(entry.version, entry.ordinal);
        let goodbye = match self.scenario.clients.protocol {
            Protocol::PerRequest { .. } => false,
            Protocol::PerConnection { goaway, .. } => goaway,
        };
        let exits = match self.scenario.shutdown.on_term {
            OnTerm::Ignore if entry.able => return,
            OnTerm::Exit => {
                if let Some(kernel) = self.kernel() {
                    kernel.kill(instance, now);
                }
                idle
            }
            OnTerm::Drain | OnTerm::Ignore => {
                let drained = if !entry.able {
                    now
                } else if let Some(kernel) = self.kernel() {
                    kernel.close(instance, goodbye);
                    kernel.idle_at(instance, now)
                } else {
                    now + self.chance.drain(entry.version, entry.ordinal)
                };
                drained.max(idle)
            }
        };
        self.fleet.set_able(now, instance, false, sink);
        // Otherwise SIGKILL comes first.
        if exits < entry.kill_at {
            self.plan(exits, Event::Exit { instance });
        }
    }

    /// SIGKILL; says whether it found anyone. If not, nothing has happened, and its event no
    /// longer counts as moving: see `exit`.
    pub(super) fn kill(&mut self, instance: u32, sink: &mut impl Sink) -> bool {
        let found = self.fleet.get(instance).phase == Phase::Draining;
        if found {
            self.exit(instance, Cause::Killed, sink);
        }
        found
    }

    /// The process is gone, by itself or by SIGKILL.
    fn exit(&mut self, instance: u32, cause: Cause, sink: &mut impl Sink) {
        if self.fleet.get(instance).phase != Phase::Draining {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.kill(instance, now);
        }
        self.fleet.move_to(now, instance, Phase::Stopped, cause, sink);
        // The pending SIGKILL has lost its meaning, or is this very one.
        self.moving -= 1;
        self.changed();
    }
}
