//! Who watches the rollout, and takes it back: a job, a person, a reverted commit, a flag.
//!
//! Whoever notices trouble (the orchestrator's own words, a deadline, a judge of metrics) comes
//! in by [`World::heed`] or [`World::alert`]; what follows from that is decided here alone.

use super::chance::Latency;
use super::kernel::Kernel;
use super::world::{Event, World};
use crate::engine::{Sampler, Seeds, math};
use crate::scenario::settings::Operation;
use crate::scenario::settings::{DeploymentKind, StrategySettings};
use crate::scenario::{PipelineKind, Scenario, Watch};
use crate::sim::model;
use crate::strategy::Command;
use crate::trace::{Moment, Record, Said, Sink, VersionId};
use crate::units::{Rounding, Span, Time};

/// Purposes of the pipeline's draws; the reaction is as old as persons in pipelines are.
mod purpose {
    pub(super) const REACTION: u32 = 18;
    pub(super) const ACT: u32 = 530;
    pub(super) const FAILS: u32 = 531;
    pub(super) const SYNC: u32 = 532;
    pub(super) const RECONCILE: u32 = 533;
    pub(super) const BY_HAND: u32 = 534;
    pub(super) const PROPAGATION: u32 = 535;
    pub(super) const COVERS: u32 = 536;
}

/// What the pipeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none.
    Nobody,
    /// It waits for an end.
    Watching,
    /// Somebody was called, or is on the way to the orchestrator.
    Called,
    /// Nothing is left for it to do.
    Done,
}

/// The pipeline of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watcher {
    state: State,
    seeds: Seeds,
    /// How often somebody was called.
    calls: u32,
    /// How often the orchestrator was to be told.
    tries: u32,
    /// Whether the flag is off, or going to be, and covers what is bad.
    flag_off: bool,
}

impl Watcher {
    pub(super) fn new() -> Self {
        let seeds = Seeds::new(0, 0);
        Self { state: State::Nobody, seeds, calls: 0, tries: 0, flag_off: false }
    }
}

/// What a pipeline has planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its patience is over.
    Deadline,
    /// A person decides.
    Decide,
    /// The orchestrator is told.
    Tell,
    /// A person tells the orchestrator without the repository.
    ByHand,
    /// A controller finds the cluster unlike the repository.
    PutBack,
    /// It has waited long enough for the way back.
    BackLate,
    /// A process learns that the flag is off.
    Flag { instance: u32 },
    /// Every process knows.
    FlagOff,
}

/// What a judge wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urge {
    /// Somebody should know.
    Alert,
    /// The rollout should stop where it is.
    Pause,
    /// The old version should come back, without asking anybody.
    Rollback,
}

/// The distributions of a pipeline, ready to be drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    reaction: Sampler,
    act: Sampler,
    reconcile: Sampler,
    by_hand: Option<Sampler>,
    propagation: Sampler,
}

impl Tables {
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let watch = scenario.pipeline.watch()?;
        let none = || Sampler::fixed(0.0);
        let (reconcile, by_hand, propagation) = match &watch.kind {
            PipelineKind::GitopsRevert { reconcile, by_hand, .. } => {
                (model::sampler(reconcile), by_hand.as_ref().map(model::sampler), none())
            }
            PipelineKind::KillSwitch { propagation, .. } => {
                (none(), None, model::sampler(propagation))
            }
            PipelineKind::HelmAtomic
            | PipelineKind::Ci
            | PipelineKind::CiUndo
            | PipelineKind::Human => (none(), None, none()),
        };
        let (reaction, act) = (model::sampler(&watch.reaction), model::sampler(&watch.act));
        Some(Self { reaction, act, reconcile, by_hand, propagation })
    }
}

