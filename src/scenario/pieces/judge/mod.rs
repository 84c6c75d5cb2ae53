//! `[judges.NAME]`: who watches the new version's metrics, and stops a bad one.

mod keys;

use super::{Env, Page, Piece, Table};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Section, Value};
use crate::units::{Share, Span};

/// A judge.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Judge {
    /// How it judges.
    pub kind: JudgeKind,
    /// What it looks at.
    pub metric: Metric,
    /// Between two scrapes.
    pub interval: Span,
    /// From a scrape until it sees what was scraped.
    pub delay: Span,
    /// Fresh instances are left out for so long.
    pub settle: Span,
    /// It goes on looking for so long after the rollout.
    pub bake: Span,
    /// What becomes of a bad verdict.
    pub on_fail: OnFail,
}

/// How a judge judges.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum JudgeKind {
    /// More than `limit`, `scrapes` times in a row.
    Threshold {
        /// The most that is good: a share of errors, or seconds.
        limit: f64,
        /// So often in a row.
        scrapes: u32,
    },
    /// More than `factor` times the old version's, `scrapes` times in a row.
    Relative {
        /// So many times.
        factor: f64,
        /// So often in a row.
        scrapes: u32,
    },
    /// Errors counted.
    Failures {
        /// So many are bad.
        count: u32,
        /// Of which.
        over: Over,
    },
    /// The error budget goes too fast, over two windows.
    BurnRate {
        /// The share of good answers that was promised.
        slo: Share,
        /// So many times too fast.
        burn: f64,
        /// The long window.
        long: Span,
        /// The short window.
        short: Span,
    },
    /// Mann and Whitney's test by Kayenta's rules.
    Kayenta {
        /// Scrapes of the new version that it compares.
        samples: u32,
        /// Of the interval of the shift.
        confidence: Share,
        /// Share of the shift above which the interval must lie.
        tolerance: f64,
        /// The ratio of means must be at least this.
        increase: f64,
    },
    /// Wald's sequential test.
    Sprt {
        /// Error share of a good version.
        p0: Share,
        /// Error share of a bad one.
        p1: Share,
        /// Chance of stopping a good one.
        alpha: Share,
        /// Chance of missing a bad one.
        beta: Share,
        /// How errors are counted.
        law: ErrorLaw,
    },
    /// A sequential test against the old version, without a bad share to be told.
    Msprt {
        /// Chance of ever stopping a good one.
        alpha: Share,
    },
    /// Hosts differ and what is measured hangs together in time.
    Robust {
        /// Scrapes after which most of `alpha` is spent.
        samples: u32,
        /// Chance of ever stopping a good one.
        alpha: Share,
        /// A slow-down below this is not worth a stop.
        slower: Share,
        /// More errors than the old version by less than this are not worth a stop.
        worse: Share,
        /// A pass says that the slow-down is below this.
        margin: Share,
        /// How hosts differ, where that cannot be seen.
        host_noise: Share,
    },
}

/// What a judge looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of errors among answers.
    Errors,
    /// Mean latency.
    Latency,
    /// Both: one that is bad suffices.
    Both,
}

/// Which errors are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Over {
    /// All of the new version.
    All,
    /// Those since the last instances of the new version joined.
    Batch,
    /// Scrapes with errors, in a row.
    Row,
}

/// The law of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum ErrorLaw {
    /// Each answer may be an error.
    Bernoulli,
    /// Errors come at a rate per answer.
    Poisson,
}

/// What becomes of a bad verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnFail {
    /// The pipeline is told.
    Alert,
    /// The rollout stops where it is.
    Pause,
    /// It is rolled back at once.
    Rollback,
}

impl JudgeKind {
    /// The word for it in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Threshold { .. } => "threshold",
            Self::Relative { .. } => "relative",
            Self::Failures { .. } => "failures",
            Self::BurnRate { .. } => "burn_rate",
            Self::Kayenta { .. } => "kayenta",
            Self::Sprt { .. } => "sprt",
            Self::Msprt { .. } => "msprt",
            Self::Robust { .. } => "robust",
        }
    }
}

