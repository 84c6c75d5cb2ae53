//! A small world for tests of strategies: an event queue, start and stop times, latencies.
//!
//! With all latencies zero the controllers are immediate. Every look is taken twice, on copies,
//! and must say the same; the state must survive a round trip through JSON; actions must be
//! legal.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::{Action, Command, Controller, Decision, Draws, InstanceView, State, Strategy, View};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Look(Controller),
    Wake(Controller),
    Create(VersionId, u32, bool),
    Place(u32),
    Ready(u32),
    Fail(u32),
    Halt(u32),
    Gone(u32),
    Unready(u32),
}

/// How long things take. `start` is `None` for an instance that never becomes ready.
pub(super) struct Delays {
    pub(super) start: Box<dyn Fn(VersionId, u32) -> Option<Span>>,
    pub(super) stop: Box<dyn Fn(u32) -> Span>,
    /// An upper bound of each control-plane latency; drawn uniformly below it.
    pub(super) latency: Span,
}

impl Delays {
    /// Start-up time 1 s, zero stop time, immediate controllers.
    pub(super) fn unit() -> Self {
        Self {
            start: Box::new(|_, _| Some(Span::from_secs(1))),
            stop: Box::new(|_| Span::ZERO),
            latency: Span::ZERO,
        }
    }
}

/// What the driver saw after a look, if it differs from the last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub(super) at: Time,
    /// Sizes of the replica sets in order of creation (Kubernetes).
    pub(super) sizes: Vec<u32>,
    /// As reported (Kubernetes Deployment), or counted.
    pub(super) available: u32,
    /// Not terminating, not failed.
    pub(super) active: u32,
    /// The same without those told to stop whose stop is under way.
    pub(super) kept: u32,
    /// Terminating ones too.
    pub(super) objects: u32,
}

pub(super) struct Driver {
    pub(super) strategy: Strategy,
    pub(super) state: State,
    pub(super) now: Time,
    pub(super) wall_phase: Span,
    pub(super) draws: Draws,
    pub(super) instances: Vec<InstanceView>,
    pub(super) history: Vec<Snapshot>,
    pub(super) said: Vec<(Time, Said)>,
    pub(super) moments: Vec<(Time, Moment)>,
    pub(super) started: u32,
    pub(super) stopped: Vec<(Time, u32)>,
    /// Shares of the new version in the traffic, as routed.
    pub(super) routes: Vec<(Time, u32)>,
    /// Checks determinism and the JSON round trip at each look.
    pub(super) paranoid: bool,
    /// Error shares that strategies see.
    pub(super) errors: [f64; 2],
    /// Ready until it fails; `None`: it does not.
    pub(super) crash: Box<dyn Fn(VersionId, u32) -> Option<Span>>,
    /// Created until it fails, held or not; `None`: it does not.
    pub(super) reject: Box<dyn Fn(VersionId, u32) -> Option<Span>>,
    delays: Delays,
    held: BTreeSet<u32>,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    halting: BTreeSet<u32>,
    pending: Vec<bool>,
    /// What each controller asked for at its last look; an earlier wish is forgotten, as in
    /// the simulated world.
    wakes: Vec<Time>,
    next_id: u32,
    sequence: u64,
    decision: Decision,
}

