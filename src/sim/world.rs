//! One rollout in virtual time: the control plane as events, requests in between.

use super::autoscaler::Scaler;
use super::chance::Chance;
use super::client::Client;
use super::dependencies::Pools;
use super::evict::Draining;
use super::faults::{self, Faults};
use super::fleet::Fleet;
use super::judging::{Court, Hearing};
use super::kernel::Kernel;
use super::messages::Messages;
use super::migration::Migrated;
use super::model::Model;
use super::pipeline::{Stage, Watcher};
use super::plane::{Plane, Step};
use super::pulls::Pulls;
use super::quorum::Votes;
use super::quota::Refusals;
use super::release::Carried;
use super::room::{Around, Room};
use super::starts::Starts;
use super::streams::Streams;
use crate::engine::{EventQueue, Seeds};
use crate::scenario::Scenario;
use crate::strategy::{Decision, State, Status, Strategy};
use crate::trace::{Moment, Record, Said, Sink, VersionId};
use crate::traffic::Source;
use crate::units::Time;

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
    Create { version: VersionId, slot: u32, held: bool, wave: u32 },
    /// A stop that was decided takes effect.
    Tell { instance: u32 },
    /// A host was found.
    Place { instance: u32 },
    /// A pull ends, if none was added or cancelled since.
    Pull { stamp: u32 },
    /// A held instance may start its process.
    Release { instance: u32 },
    /// The process has been launched.
    Launch { instance: u32, process: u32 },
    /// The process, which is the n-th of its instance, could answer a probe.
    Able { instance: u32, process: u32 },
    /// The probe has passed often enough.
    Ready { instance: u32, process: u32 },
    /// The process ends by itself, if it is still there.
    Crash { instance: u32, process: u32 },
    /// Probes have failed too often, if the process is still there.
    Unfit { instance: u32, process: u32 },
    /// The process is started again, if the instance is still there.
    Restart { instance: u32, process: u32 },
    /// The process has caught up and votes.
    Vote { instance: u32, process: u32 },
    /// A node learns that the instance is there.
    Join { instance: u32, node: u16 },
    /// A node learns that the instance goes.
    Leave { instance: u32, node: u16 },
    /// A node learns how the traffic is split between the versions.
    Follow { node: u16, new: u32 },
    /// The weight of a fresh instance rises.
    Reweigh { instance: u32 },
    /// Something in a data plane with rules of its own.
    Plane(Step),
    /// The nodes look at whom to leave out.
    Sweep,
    /// The wait before SIGTERM is over.
    Terminate { instance: u32 },
    /// Perhaps nobody sends the instance anything any more and everything is answered.
    Idle { instance: u32 },
    /// It has waited for that long enough, if it still does.
    Waited { instance: u32 },
    /// The process has exited.
    Exit { instance: u32 },
    /// SIGKILL, unless it has exited.
    Kill { instance: u32 },
    /// Metrics are read.
    Scrape,
    /// The autoscaler looks.
    Autoscale,
    /// Somebody looks at the memory of processes.
    Memory,
    /// A liveness probe, after so many failures in a row.
    Alive { instance: u32, process: u32, failures: u32 },
    /// Something happens in court.
    Judge(Hearing),
    /// A dependency goes down, or is there again.
    Outage { dependency: u8, begins: bool },
    /// Probes of a ready instance have failed too often.
    Unready { instance: u32, process: u32 },
    /// Something that the pipeline has planned.
    Pipeline(Stage),
    /// A process takes a change while it runs, the `round`-th that is written.
    Reload { instance: u32, version: VersionId, round: u32 },
    /// The change of the data is done, or undone.
    Migrated,
    /// Somebody does what the script says.
    Outside { index: u32 },
    /// Something happens around the fleet.
    Around(Around),
    /// Something breaks, or its consequences show.
    Fault(faults::Step),
    /// The record ends, if nothing has happened since this was planned.
    End { stamp: u32 },
}

/// The stamp of the end that holds whatever happens.
const HORIZON: u32 = u32::MAX;

