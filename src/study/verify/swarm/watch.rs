//! What one run shows to somebody who polls tasks and the update's state.

use super::super::forecast::Play;
use crate::trace::{Phase, Record, Said, Sink};
use crate::units::Time;

/// Follows one run.
#[derive(Debug)]
pub(super) struct Watch {
    /// An end without a time of its own is seen so much later, by polls.
    late: f64,
    /// Nobody looks any more so many seconds after the last end.
    patience: f64,
    /// An end before this time is not the last.
    earliest: f64,
    /// By number of the instance: in state running, until it has ended.
    runs: Vec<bool>,
    running: Vec<(f64, u32)>,
    first_end: Option<&'static str>,
    last_end: Option<f64>,
}

impl Watch {
    /// Polls come so often a second.
    pub(super) fn new(poll_hz: f64) -> Self {
        Self {
            late: 0.5 / poll_hz.max(1.0),
            patience: f64::INFINITY,
            earliest: 0.0,
            runs: Vec::new(),
            running: Vec::new(),
            first_end: None,
            last_end: None,
        }
    }

    /// Nobody looks longer than `patience` seconds after an end that is later than `earliest`.
    pub(super) fn leaving(self, patience: f64, earliest: f64) -> Self {
        Self { patience, earliest, ..self }
    }

    /// How it went, and the first state that was an end.
    pub(super) fn finish(self) -> (Play, String) {
        let counts = || self.running.iter().map(|(_, count)| *count);
        let play = Play {
            done: self.last_end,
            settled: self.last_end.is_some(),
            at_target: counts().next_back().unwrap_or(0),
            active_max: counts().max().unwrap_or(0),
            size_max: 0,
            available_min: counts().min().unwrap_or(0),
            available: self.running,
        };
        (play, self.first_end.unwrap_or(super::ENDLESS).to_owned())
    }

    fn count(&mut self, at: Time) {
        let running = self.runs.iter().filter(|runs| **runs).count() as u32;
        let at = at.as_secs_f64();
        match self.running.last_mut() {
            Some((then, count)) if *then >= at => *count = running,
            Some((_, count)) if *count == running => {}
            _ => self.running.push((at, running)),
        }
    }
}

/// `UpdateStatus.State` of an end.
fn state(said: Said) -> Option<&'static str> {
    match said {
        Said::Completed => Some("completed"),
        Said::Paused => Some("paused"),
        Said::RolledBack => Some("rollback_completed"),
        Said::RollbackPaused => Some("rollback_paused"),
        Said::Progressing | Said::RollingBack | Said::DeadlineExceeded | Said::Failed => None,
    }
}

impl Sink for Watch {
    fn record(&mut self, at: Time, record: Record) {
        let end = self.last_end.filter(|end| *end >= self.earliest);
        if end.is_some_and(|end| at.as_secs_f64() > end + self.patience) {
            return;
        }
        match record {
            Record::Phase { instance, to, .. } => {
                let place = instance as usize;
                if self.runs.len() <= place {
                    self.runs.resize(place + 1, false);
                }
                let runs = &mut self.runs[place];
                *runs = match to {
                    Phase::Ready | Phase::Available => true,
                    // While it stops it still runs.
                    Phase::Draining => *runs,
                    Phase::Pending
                    | Phase::Starting
                    | Phase::Stopped
                    | Phase::Failed
                    | Phase::Lost => false,
                };
                self.count(at);
            }
            Record::Said(said) => {
                if let Some(end) = state(said) {
                    self.first_end.get_or_insert(end);
                    let late = match said {
                        // The engine keeps no time of these.
                        Said::Paused | Said::RollbackPaused => self.late,
                        _ => 0.0,
                    };
                    self.last_end = Some(at.as_secs_f64() + late);
                }
            }
            _ => {}
        }
    }
}
