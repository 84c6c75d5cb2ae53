//! One rollout in virtual time: the control plane as events, requests in between.

use super::chance::{Chance, Latency, Tables};
use super::fleet::Fleet;
use super::kernel::{Config, Kernel};
use super::model;
use super::pulls::Pulls;
use super::script::{Outside, Script};
use crate::engine::{EventQueue, Seeds};
use crate::scenario::{Algorithm, Pipeline, Scenario};
use crate::strategy::{Command, Decision, Draws, State, Status, Strategy, View};
use crate::trace::{Cause, Moment, Phase, Record, Said, Sink, VersionId};
use crate::traffic::Source;
use crate::units::{Span, Time};

/// Whether requests are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Instances, probes, rotations and controllers only: microseconds a run.
    Control,
    /// Every request as well.
    Requests,
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The new version is handed over.
    Begin,
    /// A controller looks; only if this is still its next look.
    Look { controller: u8 },
    /// A start that was decided takes effect.
    Create { version: VersionId, slot: u32, held: bool },
    /// A stop that was decided takes effect.
    Tell { instance: u32 },
    /// A host was found.
    Place { instance: u32 },
    /// A pull ends, if none was added or cancelled since.
    Pull { stamp: u32 },
    /// The process could answer a probe.
    Able { instance: u32 },
    /// The probe has passed often enough.
    Ready { instance: u32 },
    /// A node learns that the instance is there.
    Join { instance: u32, node: u16 },
    /// A node learns that the instance goes.
    Leave { instance: u32, node: u16 },
    /// The weight of a fresh instance rises.
    Reweigh { instance: u32 },
    /// SIGTERM.
    Terminate { instance: u32 },
    /// The process has exited.
    Exit { instance: u32 },
    /// SIGKILL, unless it has exited.
    Kill { instance: u32 },
    /// The pipeline has waited long enough.
    Deadline,
    /// A person decides.
    Decide,
    /// The record ends, if nothing has happened since this was planned.
    End { stamp: u32 },
    /// Somebody outside does something.
    Outside { index: u32 },
    /// A process ends by itself.
    Crash { instance: u32 },
}

/// The stamp of the end that holds whatever happens.
const HORIZON: u32 = u32::MAX;

/// A scenario with everything computed that does not change from run to run: its distributions
/// tabulated, its laws ready for blocks. Worlds on several threads share one.
#[derive(Debug)]
pub struct Model<'a> {
    scenario: &'a Scenario,
    tables: Tables,
    kernel: Config,
    script: Option<&'a Script>,
}

impl<'a> Model<'a> {
    /// Of this scenario.
    pub fn new(scenario: &'a Scenario) -> Self {
        Self { scenario, tables: Tables::new(scenario), kernel: model::config(scenario), script: None }
    }

    /// The same with known luck.
    pub fn with_script(scenario: &'a Scenario, script: &'a Script) -> Self {
        Self { script: Some(script), ..Self::new(scenario) }
    }
}

/// A world that plays one scenario, replication after replication.
pub struct World<'a> {
    model: &'a Model<'a>,
    pub(super) scenario: &'a Scenario,
    strategy: Strategy,
    pub(super) queue: EventQueue<Event>,
    pub(super) fleet: Fleet,
    pub(super) chance: Chance<'a>,
    pub(super) pulls: Pulls,
    pub(super) pull_stamp: u32,
    pub(super) scratch: Vec<u32>,
    /// Made at the first run that needs it.
    kernel: Option<Kernel>,
    pub(super) depth: Depth,
    pub(super) now: Time,
    begun: Time,
    /// Events pending that move an instance or a rotation.
    pub(super) moving: u32,
    state: State,
    decision: Decision,
    pub(super) looks: Vec<Time>,
    said: Said,
    pipeline: PipelineState,
    end_stamp: u32,
    ended: bool,
    /// Attempts each server had taken when the strategy last reached its end.
    served: Vec<u64>,
    /// What the orchestrator's API showed, whenever that changed; only if asked for.
    statuses: Option<Vec<(Time, Status)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PipelineState {
    Watching,
    Called,
    Done,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).field("depth", &self.depth).finish()
    }
}

