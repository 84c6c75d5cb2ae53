//! Canary analysis and alerts: counts and samples in, a verdict out.
//!
//! A judge is level-triggered: it looks at all the evidence so far and says the same if it is asked
//! again. It does no input or output, reads no clock and draws nothing at random. Who asks a
//! sequential judge at every scrape stops at its first verdict that [`ends`](Rule::ends).

pub mod burn_rate;
pub mod cases;
mod evidence;
pub mod failures;
pub mod kayenta;
pub mod msprt;
pub mod relative;
pub mod robust;
pub mod sprt;
pub mod threshold;

pub use evidence::{Evidence, Reading, Series, Side, Totals};

use crate::scenario::pieces::{FailuresOver, Judge, JudgeKind, Metric};
use crate::units::Span;
use burn_rate::BurnRate;
use kayenta::Kayenta;
use robust::Robust;
use sprt::Sprt;

/// What a judge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The new version is good, as far as this judge can tell.
    Pass,
    /// Neither that nor the contrary is shown.
    Inconclusive,
    /// There is nothing to go by.
    NoData,
    /// It is bad.
    Fail,
}

/// A judge, ready to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    kind: Kind,
    metric: Metric,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Threshold { limit: f64, scrapes: u32 },
    Relative { factor: f64, scrapes: u32 },
    Failures { count: u32, over: FailuresOver },
    BurnRate(BurnRate),
    Kayenta(Kayenta),
    Sprt(Sprt),
    Msprt { alpha: f64 },
    Robust(Robust),
}

impl Rule {
    /// What the scenario says of a judge.
    pub fn new(judge: &Judge) -> Self {
        let scrapes = |span: Span| (span.0.div_ceil(judge.interval.0.max(1))).max(1) as u32;
        let kind = match judge.kind {
            JudgeKind::Threshold { limit, scrapes } => Kind::Threshold { limit, scrapes },
            JudgeKind::Relative { factor, scrapes } => Kind::Relative { factor, scrapes },
            JudgeKind::Failures { count, over } => Kind::Failures { count, over },
            JudgeKind::BurnRate { slo, burn, long, short } => {
                let (long, short) = (scrapes(long), scrapes(short));
                Kind::BurnRate(BurnRate { slo: slo.0, burn, long, short })
            }
            JudgeKind::Kayenta { samples, confidence, tolerance, increase } => {
                let confidence = confidence.0;
                Kind::Kayenta(Kayenta { samples, confidence, tolerance, increase })
            }
            JudgeKind::Sprt { p0, p1, alpha, beta, law } => {
                Kind::Sprt(Sprt::new((p0.0, p1.0), (alpha.0, beta.0), law))
            }
            JudgeKind::Msprt { alpha } => Kind::Msprt { alpha: alpha.0 },
            JudgeKind::Robust { samples, alpha, slower, worse, margin, host_noise } => {
                Kind::Robust(Robust {
                    samples,
                    alpha: alpha.0,
                    slower: slower.0,
                    worse: worse.0,
                    margin: margin.0,
                    host_noise: host_noise.0,
                })
            }
        };
        Self { kind, metric: judge.metric }
    }

    /// What it says of all that was scraped so far.
    pub fn judge(&self, evidence: &Evidence) -> Verdict {
        match &self.kind {
            Kind::Threshold { limit, scrapes } => {
                threshold::judge(evidence, self.metric, *limit, *scrapes)
            }
            Kind::Relative { factor, scrapes } => {
                relative::judge(evidence, self.metric, *factor, *scrapes)
            }
            Kind::Failures { count, over } => failures::judge(evidence, *count, *over),
            Kind::BurnRate(rule) => rule.judge(evidence),
            Kind::Kayenta(rule) if self.metric == Metric::Both => {
                let verdicts = [Metric::Errors, Metric::Latency].map(|m| rule.judge(evidence, m));
                verdicts[0].max(verdicts[1])
            }
            Kind::Kayenta(rule) => rule.judge(evidence, self.metric),
            Kind::Sprt(rule) => rule.judge(evidence),
            Kind::Msprt { alpha } => msprt::judge(evidence, *alpha),
            Kind::Robust(rule) => rule.judge(evidence, self.metric),
        }
    }

    /// Whether nothing is asked of it after this verdict. Limits and alerts that are not passed
    /// now may be later; a test that has decided has decided.
    pub fn ends(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fail => true,
            Verdict::Pass => matches!(self.kind, Kind::Sprt(_) | Kind::Robust(_)),
            Verdict::Inconclusive | Verdict::NoData => false,
        }
    }
}

/// A metric's value; `None` if nobody was answered.
fn value(metric: Metric, totals: Totals) -> Option<f64> {
    match metric {
        Metric::Latency => totals.mean_latency(),
        Metric::Errors | Metric::Both => totals.error_share(),
    }
}