impl Piece for Judge {
    const TABLE: Table = Table {
        path: "judges.*",
        about: "Who watches the new version's metrics, and stops a bad one.",
        keys: keys::KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        env.positive(path, "interval");
        let section = env.section(path);
        let word = section.word("kind");
        let metric = metric(&section, word);
        let (kind, mut problems) = kind(&section, word, metric);
        problems.extend(beside_the_point(&section, word));
        if !env.is_there("traffic") && !env.is_there("users") {
            let message = "a judge has nothing to look at without requests";
            let place = section.place("kind");
            let hint = "add [traffic] with a rate";
            problems.push(Diagnostic::new(Code::Conflict, place, message, hint));
        }
        let judge = Self {
            kind,
            metric,
            interval: section.span("interval"),
            delay: section.span("delay"),
            settle: section.span("settle"),
            bake: section.span("bake"),
            on_fail: match section.word("on_fail") {
                "alert" => OnFail::Alert,
                "pause" => OnFail::Pause,
                _ => OnFail::Rollback,
            },
        };
        if metric != Metric::Errors && counts_errors(word) {
            let message = format!("a judge of kind `{word}` looks at errors");
            let place = section.place("metric");
            problems.push(Diagnostic::new(Code::Conflict, place, message, "metric = \"errors\""));
        }
        if metric == Metric::Both && !matches!(word, "kayenta" | "robust") {
            let message = format!("a judge of kind `{word}` looks at one metric");
            let (place, hint) = (section.place("metric"), "metric = \"errors\" or \"latency\"");
            problems.push(Diagnostic::new(Code::Conflict, place, message, hint));
        }
        for problem in problems {
            env.problem(problem);
        }
        judge
    }

    fn write(&self, page: &mut Page) {
        page.text("kind", self.kind.name());
        let metric = match self.metric {
            Metric::Errors => "errors",
            Metric::Latency => "latency",
            Metric::Both => "both",
        };
        page.text("metric", metric);
        page.text("interval", self.interval);
        page.text("delay", self.delay);
        page.text("settle", self.settle);
        page.text("bake", self.bake);
        let on_fail = match self.on_fail {
            OnFail::Alert => "alert",
            OnFail::Pause => "pause",
            OnFail::Rollback => "rollback",
        };
        page.text("on_fail", on_fail);
        write_kind(&self.kind, self.metric, page);
    }
}

fn write_kind(kind: &JudgeKind, metric: Metric, page: &mut Page) {
    match *kind {
        JudgeKind::Threshold { limit, scrapes } => {
            if metric == Metric::Latency {
                page.text("limit", Span::from_secs_f64(limit));
            } else {
                page.share("limit", Share(limit));
            }
            page.raw("scrapes", scrapes);
        }
        JudgeKind::Relative { factor, scrapes } => {
            page.number("factor", factor);
            page.raw("scrapes", scrapes);
        }
        JudgeKind::Failures { count, over } => {
            page.raw("count", count);
            let over = match over {
                Over::All => "all",
                Over::Batch => "batch",
                Over::Row => "row",
            };
            page.text("over", over);
        }
        JudgeKind::BurnRate { slo, burn, long, short } => {
            page.share("slo", slo);
            page.number("burn", burn);
            page.text("long", long);
            page.text("short", short);
        }
        JudgeKind::Kayenta { samples, confidence, tolerance, increase } => {
            page.raw("samples", samples);
            page.share("confidence", confidence);
            page.number("tolerance", tolerance);
            page.number("increase", increase);
        }
        JudgeKind::Sprt { p0, p1, alpha, beta, law } => {
            for (name, share) in [("p0", p0), ("p1", p1), ("alpha", alpha), ("beta", beta)] {
                page.share(name, share);
            }
            page.text("law", if law == ErrorLaw::Poisson { "poisson" } else { "bernoulli" });
        }
        JudgeKind::Msprt { alpha } => page.share("alpha", alpha),
        JudgeKind::Robust { samples, alpha, slower, worse, margin, host_noise } => {
            page.raw("samples", samples);
            page.share("alpha", alpha);
            page.share("slower", slower);
            page.share("worse", worse);
            page.share("margin", margin);
            page.share("host_noise", host_noise);
        }
    }
}

/// Whether this kind knows nothing but errors.
fn counts_errors(kind: &str) -> bool {
    matches!(kind, "failures" | "burn_rate" | "sprt" | "msprt")
}

fn metric(section: &Section<'_>, kind: &str) -> Metric {
    match section.written("metric").map(|_| section.word("metric")) {
        Some("latency") => Metric::Latency,
        Some("both") => Metric::Both,
        None if kind == "robust" => Metric::Both,
        _ => Metric::Errors,
    }
}

