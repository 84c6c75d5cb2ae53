//! The luck of a run: what is drawn, and from which stream.

use crate::engine::math::{from_unit, open_unit};
use crate::engine::{Sampler, Seeds};
use crate::scenario::pieces::{DataPlane, Until, Wrong};
use crate::scenario::{Dist, Scenario, Version};
use crate::sim::tilt::{Cause, Luck, Tilt, Tilting};
use crate::sim::{drain, model};
use crate::trace::VersionId;
use crate::units::{Span, Time};

/// Purposes of the world's draws.
mod purpose {
    pub(super) const START: u32 = 10;
    pub(super) const NEVER_READY: u32 = 11;
    pub(super) const EXIT: u32 = 12;
    pub(super) const DRAIN: u32 = 13;
    pub(super) const LAG_ADD: u32 = 14;
    pub(super) const LAG_REMOVE: u32 = 15;
    pub(super) const CONTROL: u32 = 16;
    pub(super) const WALL: u32 = 17;
    pub(super) const STRATEGY: u32 = 19;
    pub(super) const LAUNCH: u32 = 20;
    pub(super) const CRASH: u32 = 21;
    pub(super) const CRASH_AFTER: u32 = 22;
    pub(super) const REGISTER: u32 = 60;
    pub(super) const DEREGISTER: u32 = 61;
    pub(super) const SIDECAR: u32 = 62;
    pub(super) const CHECKS: u32 = 63;
    pub(super) const LOOKUPS: u32 = 64;
    pub(super) const CATCH_UP: u32 = 410;
    pub(super) const AUTOSCALER: u32 = 411;
    pub(super) const JUDGES: u32 = 412;
    pub(super) const START_CPU: u32 = 80;
    pub(super) const WAVE: u32 = 81;
    pub(super) const PROVISION: u32 = 82;
    pub(super) const SCAN: u32 = 83;
    pub(super) const PROBE_PHASE: u32 = 61;
    pub(super) const PROPAGATE: u32 = 63;
    pub(super) const MIGRATION: u32 = 64;
    pub(super) const CARRIES: u32 = 500;
    /// The first of four for each defect.
    pub(super) const DEFECTS: u32 = 504;
}

#[derive(Debug, Clone)]
struct VersionChance {
    start: Sampler,
    start_cpu: Option<Sampler>,
    exit: Sampler,
    drain: Sampler,
    never_ready: f64,
    crash: f64,
    crash_after: Sampler,
}

/// Which latency of the control plane.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Latency {
    Watch,
    Sync,
    Act,
    Schedule,
    Batch,
}

/// All distributions of a scenario that are not about requests, ready to be drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    versions: [VersionChance; 2],
    lag_add: Sampler,
    lag_remove: Sampler,
    control: [Sampler; 5],
    launch: Sampler,
    /// Registration, deregistration and the start of a sidecar.
    plane: Option<[Sampler; 3]>,
    catch_up: Option<Sampler>,
    /// The factor that the starts of a wave share, times 10⁹.
    wave: Option<Sampler>,
    provision: Option<Sampler>,
    propagate: Sampler,
    migration: Sampler,
    /// By defect: how long an instance is well.
    well: Vec<Sampler>,
}

impl Tables {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let version = |version: &Version| VersionChance {
            start: model::sampler(&version.start),
            start_cpu: version.start_cpu.as_ref().map(model::sampler),
            exit: model::sampler(&version.exit),
            drain: drain::sampler(scenario, version),
            never_ready: version.never_ready.0,
            crash: version.crash.0,
            crash_after: model::sampler(&version.crash_after),
        };
        let control = &scenario.control;
        let takes = scenario.pieces.migration.as_ref().map(|migration| &migration.takes);
        let hot = scenario.pieces.change.as_ref().and_then(|change| change.hot());
        Self {
            versions: [version(&scenario.versions.old), version(&scenario.versions.new)],
            lag_add: model::sampler(&scenario.clients.lag_add),
            lag_remove: model::sampler(&scenario.clients.lag_remove),
            control: [
                &control.watch,
                &control.sync,
                &control.act,
                &control.schedule,
                &control.next_batch,
            ]
            .map(model::sampler),
            launch: model::sampler(&control.launch),
            plane: scenario.pieces.data_plane.as_ref().map(plane),
            catch_up: scenario.pieces.quorum.as_ref().map(|q| model::sampler(&q.catch_up)),
            wave: wave_factor(scenario.hosts.wave_cv),
            provision: scenario.hosts.provision.as_ref().map(|p| model::sampler(&p.delay)),
            propagate: hot.map_or(Sampler::fixed(0.0), model::sampler),
            migration: takes.map_or(Sampler::fixed(0.0), model::sampler),
            well: scenario.pieces.defects.iter().map(|d| well(&d.piece.fault)).collect(),
        }
    }
}