impl<'a> World<'a> {
    /// A world of this model.
    pub fn new(model: &'a Model<'a>) -> Self {
        let scenario = model.scenario;
        let strategy = Strategy::new(&scenario.strategy, scenario.service.instances);
        let state = strategy.initial();
        let looks = vec![Time::NEVER; strategy.controllers().len()];
        Self {
            model,
            scenario,
            strategy,
            queue: EventQueue::default(),
            fleet: Fleet::default(),
            chance: Chance::new(&model.tables),
            pulls: Pulls::new(scenario.hosts),
            pull_stamp: 0,
            scratch: Vec::new(),
            kernel: None,
            depth: Depth::Control,
            now: Time::ZERO,
            begun: Time::ZERO,
            moving: 0,
            state,
            decision: Decision::default(),
            looks,
            said: Said::Progressing,
            pipeline: PipelineState::Done,
            end_stamp: 0,
            ended: false,
            served: Vec::new(),
            statuses: None,
        }
    }

    /// Keeps what the orchestrator's API shows from the next run on; see [`World::statuses`].
    pub fn keep_statuses(&mut self) {
        self.statuses = Some(Vec::new());
    }

    /// What the orchestrator's API showed in the last run, whenever that changed.
    pub fn statuses(&self) -> &[(Time, Status)] {
        self.statuses.as_deref().unwrap_or_default()
    }

