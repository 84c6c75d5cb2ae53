//! What a collector knows at the end, as the values of an outcome.

use crate::outcome::{Collector, Fate, Is, Outcome};
use crate::scenario::OutcomeKey;
use crate::trace::{Ending, Histogram, Said};
use crate::units::Time;

/// The outcome, once the record has ended.
pub(super) fn outcome(collector: &Collector, latency: Vec<[Histogram; 2]>) -> Outcome {
    let fleet = &collector.fleet;
    let is = Is {
        desired: fleet.desired,
        serving_old: fleet.serving[0],
        serving_new: fleet.serving_new(),
    };
    let fate = fate(collector, is);
    let mut values = vec![f64::NAN; OutcomeKey::ALL.len()];
    let mut set = |key: OutcomeKey, value: f64| values[key as usize] = value;
    events(collector, fate, &mut set);
    if let Some(begun) = collector.state.begun {
        times(collector, begun, &mut set);
        counts(collector, &mut set);
        pieces(collector, &mut set);
        if collector.requests.any() {
            requests(collector, fate, &mut set);
            latencies(&latency, &mut set);
        }
    }
    let endings = collector.requests.during().endings;
    Outcome { values, said: collector.state.said, is, fate, endings, latency }
}

/// Both truths in one word.
fn fate(collector: &Collector, is: Is) -> Fate {
    let state = &collector.state;
    if state.gave_up {
        return Fate::Stuck;
    }
    match state.said {
        Said::RolledBack => Fate::RolledBack,
        Said::Paused | Said::RollbackPaused => Fate::Paused,
        Said::Failed => Fate::GivenUp,
        Said::Completed if is.serving_new >= is.desired && is.serving_old == 0 => Fate::Completed,
        // Some orchestrators call their way back a completed rollout, too.
        Said::Completed if state.went_back && is.serving_old >= is.desired => Fate::RolledBack,
        Said::Completed => Fate::CompletedNotServing,
        Said::Progressing | Said::RollingBack | Said::DeadlineExceeded => Fate::Stuck,
    }
}

fn events(collector: &Collector, fate: Fate, set: &mut impl FnMut(OutcomeKey, f64)) {
    let state = &collector.state;
    let said = state.said;
    let human = state.human_called || matches!(fate, Fate::Paused | Fate::GivenUp | Fate::Stuck);
    for (key, happened) in [
        (OutcomeKey::Completed, fate == Fate::Completed),
        (OutcomeKey::RolledBack, fate == Fate::RolledBack),
        (OutcomeKey::Paused, fate == Fate::Paused),
        (OutcomeKey::GivenUp, fate == Fate::GivenUp),
        (OutcomeKey::Stuck, fate == Fate::Stuck),
        (OutcomeKey::Human, human),
        (OutcomeKey::FullOutage, state.full_outage),
        (OutcomeKey::RollbackBlocked, state.blocked),
        (OutcomeKey::RollbackFailed, state.back_failed || said == Said::RollbackPaused),
    ] {
        set(key, f64::from(u8::from(happened)));
    }
}

fn times(collector: &Collector, begun: Time, set: &mut impl FnMut(OutcomeKey, f64)) {
    let state = &collector.state;
    let after = |time: Option<Time>| time.map_or(f64::NAN, |t| t.since(begun).as_secs_f64());
    set(OutcomeKey::Duration, after(state.ended));
    // A rollout that moves nothing is settled at once.
    set(OutcomeKey::Settled, after(state.settled.or(Some(begun))));
    set(OutcomeKey::Detected, after(state.detected));
    set(OutcomeKey::Decided, after(state.decided));
    set(OutcomeKey::Restored, after(state.restored));
    set(OutcomeKey::Drained, after(state.drained));
    set(OutcomeKey::Mixed, state.mixed as f64 / 1e9);
    if !collector.requests.any() {
        set(OutcomeKey::Outage, state.dark as f64 / 1e9);
    }
}

fn counts(collector: &Collector, set: &mut impl FnMut(OutcomeKey, f64)) {
    let state = &collector.state;
    set(OutcomeKey::ServingMin, f64::from(state.serving_min));
    set(OutcomeKey::AvailableMin, f64::from(state.available_min));
    set(OutcomeKey::InstancesMax, f64::from(state.active_max));
    set(OutcomeKey::InstancesPeak, f64::from(state.exist_max));
    set(OutcomeKey::CapacityLost, state.capacity_lost());
    set(OutcomeKey::SurgeCost, state.surge_cost());
    if collector.fleet.zones().is_some() {
        set(OutcomeKey::ZoneServingMin, f64::from(state.zone_serving_min));
        set(OutcomeKey::ZoneMargin, f64::from(state.zone_margin));
    }
    if state.hosts {
        set(OutcomeKey::NodesBought, f64::from(state.bought));
        set(OutcomeKey::Pending, state.pending as f64 / 1e9);
    }
    set(OutcomeKey::DependencyPeak, collector.dependency_peak);
}