impl<'a> World<'a> {
    fn watch_of(&self) -> Option<&'a Watch> {
        self.scenario.pipeline.watch()
    }

    fn pipeline_draw(&self, which: fn(&Tables) -> &Sampler, purpose: u32, index: u32) -> Span {
        let bits = self.pipeline.seeds.bits(purpose, index.into());
        self.model.pipeline.as_ref().map_or(Span::ZERO, |all| span(which(all).at(bits)))
    }

    /// Nothing has happened yet.
    pub(super) fn reset_pipeline(&mut self, seeds: Seeds) {
        self.pipeline = Watcher { seeds, ..Watcher::new() };
    }

    /// The pipeline hands the new version over and begins to wait.
    pub(super) fn watch(&mut self) {
        if let Some(timeout) = self.scenario.pipeline.timeout() {
            self.pipeline.state = State::Watching;
            self.after(timeout, Stage::Deadline);
        }
    }

    fn after(&mut self, span: Span, stage: Stage) {
        self.queue.push(self.now + span, Event::Pipeline(stage));
    }

    /// Whether it has yet to do something.
    pub(super) fn is_awaited(&self) -> bool {
        match self.pipeline.state {
            State::Called => true,
            State::Watching => !is_good(self.said),
            State::Nobody | State::Done => false,
        }
    }

    /// Something that the pipeline has planned happens.
    pub(super) fn proceed(&mut self, stage: Stage, sink: &mut impl Sink) {
        match stage {
            Stage::Deadline => self.deadline(sink),
            Stage::Decide => self.decide(sink),
            Stage::Tell => self.tell_back(sink),
            Stage::ByHand => self.by_hand(sink),
            Stage::PutBack => {
                if self.pipeline.state == State::Called {
                    sink.record(self.now, Record::Moment(Moment::PutBack));
                    self.command(Command::Begin);
                }
            }
            Stage::BackLate => {
                if !matches!(self.said, Said::RolledBack | Said::Completed) {
                    sink.record(self.now, Record::Moment(Moment::RollbackFailed));
                    sink.record(self.now, Record::Moment(Moment::HumanCalled));
                }
            }
            Stage::Flag { instance } => self.flag_off(instance),
            Stage::FlagOff => self.flag_is_off(sink),
        }
    }

    /// Somebody tells the orchestrator something.
    pub(super) fn command(&mut self, command: Command) {
        self.strategy.command(&mut self.state, command, self.now);
        self.note_status();
        self.look_after(0, Latency::Sync);
    }

    /// The orchestrator's word has changed.
    pub(super) fn say(&mut self, said: Said, sink: &mut impl Sink) {
        if self.migrates_last(said, sink) {
            return;
        }
        self.said = said;
        sink.record(self.now, Record::Said(said));
        if said.is_terminal() {
            let served = |kernel: &mut Kernel| {
                kernel.desk.servers.iter().map(|server| server.served).collect()
            };
            self.served = self.kernel().map(served).unwrap_or_default();
        }
        // A job that waits for completion learns of an end, not of a report in between, unless it
        // asks the way `kubectl rollout status` does.
        let deaf = self
            .watch_of()
            .is_none_or(|watch| matches!(watch.kind, PipelineKind::HelmAtomic | PipelineKind::Ci));
        if matches!(said, Said::Paused | Said::Failed | Said::RollbackPaused)
            || (said == Said::DeadlineExceeded && !deaf)
        {
            self.alert(sink);
        }
    }

    /// The pipeline's patience is over.
    fn deadline(&mut self, sink: &mut impl Sink) {
        let waits = matches!(
            self.said,
            Said::Progressing
                | Said::DeadlineExceeded
                | Said::Paused
                | Said::Failed
                | Said::RollbackPaused
        );
        if waits && !self.is_enough_for_helm() {
            self.alert(sink);
        }
    }

    /// Helm waits for as many ready pods of a Deployment as may not be missing, no more.
    fn is_enough_for_helm(&self) -> bool {
        let StrategySettings::Kubernetes(settings) = &self.scenario.strategy else { return false };
        let helm = self.watch_of().is_some_and(|watch| watch.kind == PipelineKind::HelmAtomic);
        if !helm || settings.kind == DeploymentKind::Recreate {
            return false;
        }
        let desired = self.scenario.service.instances;
        let missing = settings.max_unavailable.of(desired, Rounding::Down).min(desired);
        let views = self.fleet.views().iter();
        let new = views.filter(|view| view.version == VersionId::NEW && view.phase.is_ready());
        new.count() as u32 >= desired - missing
    }

    /// The pipeline learns that the rollout failed.
    pub(super) fn alert(&mut self, sink: &mut impl Sink) {
        if self.pipeline.state != State::Watching {
            return;
        }
        let Some(watch) = self.watch_of() else { return };
        sink.record(self.now, Record::Moment(Moment::Detected));
        match watch.kind {
            PipelineKind::HelmAtomic | PipelineKind::Ci | PipelineKind::CiUndo => {
                self.decide(sink);
            }
            PipelineKind::Human | PipelineKind::KillSwitch { .. } => self.call(sink),
            PipelineKind::GitopsRevert { .. } => {
                self.call(sink);
                let by_hand = self.model.pipeline.as_ref().and_then(|all| all.by_hand.as_ref());
                if let Some(by_hand) = by_hand {
                    let bits = self.pipeline.seeds.bits(purpose::BY_HAND, 0);
                    self.after(span(by_hand.at(bits)), Stage::ByHand);
                }
            }
        }
    }

    /// What a judge of metrics wants is done, or told to those who can do it.
    pub fn heed(&mut self, urge: Urge, sink: &mut impl Sink) {
        match (urge, self.pipeline.state) {
            (_, State::Called | State::Done) => {}
            (Urge::Alert, State::Watching) => self.alert(sink),
            (Urge::Alert, State::Nobody) => {
                sink.record(self.now, Record::Moment(Moment::Detected));
            }
            (Urge::Pause, State::Watching | State::Nobody) => {
                sink.record(self.now, Record::Moment(Moment::Detected));
                self.command(Command::Operate(Operation::Pause));
                if self.watch_of().is_some_and(|watch| !watch.kind.is_job()) {
                    self.alert(sink);
                }
            }
            (Urge::Rollback, State::Watching | State::Nobody) => {
                sink.record(self.now, Record::Moment(Moment::Detected));
                self.decide(sink);
            }
        }
    }

    /// A person is called; of a bot, which reacts at once, nobody knows.
    fn call(&mut self, sink: &mut impl Sink) {
        self.pipeline.state = State::Called;
        let reaction =
            self.pipeline_draw(|all| &all.reaction, purpose::REACTION, self.pipeline.calls);
        self.pipeline.calls += 1;
        if reaction > Span::ZERO {
            sink.record(self.now, Record::Moment(Moment::HumanCalled));
        }
        self.after(reaction, Stage::Decide);
    }

    /// Somebody decides that the old behaviour must come back.
    fn decide(&mut self, sink: &mut impl Sink) {
        self.pipeline.state = State::Called;
        self.close_court();
        let kind = self.watch_of().map(|watch| &watch.kind);
        let first = self.pipeline.tries == 0;
        if let Some(PipelineKind::KillSwitch { covers, .. }) = kind
            && first
        {
            self.turn_flag(covers.0, sink);
            return;
        }
        sink.record(self.now, Record::Moment(Moment::RollbackDecided));
        let tries = self.pipeline.tries;
        let mut takes = self.pipeline_draw(|all| &all.act, purpose::ACT, tries);
        if let Some(PipelineKind::GitopsRevert { sync, .. }) = kind {
            takes = takes + self.until_sync(*sync, self.now + takes);
            takes += self.pipeline_draw(|all| &all.reconcile, purpose::RECONCILE, tries);
        }
        if takes == Span::ZERO {
            self.tell_back(sink);
        } else {
            self.after(takes, Stage::Tell);
        }
    }

    /// Until the controller's next look at the repository.
    fn until_sync(&self, sync: Span, from: Time) -> Span {
        let phase = math::open_unit(self.pipeline.seeds.bits(purpose::SYNC, 0));
        let first = (sync * phase).0;
        let since = from.since(self.begun).0;
        let past = since.saturating_sub(first);
        let next = first + past.div_ceil(sync.0) * sync.0;
        Span(next.max(since) - since)
    }

    /// The orchestrator is told, unless that fails.
    fn tell_back(&mut self, sink: &mut impl Sink) {
        let Some(watch) = self.watch_of() else {
            self.pipeline.state = State::Done;
            self.want_back(sink);
            return;
        };
        let first = self.pipeline.tries == 0;
        self.pipeline.tries += 1;
        let bits = self.pipeline.seeds.bits(purpose::FAILS, 0);
        if first && watch.fails.0 > 0.0 && math::open_unit(bits) < watch.fails.0 {
            sink.record(self.now, Record::Moment(Moment::RollbackFailed));
            self.call(sink);
            return;
        }
        self.pipeline.state = State::Done;
        if let Some(patience) = watch.back_timeout {
            self.after(patience, Stage::BackLate);
        }
        self.want_back(sink);
    }

    /// Somebody rolls back on the cluster, and the controller will undo it.
    fn by_hand(&mut self, sink: &mut impl Sink) {
        let Some(Watch { kind: PipelineKind::GitopsRevert { sync, .. }, .. }) = self.watch_of()
        else {
            return;
        };
        if self.pipeline.state != State::Called {
            return;
        }
        self.close_court();
        sink.record(self.now, Record::Moment(Moment::RollbackDecided));
        self.want_back(sink);
        let next = self.until_sync(*sync, self.now);
        self.after(next.max(Span(1)), Stage::PutBack);
    }

    /// The flag is turned: each process hears of it in its own time.
    fn turn_flag(&mut self, covers: f64, sink: &mut impl Sink) {
        sink.record(self.now, Record::Moment(Moment::FlagTurned));
        self.pipeline.tries += 1;
        let bits = self.pipeline.seeds.bits(purpose::COVERS, 0);
        let covered = math::open_unit(bits) < covers;
        let mut last = Span::ZERO;
        let act = self.pipeline_draw(|all| &all.act, purpose::ACT, 0);
        let new = self.fleet.views().iter().filter(|view| view.version == VersionId::NEW);
        for instance in new.map(|view| view.id).collect::<Vec<_>>() {
            let takes = self.pipeline_draw(|all| &all.propagation, purpose::PROPAGATION, instance);
            last = last.max(act + takes);
            if covered {
                self.after(act + takes, Stage::Flag { instance });
            }
        }
        self.pipeline.flag_off = covered;
        self.after(last, Stage::FlagOff);
    }

    /// Whether processes that read the flag find it off, and behave for that.
    pub(super) fn is_flag_off(&self) -> bool {
        self.pipeline.flag_off
    }

    /// A process of the new version answers: it reads the flag when it starts.
    pub(super) fn reads_flag(&mut self, instance: u32) {
        if self.pipeline.flag_off && self.fleet.get(instance).version == VersionId::NEW {
            self.flag_off(instance);
        }
    }

    fn flag_off(&mut self, instance: u32) {
        let (now, told) = (self.now, !self.scenario.pieces.defects.is_empty());
        if let Some(kernel) = self.kernel() {
            if told {
                kernel.afflict(instance, None);
                kernel.turn(instance, VersionId::NEW.0, now);
            } else {
                kernel.behave(instance, now);
            }
        }
    }

    /// All that ran know of the flag: it has helped, or a person must redeploy.
    fn flag_is_off(&mut self, sink: &mut impl Sink) {
        if self.pipeline.flag_off {
            self.pipeline.state = State::Done;
            sink.record(self.now, Record::Moment(Moment::FlagOff));
        } else {
            sink.record(self.now, Record::Moment(Moment::RollbackFailed));
            self.call(sink);
        }
    }
}

/// Nobody need be told of this.
fn is_good(said: Said) -> bool {
    matches!(said, Said::Completed | Said::RolledBack | Said::RollingBack)
}

fn span(nanos: f64) -> Span {
    Span(nanos.max(0.0) as u64)
}
