//! The orchestrator in the world: its controllers look, decide, and write to the API.

use super::chance::Latency;
use super::world::{Event, World};
use crate::strategy::{Action, Decision, Draws, View};
use crate::trace::{Cause, Phase, Record, Sink, VersionId};
use crate::units::{Span, Time};

impl World<'_> {
    /// A controller shall look after a latency, unless it looks before then anyway.
    pub(super) fn look_after(&mut self, controller: usize, latency: Latency) {
        let at = self.now + self.latency(latency);
        self.look_at(controller, at);
    }

    pub(super) fn look_at(&mut self, controller: usize, at: Time) {
        if at < self.looks[controller] {
            self.looks[controller] = at;
            self.queue.push(at, Event::Look { controller: controller as u8 });
        }
    }

    /// Whoever watches instances sees that one changed.
    pub(super) fn changed(&mut self) {
        self.look_after(self.looks.len() - 1, Latency::Watch);
    }

    pub(super) fn look(&mut self, controller: usize, sink: &mut impl Sink) {
        if self.looks[controller] != self.now {
            return;
        }
        self.looks[controller] = Time::NEVER;
        if self.is_hot() {
            // There is nothing that it was told to do.
            return;
        }
        // Whoever waits for the API does nothing else.
        let busy_until = self.busy_until[controller];
        if self.now < busy_until {
            self.look_at(controller, busy_until);
            return;
        }
        let mut decision = std::mem::take(&mut self.decision);
        decision.clear();
        let view = View {
            instances: self.fleet.views(),
            errors: self.errors_shown(),
            wall_phase: self.wall_phase(),
        };
        let draws = Draws::new(self.chance.strategy_key());
        self.strategy.reconcile(&mut self.state, controller, self.now, &view, draws, &mut decision);
        self.note_status();
        self.carry_out(controller, &decision, sink);
        self.decision = decision;
    }

    /// Wall-clock time at the beginning of the record, after a whole second. A script tells it
    /// for the beginning of the rollout.
    fn wall_phase(&self) -> Span {
        const SECOND: u64 = 1_000_000_000;
        match self.script().wall_phase {
            None => self.chance.wall_phase(),
            Some(told) => Span((told.0 % SECOND + SECOND - self.begun.0 % SECOND) % SECOND),
        }
    }

    fn carry_out(&mut self, controller: usize, decision: &Decision, sink: &mut impl Sink) {
        for moment in &decision.moments {
            sink.record(self.now, Record::Moment(*moment));
        }
        if let Some(instances) = decision.desired {
            sink.record(self.now, Record::Desired { instances });
            if let Some(scaler) = &mut self.scaler {
                scaler.note_wanted(instances);
            }
            self.draining.desired = instances;
        }
        self.act(controller, &decision.actions, sink);
        // What the others watch is written, once for all of them.
        let mut written = self.now;
        for _ in 0..decision.writes.max(u32::from(decision.notify != 0)) {
            written = self.write(controller, self.now);
        }
        if decision.notify != 0 {
            // All controllers of a process share one informer: they learn of it together.
            let told = written + self.latency(Latency::Sync);
            for other in 0..self.looks.len() {
                if decision.notify & (1 << other) == 0 {
                    continue;
                }
                let mut at = told;
                if other == controller {
                    // Its own write must go out and come back before it is seen; who looks
                    // earlier sees what was before, writes against it and is refused.
                    // It writes what it changed and then its status: two writes.
                    at += self.latency(Latency::Act) + self.latency(Latency::Act);
                    at += self.latency(Latency::Watch);
                    self.busy_until[controller] = self.busy_until[controller].max(at);
                }
                self.look_at(other, at);
            }
        }
        if let Some(at) = decision.wake_at {
            self.look_at(controller, at.max(self.now));
        }
        if let Some(said) = decision.said {
            self.say(said, sink);
        }
    }

    /// A controller wants to write at `at`; returns when it may.
    fn write(&mut self, controller: usize, at: Time) -> Time {
        let limit = self.scenario.control.writes;
        let granted = self.writes[controller].write(at, limit);
        self.wait_for(controller, at, granted);
        granted
    }

    /// The same for an instance of this version that is created or stopped, so long after the one
    /// before it.
    fn write_instance(
        &mut self,
        controller: usize,
        at: Time,
        version: VersionId,
        pace: Span,
    ) -> Time {
        let limit = self.scenario.control.writes;
        let granted = self.writes[controller].act(at, limit, version);
        self.wait_for(controller, at, granted);
        let place = usize::from(version.0);
        if self.paces.len() <= place {
            self.paces.resize(place + 1, Time::ZERO);
        }
        let at = granted.max(self.paces[place]);
        self.paces[place] = at + pace;
        at
    }

    fn wait_for(&mut self, controller: usize, at: Time, granted: Time) {
        if granted > at {
            self.busy_until[controller] = self.busy_until[controller].max(granted);
        }
    }

    /// Carries out actions. Starts go out in batches of 1, 2, 4, … (each waits for the last),
    /// the rest all at once.
    fn act(&mut self, controller: usize, actions: &[Action], sink: &mut impl Sink) {
        let (mut batch_at, mut batch_done) = (self.now, self.now);
        let mut latency = Span::ZERO;
        let mut stopping = None;
        let (mut started, mut batch) = (0, 1);
        self.waves += 1;
        let wave = self.waves;
        let count = |test: fn(&Action) -> bool| actions.iter().filter(|a| test(a)).count() as u64;
        let mut to_start = count(|action| matches!(action, Action::Start { .. }));
        let to_stop = count(|action| matches!(action, Action::Stop { .. }));
        let pace = self.script().pace.unwrap_or_default();
        let crowd = |requests: u64| Span(pace.crowd.0 * requests.saturating_sub(1));
        for action in actions {
            match *action {
                Action::Start { version, slot, held } => {
                    if started == 0 || started == batch {
                        batch = if started == 0 { 1 } else { batch * 2 };
                        started = 0;
                        latency = if batch == 1 {
                            self.latency(Latency::Act)
                        } else {
                            // The next batch goes out when the last has come back.
                            batch_at = batch_done + self.latency(Latency::Batch);
                            crowd(to_start.min(batch))
                        };
                    }
                    started += 1;
                    to_start -= 1;
                    let at =
                        self.write_instance(controller, batch_at, version, pace.start) + latency;
                    batch_done = batch_done.max(at);
                    self.plan(at, Event::Create { version, slot, held, wave });
                }
                Action::Stop { instance } => {
                    let version = self.fleet.get(instance).version;
                    let written = self.write_instance(controller, self.now, version, pace.stop);
                    // All at once, hence one latency.
                    let latency = *stopping
                        .get_or_insert_with(|| self.latency(Latency::Act) + crowd(to_stop));
                    self.plan(written + latency, Event::Tell { instance });
                }
                Action::Release { instance } => {
                    let at = self.write(controller, self.now) + self.latency(Latency::Act);
                    self.plan(at, Event::Release { instance });
                }
                Action::Route { new } => self.route(new),
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
}