impl Driver {
    pub(super) fn new(strategy: Strategy, instances: u32, delays: Delays) -> Self {
        let state = strategy.initial();
        let pending = vec![false; strategy.controllers().len()];
        let initial = |id| InstanceView {
            id,
            version: VersionId::OLD,
            phase: Phase::Available,
            created: Time::ZERO,
            ready_since: Time::ZERO,
            host: id % 4,
            restarts: 0,
            slot: id,
        };
        Self {
            strategy,
            state,
            now: Time::ZERO,
            wall_phase: Span::ZERO,
            draws: Draws::new(1),
            instances: (0..instances).map(initial).collect(),
            history: Vec::new(),
            said: Vec::new(),
            moments: Vec::new(),
            started: 0,
            stopped: Vec::new(),
            routes: Vec::new(),
            paranoid: true,
            errors: [0.0; 2],
            crash: Box::new(|_, _| None),
            reject: Box::new(|_, _| None),
            delays,
            held: BTreeSet::new(),
            queue: BinaryHeap::new(),
            halting: BTreeSet::new(),
            wakes: vec![Time::NEVER; pending.len()],
            pending,
            next_id: instances,
            sequence: 0,
            decision: Decision::default(),
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        self.strategy.command(&mut self.state, command, self.now);
        self.schedule_look(0);
    }

    /// An instance stops being ready until `back`, as after a crash.
    pub(super) fn crash(&mut self, id: u32, at: Time, back: Time) {
        self.push(at, Event::Unready(id));
        self.push(back, Event::Ready(id));
    }

    /// An instance is gone, now.
    pub(super) fn vanish(&mut self, id: u32) {
        self.push(self.now, Event::Gone(id));
    }

    /// An instance fails for good.
    pub(super) fn fail(&mut self, id: u32, at: Time) {
        self.push(at, Event::Fail(id));
    }

    /// Runs until nothing is left to happen or `end` is reached; says whether it came to rest.
    pub(super) fn run_until(&mut self, end: Time) -> bool {
        while let Some(&Reverse((at, _, event))) = self.queue.peek() {
            if at > end {
                self.now = end;
                return false;
            }
            self.queue.pop();
            assert!(at >= self.now, "time goes back");
            self.now = at;
            self.handle(event);
        }
        true
    }

    pub(super) fn last_said(&self) -> Option<Said> {
        self.said.last().map(|(_, said)| *said)
    }

    pub(super) fn count(&self, version: VersionId, phase: Phase) -> usize {
        self.instances.iter().filter(|i| i.version == version && i.phase == phase).count()
    }

    fn push(&mut self, at: Time, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, event)));
    }

    fn lag(&self, what: u32) -> Span {
        let bits = self.draws.bits(1000 + what, self.sequence as u32);
        Span((self.delays.latency.0 as f64 * (bits >> 11) as f64 / (1u64 << 53) as f64) as u64)
    }

    fn schedule_look(&mut self, controller: Controller) {
        if !self.pending[controller] {
            self.pending[controller] = true;
            let at = self.now + self.lag(1);
            self.push(at, Event::Look(controller));
        }
    }

    fn watcher(&self) -> Controller {
        self.strategy.controllers().len() - 1
    }

    fn find(&mut self, id: u32) -> Option<&mut InstanceView> {
        let at = self.instances.binary_search_by_key(&id, |i| i.id).ok()?;
        Some(&mut self.instances[at])
    }

    fn handle(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Look(controller) => return self.look(controller),
            Event::Wake(controller) => {
                if self.wakes[controller] == now {
                    self.look(controller);
                }
                return;
            }
            Event::Create(version, slot, held) => self.create(version, slot, held),
            Event::Place(id) => {
                let Some(i) = self.find(id).filter(|i| i.phase == Phase::Pending) else { return };
                i.phase = Phase::Starting;
                i.host = id % 4;
            }
            Event::Ready(id) => {
                let Some(i) = self.find(id).filter(|i| i.phase == Phase::Starting) else { return };
                i.phase = Phase::Ready;
                i.ready_since = now;
                let version = i.version;
                if let Some(after) = (self.crash)(version, id) {
                    self.push(now + after, Event::Fail(id));
                }
            }
            Event::Unready(id) => {
                let Some(i) = self.find(id).filter(|i| i.phase.is_ready()) else { return };
                i.phase = Phase::Starting;
                i.ready_since = Time::NEVER;
                i.restarts += 1;
            }
            Event::Fail(id) => {
                let Some(i) = self.find(id).filter(|i| i.phase.is_active()) else { return };
                i.phase = Phase::Failed;
                i.ready_since = Time::NEVER;
            }
            Event::Halt(id) => {
                let Some(i) = self.find(id) else { return };
                assert!(i.phase.may_become(Phase::Draining));
                i.phase = Phase::Draining;
                let at = now + (self.delays.stop)(id);
                self.push(at, Event::Gone(id));
            }
            Event::Gone(id) => self.instances.retain(|i| i.id != id),
        }
        self.schedule_look(self.watcher());
    }

    fn create(&mut self, version: VersionId, slot: u32, held: bool) {
        let id = self.next_id;
        self.next_id += 1;
        let phase = Phase::Pending;
        let (created, ready_since) = (self.now, Time::NEVER);
        let host = u32::MAX;
        self.instances.push(InstanceView {
            id,
            version,
            phase,
            created,
            ready_since,
            host,
            restarts: 0,
            slot,
        });
        let placed = self.now + self.lag(2);
        self.push(placed, Event::Place(id));
        if let Some(after) = (self.reject)(version, id) {
            self.push(self.now + after, Event::Fail(id));
        }
        if held {
            self.held.insert(id);
        } else {
            self.boot(id, version, placed);
        }
    }

    fn boot(&mut self, id: u32, version: VersionId, at: Time) {
        if let Some(start) = (self.delays.start)(version, id) {
            self.push(at + start, Event::Ready(id));
        }
    }

    fn look(&mut self, controller: Controller) {
        self.pending[controller] = false;
        self.wakes[controller] = Time::NEVER;
        let mut decision = std::mem::take(&mut self.decision);
        decision.clear();
        let (errors, wall_phase) = (self.errors, self.wall_phase);
        let view = View { instances: &self.instances, errors, wall_phase };
        let before = self.paranoid.then(|| self.state.clone());
        let draws = self.draws;
        self.strategy.reconcile(&mut self.state, controller, self.now, &view, draws, &mut decision);
        if let Some(before) = before {
            let text = serde_json::to_string(&before).unwrap();
            let mut read: State = serde_json::from_str(&text).unwrap();
            assert_eq!(read, before, "a state is not what it was written as");
            let mut again = Decision::default();
            self.strategy.reconcile(&mut read, controller, self.now, &view, draws, &mut again);
            assert_eq!(again, decision, "the same look, another decision");
            assert_eq!(read, self.state, "the same look, another state");
        }
        for action in &decision.actions {
            self.act(*action);
        }
        for c in 0..self.pending.len() {
            if decision.notify >> c & 1 == 1 {
                self.schedule_look(c);
            }
        }
        if let Some(at) = decision.wake_at {
            assert!(at > self.now, "{controller} wakes at once, for ever");
            self.wakes[controller] = at;
            self.push(at, Event::Wake(controller));
        }
        self.said.extend(decision.said.map(|said| (self.now, said)));
        self.moments.extend(decision.moments.iter().map(|m| (self.now, *m)));
        self.decision = decision;
        self.note();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start { version, slot, held } => {
                self.started += 1;
                let at = self.now + self.lag(3);
                self.push(at, Event::Create(version, slot, held));
            }
            Action::Stop { instance } => {
                let told = !self.halting.insert(instance);
                assert!(!told, "{instance} was told to stop before");
                let i = self.find(instance).expect("only what exists is told to stop");
                assert!(i.phase.is_active());
                let at = self.now + self.lag(4 + instance);
                self.stopped.push((self.now, instance));
                self.push(at, Event::Halt(instance));
            }
            Action::Release { instance } => {
                assert!(self.held.remove(&instance), "{instance} is not held");
                let i = self.find(instance).expect("only what exists is released");
                let version = i.version;
                self.boot(instance, version, self.now);
            }
            Action::Route { new } => {
                assert!(new <= 1_000_000);
                self.routes.push((self.now, new));
            }
            Action::MarkAvailable { instance } => {
                let i = self.find(instance).expect("only what exists becomes available");
                assert_eq!(i.phase, Phase::Ready);
                i.phase = Phase::Available;
            }
        }
    }

    fn note(&mut self) {
        let active = |i: &&InstanceView| i.phase.is_active() && i.phase != Phase::Failed;
        let counted = self.instances.iter().filter(|i| i.phase == Phase::Available).count();
        let (sizes, available) = match &self.state {
            State::Kubernetes(state) => {
                (state.sizes().map(|(_, size)| size).collect(), state.available())
            }
            State::ArgoCanary(state) => {
                (state.sizes().map(|(_, size)| size).collect(), counted as u32)
            }
            _ => (Vec::new(), counted as u32),
        };
        let active = self.instances.iter().filter(active).count() as u32;
        let told = |i: &&InstanceView| i.phase.is_active() && self.halting.contains(&i.id);
        let failed = |i: &&InstanceView| i.phase == Phase::Failed;
        let gone = self.instances.iter().filter(|i| told(i) && !failed(i)).count() as u32;
        let kept = active - gone;
        let objects = self.instances.len() as u32;
        let snapshot = Snapshot { at: self.now, sizes, available, active, kept, objects };
        let unchanged = self
            .history
            .last()
            .is_some_and(|last| Snapshot { at: snapshot.at, ..last.clone() } == snapshot);
        if !unchanged {
            self.history.push(snapshot);
        }
    }
}
