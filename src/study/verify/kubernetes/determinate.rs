//! Whether a record has an order of steps that could come again.
//!
//! Decided from the record alone. A controller acts upon *causes*: a pod becomes ready (with
//! `minReadySeconds`: available), crashes or is gone, somebody changes something. Whether it sees
//! two of them in one look or in two is chance if they are neither far apart nor at once. So an
//! order counts as determinate if, up to the last change,
//!
//! - no two causes that follow each other are between [`NEAR`] and [`FAR`] apart,
//! - no change came later than [`FAR`] after a cause or another change (the lab stalled),
//! - with `minReadySeconds`, no pod became ready within [`NEAR`] of a whole wall-clock second,
//! - a `DaemonSet`, which takes its nodes in a random order, has the same delays on all of them.

use crate::trace::recorded::kubernetes::{Kind, Recording, Step};
use crate::units::Span;

/// Causes nearer than this (seconds) are seen at once, or one right after the other.
const NEAR: f64 = 0.05;
/// Causes farther apart than this are seen one after the other, whatever the threshold.
const FAR: f64 = 0.2;

/// Whether the order of its steps could come again.
pub(super) fn is_determinate(recording: &Recording) -> bool {
    let uniform = recording.spec.delays.iter().all(|(start, term)| {
        [start, term].iter().all(|list| list.iter().all(|delay| *delay == list[0]))
    });
    if recording.kind == Kind::DaemonSet && !uniform {
        return false;
    }
    let changes: Vec<f64> = recording.steps.iter().map(at).collect();
    let causes = causes(recording);
    let last = changes.last().copied().unwrap_or(0.0) + NEAR;
    let within: Vec<f64> = causes.iter().copied().filter(|at| *at <= last).collect();
    let apart = within.windows(2).all(|two| {
        let gap = two[1] - two[0];
        gap <= NEAR || gap >= FAR
    });
    apart && !stalls(&changes, &causes) && !is_near_a_second(recording)
}

fn at(step: &Step) -> f64 {
    match step {
        Step::Sizes { at, .. } | Step::Pod { at, .. } => *at,
    }
}

/// What a controller acts upon, in order of time (seconds).
fn causes(recording: &Recording) -> Vec<f64> {
    let spec = &recording.spec;
    let mut causes: Vec<f64> = spec.ops.iter().map(|(at, _)| *at).collect();
    causes.push(0.0);
    let goes = spec.recreate || recording.kind != Kind::Deployment;
    for pod in &recording.pods {
        for (at, ready) in pod.ready.iter().filter(|(at, _)| *at >= 0.0) {
            causes.push(if *ready { available(recording, *at) } else { *at });
        }
        causes.extend(pod.failed);
        causes.extend(pod.gone.filter(|_| goes));
    }
    causes.sort_by(f64::total_cmp);
    causes
}

/// When a pod that became ready counts as available.
fn available(recording: &Recording, ready: f64) -> f64 {
    let min_ready = recording.spec.min_ready.as_secs_f64();
    if recording.spec.min_ready == Span::ZERO || is_rechecked(recording) {
        return ready + min_ready;
    }
    let phase = recording.wall_phase.as_secs_f64();
    (ready + phase).floor() - phase + min_ready
}

/// 1.20 counts from when it saw the pod ready.
fn is_rechecked(recording: &Recording) -> bool {
    recording.release.starts_with("v1.20.")
}

fn stalls(changes: &[f64], causes: &[f64]) -> bool {
    changes.windows(2).any(|two| {
        // Two watches: a cause may be seen a moment after what it caused.
        let before = causes.partition_point(|at| *at <= two[1] + 0.002);
        let cause = before.checked_sub(1).map_or(f64::NEG_INFINITY, |last| causes[last]);
        two[1] - cause.max(two[0]) > FAR
    })
}

fn is_near_a_second(recording: &Recording) -> bool {
    if recording.spec.min_ready == Span::ZERO || is_rechecked(recording) {
        return false;
    }
    let phase = recording.wall_phase.as_secs_f64();
    let ready = recording.pods.iter().flat_map(|pod| &pod.ready);
    let mut times = ready.filter(|(at, ready)| *ready && *at >= 0.0);
    times.any(|(at, _)| {
        let fraction = (at + phase).rem_euclid(1.0);
        !(NEAR..=1.0 - NEAR).contains(&fraction)
    })
}
