//! `sim --exact`: the answer without a single random number, where the scenario is Markov.
//!
//! The chain is a close relative of what is simulated, not its twin: jobs that run on a stopping
//! instance go back to the head of the queue at once, where the simulated instance finishes
//! them. With memoryless service that changes nothing about how long they take.

use crate::exact::rolling::Rolling;
use crate::exact::sliding::SlidingWindow;
use crate::exact::stationary::{Mmc, Mmck};
use crate::scenario::pieces::Pieces;
use crate::scenario::settings::{Generic, Order, StrategySettings, Window};
use crate::scenario::{Algorithm, Arrivals, Discipline, Dist, Profile, Scenario, Version, Warmup};
use crate::units::{Rounding, Span};

/// Why a scenario has no exact answer here, and what would give it one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a Markov case: {0}")]
pub struct NotMarkov(pub String);

/// One number of the answer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExactValue {
    /// What it is.
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// Its unit, for people.
    pub unit: &'static str,
}

/// The exact answer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExactAnswer {
    /// Which chain was solved.
    pub model: String,
    /// What it gives.
    pub values: Vec<ExactValue>,
}

/// The parameters that all chains need.
struct Queue {
    servers: u32,
    slots: u32,
    room: Option<u32>,
    arrival_rate: f64,
    service_rate: f64,
}

/// Solves the scenario, if it is one of the cases with a finite description: Poisson traffic of
/// constant rate, exponential service alike in both versions, one central queue, and batches
/// that are out for a fixed time or a sliding window of exponential ones.
pub fn solve(scenario: &Scenario) -> Result<ExactAnswer, NotMarkov> {
    if scenario.pieces != Pieces::default() {
        return Err(not("there must be no further pieces such as [autoscaler]"));
    }
    let queue = queue(scenario)?;
    let StrategySettings::Generic(settings) = &scenario.strategy else {
        return Err(not("the strategy must be [strategy.generic]"));
    };
    plain_rollout(scenario, settings)?;
    let mut answer = match settings.window {
        Window::Barrier => barrier(scenario, settings, &queue)?,
        Window::Sliding => sliding(scenario, settings, &queue)?,
    };
    at_rest(&queue, &mut answer.values);
    Ok(answer)
}

fn not(why: impl Into<String>) -> NotMarkov {
    NotMarkov(why.into())
}

fn queue(scenario: &Scenario) -> Result<Queue, NotMarkov> {
    let Some(traffic) = &scenario.traffic else { return Err(not("[traffic] is missing")) };
    let Profile::Constant(rate) = &traffic.profile else {
        return Err(not("traffic.rate must be constant"));
    };
    if traffic.arrivals != Arrivals::Poisson {
        return Err(not("traffic.arrivals must be \"poisson\""));
    }
    let Algorithm::Central { room } = scenario.balancer.algorithm else {
        return Err(not("balancer.algorithm must be \"central\""));
    };
    let Discipline::Fifo { slots, queue: None } = scenario.service.discipline else {
        return Err(not("service.discipline must be \"fifo\" with an unbounded queue"));
    };
    if scenario.versions.old.service_time != scenario.versions.new.service_time {
        return Err(not("both versions must have the same service_time"));
    }
    let Dist::Exponential { mean } = &scenario.versions.old.service_time else {
        return Err(not("versions.old.service_time must be { law = \"exponential\", mean = … }"));
    };
    Ok(Queue {
        servers: scenario.service.instances * slots,
        slots,
        room,
        arrival_rate: rate.0 * traffic.scale,
        service_rate: 1.0 / mean.as_secs_f64(),
    })
}

/// Nothing happens but stops and starts.
fn plain_rollout(scenario: &Scenario, settings: &Generic) -> Result<(), NotMarkov> {
    let zero = |dist: &Dist| *dist == Dist::Fixed(Span::ZERO);
    let control = &scenario.control;
    let steady = |version: &Version| {
        version.never_ready.0 == 0.0 && version.errors.0 == 0.0 && version.warmup == Warmup::None
    };
    let versions = [&scenario.versions.old, &scenario.versions.new];
    if settings.order != Order::StopFirst {
        return Err(not("strategy.generic.order must be \"stop-first\""));
    }
    if settings.bake != Span::ZERO {
        return Err(not("strategy.generic.bake must be \"0s\""));
    }
    if scenario.probes.period != Span::ZERO || scenario.probes.initial_delay != Span::ZERO {
        return Err(not("probes.period and probes.initial_delay must be \"0s\""));
    }
    if scenario.shutdown.pre_stop != Span::ZERO {
        return Err(not("shutdown.pre_stop must be \"0s\""));
    }
    let hosts = &scenario.hosts;
    if hosts.is_tight() || hosts.wave_cv > 0.0 || versions.iter().any(|v| v.start_cpu.is_some()) {
        return Err(not("starts must not depend on each other: no cpu, room, skew or wave_cv"));
    }
    if scenario.pieces != Pieces::default() {
        return Err(not("there must be no other piece of the world (cache, quota, drains …)"));
    }
    if !steady(&scenario.versions.old) || !steady(&scenario.versions.new) {
        return Err(not("errors, never_ready and warmup must be left out"));
    }
    if ![&control.watch, &control.sync, &control.act, &control.schedule].into_iter().all(zero) {
        return Err(not("the latencies in [control] must be \"0s\""));
    }
    Ok(())
}

