//! A run of a canary analysis: measurements at an interval, their verdict.

use serde::{Deserialize, Serialize};

use crate::scenario::settings::Analysis;
use crate::units::{Span, Time};

/// `DefaultErrorRetryInterval`: a measurement without a value is repeated after this.
const ERROR_RETRY: Span = Span::from_secs(10);

/// What has been measured so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    next: Time,
    measured: u32,
    failures: u32,
    inconclusive: u32,
    errors_in_a_row: u32,
    successes_in_a_row: u32,
    verdict: Verdict,
}

/// What an analysis says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// It has not ended.
    Running,
    /// It ended well.
    Successful,
    /// Too many measurements were inconclusive.
    Inconclusive,
    /// Too many failed, or none had a value.
    Failed,
}

impl Run {
    /// Begins at `now`.
    fn new(analysis: &Analysis, now: Time) -> Self {
        Self {
            next: now + analysis.initial_delay,
            measured: 0,
            failures: 0,
            inconclusive: 0,
            errors_in_a_row: 0,
            successes_in_a_row: 0,
            verdict: Verdict::Running,
        }
    }

    /// Takes the measurement that is due, if one is. `value` is the share of errors in the new
    /// version's answers; `None` if nobody of the new version answers.
    fn measure(&mut self, analysis: &Analysis, now: Time, value: Option<f64>) -> Verdict {
        if self.verdict != Verdict::Running || now < self.next {
            return self.verdict;
        }
        let Some(value) = value else {
            // Neither counted nor a success; tried again sooner than the interval says.
            self.errors_in_a_row += 1;
            self.successes_in_a_row = 0;
            self.next = now + ERROR_RETRY;
            if self.errors_in_a_row > analysis.consecutive_error_limit {
                self.end(analysis, Verdict::Failed);
            }
            return self.verdict;
        };
        self.measured += 1;
        self.errors_in_a_row = 0;
        self.next = now + analysis.interval;
        if value > analysis.max_error_share.0 {
            self.failures += 1;
            self.successes_in_a_row = 0;
        } else if value > analysis.success_error_share.0 {
            self.inconclusive += 1;
            self.successes_in_a_row = 0;
        } else {
            self.successes_in_a_row += 1;
        }
        self.judge(analysis);
        self.verdict
    }

    /// The same of a run that is begun if there is none yet.
    pub(super) fn go_on(
        run: &mut Option<Self>,
        analysis: &Analysis,
        now: Time,
        value: Option<f64>,
    ) -> Verdict {
        run.get_or_insert_with(|| Self::new(analysis, now)).measure(analysis, now, value)
    }

    /// When the next measurement is due; `None` if there is none.
    pub(super) fn due(&self) -> Option<Time> {
        (self.verdict == Verdict::Running).then_some(self.next)
    }

    /// What it says.
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn judge(&mut self, analysis: &Analysis) {
        let enough = analysis.consecutive_success_limit;
        if self.failures > analysis.failure_limit {
            self.end(analysis, Verdict::Failed);
        } else if self.inconclusive > analysis.inconclusive_limit {
            self.end(analysis, Verdict::Inconclusive);
        } else if (enough > 0 && self.successes_in_a_row >= enough)
            || analysis.count.is_some_and(|count| self.measured >= count)
        {
            self.end(analysis, Verdict::Successful);
        }
    }

    /// A dry run never ends badly.
    fn end(&mut self, analysis: &Analysis, verdict: Verdict) {
        self.verdict = if analysis.dry_run { Verdict::Successful } else { verdict };
    }
}

#[cfg(test)]
mod tests {
    use super::{Run, Verdict};
    use crate::scenario::settings::Analysis;
    use crate::units::{Share, Span, Time};

    fn analysis(count: Option<u32>) -> Analysis {
        Analysis {
            interval: Span::from_secs(60),
            count,
            initial_delay: Span::from_secs(30),
            max_error_share: Share(0.05),
            success_error_share: Share(0.02),
            failure_limit: 1,
            inconclusive_limit: 1,
            consecutive_error_limit: 4,
            consecutive_success_limit: 0,
            dry_run: false,
        }
    }

    /// Feeds the values at the times at which the run asks for them; the end and its time.
    fn play(analysis: &Analysis, values: &[Option<f64>]) -> (Verdict, Time) {
        let mut run = Run::new(analysis, Time::ZERO);
        let mut now = Time::ZERO;
        assert_eq!(run.measure(analysis, now, Some(1.0)), Verdict::Running, "not due yet");
        for value in values {
            let Some(due) = run.due() else { break };
            now = due;
            run.measure(analysis, now, *value);
        }
        (run.verdict(), now)
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    #[test]
    fn failures_count_in_all_and_must_exceed_the_limit() {
        let five = analysis(Some(5));
        let (bad, good) = (Some(0.051), Some(0.0));
        assert_eq!(play(&five, &[good; 9]), (Verdict::Successful, at(270)));
        assert_eq!(play(&five, &[bad, good, good, good, good]).0, Verdict::Successful);
        assert_eq!(play(&five, &[bad, good, bad]), (Verdict::Failed, at(150)));
        // The limit itself is no failure: it must be exceeded; between the two is neither.
        assert_eq!(play(&five, &[Some(0.05)]).0, Verdict::Running);
        assert_eq!(play(&five, &[Some(0.05); 2]), (Verdict::Inconclusive, at(90)));
        assert_eq!(play(&five, &[Some(0.02); 5]).0, Verdict::Successful);
    }

    #[test]
    fn measurements_without_a_value_are_repeated_and_limited() {
        let five = analysis(Some(5));
        assert_eq!(play(&five, &[None; 4]), (Verdict::Running, at(60)));
        assert_eq!(play(&five, &[None; 5]), (Verdict::Failed, at(70)));
        let mended = [None, None, None, None, Some(0.0), None, None, None, None];
        assert_eq!(play(&five, &mended).0, Verdict::Running);
    }

    #[test]
    fn dry_runs_and_success_limits_end_well() {
        let dry = Analysis { dry_run: true, ..analysis(None) };
        assert_eq!(play(&dry, &[Some(1.0); 9]), (Verdict::Successful, at(90)));
        let early = Analysis { consecutive_success_limit: 2, ..analysis(None) };
        let (bad, good) = (Some(0.9), Some(0.0));
        assert_eq!(play(&early, &[good, bad, good, good]), (Verdict::Successful, at(210)));
        assert_eq!(play(&analysis(None), &[good; 50]).0, Verdict::Running);
    }
}
