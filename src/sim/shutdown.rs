//! How an instance goes: told to stop, out of rotation, terminated, gone.

use super::world::{Event, World};
use crate::scenario::{GraceFrom, OnTerm, Protocol};
use crate::trace::{Cause, Phase, Sink};
use crate::units::{Span, Time};

impl World<'_> {
    /// The instance is told to stop: removal from the data plane and the way to SIGTERM begin
    /// at the same moment and race.
    pub(super) fn tell(&mut self, instance: u32, sink: &mut impl Sink) {
        self.tell_because(instance, Cause::Strategy, sink);
    }

    /// The same for any reason.
    pub(super) fn tell_because(&mut self, instance: u32, cause: Cause, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if !entry.phase.is_active() {
            return;
        }
        self.changed();
        self.fleet.move_to(self.now, instance, Phase::Draining, cause, sink);
        self.stop_start(instance);
        self.freed();
        if entry.gone {
            // There is nobody who could confirm that it has stopped.
            self.withdraw(instance);
            return;
        }
        let fate = self.fate(instance);
        let nobody = matches!(entry.phase, Phase::Pending | Phase::Failed);
        // What was never released has no process that could take its time.
        if nobody || entry.held || (entry.halted && fate.is_none()) {
            self.fleet.move_to(self.now, instance, Phase::Stopped, Cause::Exited, sink);
            self.gone(instance, sink);
            return;
        }
        self.pulls.cancel(self.now, instance);
        if self.pulls.next_end() != Time::NEVER {
            self.plan_pull();
        }
        self.withdraw(instance);
        self.stop_sidecar(instance);
        if let Some(fate) = fate {
            self.plan(self.now + fate.stop, Event::Exit { instance });
            return;
        }
        if entry.rotations == 0 {
            self.fleet.get_mut(instance).out_since = self.now;
        }
        let shutdown = self.scenario.shutdown;
        let pre_stop = if entry.able { shutdown.pre_stop } else { Span::ZERO };
        match shutdown.grace_from {
            GraceFrom::Stop => {
                self.plan(self.now + pre_stop.min(shutdown.grace), Event::Terminate { instance });
                self.plan_kill(instance);
            }
            GraceFrom::Term => self.plan(self.now + pre_stop, Event::Terminate { instance }),
        }
    }

    fn plan_kill(&mut self, instance: u32) {
        let kill = self.now + self.scenario.shutdown.grace;
        self.fleet.get_mut(instance).kill_at = kill;
        self.plan(kill, Event::Kill { instance });
    }

    /// The wait before SIGTERM is over; if asked for, another one begins, which ends when
    /// nobody sends the instance anything and everything is answered.
    pub(super) fn pre_stopped(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if entry.phase != Phase::Draining || entry.gone {
            return;
        }
        let wait = self.scenario.shutdown.drain_wait;
        if wait == Span::ZERO || !entry.able {
            self.terminate(instance, sink);
            return;
        }
        self.fleet.get_mut(instance).waits = true;
        self.plan(self.now + wait, Event::Waited { instance });
        self.idle(instance, sink);
    }

    /// SIGTERM if it waits for rest and this is it.
    pub(super) fn idle(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        // Nobody sends messages to an instance: it takes them until SIGTERM.
        let takes = self.keeps_connections() || self.messages.is_some();
        if !entry.waits || entry.rotations > 0 || takes {
            return;
        }
        let now = self.now;
        let idle_at = match self.kernel() {
            Some(kernel) => kernel.idle_at(instance, now),
            None => entry.out_since + self.chance.drain(entry.version, entry.ordinal),
        };
        let idle_at = idle_at.max(self.streams_rest_at(instance));
        if idle_at > now {
            self.plan(idle_at, Event::Idle { instance });
        } else {
            self.end_wait(instance);
            self.terminate(instance, sink);
        }
    }

    /// Connections that are pinned stay until the server ends them, whoever left a rotation.
    fn keeps_connections(&self) -> bool {
        let pinned = matches!(self.scenario.clients.protocol, Protocol::PerConnection { .. });
        pinned && self.scenario.has_requests()
    }

    /// It has waited for rest long enough; says whether it still did. As for `kill`, an event
    /// that finds nobody has not happened.
    pub(super) fn waited(&mut self, instance: u32, sink: &mut impl Sink) -> bool {
        let waits = self.fleet.get(instance).waits;
        if waits {
            self.end_wait(instance);
            self.terminate(instance, sink);
        }
        waits
    }

    /// The end of the wait that was planned has lost its meaning, or is now.
    pub(super) fn end_wait(&mut self, instance: u32) {
        let entry = self.fleet.get_mut(instance);
        if std::mem::take(&mut entry.waits) {
            self.moving -= 1;
        }
    }

    fn terminate(&mut self, instance: u32, sink: &mut impl Sink) {
        if self.scenario.shutdown.grace_from == GraceFrom::Term {
            self.plan_kill(instance);
        }
        if self.sticks(instance) {
            return;
        }
        let entry = *self.fleet.get(instance);
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
                self.cut_streams(instance);
                self.drop_messages(instance);
                idle
            }
            OnTerm::Drain | OnTerm::Ignore => {
                let drained = if !entry.able {
                    now
                } else if let Some(kernel) = self.kernel() {
                    kernel.close(instance, goodbye);
                    kernel.idle_at(instance, now)
                } else if let Some(messages) = &mut self.messages {
                    messages.close(instance);
                    messages.idle_at(instance, now)
                } else {
                    let drain = self.chance.drain(entry.version, entry.ordinal);
                    self.drains_since(instance) + drain
                };
                drained.max(idle).max(self.drain_streams(instance))
            }
        };
        self.fleet.set_able(now, instance, false, sink);
        self.answers_anew(instance);
        // Otherwise SIGKILL comes first.
        if exits < self.fleet.get(instance).kill_at {
            self.plan(exits, Event::Exit { instance });
        }
    }

    /// Since when an instance finishes what it has, where requests are not simulated: since
    /// nobody sends it anything, if it waited for that, else since now.
    fn drains_since(&self, instance: u32) -> Time {
        let entry = self.fleet.get(instance);
        let waited = self.scenario.shutdown.drain_wait > Span::ZERO;
        if waited && entry.rotations == 0 && !self.keeps_connections() {
            entry.out_since.min(self.now)
        } else {
            self.now
        }
    }

    /// SIGKILL; says whether it found anyone. If not, nothing has happened, and its event no
    /// longer counts as moving: see `exit`.
    pub(super) fn kill(&mut self, instance: u32, sink: &mut impl Sink) -> bool {
        let entry = self.fleet.get(instance);
        if entry.phase == Phase::Draining && (entry.gone || entry.immortal) {
            // It does not end of this, and nothing more is planned for it.
            self.forget_kill(instance);
            let entry = self.fleet.get_mut(instance);
            (entry.kill_at, entry.survived) = (Time::NEVER, !entry.gone);
            return false;
        }
        let found = entry.phase == Phase::Draining;
        if found {
            self.exit(instance, Cause::Killed, sink);
        }
        found
    }

    /// The process is gone, by itself or by SIGKILL.
    pub(super) fn exit(&mut self, instance: u32, cause: Cause, sink: &mut impl Sink) {
        let entry = self.fleet.get(instance);
        if entry.phase != Phase::Draining || entry.gone {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.kill(instance, now);
        }
        self.drop_messages(instance);
        self.fleet.move_to(now, instance, Phase::Stopped, cause, sink);
        self.disconnect(instance, sink);
        self.vanish(instance, sink);
        self.cut_streams(instance);
        self.end_wait(instance);
        self.forget_kill(instance);
        self.changed();
        self.gone(instance, sink);
    }

    /// The pending SIGKILL has lost its meaning, or is this very one.
    pub(super) fn forget_kill(&mut self, instance: u32) {
        if self.fleet.get(instance).kill_at < Time::NEVER {
            self.moving -= 1;
        }
    }

    /// Its place is free, and so is its part of a quota.
    pub(super) fn gone(&mut self, instance: u32, sink: &mut impl Sink) {
        self.freed();
        self.emptied(sink);
        self.look_at_refusals(self.fleet.get(instance).version);
    }
}
