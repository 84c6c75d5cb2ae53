//! From what a scenario says to what the kernel and the world compute with.

use super::chance::Tables;
use super::ending::on_grid;
use super::faults::Luck;
use super::kernel::{CallModel, Config, Habits, VersionModel};
use super::messages;
use super::pipeline;
use super::release;
use super::script::Script;
use crate::engine::{Law, Sampler};
use crate::scenario::pieces::Users;
use crate::scenario::{Conduct, Dist, Scenario, Version};
use crate::units::Time;

/// A scenario with everything computed that does not change from run to run: its distributions
/// tabulated, its laws ready for blocks. Worlds on several threads share one.
#[derive(Debug)]
pub struct Model<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) tables: Tables,
    pub(super) kernel: Config,
    pub(super) messages: Option<messages::Config>,
    pub(super) pipeline: Option<pipeline::Tables>,
    pub(super) script: Script,
    /// The luck of each fault.
    pub(super) faults: Vec<Luck>,
    /// When the rollout begins.
    pub(super) begun: Time,
    /// Whether the new version carries what may be wrong with it.
    pub(super) quality: Quality,
}

/// What a release is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Nothing is wrong with it beside what its version always has.
    Good,
    /// It carries at least one of the defects, if the scenario has any.
    Bad,
}

impl<'a> Model<'a> {
    /// Of this scenario; what may be wrong with the release is.
    pub fn new(scenario: &'a Scenario) -> Self {
        Self::of_quality(scenario, Quality::Bad)
    }

    /// Of this scenario with a good or a bad release.
    pub fn of_quality(scenario: &'a Scenario, quality: Quality) -> Self {
        Self { quality, ..Self::with_script(scenario, Script::default()) }
    }

    /// What it is of.
    pub fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// Of this scenario, with luck that is told instead of drawn as far as the script goes.
    pub fn with_script(scenario: &'a Scenario, script: Script) -> Self {
        let begun = Time::ZERO + on_grid(scenario.margin, scenario.slo.window);
        let (tables, kernel) = (Tables::new(scenario), config(scenario, begun));
        let messages = messages::Config::of(scenario);
        let faults = scenario.pieces.faults.iter().map(|named| Luck::new(&named.piece)).collect();
        let pipeline = pipeline::Tables::new(scenario);
        let quality = Quality::Bad;
        Self { scenario, tables, kernel, messages, pipeline, script, faults, begun, quality }
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

/// What the kernel must know of a scenario whose rollout begins at `begun`.
fn config(scenario: &Scenario, begun: Time) -> Config {
    let clients = &scenario.clients;
    let dependencies = scenario.pieces.dependencies.iter().enumerate();
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
        habits: habits(&clients.conduct, scenario.pieces.users.as_ref()),
        troubled: scenario.pieces.migration.is_some() || release::troubles(scenario),
        calls: dependencies.filter_map(|(i, d)| CallModel::new(i, &d.piece, begun)).collect(),
    }
}

/// What clients do beyond one attempt for each request; `None` if nothing.
pub(super) fn habits(conduct: &Conduct, users: Option<&Users>) -> Option<Box<Habits>> {
    let users = users.map(|users| (users.count, sampler(&users.think)));
    let is_plain = *conduct == Conduct::default() && users.is_none();
    (!is_plain).then(|| Box::new(Habits::new(conduct, sampler(&conduct.connect), users)))
}