fn batch(scenario: &Scenario, settings: &Generic) -> u32 {
    settings.batch.of(scenario.service.instances, Rounding::Down).max(1)
}

fn barrier(
    scenario: &Scenario,
    settings: &Generic,
    queue: &Queue,
) -> Result<ExactAnswer, NotMarkov> {
    let versions = &scenario.versions;
    let (Dist::Fixed(exit), Dist::Fixed(start)) = (&versions.old.exit, &versions.new.start) else {
        return Err(not("versions.old.exit and versions.new.start must be fixed times"));
    };
    let batch = batch(scenario, settings);
    let rolling = Rolling {
        servers: queue.servers,
        batch: batch * queue.slots,
        outage: (*exit + *start).as_secs_f64(),
        arrival_rate: queue.arrival_rate,
        service_rate: queue.service_rate,
        settle: scenario.margin.as_secs_f64(),
    };
    let mut values = vec![value("duration", rolling.length(), "s")];
    if let Some(room) = queue.room {
        let lost = rolling.losing(room);
        values.push(value("requests turned away", lost.lost, "requests"));
        values.push(value("of those, because of the rollout", lost.excess_lost, "requests"));
        values.push(value("share turned away", lost.lost_share, "of all"));
    } else {
        let waiting = rolling
            .waiting()
            .ok_or_else(|| not("even the whole fleet cannot carry this traffic"))?;
        values.push(value("excess waiting", waiting.excess_waiting, "request-seconds"));
        values.push(value("queue when the last batch ends", waiting.queue_at_last_end, "requests"));
        values.push(value("extra mean wait", waiting.extra_mean_wait, "s"));
        values.push(value("capacity lost", waiting.capacity_lost, "slot-seconds"));
    }
    let model = format!(
        "M/M/{} in batches of {} slots, each out for {}",
        queue.servers,
        batch * queue.slots,
        *exit + *start
    );
    Ok(ExactAnswer { model, values })
}

fn sliding(
    scenario: &Scenario,
    settings: &Generic,
    queue: &Queue,
) -> Result<ExactAnswer, NotMarkov> {
    let versions = &scenario.versions;
    let Dist::Exponential { mean } = &versions.new.start else {
        return Err(not("with a sliding window versions.new.start must be exponential"));
    };
    if versions.old.exit != Dist::Fixed(Span::ZERO) {
        return Err(not("with a sliding window versions.old.exit must be \"0s\""));
    }
    let Some(room) = queue.room else {
        return Err(not("with a sliding window balancer.room must be set"));
    };
    if queue.slots != 1 {
        return Err(not("with a sliding window service.slots must be 1"));
    }
    let at_once = batch(scenario, settings);
    let solved = SlidingWindow {
        servers: queue.servers,
        at_once,
        mean_outage: mean.as_secs_f64(),
        arrival_rate: queue.arrival_rate,
        service_rate: queue.service_rate,
        room,
    }
    .solve();
    let values = vec![
        value("mean duration", solved.makespan, "s"),
        value("requests turned away", solved.lost, "requests"),
    ];
    let model = format!("M/M/{}/{room}, at most {at_once} out, each Exp({mean})", queue.servers);
    Ok(ExactAnswer { model, values })
}

/// Before the rollout, and after it.
fn at_rest(queue: &Queue, values: &mut Vec<ExactValue>) {
    let Queue { servers, arrival_rate, service_rate, .. } = *queue;
    if let Some(room) = queue.room {
        let rest = Mmck { servers, room, arrival_rate, service_rate };
        values.push(value("at rest: share turned away", rest.blocking(), "of all"));
        values.push(value("at rest: mean wait", rest.mean_wait(), "s"));
    } else {
        let rest = Mmc { servers, arrival_rate, service_rate };
        values.push(value("at rest: mean wait", rest.mean_wait(), "s"));
        values.push(value("at rest: p99 of latency", rest.sojourn_quantile(0.99), "s"));
    }
}

fn value(name: &'static str, value: f64, unit: &'static str) -> ExactValue {
    ExactValue { name, value, unit }
}
