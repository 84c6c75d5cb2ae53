//! What a kernel is made of: how its servers work, and how its nodes choose.

use std::ops::Range;

use super::central::Central;
use super::desk::{Config, Desk, VersionModel, guard};
use super::line::{LineStation, WideStation};
use super::sharing::{Cores, SharingStation};
use super::throttled::Quota;
use crate::balancer::{
    ConsistentHash, LeastOutstanding, PeakEwma, PowerOfChoices, Random, RoundRobin, Weighted,
};
use crate::scenario::{Algorithm, Discipline, Warmup};

/// How servers work.
#[derive(Debug)]
pub(super) enum Stations {
    Line(LineStation),
    Wide(WideStation),
    Sharing(SharingStation<Cores>),
    Throttled(SharingStation<Quota>),
}

/// How nodes choose, a policy for each.
#[derive(Debug)]
pub(super) enum Policies {
    RoundRobin(Vec<RoundRobin>),
    Random(Vec<Random>),
    Least(Vec<LeastOutstanding>),
    Choices(Vec<PowerOfChoices>),
    Weighted(Vec<Weighted>),
    PeakEwma(Vec<PeakEwma>),
    Hash(Vec<ConsistentHash>),
    Central(Box<Central>),
}

/// Stations of the configured discipline.
pub(super) fn stations(config: &Config) -> Stations {
    match config.discipline {
        Discipline::Fifo { slots, .. } if slots <= 8 => {
            Stations::Line(LineStation::new(slots, config.nodes))
        }
        Discipline::Fifo { slots, .. } => Stations::Wide(WideStation::new(slots)),
        Discipline::Sharing { cores, .. } => match config.cpu_limit {
            Some(limit) if limit < cores => {
                Stations::Throttled(SharingStation::new(Quota::new(cores, limit)))
            }
            _ => Stations::Sharing(SharingStation::new(Cores(cores))),
        },
    }
}

/// Policies of these nodes.
pub(super) fn policies(algorithm: Algorithm, config: &Config, of: Range<u32>) -> Policies {
    let nodes = of.len();
    match algorithm {
        Algorithm::RoundRobin => {
            // Nodes begin apart from each other: in step they would act as one.
            let start = |n: u32| RoundRobin::starting_at(n as usize * 7);
            Policies::RoundRobin(of.map(start).collect())
        }
        Algorithm::Random => Policies::Random(vec![Random; nodes]),
        Algorithm::LeastOutstanding => Policies::Least(vec![LeastOutstanding::default(); nodes]),
        Algorithm::PowerOfChoices { choices } => {
            Policies::Choices(vec![PowerOfChoices::new(choices); nodes])
        }
        Algorithm::Weighted => Policies::Weighted(vec![Weighted::default(); nodes]),
        Algorithm::PeakEwma { decay } => Policies::PeakEwma(vec![PeakEwma::new(decay); nodes]),
        Algorithm::ConsistentHash { keys } => {
            Policies::Hash(vec![ConsistentHash::new(keys); nodes])
        }
        Algorithm::Central { room } => {
            let slots = match config.discipline {
                Discipline::Fifo { slots, .. } => slots,
                Discipline::Sharing { cores, .. } => cores.ceil() as u32,
            };
            Policies::Central(Box::new(Central::new(slots.max(1), room)))
        }
    }
}

/// What a server of this version is guarded by.
pub(super) fn guards(model: &VersionModel, desk: &Desk) -> u16 {
    let limited = match desk.config.discipline {
        Discipline::Fifo { queue, .. } => queue.is_some(),
        Discipline::Sharing { limit, .. } => limit.is_some(),
    };
    let cold = !matches!(model.warmup, Warmup::None);
    u16::from(limited) * guard::LIMITED
        + u16::from(cold) * guard::COLD
        + u16::from(model.errors > 0.0) * guard::ERRORS
        + u16::from(desk.config.cache.is_some()) * (guard::CACHED | guard::FILLING)
        + u16::from(!desk.calls.is_empty()) * guard::DEPENDS
}
