//! What is drawn about faults: each draw belongs to a fault and to whom or what it befalls.

use crate::engine::{Sampler, Seeds, math};
use crate::scenario::Dist;
use crate::scenario::pieces::{Fault, Notice, Occasion, Trouble};
use crate::sim::model::sampler;
use crate::trace::VersionId;
use crate::units::Span;

/// Purposes of draws.
mod purpose {
    pub(super) const WAIT: u32 = 500;
    pub(super) const WHICH: u32 = 501;
    pub(super) const SHARE: u32 = 502;
    pub(super) const LIFE: u32 = 503;
    pub(super) const NOISE: u32 = 504;
    pub(super) const SILENT: u32 = 505;
    pub(super) const REPLACED: u32 = 506;
    pub(super) const SPAN: u32 = 507;
}

/// The distributions of a fault, ready to be drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Luck {
    every: Option<Sampler>,
    /// A lifetime, a delay, an election or the logarithm of a factor.
    own: Option<Sampler>,
    silent: Option<Sampler>,
    replaced: Option<Sampler>,
}

impl Luck {
    pub(crate) fn new(fault: &Fault) -> Self {
        let every = match &fault.occasion {
            Occasion::Every(every) => Some(sampler(every)),
            Occasion::Always | Occasion::At(_) => None,
        };
        let (mut own, mut notice) = (None, None);
        match &fault.trouble {
            Trouble::InstanceCrash { lifetime: law, .. }
            | Trouble::ControlDelay { delay: law }
            | Trouble::ControllerCrash { election: law } => own = Some(sampler(law)),
            Trouble::HostNoise { cv } => own = Some(noise(*cv)),
            Trouble::HostLoss { notice: found, .. } | Trouble::ZoneLoss { notice: found, .. } => {
                notice = Some(found);
            }
            _ => {}
        }
        let replaced = notice.and_then(|notice: &Notice| notice.replaced.as_ref());
        Self {
            every,
            own,
            silent: notice.map(|notice| sampler(&notice.silent)),
            replaced: replaced.map(sampler),
        }
    }

    /// Until it strikes for the `round`-th time, after the time before.
    pub(super) fn wait(&self, seeds: Seeds, fault: u8, round: u32) -> Span {
        span(self.every.as_ref(), seeds.bits(purpose::WAIT, index(fault, round.into())))
    }

    /// How long a process lives.
    pub(super) fn life(
        &self,
        seeds: Seeds,
        fault: u8,
        (version, ordinal): (VersionId, u32),
        process: u32,
    ) -> Span {
        let instance = u64::from(version.0) << 32 | u64::from(ordinal);
        let bits = seeds.bits(purpose::LIFE, index(fault, u64::from(process) << 40 | instance));
        span(self.own.as_ref(), bits)
    }

    /// What service times on a host are multiplied by.
    pub(super) fn noise(&self, seeds: Seeds, fault: u8, host: u32) -> f64 {
        let bits = seeds.bits(purpose::NOISE, index(fault, host.into()));
        self.own.as_ref().map_or(1.0, |noise| noise.at(bits) / 1e9)
    }

    /// A host is gone → that is noticed.
    pub(super) fn silent(&self, seeds: Seeds, fault: u8, host: u32, round: u32) -> Span {
        let place = u64::from(round) << 32 | u64::from(host);
        span(self.silent.as_ref(), seeds.bits(purpose::SILENT, index(fault, place)))
    }

    /// That → it is given up; `None`: never.
    pub(super) fn replaced(&self, seeds: Seeds, fault: u8, host: u32, round: u32) -> Option<Span> {
        let place = u64::from(round) << 32 | u64::from(host);
        let bits = seeds.bits(purpose::REPLACED, index(fault, place));
        self.replaced.as_ref().map(|replaced| span(Some(replaced), bits))
    }

    /// The `number`-th delay or election.
    pub(super) fn span(&self, seeds: Seeds, fault: u8, number: u64) -> Span {
        span(self.own.as_ref(), seeds.bits(purpose::SPAN, index(fault, number)))
    }
}

/// One of `count`, for the `round`-th time.
pub(super) fn which(seeds: Seeds, fault: u8, round: u32, count: u32) -> u32 {
    let bits = seeds.bits(purpose::WHICH, index(fault, round.into()));
    ((u64::from(count) * (bits >> 32)) >> 32) as u32
}

/// Whether somebody or something is among those that it befalls.
pub(super) fn befalls(seeds: Seeds, fault: u8, whom: u64, share: f64) -> bool {
    share >= 1.0 || math::open_unit(seeds.bits(purpose::SHARE, index(fault, whom))) < share
}

/// Every fault has luck of its own.
fn index(fault: u8, whom: u64) -> u64 {
    u64::from(fault) << 56 ^ whom
}

/// A lognormal factor with mean 1, times 10⁹.
fn noise(cv: f64) -> Sampler {
    let variance = libm::log1p(cv * cv);
    sampler(&Dist::LogNormal { mu: -variance / 2.0, sigma: variance.sqrt() })
}

fn span(sampler: Option<&Sampler>, bits: u64) -> Span {
    sampler.map_or(Span::ZERO, |sampler| Span(sampler.at(bits).max(0.0) as u64))
}
