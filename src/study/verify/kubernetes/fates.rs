//! What befalls each pod: as recorded, or as the inputs say.

use crate::engine::{Seeds, math};
use crate::sim::script::{Ends, Fate};
use crate::trace::VersionId;
use crate::trace::recorded::kubernetes::{Kind, Misbehaves, Pod, Recording};
use crate::units::Span;

/// How late a pod became ready after its delay was over, in seconds: p10, p50, p90. From quiet
/// recordings ("serial"): 316 pods.
const READY_LATE: [f64; 3] = [0.0066, 0.0121, 0.0315];
/// The same for a pod that stops.
const GONE_LATE: [f64; 3] = [0.0093, 0.0196, 0.0706];
/// A crash loop as it was played: a restart so often.
const LOOP: Span = Span::from_secs(1);
/// At least so many pods of a version have a fate of their own.
const FATES: usize = 256;

/// By version and ordinal (or slot): the recorded delays where there are any, else those of the
/// inputs with the usual lateness.
pub(super) fn observed(recording: &Recording) -> Vec<Vec<Fate>> {
    let usual = |_, _, late: [f64; 3]| late[1];
    let mut fates = stated(recording, &usual);
    let by_place = recording.kind != Kind::Deployment;
    for (version, fates) in fates.iter_mut().enumerate() {
        let version = VersionId(version as u8);
        for (ordinal, fate) in fates.iter_mut().enumerate() {
            let mine = |pod: &&Pod| pod.version == version && pod.ordinal as usize == ordinal;
            let pods: Vec<&Pod> = recording.pods.iter().filter(mine).collect();
            debug_assert!(by_place || pods.len() <= 1, "an ordinal is one pod");
            let seen = |what: &dyn Fn(&Pod) -> Option<f64>| {
                mean(&pods.iter().filter_map(|pod| what(pod)).collect::<Vec<_>>())
            };
            if let (Some(ready), Some(start)) = (fate.ready.as_mut(), seen(&Pod::start)) {
                *ready = span(start);
            }
            if let Some(stop) = seen(&Pod::stop) {
                fate.stop = span(stop);
            }
            if let Some(ends) = fate.ends.as_mut() {
                set_ends(ends, &pods);
            }
        }
    }
    fates
}

/// The recorded times of crashes and failures, where there are any.
fn set_ends(ends: &mut Ends, pods: &[&Pod]) {
    if let Some((back, _)) = &mut ends.back {
        if !ends.from_ready {
            return;
        }
        let crashes: Vec<_> = pods.iter().map(|pod| pod.crashes()).collect();
        let after: Vec<f64> = crashes.iter().flat_map(|(after, _)| after.clone()).collect();
        let restart: Vec<f64> = crashes.iter().flat_map(|(_, back)| back.clone()).collect();
        if let Some(after) = mean(&after) {
            ends.after = span(after);
        }
        if let Some(restart) = mean(&restart) {
            *back = span(restart);
        }
    } else {
        let failures: Vec<f64> = pods.iter().filter_map(|pod| pod.failure()).collect();
        if let Some(after) = mean(&failures) {
            ends.after = span(after);
        }
    }
}

/// By version and ordinal (or slot): what the inputs say, with a lateness drawn for each pod.
pub(super) fn foretold(recording: &Recording, seed: u64, run: u32) -> Vec<Vec<Fate>> {
    let seeds = Seeds::new(seed, u64::from(run));
    let late = |version: usize, place: u64, late: [f64; 3]| {
        let index = (version as u64) << 32 | place;
        quantile(late, math::open_unit(seeds.bits(LATENESS, index)))
    };
    stated(recording, &late)
}

/// The purpose under which a pod's lateness is drawn.
const LATENESS: u32 = 900;

/// Lateness of the pod of this version at this place, out of such a distribution.
type Late<'a> = dyn Fn(usize, u64, [f64; 3]) -> f64 + 'a;

fn stated(recording: &Recording, late: &Late<'_>) -> Vec<Vec<Fate>> {
    let spec = &recording.spec;
    let recorded = recording.pods.iter().map(|pod| pod.ordinal as usize + 1).max().unwrap_or(0);
    let count = FATES.max(recorded + FATES / 4);
    let of = |version: usize| {
        let (start, term) = &spec.delays[version];
        let behaviour = spec.behaviour.get(version).and_then(Option::as_ref);
        let one = |ordinal: usize| {
            let place = ordinal as u64;
            let ready = start[ordinal % start.len()] + late(version, 2 * place, READY_LATE);
            let stop = term[ordinal % term.len()] + late(version, 2 * place + 1, GONE_LATE);
            let misbehaves = behaviour
                .filter(|b| b.only.as_ref().is_none_or(|only| only.contains(&(ordinal as u32))))
                .map(|behaviour| behaviour.misbehaves);
            let fate =
                Fate { ready: Some(span(ready)), stop: span(stop), ends: None, rejected: None };
            misbehaves.map_or(fate, |misbehaves| bad(fate, misbehaves))
        };
        (0..count).map(one).collect()
    };
    (0..spec.delays.len()).map(of).collect()
}

/// A fate with what the pod does by itself.
fn bad(fate: Fate, misbehaves: Misbehaves) -> Fate {
    let start = fate.ready.unwrap_or(Span::ZERO);
    let usual = |seconds: f64| span(seconds + READY_LATE[1]);
    let (ready, ends) = match misbehaves {
        Misbehaves::NeverReady => (None, None),
        Misbehaves::CrashLoop => {
            let back = Some((Span::ZERO, u32::MAX));
            (None, Some(Ends { after: LOOP, from_ready: false, back }))
        }
        Misbehaves::FailsBeforeReady => {
            (None, Some(Ends { after: start, from_ready: false, back: None }))
        }
        Misbehaves::Crashes { after, back, times } => {
            let back = Some((usual(back), times.unwrap_or(u32::MAX)));
            (fate.ready, Some(Ends { after: usual(after), from_ready: true, back }))
        }
        Misbehaves::Fails { after } => {
            (fate.ready, Some(Ends { after: usual(after), from_ready: true, back: None }))
        }
    };
    Fate { ready, ends, ..fate }
}

fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds.max(0.0))
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.iter().sum::<f64>() / count as f64)
}

/// Linear through p10, p50 and p90, flat beyond.
fn quantile([p10, p50, p90]: [f64; 3], u: f64) -> f64 {
    if u < 0.5 {
        p10 + (p50 - p10) * ((u - 0.1) / 0.4).max(0.0)
    } else {
        p50 + (p90 - p50) * ((u - 0.5) / 0.4).min(1.0)
    }
}