/// A world that plays one scenario, replication after replication.
pub struct World<'a> {
    pub(super) model: &'a Model<'a>,
    pub(super) scenario: &'a Scenario,
    pub(super) strategy: Strategy,
    pub(super) queue: EventQueue<Event>,
    pub(super) fleet: Fleet,
    pub(super) chance: Chance<'a>,
    pub(super) pulls: Pulls,
    pub(super) pull_stamp: u32,
    pub(super) starts: Starts,
    pub(super) start_stamp: u32,
    pub(super) room: Room,
    pub(super) draining: Draining,
    /// What is broken, if anything can be.
    pub(super) faults: Option<Box<Faults>>,
    pub(super) refusals: Refusals,
    /// Looks that asked for instances: those of one are a wave.
    pub(super) waves: u32,
    /// What processes are connected to, if to anything.
    pub(super) pools: Option<Box<Pools>>,
    pub(super) scratch: Vec<u32>,
    /// Made at the first run that needs it.
    pub(super) kernel: Option<Kernel>,
    /// The queue, if instances work on one.
    pub(super) messages: Option<Messages>,
    /// The quorum, if it takes one.
    pub(super) votes: Option<Votes>,
    /// The autoscaler, if there is one.
    pub(super) scaler: Option<Scaler>,
    /// The judges, if there are any.
    pub(super) court: Option<Court<'a>>,
    pub(super) depth: Depth,
    pub(super) now: Time,
    pub(super) begun: Time,
    /// Events pending that move an instance or a rotation.
    pub(super) moving: u32,
    /// By node: when it will have heard of every instance that is ready now.
    pub(super) informed: Vec<Time>,
    /// What nodes know, in a data plane with rules of its own.
    pub(super) plane: Option<Plane<'a>>,
    /// Long-lived streams, if there are any.
    pub(super) streams: Option<Streams<'a>>,
    /// Ends and restarts of processes pending, some of which may have lost their meaning.
    pub(super) restless: u32,
    pub(super) state: State,
    pub(super) decision: Decision,
    /// By controller: when it looks next.
    pub(super) looks: Vec<Time>,
    /// By controller: what it may write, and until when it waits for that.
    pub(super) writes: Vec<Client>,
    /// Changes written for running processes, and how many have yet to take the last one.
    pub(super) reloads: u32,
    pub(super) reloading: u32,
    pub(super) migrated: Migrated,
    /// What is wrong with the release of this run.
    pub(super) carried: Carried,
    /// By version: when the API server can carry out the next creation or stop.
    pub(super) paces: Vec<Time>,
    pub(super) busy_until: Vec<Time>,
    pub(super) said: Said,
    pub(super) pipeline: Watcher,
    pub(super) end_stamp: u32,
    pub(super) ended: bool,
    /// Attempts each server had taken when the strategy last reached its end.
    pub(super) served: Vec<u64>,
    /// What the orchestrator's API showed, whenever that changed; only if asked for.
    pub(super) statuses: Option<Vec<(Time, Status)>>,
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
        let controllers = strategy.controllers().len();
        Self {
            model,
            scenario,
            strategy,
            queue: EventQueue::default(),
            fleet: Fleet::default(),
            chance: Chance::new(&model.tables),
            pulls: Pulls::new(scenario.hosts.clone()),
            pull_stamp: 0,
            starts: Starts::new(scenario.hosts.cores, scenario.service.cpu_limit),
            start_stamp: 0,
            room: Room::default(),
            draining: Draining::default(),
            faults: Faults::new(&scenario.pieces.faults),
            refusals: Refusals::default(),
            waves: 0,
            pools: Pools::new(&scenario.pieces.dependencies, model.begun),
            scratch: Vec::new(),
            kernel: None,
            messages: model.messages.clone().map(Messages::new),
            votes: scenario.pieces.quorum.as_ref().map(Votes::new),
            scaler: scenario.pieces.autoscaler.as_ref().map(Scaler::new),
            court: Court::new(scenario),
            depth: Depth::Control,
            now: Time::ZERO,
            begun: Time::ZERO,
            moving: 0,
            informed: Vec::new(),
            plane: scenario.pieces.data_plane.as_ref().map(Plane::new),
            streams: (scenario.pieces.streams.as_ref())
                .map(|streams| Streams::new(streams, scenario.balancer.algorithm)),
            restless: 0,
            state,
            decision: Decision::default(),
            looks: vec![Time::NEVER; controllers],
            writes: vec![Client::default(); controllers],
            reloads: 0,
            reloading: 0,
            migrated: Migrated::No,
            carried: Carried::default(),
            paces: Vec::new(),
            busy_until: vec![Time::ZERO; controllers],
            said: Said::Progressing,
            pipeline: Watcher::new(),
            end_stamp: 0,
            ended: false,
            served: Vec::new(),
            statuses: None,
        }
    }

    /// Plays one replication; records go to `sink`. Returns when the record ends.
    pub fn run(&mut self, seed: u64, replication: u32, depth: Depth, sink: &mut impl Sink) -> Time {
        self.prepare(Seeds::new(seed, u64::from(replication)), depth, sink);
        self.play(sink)
    }

    /// Plays what has been prepared.
    pub(super) fn play(&mut self, sink: &mut impl Sink) -> Time {
        while !self.ended {
            let Some((at, event)) = self.queue.pop() else {
                // Nobody will ever do anything again.
                self.give_up(sink);
                break;
            };
            self.reach(at);
            self.happen(event, sink);
        }
        self.finish(sink)
    }

    /// Everything that is no event of the world happens until `at`.
    pub(super) fn reach(&mut self, at: Time) {
        if at <= self.now {
            return;
        }
        if self.depth == Depth::Requests
            && let Some(kernel) = &mut self.kernel
        {
            kernel.advance(at);
        }
        if let Some(streams) = &mut self.streams {
            streams.advance(at);
        }
        if let Some(messages) = &mut self.messages {
            messages.advance(at);
        }
        self.now = at;
    }

    pub(super) fn prepare(&mut self, seeds: Seeds, depth: Depth, sink: &mut impl Sink) {
        let scenario = self.scenario;
        self.depth = if scenario.has_requests() { depth } else { Depth::Control };
        self.now = Time::ZERO;
        self.begun = self.model.begun;
        self.queue.clear();
        self.chance.reset(seeds);
        self.reset_surroundings();
        self.informed.clear();
        self.informed.resize(scenario.clients.nodes as usize, Time::ZERO);
        (self.moving, self.restless, self.end_stamp, self.ended) = (0, 0, 0, false);
        self.said = Said::Progressing;
        self.state = self.strategy.initial();
        self.looks.fill(Time::NEVER);
        self.writes.fill(Client::default());
        self.paces.clear();
        (self.reloads, self.reloading) = (0, 0);
        self.migrated = Migrated::No;
        self.busy_until.fill(Time::ZERO);
        self.served.clear();
        self.statuses.iter_mut().for_each(Vec::clear);
        self.note_status();
        if self.depth == Depth::Requests {
            let algorithm = scenario.balancer.algorithm;
            let config = &self.model.kernel;
            let kernel = self.kernel.get_or_insert_with(|| Kernel::new(config.clone(), algorithm));
            let source = scenario.traffic.as_ref().map(|t| Source::new(t, self.begun, seeds));
            kernel.reset(seeds, source);
        }
        self.reset_pipeline(seeds);
        self.reset_plane();
        self.reset_streams(seeds);
        self.prepare_pieces(seeds);
        sink.record(self.now, Record::Desired { instances: scenario.service.instances });
        self.draw_release(sink);
        self.tell_hosts(sink);
        for _ in 0..scenario.service.instances {
            let id = self.fleet.create_available(self.now, VersionId::OLD, sink);
            self.pulls.has(self.fleet.get(id).host, VersionId::OLD.0);
            self.tell_place(id, self.fleet.get(id).host, sink);
            if let Some(kernel) = self.kernel() {
                kernel.add_server(VersionId::OLD.0);
                kernel.open(id, Time::ZERO, true);
            }
            self.settle_in(id);
            self.watch_life(id);
            self.add_running(id);
            self.know_from_the_start(id, sink);
        }
        self.count_votes(sink);
        self.plan_autoscaler();
        self.open_court();
        self.plan_outages(sink);
        self.plan_faults();
        self.queue.push(self.begun, Event::Begin);
        self.plan_sweep();
        self.begin_streams();
        for (index, (after, _)) in self.model.script.events.iter().enumerate() {
            self.plan(self.begun + *after, Event::Outside { index: index as u32 });
        }
    }

    /// Hosts, and what happens around them.
    fn reset_surroundings(&mut self) {
        let scenario = self.scenario;
        self.pulls.clear();
        self.starts.clear();
        let loses = scenario.pieces.faults.iter().any(|fault| fault.piece.takes_hosts());
        let tight = scenario.hosts.is_tight() || scenario.pieces.drains.is_some() || loses;
        self.fleet.reset(scenario.clients.nodes, &scenario.hosts, tight);
        self.room.reset(scenario.hosts.zones);
        self.draining.reset(scenario.service.instances);
        self.refusals.clear();
        self.reset_faults();
        self.waves = 0;
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

    pub(super) fn happen(&mut self, event: Event, sink: &mut impl Sink) {
        if let Some(until) = self.withheld(event) {
            self.queue.push(until, event);
            return;
        }
        if self.take_place(event, sink) {
            self.count_votes(sink);
            self.disagree();
            self.plan_end(sink);
        }
    }

    /// An event takes place; says whether that changed anything.
    fn take_place(&mut self, event: Event, sink: &mut impl Sink) -> bool {
        match event {
            Event::Begin => {
                self.begin(sink);
                true
            }
            Event::Look { controller } => {
                self.look(usize::from(controller), sink);
                true
            }
            Event::Pipeline(stage) => {
                self.proceed(stage, sink);
                true
            }
            Event::Reweigh { instance } => {
                self.reweigh(instance);
                true
            }
            Event::Scrape => {
                self.scrape();
                false
            }
            Event::Autoscale => self.autoscale(),
            Event::Memory => self.reclaim(sink),
            Event::Judge(hearing) => self.hold_court(hearing, sink),
            Event::End { stamp } => {
                self.ended = stamp == self.end_stamp || stamp == HORIZON;
                false
            }
            Event::Create { .. }
            | Event::Tell { .. }
            | Event::Place { .. }
            | Event::Pull { .. }
            | Event::Release { .. }
            | Event::Launch { .. }
            | Event::Able { .. }
            | Event::Ready { .. }
            | Event::Vote { .. }
            | Event::Join { .. }
            | Event::Leave { .. }
            | Event::Follow { .. }
            | Event::Plane(_)
            | Event::Terminate { .. }
            | Event::Idle { .. }
            | Event::Exit { .. }
            | Event::Outage { .. }
            | Event::Unready { .. }
            | Event::Reload { .. }
            | Event::Migrated
            | Event::Outside { .. } => {
                self.moving -= 1;
                self.live(event, sink);
                true
            }
            Event::Sweep => {
                self.sweep(sink);
                false
            }
            Event::Around(what) => self.around(what, sink),
            Event::Fault(step) => self.break_down(step, sink),
            // What may have lost its meaning does not put off the end of the record.
            Event::Kill { instance } => self.kill(instance, sink),
            Event::Waited { instance } => self.waited(instance, sink),
            Event::Alive { instance, process, failures } => {
                self.probe_life(instance, process, failures)
            }
            Event::Crash { instance, process } => {
                self.restless -= 1;
                self.crash(instance, process, sink)
            }
            Event::Unfit { instance, process } => {
                self.restless -= 1;
                self.unfit(instance, process)
            }
            Event::Restart { instance, process } => {
                self.restless -= 1;
                self.restart(instance, process, sink)
            }
        }
    }

    fn begin(&mut self, sink: &mut impl Sink) {
        sink.record(self.now, Record::Moment(Moment::Begun));
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.desk.begin(now);
        }
        if let Some(messages) = &mut self.messages {
            messages.begin(now);
        }
        let end = self.script().ends_at(now).unwrap_or(now + self.scenario.horizon);
        self.queue.push(end, Event::End { stamp: HORIZON });
        self.plan_drains();
        if !self.migrates_first(sink) {
            self.hand_over(sink);
        }
        self.watch();
    }
}
