//! What a record shows of the race that decides how many pods there are at once.
//!
//! A Deployment bounds the sum of its `ReplicaSet`s' sizes. How many pods there are depends on
//! which of them is quicker: the one that creates or the one that deletes.

use super::super::forecast::Play;
use super::super::miss::percent;
use crate::trace::recorded::kubernetes::{Kind, Pod, Recording, Step};

/// The facts behind a missed maximum of a Deployment's pods: of the record, and of the plays.
pub(super) fn facts(recording: &Recording, plays: &[Play]) -> Option<String> {
    if recording.kind != Kind::Deployment {
        return None;
    }
    let recorded = recording.summary.active_max;
    let sizes = largest(recording);
    let share = |test: &dyn Fn(&Play) -> bool| {
        let count = plays.iter().filter(|play| test(play)).count();
        count as f64 / plays.len().max(1) as f64
    };
    let exceeds = share(&|play| play.active_max > play.size_max);
    let others = share(&|play| play.size_max != sizes);
    Some(if recorded > sizes {
        format!(
            "the sizes of its ReplicaSets never came to more than {sizes}; for {} ms pods were \
             there before those they replace were told to stop, as in {} of the runs",
            (time_above(recording, sizes) * 1e3).ceil().max(1.0),
            percent(exceeds)
        )
    } else if others > 0.5 {
        format!(
            "the sizes of its ReplicaSets came to {sizes}, in {} of the runs to something else",
            percent(others)
        )
    } else if recorded < sizes {
        format!(
            "the sizes of its ReplicaSets came to {sizes}, but only {} pods were created before \
             the first was told to stop",
            created_before_a_stop(recording)
        )
    } else {
        format!("its pods kept to the sizes of the ReplicaSets, unlike {}", percent(exceeds))
            + " of the runs"
    })
}

/// The largest sum of sizes.
fn largest(recording: &Recording) -> u32 {
    let sum = |step: &Step| match step {
        Step::Sizes { sizes, .. } => sizes.iter().map(|(_, size)| size).sum(),
        Step::Pod { .. } => 0,
    };
    recording.steps.iter().map(sum).max().unwrap_or(0)
}

/// When it ceased to count.
fn end(pod: &Pod) -> f64 {
    let ends = [pod.deleted, pod.failed, pod.gone];
    ends.into_iter().flatten().fold(f64::INFINITY, f64::min)
}

/// How long more than `limit` pods were there, in seconds.
fn time_above(recording: &Recording, limit: u32) -> f64 {
    let changes = |pod: &Pod| [(pod.created, 1_i64), (end(pod), -1)];
    let mut changes: Vec<(f64, i64)> = recording.pods.iter().flat_map(changes).collect();
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut active, mut since, mut above) = (0, 0.0, 0.0);
    for (at, change) in changes.into_iter().filter(|(at, _)| at.is_finite()) {
        if active > i64::from(limit) {
            above += at - since;
        }
        active += change;
        since = at;
    }
    above
}

fn created_before_a_stop(recording: &Recording) -> usize {
    let stops = recording.pods.iter().filter_map(|pod| pod.deleted);
    let first = stops.fold(f64::INFINITY, f64::min);
    recording.pods.iter().filter(|pod| (0.0..first).contains(&pod.created)).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{created_before_a_stop, end, facts, largest, time_above};
    use crate::study::verify::forecast::Play;
    use crate::trace::recorded::kubernetes::{Kind, Recording};
    use crate::trace::recorded::{self, Recording as Any};

    fn deployments() -> Vec<Recording> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
        let files = std::fs::read_dir(folder).unwrap();
        let all = files.filter_map(|file| match recorded::load(&file.unwrap().path()) {
            Ok(Any::Kubernetes(recording)) => Some(*recording),
            _ => None,
        });
        all.filter(|recording| recording.kind == Kind::Deployment).collect()
    }

    #[test]
    fn the_record_shows_its_maximum_and_its_race() {
        let all = deployments();
        assert!(!all.is_empty());
        for recording in &all {
            let most = recording.summary.active_max;
            assert!(time_above(recording, most) == 0.0, "{}", recording.id);
            let stay = recording.pods.iter().filter(|pod| end(pod).is_infinite()).count();
            let is_over = stay < most as usize;
            assert!(!is_over || time_above(recording, most - 1) > 0.0, "{}", recording.id);
            assert!(created_before_a_stop(recording) <= recording.pods.len());
            let sizes = largest(recording);
            assert!(sizes >= recording.spec.replicas);
            let play = Play { size_max: sizes, active_max: sizes + 1, ..Play::default() };
            let text = facts(recording, &[play]).unwrap();
            let known = if most > sizes { "never came to more than" } else { "sizes" };
            assert!(text.contains(known), "{text}");
        }
    }
}
