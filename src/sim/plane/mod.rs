//! A data plane with rules of its own (`[data_plane]`): what its nodes hear, what they find out by
//! themselves, and whom they therefore use.
//!
//! The world without one stays as it is in `rotation`: there a node uses whom it has heard of.

mod checks;
mod hear;
mod sidecar;
mod slow_start;
mod sweep;
#[cfg(test)]
mod tests;

use super::world::{Depth, World};
use crate::balancer::{Mark, Membership, Resort};
use crate::health::{Ejections, Throttle};
use crate::scenario::pieces::{DataPlane, Discovery};
use crate::trace::Sink;
use crate::units::{Span, Time};

/// In place of the time since when an instance has been fresh: it is not.
pub(super) const WARM: Time = Time::NEVER;

/// Something that happens in the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A node's checks may have changed its mind about an instance.
    Check { instance: u32, node: u16 },
    /// A node hears that an instance that was about to stop has gone.
    Gone { instance: u32, node: u16 },
    /// The proxy beside an instance ends.
    SidecarEnds { instance: u32 },
}

/// What the nodes know.
#[derive(Debug)]
pub(super) struct Plane<'a> {
    settings: &'a DataPlane,
    nodes: Vec<Node>,
    /// What all nodes wait for together.
    shared: Throttle,
    /// By instance.
    facts: Vec<Fact>,
    /// By instance, then by node.
    pairs: Vec<Pair>,
    /// Where in their rhythm those are that look the service up.
    lookup_phase: Span,
    /// How many nodes look the service up; of these, how many never again.
    lookups: (u32, u32),
    /// Counts looks at errors.
    sweeps: u32,
    scratch: Vec<(u32, bool)>,
}

/// What one node knows.
#[derive(Debug)]
struct Node {
    members: Membership,
    throttle: Throttle,
    ejections: Ejections,
}

/// What is true of an instance.
#[derive(Debug, Clone, Copy, Default)]
struct Fact {
    /// Whether it answers, and since when that has been so.
    answers: bool,
    since: Time,
    /// The nodes are told of it.
    told: bool,
    /// Its weight rises, or soon will.
    rises: bool,
    /// When the proxy beside it is there.
    sidecar_up: Time,
}

/// What there is between an instance and a node.
#[derive(Debug, Clone, Copy)]
struct Pair {
    /// When the node will have heard the latest of it.
    heard_by: Time,
    /// The first of the node's checks.
    checked_from: Time,
    /// It has passed them once.
    passed: bool,
    /// Since when it has been fresh, or [`WARM`].
    fresh: Time,
    /// When the node began to use it.
    joined: Time,
}

const STRANGERS: Pair = Pair {
    heard_by: Time::ZERO,
    checked_from: Time::ZERO,
    passed: false,
    fresh: WARM,
    joined: Time::ZERO,
};

impl<'a> Plane<'a> {
    pub(super) fn new(settings: &'a DataPlane) -> Self {
        Self {
            settings,
            nodes: Vec::new(),
            shared: Throttle::default(),
            facts: Vec::new(),
            pairs: Vec::new(),
            lookup_phase: Span::ZERO,
            lookups: (0, 0),
            sweeps: 0,
            scratch: Vec::new(),
        }
    }

    fn reset(&mut self, nodes: u32, phase: f64) {
        let resort = Resort { panic: self.settings.panic, terminating: self.settings.terminating };
        self.nodes.clear();
        self.nodes.resize_with(nodes as usize, || Node {
            members: Membership::new(resort),
            throttle: Throttle::default(),
            ejections: Ejections::default(),
        });
        self.shared = Throttle::default();
        self.facts.clear();
        self.pairs.clear();
        self.sweeps = 0;
        if let Some(dns) = self.settings.dns {
            let part = |of: u32, share: f64| (f64::from(of) * share).round() as u32;
            let lookups = part(nodes, dns.share.0);
            self.lookups = (lookups, part(lookups, dns.never.0));
            self.lookup_phase = dns.ttl * phase;
        }
    }

