//! Where instances run: hosts, their room and their zones, and the image registry.

use super::Dist;
use crate::units::{Bandwidth, Span};

/// Hosts and the registry.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Hosts {
    /// How many; instances go to the one with fewest.
    pub count: u32,
    /// Instances that one host has room for, terminating ones included; `None` is no limit.
    pub room: Option<u32>,
    /// Zones that the hosts lie in, in turn; instances go to the one with fewest.
    pub zones: u32,
    /// Instances that one zone may have more than another; `None` is no limit.
    pub max_skew: Option<u32>,
    /// Which instances keep away from each other.
    pub anti_affinity: AntiAffinity,
    /// How hosts are bought for instances that find no room, if they are.
    pub provision: Option<Provision>,
    /// Cores of one host, for the CPU time of starts.
    pub cores: f64,
    /// Coefficient of variation of a factor (lognormal, mean 1) that all starts of one wave
    /// share; zero: none.
    pub wave_cv: f64,
    /// What one host can pull ([`None`]: no limit).
    pub bandwidth: Option<Bandwidth>,
    /// One image at a time per host.
    pub serial_pulls: bool,
    /// What the registry can serve to all hosts together ([`None`]: no limit).
    pub registry: Option<Bandwidth>,
    /// A host that has the image pulls nothing.
    pub cache: bool,
}

impl Hosts {
    /// So many, with room for everything and no limits.
    pub fn of(count: u32) -> Self {
        Self {
            count,
            room: None,
            zones: 1,
            max_skew: None,
            anti_affinity: AntiAffinity::None,
            provision: None,
            cores: 1.0,
            wave_cv: 0.0,
            bandwidth: None,
            serial_pulls: true,
            registry: None,
            cache: true,
        }
    }

    /// Whether an instance may have to wait for a place.
    pub fn is_tight(&self) -> bool {
        let spread = self.zones > 1 && self.max_skew.is_some();
        self.room.is_some() || spread || self.anti_affinity != AntiAffinity::None
    }
}

/// Which instances may not share a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum AntiAffinity {
    /// Any may.
    None,
    /// Those of one version may not.
    Version,
    /// None may.
    All,
}

/// How hosts are bought.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Provision {
    /// Bought until instances can be placed on it.
    pub delay: Dist,
    /// Hosts in all, at most; `None` is no limit.
    pub nodes_max: Option<u32>,
    /// How often somebody looks for instances that wait for a place.
    pub scan_interval: Span,
}
