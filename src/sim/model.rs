//! From what a scenario says to what the kernel and the world compute with.

use super::chance::Tables;
use super::kernel::{Config, VersionModel};
use super::messages;
use super::script::Script;
use crate::engine::{Law, Sampler};
use crate::scenario::{Dist, Scenario, Version};

/// A scenario with everything computed that does not change from run to run: its distributions
/// tabulated, its laws ready for blocks. Worlds on several threads share one.
#[derive(Debug)]
pub struct Model<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) tables: Tables,
    pub(super) kernel: Config,
    pub(super) messages: Option<messages::Config>,
    pub(super) script: Script,
}

impl<'a> Model<'a> {
    /// Of this scenario.
    pub fn new(scenario: &'a Scenario) -> Self {
        Self::with_script(scenario, Script::default())
    }

    /// Of this scenario, with luck that is told instead of drawn as far as the script goes.
    pub fn with_script(scenario: &'a Scenario, script: Script) -> Self {
        Self {
            scenario,
            tables: Tables::new(scenario),
            kernel: config(scenario),
            messages: messages::Config::of(scenario),
            script,
        }
    }
}

/// A distribution as a law for blocks of variates, in nanoseconds.
pub(crate) fn law(dist: &Dist) -> Law {
    match dist {
        Dist::Fixed(value) => Law::Fixed(value.0 as f64),
        Dist::Exponential { mean } => Law::Exponential(mean.0 as f64),
        Dist::LogNormal { mu, sigma } => Law::LogNormal { mu: mu + libm::log(1e9), sigma: *sigma },
        Dist::Gamma { .. }
        | Dist::Weibull { .. }
        | Dist::Pareto { .. }
        | Dist::Uniform { .. }
        | Dist::Quantiles(_)
        | Dist::Data(_)
        | Dist::Scaled(..) => Law::Tabulated(sampler(dist)),
    }
}

/// A distribution by its tabulated inverse, in nanoseconds.
pub(crate) fn sampler(dist: &Dist) -> Sampler {
    match dist {
        Dist::Fixed(value) => Sampler::fixed(value.0 as f64),
        _ => Sampler::tabulate(|p| dist.quantile(p).0 as f64),
    }
}

fn version(version: &Version) -> VersionModel {
    let (base, factor) = match &version.service_time {
        Dist::Scaled(base, factor) => (base.as_ref(), *factor),
        other => (other, 1.0),
    };
    VersionModel { service: law(base), factor, warmup: version.warmup, errors: version.errors.0 }
}

/// What the kernel must know of a scenario.
pub(crate) fn config(scenario: &Scenario) -> Config {
    let clients = &scenario.clients;
    Config {
        discipline: scenario.service.discipline,
        cpu_limit: scenario.service.cpu_limit,
        cache: scenario.pieces.cache.clone(),
        nodes: clients.nodes,
        protocol: clients.protocol,
        timeout: clients.timeout,
        attempts: clients.retries.attempts,
        retry_delay: sampler(&clients.retries.delay),
        versions: vec![version(&scenario.versions.old), version(&scenario.versions.new)],
        window: scenario.slo.window,
        slow_above: scenario.slo.latency,
    }
}
