//! One recorded rollout beside its prediction.

use serde::Serialize;

/// What the simulator is told of a recorded rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Each instance's recorded delays (never absolute times): isolates the orchestrator's logic.
    Observed,
    /// What a user could have known beforehand: delays by version, probes, constants measured on
    /// other rollouts.
    Spec,
}

/// A recorded number beside the predicted one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pair {
    /// `None`: there is none in the record.
    pub recorded: Option<f64>,
    /// The prediction (over several runs: their median); `None`: it never comes.
    pub predicted: Option<f64>,
}

impl Pair {
    /// Of two counts.
    pub fn counts(recorded: u32, predicted: u32) -> Self {
        Self { recorded: Some(f64::from(recorded)), predicted: Some(f64::from(predicted)) }
    }

    /// Whether the prediction is exact.
    pub fn is_equal(&self) -> bool {
        self.recorded == self.predicted
    }
}

/// One recorded rollout beside its prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The file, as named by the user.
    pub file: String,
    /// The name the record gives itself: second recordings of the same inputs share it.
    pub id: String,
    /// Recordings that are looked at apart: `min_ready = 0`, `min_ready > 0`, or the kind.
    pub group: String,
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `swarm` or `rollcast`.
    pub kind: String,
    /// The class (Kubernetes) or kind (Swarm) that the record gives itself.
    pub class: String,
    /// Whether the predicted fate is the recorded one: what the orchestrator says, and what is.
    pub final_ok: bool,
    /// What the orchestrator said, recorded and predicted.
    pub said: (String, String),
    /// What was (`k of n at the target`), recorded and predicted.
    pub is: (String, String),
    /// Seconds from the beginning to the end that the record names.
    pub duration_s: Pair,
    /// Middle 90 % of the predicted durations, in seconds.
    pub band_s: Option<(f64, f64)>,
    /// Most instances at once.
    pub instances_max: Pair,
    /// Fewest available (Swarm: running) at once.
    pub available_min: Pair,
    /// Share of runs by most instances at once, most frequent first.
    pub instances_max_runs: Vec<(u32, f64)>,
    /// Share of runs by fewest available, most frequent first.
    pub available_min_runs: Vec<(u32, f64)>,
    /// Of each of the two that is not predicted: how the runs were spread, and what the record
    /// shows of the reason.
    pub misses: Vec<String>,
    /// Whether changes came in the recorded order; `None` where the kind has no determinate one.
    pub steps_equal: Option<bool>,
    /// Where they first differ.
    pub first_difference: Option<String>,
    /// The record's own mark of noise.
    pub noise: Option<String>,
    /// How sure the predicted fate is: the share of runs that ended in each, most frequent first.
    pub fates: Vec<(String, f64)>,
    /// For drawing.
    #[serde(skip)]
    pub curves: Curves,
}

/// Serving (available, running) instances over seconds since the beginning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    /// Steps: from this second on, so many.
    pub recorded: Vec<(f64, f64)>,
    /// On a grid: second, p5, median, p95 over runs.
    pub predicted: Vec<(f64, f64, f64, f64)>,
}