/// How long an instance is well that has this.
fn well(fault: &Wrong) -> Sampler {
    match fault {
        Wrong::Crash { after, .. }
        | Wrong::Errors { after, .. }
        | Wrong::Leak { until: Until::After(after), .. } => model::sampler(after),
        _ => Sampler::fixed(0.0),
    }
}

fn plane(plane: &DataPlane) -> [Sampler; 3] {
    let fixed = Dist::Fixed(Span::ZERO);
    let sidecar = plane.sidecar.as_ref().map_or(&fixed, |sidecar| &sidecar.start);
    [&plane.register, &plane.deregister, sidecar].map(model::sampler)
}

/// The luck of one run.
#[derive(Debug, Clone)]
pub(crate) struct Chance<'a> {
    tables: &'a Tables,
    seeds: Seeds,
    drawn: u64,
    /// Rare luck made less rare; boxed: hardly anybody does.
    tilting: Option<Box<Tilting>>,
}

impl<'a> Chance<'a> {
    pub(crate) fn new(tables: &'a Tables) -> Self {
        Self { tables, seeds: Seeds::new(0, 0), drawn: 0, tilting: None }
    }

    pub(crate) fn reset(&mut self, seeds: Seeds) {
        self.seeds = seeds;
        self.drawn = 0;
        if let Some(tilting) = &mut self.tilting {
            tilting.reset();
        }
    }

    /// From the next run on.
    pub(crate) fn tilt(&mut self, tilt: Tilt) {
        self.tilting = Some(Box::new(Tilting::new(tilt)));
    }

    /// Weight and draws of the run so far, if they are tilted.
    pub(crate) fn luck(&self) -> Option<Luck> {
        self.tilting.as_ref().map(|tilting| tilting.luck())
    }

    /// Whether an event of this probability happens.
    fn happens(&self, what: (Cause, VersionId), name: u64, bits: u64, probability: f64) -> bool {
        let unit = open_unit(bits);
        match &self.tilting {
            None => unit < probability,
            Some(tilting) => tilting.happens(sided(what), name, unit, probability),
        }
    }

    /// A time of this law.
    fn time(&self, what: (Cause, VersionId), name: u64, bits: u64, law: &Sampler) -> Span {
        match &self.tilting {
            Some(tilting) if !law.is_fixed() => {
                span(law.at(from_unit(tilting.place(sided(what), name, open_unit(bits)))))
            }
            _ => span(law.at(bits)),
        }
    }

    /// All of it.
    pub(crate) fn seeds(&self) -> Seeds {
        self.seeds
    }

    fn version(&self, version: VersionId) -> &VersionChance {
        &self.tables.versions[usize::from(version.0.min(1))]
    }

    /// The luck of an instance hangs on its version and its place in it, not on when it starts.
    fn bits(&self, purpose: u32, version: VersionId, ordinal: u32) -> u64 {
        self.process_bits(purpose, version, ordinal, 0)
    }

    /// That of the processes it has after the first hangs on their number too.
    fn process_bits(&self, purpose: u32, version: VersionId, ordinal: u32, process: u32) -> u64 {
        self.seeds.bits(purpose, name(version, ordinal, process))
    }

    /// Start of the `process`-th process → able to answer; `None`: never.
    pub(crate) fn start(&self, version: VersionId, ordinal: u32, process: u32) -> Option<Span> {
        let model = self.version(version);
        if model.never_ready > 0.0 {
            let bits = self.bits(purpose::NEVER_READY, version, ordinal);
            let what = (Cause::NeverReady, version);
            if self.happens(what, name(version, ordinal, 0), bits, model.never_ready) {
                return None;
            }
        }
        let bits = self.process_bits(purpose::START, version, ordinal, process);
        let what = (Cause::Start, version);
        Some(self.time(what, name(version, ordinal, process), bits, &model.start))
    }

    /// CPU time that the `process`-th process needs to start, before that.
    pub(crate) fn start_cpu(&self, version: VersionId, ordinal: u32, process: u32) -> Option<Span> {
        let work = self.version(version).start_cpu.as_ref()?;
        Some(span(work.at(self.process_bits(purpose::START_CPU, version, ordinal, process))))
    }

    /// What all start times of a wave are multiplied by.
    pub(crate) fn wave(&self, wave: u32) -> f64 {
        match &self.tables.wave {
            None => 1.0,
            Some(factor) => factor.at(self.seeds.bits(purpose::WAVE, wave.into())) / 1e9,
        }
    }

