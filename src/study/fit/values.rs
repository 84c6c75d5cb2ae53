//! Which times of pods' lives are measured.

use crate::stats::fit::Sample;
use crate::trace::recorded::kubectl::{Pod, Seconds};

/// The API truncates times to whole seconds.
const TICK: f64 = 1.0;

/// A time in the life of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Scheduled → ready.
    Start,
    /// Created → scheduled.
    Schedule,
    /// Pulling → pulled.
    Pull,
    /// Scheduled → all containers started, pulls included.
    Launch,
    /// All containers started → ready.
    Boot,
    /// Told to stop (and its `preStop` sleep over) → all containers ended.
    Exit,
}

impl Quantity {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Schedule, Self::Pull, Self::Launch, Self::Boot, Self::Exit];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Schedule => "schedule",
            Self::Pull => "pull",
            Self::Launch => "launch",
            Self::Boot => "boot",
            Self::Exit => "exit",
        }
    }

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Start => "scheduled to ready",
            Self::Schedule => "created to scheduled",
            Self::Pull => "pulling to pulled",
            Self::Launch => "scheduled to containers started",
            Self::Boot => "containers started to ready",
            Self::Exit => "told to stop to containers ended, without the preStop sleep",
        }
    }

    /// Its value for a pod; `(seconds, false)` if it had lasted so long and not ended.
    pub fn of(self, pod: &Pod, latest: Seconds) -> Option<(Seconds, bool)> {
        let span = |from: Option<Seconds>, to: Option<Seconds>| {
            let spent = to.zip(from).map(|(to, from)| (to - from, true))?;
            Some(spent).filter(|(spent, _)| *spent >= 0)
        };
        // It could have become ready until it was told to stop.
        let waited = |from: Option<Seconds>| {
            let until = pod.told.unwrap_or(latest);
            from.filter(|from| until > *from).map(|from| (until - from, false))
        };
        let until_ready = |from: Option<Seconds>| match pod.ready {
            _ if pod.unclear => None,
            Some(_) => span(from, pod.ready),
            None => waited(from),
        };
        match self {
            Self::Start => until_ready(pod.scheduled),
            Self::Schedule => span(Some(pod.created), pod.scheduled),
            Self::Pull => span(pod.pulling, pod.pulled),
            Self::Launch => span(pod.scheduled, pod.started),
            Self::Boot => until_ready(pod.started),
            Self::Exit => {
                let slept = pod.pre_stop.unwrap_or(0);
                let (spent, ended) = match pod.ended {
                    // A process that is killed would have gone on.
                    Some(_) => (span(pod.told, pod.ended)?.0, !pod.killed),
                    None if pod.gone => return None,
                    None => (latest - pod.told?, false),
                };
                if ended {
                    Some(((spent - slept).max(0), true))
                } else {
                    Some((spent - slept, false)).filter(|(spent, _)| *spent > 0)
                }
            }
        }
    }
}

/// The values of a quantity over pods; nothing is known beyond `latest`.
pub fn sample<'a>(
    quantity: Quantity,
    pods: impl Iterator<Item = &'a Pod>,
    latest: Seconds,
) -> Sample {
    let (mut ended, mut censored) = (Vec::new(), Vec::new());
    for (seconds, over) in pods.filter_map(|pod| quantity.of(pod, latest)) {
        if over { ended.push(seconds as f64) } else { censored.push(seconds as f64) }
    }
    Sample::new(TICK, &ended, &censored)
}

#[cfg(test)]
mod tests {
    use super::{Pod, Quantity};

    #[test]
    fn what_has_not_ended_or_was_killed_is_censored() {
        let pod = Pod {
            scheduled: Some(10),
            started: Some(12),
            ready: Some(20),
            told: Some(100),
            ended: Some(109),
            pre_stop: Some(5),
            ..Pod::default()
        };
        let of = |quantity: Quantity, pod: &Pod| quantity.of(pod, 200);
        assert_eq!(of(Quantity::Start, &pod), Some((10, true)));
        assert_eq!(of(Quantity::Boot, &pod), Some((8, true)));
        assert_eq!(of(Quantity::Exit, &pod), Some((4, true)));
        assert_eq!(of(Quantity::Exit, &Pod { killed: true, ..pod.clone() }), Some((4, false)));
        let leaving = Pod { ended: None, ..pod.clone() };
        assert_eq!(of(Quantity::Exit, &leaving), Some((95, false)));
        assert_eq!(of(Quantity::Exit, &Pod { gone: true, ..leaving }), None);
        let never = Pod { ready: None, ..pod };
        assert_eq!(of(Quantity::Start, &never), Some((90, false)));
        let still = Pod { told: None, ended: None, ..never.clone() };
        assert_eq!(of(Quantity::Start, &still), Some((190, false)));
        assert_eq!(of(Quantity::Start, &Pod { unclear: true, ..never }), None);
    }
}