/// The kind with its own keys, and what is wrong with them.
fn kind(section: &Section<'_>, word: &str, metric: Metric) -> (JudgeKind, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut conflict = |key: &str, message: &str, hint: &str| {
        problems.push(Diagnostic::new(Code::Conflict, section.place(key), message, hint));
    };
    let alpha = |default| match section.written("alpha") {
        Some(_) => section.share("alpha"),
        None => Share(default),
    };
    let kind = match word {
        "threshold" => threshold(section, metric, &mut conflict),
        "relative" => JudgeKind::Relative {
            factor: section.number("factor"),
            scrapes: section.count("scrapes"),
        },
        "failures" => JudgeKind::Failures {
            count: section.count("count"),
            over: match section.word("over") {
                "batch" => Over::Batch,
                "row" => Over::Row,
                _ => Over::All,
            },
        },
        "burn_rate" => {
            let (long, short) = (section.span("long"), section.span("short"));
            if short > long || short < section.span("interval") {
                let message = "the short window lies between one scrape and the long window";
                conflict("short", message, "long = \"1h\" and short = \"5m\"");
            }
            let slo = section.share("slo");
            if slo.0 >= 1.0 {
                conflict("slo", "a promise without a budget cannot be burnt", "slo = \"99.9%\"");
            }
            JudgeKind::BurnRate { slo, burn: section.number("burn"), long, short }
        }
        "kayenta" => JudgeKind::Kayenta {
            samples: section.count("samples"),
            confidence: inner(section, "confidence", &mut conflict),
            tolerance: section.number("tolerance"),
            increase: section.number("increase"),
        },
        "sprt" => {
            let (p0, p1) = (section.share("p0"), section.share("p1"));
            if !(p0.0 > 0.0 && p0.0 < p1.0 && p1.0 < 1.0) {
                let hint = "p0 = \"0.1%\" and p1 = \"1%\"";
                conflict("p1", "`p0` is above zero and below `p1`, which is below 100 %", hint);
            }
            let poisson = section.word("law") == "poisson";
            let law = if poisson { ErrorLaw::Poisson } else { ErrorLaw::Bernoulli };
            let (alpha, beta) = (alpha(0.01), section.share("beta"));
            JudgeKind::Sprt { p0, p1, alpha, beta, law }
        }
        "msprt" => JudgeKind::Msprt { alpha: alpha(0.01) },
        _ => JudgeKind::Robust {
            samples: section.count("samples"),
            alpha: alpha(0.017),
            slower: section.share("slower"),
            worse: section.share("worse"),
            margin: section.share("margin"),
            host_noise: section.share("host_noise"),
        },
    };
    for name in ["alpha", "beta"] {
        if section.written(name).is_some() {
            inner(section, name, &mut conflict);
        }
    }
    (kind, problems)
}

fn threshold(
    section: &Section<'_>,
    metric: Metric,
    conflict: &mut impl FnMut(&str, &str, &str),
) -> JudgeKind {
    let limit = match section.written("limit").map(|_| section.value("limit")) {
        Some(Value::Share(share)) if metric != Metric::Latency => share.0,
        Some(Value::Span(span)) if metric == Metric::Latency => span.as_secs_f64(),
        Some(_) => {
            let hint = "metric = \"latency\" takes a duration, \"errors\" a share";
            conflict("limit", "`limit` does not fit the metric", hint);
            0.01
        }
        None if metric == Metric::Latency => {
            conflict("metric", "nothing says which latency is bad", "limit = \"200ms\"");
            0.01
        }
        None => 0.01,
    };
    JudgeKind::Threshold { limit, scrapes: section.count("scrapes") }
}

/// A share that is neither nothing nor all.
fn inner(section: &Section<'_>, key: &str, conflict: &mut impl FnMut(&str, &str, &str)) -> Share {
    let share = section.share(key);
    if !(share.0 > 0.0 && share.0 < 1.0) {
        let message = format!("`{key}` is above 0 % and below 100 %");
        conflict(key, &message, &format!("{key} = \"2%\""));
    }
    share
}

/// Keys that a judge of this kind does not read.
fn beside_the_point(section: &Section<'_>, word: &str) -> Vec<Diagnostic> {
    let Some((_, own)) = keys::KINDS.iter().find(|(kind, _)| *kind == word) else {
        return Vec::new();
    };
    let mut others: Vec<&str> = keys::KINDS.iter().flat_map(|(_, keys)| *keys).copied().collect();
    others.sort_unstable();
    others.dedup();
    let complain = |key: &&str| {
        let entry = section.written(key)?;
        let message = format!("`{key}` has no meaning: a judge of kind `{word}` does not read it");
        let hint = format!("it reads {}", own.join(", "));
        Some(Diagnostic::new(Code::Conflict, entry.key_at, message, hint))
    };
    others.iter().filter(|key| !own.contains(key)).filter_map(complain).collect()
}

#[cfg(test)]
mod tests;