    /// The `number`-th host bought → there.
    pub(crate) fn provision(&self, number: u32) -> Span {
        let delay = self.tables.provision.as_ref();
        delay.map_or(Span::ZERO, |d| span(d.at(self.seeds.bits(purpose::PROVISION, number.into()))))
    }

    /// When in its interval somebody looks for instances without a place.
    pub(crate) fn scan_phase(&self, interval: Span) -> Span {
        let bits = self.seeds.bits(purpose::SCAN, 0);
        interval * crate::engine::math::open_unit(bits)
    }

    /// Start of the `process`-th process → its end by itself; `None`: it stays.
    pub(crate) fn crash(&self, version: VersionId, ordinal: u32, process: u32) -> Option<Span> {
        let model = self.version(version);
        if model.crash <= 0.0 {
            return None;
        }
        let bits = |purpose| self.process_bits(purpose, version, ordinal, process);
        let name = name(version, ordinal, process);
        if !self.happens((Cause::Crash, version), name, bits(purpose::CRASH), model.crash) {
            return None;
        }
        let bits = bits(purpose::CRASH_AFTER);
        Some(self.time((Cause::CrashAfter, version), name, bits, &model.crash_after))
    }

    /// Prepared → process started.
    pub(crate) fn launch(&self, version: VersionId, ordinal: u32) -> Span {
        span(self.tables.launch.at(self.bits(purpose::LAUNCH, version, ordinal)))
    }

    /// SIGTERM → exit of an idle process.
    pub(crate) fn exit(&self, version: VersionId, ordinal: u32) -> Span {
        span(self.version(version).exit.at(self.bits(purpose::EXIT, version, ordinal)))
    }

    /// SIGTERM → everything in flight answered, where requests are not simulated.
    pub(crate) fn drain(&self, version: VersionId, ordinal: u32) -> Span {
        span(self.version(version).drain.at(self.bits(purpose::DRAIN, version, ordinal)))
    }

    /// Ready → in the rotation of a node.
    pub(crate) fn lag_add(&self, instance: u32, node: u32) -> Span {
        let index = u64::from(instance) << 32 | u64::from(node);
        span(self.tables.lag_add.at(self.seeds.bits(purpose::LAG_ADD, index)))
    }

    /// Terminating → out of the rotation of a node.
    pub(crate) fn lag_remove(&self, instance: u32, node: u32) -> Span {
        let index = u64::from(instance) << 32 | u64::from(node);
        span(self.tables.lag_remove.at(self.seeds.bits(purpose::LAG_REMOVE, index)))
    }

    /// Ready → known to the data plane as a whole.
    pub(crate) fn register(&self, instance: u32) -> Span {
        self.plane(0, purpose::REGISTER, instance.into())
    }

    /// Terminating → known to the data plane as a whole.
    pub(crate) fn deregister(&self, instance: u32) -> Span {
        self.plane(1, purpose::DEREGISTER, instance.into())
    }

    /// Start of a sidecar → it passes requests on.
    pub(crate) fn sidecar(&self, version: VersionId, ordinal: u32) -> Span {
        self.plane(2, purpose::SIDECAR, u64::from(version.0) << 32 | u64::from(ordinal))
    }

    fn plane(&self, which: usize, purpose: u32, index: u64) -> Span {
        let tables = self.tables.plane.as_ref();
        tables.map_or(Span::ZERO, |all| span(all[which].at(self.seeds.bits(purpose, index))))
    }

    /// Where in its rhythm a node is with an instance that it has checked for long, 0..1.
    pub(crate) fn check_phase(&self, instance: u32, node: u32) -> f64 {
        let index = u64::from(instance) << 32 | u64::from(node);
        crate::engine::math::open_unit(self.seeds.bits(purpose::CHECKS, index))
    }

    /// Where between two look-ups the first node that makes them is, 0..1.
    pub(crate) fn lookup_phase(&self) -> f64 {
        crate::engine::math::open_unit(self.seeds.bits(purpose::LOOKUPS, 0))
    }

    /// The next latency of the control plane.
    pub(crate) fn latency(&mut self, which: Latency) -> Span {
        self.drawn += 1;
        span(self.tables.control[which as usize].at(self.seeds.bits(purpose::CONTROL, self.drawn)))
    }

    /// The `process`-th process could answer → it votes.
    pub(crate) fn catch_up(&self, version: VersionId, ordinal: u32, process: u32) -> Span {
        let bits = self.process_bits(purpose::CATCH_UP, version, ordinal, process);
        self.tables.catch_up.as_ref().map_or(Span::ZERO, |catch_up| span(catch_up.at(bits)))
    }