    fn fact(&mut self, instance: u32) -> &mut Fact {
        let index = instance as usize;
        if self.facts.len() <= index {
            self.facts.resize(index + 1, Fact::default());
        }
        &mut self.facts[index]
    }

    fn place(&self, instance: u32, node: u32) -> usize {
        instance as usize * self.nodes.len() + node as usize
    }

    fn pair(&mut self, instance: u32, node: u32) -> &mut Pair {
        let place = self.place(instance, node);
        if self.pairs.len() <= place {
            self.pairs.resize(place + 1, STRANGERS);
        }
        &mut self.pairs[place]
    }

    fn members(&mut self, node: u32) -> &mut Membership {
        &mut self.nodes[node as usize].members
    }

    fn has(&self, instance: u32, node: u32, mark: Mark) -> bool {
        self.nodes[node as usize].members.has(instance, mark)
    }

    /// Since when a node takes an instance for a fresh one; [`WARM`] if it does not.
    pub(super) fn fresh_since(&self, instance: u32, node: u32) -> Time {
        self.pairs.get(self.place(instance, node)).map_or(WARM, |pair| pair.fresh)
    }

    /// Aggression and least weight of slow start.
    pub(super) fn ramp(&self) -> (f64, f64) {
        (self.settings.slow_start.aggression, self.settings.slow_start.min_weight.0)
    }

    fn is_told(&self) -> bool {
        self.settings.discovery == Discovery::Orchestrator
    }
}

impl World<'_> {
    pub(super) fn reset_plane(&mut self) {
        let nodes = self.scenario.clients.nodes;
        let phase = self.chance.lookup_phase();
        let Some(plane) = &mut self.plane else { return };
        plane.reset(nodes, phase);
        if let Some(outlier) = plane.settings.outlier
            && self.depth == Depth::Requests
            && let Some(kernel) = &mut self.kernel
        {
            let rates = outlier.success_rate.is_some();
            kernel.desk.errors.watch(outlier.consecutive, rates, nodes);
        }
    }

    /// Every node has known an instance for long.
    pub(super) fn know_from_the_start(&mut self, instance: u32, sink: &mut impl Sink) {
        for node in 0..self.scenario.clients.nodes {
            let phase = self.chance.check_phase(instance, node);
            let Some(plane) = &mut self.plane else {
                self.rotate(instance, node, true, sink);
                continue;
            };
            let interval = plane.settings.checks.map_or(Span::ZERO, |checks| checks.interval);
            *plane.fact(instance) =
                Fact { answers: true, told: plane.is_told(), ..Fact::default() };
            let checked_from = Time::ZERO + interval * phase;
            *plane.pair(instance, node) = Pair { checked_from, passed: true, ..STRANGERS };
            self.mark(instance, node, Mark::Healthy, true, sink);
            self.mark(instance, node, Mark::Known, true, sink);
        }
    }

    /// Something in the data plane that was planned.
    pub(super) fn step(&mut self, step: Step, sink: &mut impl Sink) {
        match step {
            Step::Check { instance, node } => self.checked(instance, node.into(), sink),
            Step::Gone { instance, node } => {
                self.mark(instance, node.into(), Mark::Terminating, false, sink);
            }
            Step::SidecarEnds { instance } => self.end_sidecar(instance, sink),
        }
    }

    /// A node knows something new of an instance: who joins or leaves its rotation by that does.
    fn mark(&mut self, about: u32, node: u32, mark: Mark, on: bool, sink: &mut impl Sink) {
        let Some(plane) = &mut self.plane else { return };
        let mut moves = std::mem::take(&mut plane.scratch);
        moves.clear();
        plane.members(node).set(about, mark, on, &mut moves);
        for &(instance, joins) in &moves {
            if joins {
                self.meet(instance, node, instance == about);
            }
            self.rotate(instance, node, joins, sink);
            if !joins {
                self.left(instance, sink);
            }
        }
        if let Some(plane) = &mut self.plane {
            plane.scratch = moves;
        }
    }
}