    /// What is known beforehand of this world's luck.
    pub(super) fn script(&self) -> Option<&'a Script> {
        self.model.script
    }

    fn note_status(&mut self) {
        let Some(statuses) = &mut self.statuses else { return };
        let Some(status) = self.strategy.status(&self.state) else { return };
        if statuses.last().is_none_or(|(_, last)| *last != status) {
            statuses.push((self.now, status));
        }
    }

    /// Plays one replication; records go to `sink`. Returns when the record ends.
    pub fn run(&mut self, seed: u64, replication: u32, depth: Depth, sink: &mut impl Sink) -> Time {
        self.prepare(Seeds::new(seed, u64::from(replication)), depth, sink);
        while !self.ended {
            let Some((at, event)) = self.queue.pop() else {
                // Nobody will ever do anything again.
                self.give_up(sink);
                break;
            };
            if at > self.now {
                if self.depth == Depth::Requests
                    && let Some(kernel) = &mut self.kernel
                {
                    kernel.advance(at);
                }
                self.now = at;
            }
            self.happen(event, sink);
        }
        self.finish(sink)
    }

    fn prepare(&mut self, seeds: Seeds, depth: Depth, sink: &mut impl Sink) {
        let scenario = self.scenario;
        self.depth = if scenario.traffic.is_some() { depth } else { Depth::Control };
        self.now = Time::ZERO;
        self.begun = Time::ZERO + on_grid(scenario.margin, scenario.slo.window);
        self.queue.clear();
        self.chance.reset(seeds);
        self.pulls.clear();
        self.fleet.reset(scenario.clients.nodes, scenario.hosts.count);
        (self.moving, self.end_stamp, self.ended) = (0, 0, false);
        self.said = Said::Progressing;
        self.state = self.strategy.initial();
        self.looks.fill(Time::NEVER);
        self.served.clear();
        if let Some(statuses) = &mut self.statuses {
            statuses.clear();
        }
        self.note_status();
        if self.depth == Depth::Requests {
            let algorithm = scenario.balancer.algorithm;
            let config = &self.model.kernel;
            let kernel = self.kernel.get_or_insert_with(|| Kernel::new(config.clone(), algorithm));
            let source = scenario.traffic.as_ref().map(|t| Source::new(t, self.begun, seeds));
            kernel.reset(seeds, source);
        }
        sink.record(self.now, Record::Desired { instances: scenario.service.instances });
        for _ in 0..scenario.service.instances {
            let id = self.fleet.create_available(self.now, VersionId::OLD, sink);
            if let Some(kernel) = self.kernel() {
                kernel.add_server(VersionId::OLD.0);
                kernel.open(id, Time::ZERO, true);
            }
            for node in 0..scenario.clients.nodes {
                self.rotate(id, node, true, sink);
            }
        }
        self.queue.push(self.begun, Event::Begin);
    }

    /// The kernel, if requests are simulated in this run.
    pub(super) fn kernel(&mut self) -> Option<&mut Kernel> {
        if self.depth == Depth::Requests { self.kernel.as_mut() } else { None }
    }

    /// Plans something that moves an instance or a rotation.
    pub(super) fn plan(&mut self, at: Time, event: Event) {
        if at < Time::NEVER {
            self.moving += 1;
            self.queue.push(at, event);
        }
    }

    fn happen(&mut self, event: Event, sink: &mut impl Sink) {
        match event {
            Event::Begin => self.begin(sink),
            Event::Look { controller } => self.look(usize::from(controller), sink),
            Event::Deadline => self.deadline(sink),
            Event::Decide => self.roll_back(sink),
            Event::Outside { index } => self.outside(index, sink),
            Event::Crash { instance } => self.crash(instance, sink),
            Event::End { stamp } => {
                self.ended = stamp == self.end_stamp || stamp == HORIZON;
                return;
            }
            Event::Reweigh { instance } => self.reweigh(instance),
            Event::Create { .. }
            | Event::Tell { .. }
            | Event::Place { .. }
            | Event::Pull { .. }
            | Event::Able { .. }
            | Event::Ready { .. }
            | Event::Join { .. }
            | Event::Leave { .. }
            | Event::Terminate { .. }
            | Event::Exit { .. } => {
                self.moving -= 1;
                self.live(event, sink);
            }
            Event::Kill { instance } => {
                if !self.kill(instance, sink) {
                    return;
                }
            }
        }
        self.plan_end(sink);
    }

    fn begin(&mut self, sink: &mut impl Sink) {
        sink.record(self.now, Record::Moment(Moment::Begun));
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.desk.tally.begin(now);
        }
        self.strategy.command(&mut self.state, Command::Begin, now);
        let script = self.script();
        let end = script.and_then(|script| script.ends_at(now));
        let horizon = end.unwrap_or(now + self.scenario.horizon);
        for (index, (after, _)) in script.iter().flat_map(|s| &s.events).enumerate() {
            self.queue.push(now + *after, Event::Outside { index: index as u32 });
        }
        self.queue.push(horizon, Event::End { stamp: HORIZON });
        self.look_after(0, Latency::Sync);
        let waits = match &self.scenario.pipeline {
            Pipeline::None => None,
            Pipeline::Automatic { timeout } | Pipeline::Human { timeout, .. } => Some(*timeout),
        };
        self.pipeline = PipelineState::Done;
        if let Some(timeout) = waits {
            self.pipeline = PipelineState::Watching;
            self.queue.push(now + timeout, Event::Deadline);
        }
    }

    fn outside(&mut self, index: u32, sink: &mut impl Sink) {
        let Some(script) = self.script() else { return };
        match script.events[index as usize].1 {
            Outside::Tell(command) => {
                self.strategy.command(&mut self.state, command, self.now);
                self.note_status();
                self.look_after(0, Latency::Sync);
            }
            Outside::Stop { version, count } => {
                for id in self.first(version, count) {
                    self.live(Event::Tell { instance: id }, sink);
                }
            }
            Outside::Fail { version, count } => {
                for id in self.first(version, count) {
                    self.fleet.move_to(self.now, id, Phase::Failed, Cause::Crashed, sink);
                    self.changed();
                }
            }
        }
    }

    fn first(&self, version: VersionId, count: u32) -> Vec<u32> {
        let there = |v: &&crate::strategy::InstanceView| {
            v.version == version && v.phase.is_active() && v.phase != Phase::Failed
        };
        self.fleet.views().iter().filter(there).take(count as usize).map(|v| v.id).collect()
    }

    /// A controller shall look after a latency, unless it looks before then anyway.
    fn look_after(&mut self, controller: usize, latency: Latency) {
        let at = self.now + self.chance.latency(latency);
        self.look_at(controller, at);
    }

    fn look_at(&mut self, controller: usize, at: Time) {
        if at < self.looks[controller] {
            self.looks[controller] = at;
            self.queue.push(at, Event::Look { controller: controller as u8 });
        }
    }

    /// Whoever watches instances sees that one changed.
    pub(super) fn changed(&mut self) {
        self.look_after(self.looks.len() - 1, Latency::Watch);
    }

    fn look(&mut self, controller: usize, sink: &mut impl Sink) {
        if self.looks[controller] != self.now {
            return;
        }
        self.looks[controller] = Time::NEVER;
        let mut decision = std::mem::take(&mut self.decision);
        decision.clear();
        let versions = &self.scenario.versions;
        let view = View {
            instances: self.fleet.views(),
            errors: [versions.old.errors.0, versions.new.errors.0],
            wall_phase: self.wall_phase(),
        };
        let draws = Draws::new(self.chance.strategy_key());
        self.strategy.reconcile(&mut self.state, controller, self.now, &view, draws, &mut decision);
        self.note_status();
        self.carry_out(controller, &decision, sink);
        self.decision = decision;
    }

    fn wall_phase(&self) -> Span {
        let told = self.script().and_then(|script| script.wall_phase);
        told.unwrap_or_else(|| self.chance.wall_phase())
    }

    fn carry_out(&mut self, controller: usize, decision: &Decision, sink: &mut impl Sink) {
        for moment in &decision.moments {
            sink.record(self.now, Record::Moment(*moment));
        }
        if let Some(instances) = decision.desired {
            sink.record(self.now, Record::Desired { instances });
        }
        self.act(&decision.actions, sink);
        for other in 0..self.looks.len() {
            if decision.notify & (1 << other) != 0 {
                self.look_after(other, Latency::Sync);
            }
        }
        if let Some(at) = decision.wake_at {
            self.look_at(controller, at.max(self.now));
        }
        if let Some(said) = decision.said {
            self.say(said, sink);
        }
    }

    fn say(&mut self, said: Said, sink: &mut impl Sink) {
        self.said = said;
        sink.record(self.now, Record::Said(said));
        if said.is_terminal() {
            let served = |kernel: &mut Kernel| {
                kernel.desk.servers.iter().map(|server| server.served).collect()
            };
            self.served = self.kernel().map(served).unwrap_or_default();
        }
        // A job that waits for completion learns of an end, not of a report in between.
        let reads_reports = matches!(self.scenario.pipeline, Pipeline::Human { .. });
        if matches!(said, Said::Paused | Said::Failed | Said::RollbackPaused)
            || (said == Said::DeadlineExceeded && reads_reports)
        {
            self.alert(sink);
        }
    }

    /// The pipeline's patience is over.
    fn deadline(&mut self, sink: &mut impl Sink) {
        if matches!(
            self.said,
            Said::Progressing
                | Said::DeadlineExceeded
                | Said::Paused
                | Said::Failed
                | Said::RollbackPaused
        ) {
            self.alert(sink);
        }
    }

    /// The pipeline learns that the rollout failed.
    fn alert(&mut self, sink: &mut impl Sink) {
        if self.pipeline != PipelineState::Watching {
            return;
        }
        sink.record(self.now, Record::Moment(Moment::Detected));
        match &self.scenario.pipeline {
            Pipeline::None => {}
            Pipeline::Automatic { .. } => self.roll_back(sink),
            Pipeline::Human { .. } => {
                sink.record(self.now, Record::Moment(Moment::HumanCalled));
                self.pipeline = PipelineState::Called;
                self.queue.push(self.now + self.chance.reaction(), Event::Decide);
            }
        }
    }

    fn roll_back(&mut self, sink: &mut impl Sink) {
        self.pipeline = PipelineState::Done;
        sink.record(self.now, Record::Moment(Moment::RollbackDecided));
        self.strategy.command(&mut self.state, Command::Rollback, self.now);
        self.look_after(0, Latency::Sync);
    }

    /// Once everything has come to rest the record goes on for the margin, then ends.
    fn plan_end(&mut self, sink: &mut impl Sink) {
        if self.script().is_some_and(|script| script.end.is_some()) {
            return;
        }
        // Any event may have begun something: what was planned before no longer holds.
        self.end_stamp += 1;
        let pending_operation = self.strategy.next_operation(&self.state).is_some();
        let waiting = self.pipeline == PipelineState::Called
            || (self.pipeline == PipelineState::Watching && !is_good(self.said));
        if self.moving > 0 || pending_operation || waiting || !self.said.is_terminal() {
            if let Some(kernel) = self.kernel() {
                kernel.desk.tally.settle(Time::NEVER);
            }
            if self.moving == 0 && !pending_operation && !waiting && self.is_dead() {
                self.give_up(sink);
            }
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.desk.tally.settle(now);
        }
        let margin = self.scenario.margin.max(self.scenario.slo.window);
        let at = Time::ZERO + on_grid(Span((now + margin).0), self.scenario.slo.window);
        self.queue.push(at, Event::End { stamp: self.end_stamp });
    }

    /// No controller will look again, and nothing else is under way.
    fn is_dead(&self) -> bool {
        self.now >= self.begun && self.looks.iter().all(|look| *look == Time::NEVER)
    }

    fn give_up(&mut self, sink: &mut impl Sink) {
        sink.record(self.now, Record::Moment(Moment::GaveUp));
        self.ended = true;
    }

    fn finish(&mut self, sink: &mut impl Sink) -> Time {
        let window = self.scenario.slo.window;
        let end = Time::ZERO + on_grid(Span(self.now.0), window);
        if !self.said.is_terminal() && self.now >= self.begun + self.scenario.horizon {
            sink.record(self.now, Record::Moment(Moment::GaveUp));
        }
        self.now = end;
        let before = std::mem::take(&mut self.served);
        if self.depth == Depth::Requests
            && let Some(kernel) = &mut self.kernel
        {
            kernel.advance(end);
            kernel.flush(end, sink);
            let served = |instance: u32| {
                let earlier = before.get(instance as usize).copied().unwrap_or(0);
                let now = kernel.desk.servers[instance as usize].served;
                (instance, now - earlier)
            };
            let views = self.fleet.views().iter();
            let served_after = views.filter(|view| view.phase.is_ready()).map(|v| served(v.id));
            let served_after = served_after.collect();
            let attempts = kernel.desk.tally.arrived() + kernel.desk.tally.retried;
            sink.record(end, Record::Totals { attempts, served_after });
        }
        self.served = before;
        end
    }

    /// Brings an instance into the rotation of a node, or takes it out.
    pub(super) fn rotate(&mut self, instance: u32, node: u32, joins: bool, sink: &mut impl Sink) {
        // A node that learns late of an instance does not take it for a fresh one.
        let weight = self.weight(instance, self.fleet.ready_since(instance));
        self.fleet.rotate(self.now, instance, node, joins, sink);
        let Some(kernel) = self.kernel() else { return };
        if joins {
            kernel.join(node, instance, weight);
        } else {
            kernel.leave(node, instance);
        }
    }

    /// Weight of an instance; fresh ones rise over the balancer's slow start.
    pub(super) fn weight(&self, instance: u32, ready: Time) -> f64 {
        let version = self.fleet.get(instance).version;
        let versions = &self.scenario.versions;
        let base =
            if version == VersionId::OLD { versions.old.weight } else { versions.new.weight };
        let window = self.scenario.balancer.slow_start;
        if window == Span::ZERO || self.now < self.begun {
            return base;
        }
        base * crate::balancer::slow_start_weight(self.now.since(ready), window, 1.0)
    }

    /// Whether weights rise slowly here.
    pub(super) fn has_slow_start(&self) -> bool {
        self.scenario.balancer.slow_start > Span::ZERO
            && self.scenario.balancer.algorithm == Algorithm::Weighted
            && self.depth == Depth::Requests
    }
}

/// Nobody need be told of this.
fn is_good(said: Said) -> bool {
    matches!(said, Said::Completed | Said::RolledBack | Said::RollingBack)
}

/// The next multiple of `window`.
fn on_grid(span: Span, window: Span) -> Span {
    Span(span.0.div_ceil(window.0.max(1)) * window.0.max(1))
}