    /// When metrics are read for the first time and when the autoscaler first looks, as parts of
    /// their periods.
    pub(crate) fn autoscaler_phases(&self) -> [f64; 2] {
        [0, 1].map(|index| {
            crate::engine::math::open_unit(self.seeds.bits(purpose::AUTOSCALER, index))
        })
    }

    /// When counters are scraped first, as a share of the interval.
    pub(crate) fn scrape_phase(&self) -> f64 {
        crate::engine::math::open_unit(self.seeds.bits(purpose::JUDGES, 0))
    }

    /// The `round`-th change is written → a running process has it.
    pub(crate) fn propagate(&self, instance: u32, round: u32) -> Span {
        let index = u64::from(round) << 32 | u64::from(instance);
        span(self.tables.propagate.at(self.seeds.bits(purpose::PROPAGATE, index)))
    }

    /// A migration, forth or back.
    pub(crate) fn migration(&self, back: bool) -> Span {
        span(self.tables.migration.at(self.seeds.bits(purpose::MIGRATION, u64::from(back))))
    }

    /// When in its period an instance is probed: at its launch, or, if that was before the record,
    /// at any time.
    pub(crate) fn probe_phase(&self, instance: u32, booted: Time) -> f64 {
        if booted > Time::ZERO {
            return 0.0;
        }
        crate::engine::math::open_unit(self.seeds.bits(purpose::PROBE_PHASE, instance.into()))
    }

    /// Luck by which a release carries the `index`-th defect, 0..1.
    pub(crate) fn carries(&self, index: usize) -> f64 {
        crate::engine::math::open_unit(self.seeds.bits(purpose::CARRIES, index as u64))
    }

    /// Luck by which an instance shows a defect that not all show, 0..1.
    pub(crate) fn shows(&self, defect: usize, version: VersionId, ordinal: u32) -> f64 {
        let bits = self.bits(of_defect(defect, 0), version, ordinal);
        crate::engine::math::open_unit(bits)
    }

    /// Luck by which instances on a host show a defect, 0..1.
    pub(crate) fn shows_on(&self, defect: usize, host: u32) -> f64 {
        crate::engine::math::open_unit(self.seeds.bits(of_defect(defect, 1), host.into()))
    }

    /// Luck by which a defect strikes the `process`-th process of an instance that shows it, 0..1.
    pub(crate) fn strikes(
        &self,
        defect: usize,
        version: VersionId,
        ordinal: u32,
        process: u32,
    ) -> f64 {
        let bits = self.process_bits(of_defect(defect, 2), version, ordinal, process);
        crate::engine::math::open_unit(bits)
    }

    /// How long that process is well.
    pub(crate) fn well(
        &self,
        defect: usize,
        version: VersionId,
        ordinal: u32,
        process: u32,
    ) -> Span {
        let bits = self.process_bits(of_defect(defect, 3), version, ordinal, process);
        span(self.tables.well[defect].at(bits))
    }

    /// What tells the classes of requests apart that a defect befalls.
    pub(crate) fn class_key(&self, defect: usize) -> u64 {
        self.seeds.bits(of_defect(defect, 3), u64::MAX)
    }

    /// Wall-clock time at the beginning, after a whole second.
    pub(crate) fn wall_phase(&self) -> Span {
        Span(self.seeds.bits(purpose::WALL, 0) % 1_000_000_000)
    }

    /// Key of the strategy's own draws.
    pub(crate) fn strategy_key(&self) -> u64 {
        self.seeds.bits(purpose::STRATEGY, 0)
    }
}

/// A process of an instance of a version.
fn name(version: VersionId, ordinal: u32, process: u32) -> u64 {
    u64::from(process) << 40 | u64::from(version.0) << 32 | u64::from(ordinal)
}

/// Versions after the new one have its laws.
fn sided((cause, version): (Cause, VersionId)) -> (Cause, usize) {
    (cause, usize::from(version.0.min(1)))
}

fn of_defect(defect: usize, which: u32) -> u32 {
    purpose::DEFECTS + 4 * defect as u32 + which
}

/// Lognormal with mean 1.
fn wave_factor(cv: f64) -> Option<Sampler> {
    let variance = libm::log1p(cv * cv);
    let law = Dist::LogNormal { mu: -variance / 2.0, sigma: variance.sqrt() };
    (cv > 0.0).then(|| model::sampler(&law))
}

fn span(nanos: f64) -> Span {
    Span(nanos.max(0.0) as u64)
}