/// What only some worlds have.
fn pieces(collector: &Collector, set: &mut impl FnMut(OutcomeKey, f64)) {
    if let Some(messages) = collector.messages {
        set(OutcomeKey::BacklogAge, messages.oldest.as_secs_f64());
        set(OutcomeKey::BacklogMax, messages.backlog_max as f64);
        set(OutcomeKey::Redelivered, messages.redelivered as f64);
        set(OutcomeKey::DeadLetters, messages.dead_letters as f64);
        set(OutcomeKey::WorkLost, messages.work_lost.as_secs_f64());
    }
    if let Some(votes) = collector.state.votes_min {
        set(OutcomeKey::VotesMin, f64::from(votes));
        set(OutcomeKey::QuorumLost, collector.state.quorum_lost as f64 / 1e9);
    }
    if let Some((cut, peak, skew)) = collector.streams {
        set(OutcomeKey::CutStreams, cut as f64);
        set(OutcomeKey::ReconnectPeak, peak as f64);
        set(OutcomeKey::StreamSkew, skew);
    }
    if let Some((events, most)) = collector.scaled {
        set(OutcomeKey::ScaleEvents, f64::from(events));
        set(OutcomeKey::DesiredMax, f64::from(most));
    }
}

fn requests(collector: &Collector, fate: Fate, set: &mut impl FnMut(OutcomeKey, f64)) {
    let (state, requests, slo) = (&collector.state, &collector.requests, &collector.slo);
    let during = requests.during();
    let all = during.requests();
    let failed = all - during.ended(Ending::Ok);
    let ratio = |part: u64, whole: u64| {
        if whole == 0 { f64::NAN } else { part as f64 / whole as f64 }
    };
    set(OutcomeKey::Requests, all as f64);
    set(OutcomeKey::Failed, failed as f64);
    set(OutcomeKey::FailedShare, ratio(failed, all));
    for (key, ending) in [
        (OutcomeKey::FailedRefused, Ending::Refused),
        (OutcomeKey::FailedReset, Ending::Reset),
        (OutcomeKey::FailedCut, Ending::Cut),
        (OutcomeKey::FailedTimeout, Ending::Timeout),
        (OutcomeKey::FailedShed, Ending::Shed),
        (OutcomeKey::FailedVersion, Ending::Version),
        (OutcomeKey::FailedNoEndpoint, Ending::NoEndpoint),
    ] {
        set(key, during.ended(ending) as f64);
    }
    let window = slo.window.as_secs_f64();
    set(OutcomeKey::Outage, (requests.dark + during.failing) as f64 * window);
    set(OutcomeKey::Degraded, during.degraded as f64 * window);
    set(OutcomeKey::ErrorBudget, requests.error_budget(slo));
    // Where nothing tells whether it is bad, a version that somebody stopped or took back is.
    let stopped = matches!(fate, Fate::Paused | Fate::GivenUp);
    let known = state.decided.is_some() || state.went_back || stopped;
    if state.bad.unwrap_or(known) {
        set(OutcomeKey::Exposure, requests.answered_new as f64);
    } else if state.bad == Some(false) {
        set(OutcomeKey::Exposure, 0.0);
    }
    if let Some(attempts) = collector.attempts {
        set(OutcomeKey::AttemptsPerRequest, ratio(attempts, requests.ended));
    }
    set(OutcomeKey::SkewAfter, collector.skew);
    if let Some((total, most)) = collector.misses {
        set(OutcomeKey::CacheMisses, total as f64);
        set(OutcomeKey::CacheMissPeak, most as f64 / window);
    }
    set(OutcomeKey::DependencyLoad, collector.dependency_load);
}

fn latencies(latency: &[[Histogram; 2]], set: &mut impl FnMut(OutcomeKey, f64)) {
    let Some(during) = Collector::latency_during(latency) else { return };
    set(OutcomeKey::LatencyMean, during.mean_secs());
    for (key, p) in [
        (OutcomeKey::LatencyP50, 0.5),
        (OutcomeKey::LatencyP90, 0.9),
        (OutcomeKey::LatencyP99, 0.99),
        (OutcomeKey::LatencyP999, 0.999),
    ] {
        set(key, during.quantile_secs(p));
    }
}
