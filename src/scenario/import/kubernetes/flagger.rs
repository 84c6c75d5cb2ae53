//! How a Flagger Canary rolls the Deployment behind it.
//!
//! Source: Flagger `pkg/apis/flagger/v1beta1/canary.go` and its defaults.

use serde_json::Value;

use super::deployment::{self, Deployment};
use super::documents::title;
use super::workload::{Rules, Workload};
use crate::scenario::import::ImportError;
use crate::scenario::import::fields::{Bare, Fields};
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::{TomlText, quoted};
use crate::units::Span;

/// `spec` of a Canary, and the Deployment's own strategy.
#[derive(Debug)]
pub(super) struct Flagger {
    target: Deployment,
    target_title: String,
    provider: Option<String>,
    interval: Option<Span>,
    counts: Vec<(&'static str, u32, &'static str)>,
    weights: Vec<u32>,
    success: Option<(f64, f64)>,
    skip: bool,
    confirm: Vec<&'static str>,
    ignored: Vec<String>,
}

/// Reads `spec`; `target` is the Deployment.
pub(super) fn read(spec: &Fields<'_>, target: &Value) -> Result<Flagger, ImportError> {
    spec.skip(&["targetRef", "service", "autoscalerRef", "revertOnDeletion"]);
    let analysis = match spec.child("analysis")? {
        analysis if analysis.is_there() => analysis,
        _ => spec.child("canaryAnalysis")?,
    };
    let mut counts = Vec::new();
    for (key, theirs) in [
        ("threshold", "threshold"),
        ("max_weight", "maxWeight"),
        ("step_weight", "stepWeight"),
        ("step_weight_promotion", "stepWeightPromotion"),
        ("iterations", "iterations"),
        ("canary_ready_threshold", "canaryReadyThreshold"),
        ("primary_ready_threshold", "primaryReadyThreshold"),
    ] {
        // Zero is "not set" for Flagger.
        let count = analysis.count(theirs)?.filter(|count| *count > 0);
        counts.extend(count.map(|count| (key, count, theirs)));
    }
    let mut weights = Vec::new();
    for weight in analysis.get("stepWeights").and_then(Value::as_array).into_iter().flatten() {
        let weight = weight.as_u64().filter(|weight| *weight <= 100);
        let weight = weight
            .ok_or_else(|| analysis.wrong("stepWeights", "a list of percentages from 0 to 100"))?;
        weights.push(weight as u32);
    }
    let mut flagger = Flagger {
        target: deployment::read(target, &title(target))?,
        target_title: title(target),
        provider: spec.text("provider"),
        interval: analysis.span("interval", Bare::Seconds)?,
        counts,
        weights,
        success: None,
        skip: spec.flag("skipAnalysis")?.unwrap_or(false),
        confirm: Vec::new(),
        ignored: Vec::new(),
    };
    flagger.metrics(&analysis)?;
    flagger.webhooks(&analysis)?;
    let unused = analysis.unread("analysis.");
    if !unused.is_empty() {
        flagger.ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    Ok(flagger)
}

impl Flagger {
    /// The success rate decides here; other metrics are listed.
    fn metrics(&mut self, analysis: &Fields<'_>) -> Result<(), ImportError> {
        for metric in analysis.children("metrics")? {
            let name = metric.text("name").unwrap_or_else(|| "?".to_owned());
            let range = metric.child("thresholdRange")?;
            let least = range.number("min")?.or(metric.number("threshold")?);
            match least {
                Some(least) if name == "request-success-rate" && least <= 100.0 => {
                    let errors = ((100.0 - least) * 1e6).round() / 1e6;
                    self.success = Some((least, errors));
                }
                _ => self
                    .ignored
                    .push(format!("metric {name} (only request-success-rate is modelled)")),
            }
        }
        Ok(())
    }

    fn webhooks(&mut self, analysis: &Fields<'_>) -> Result<(), ImportError> {
        for hook in analysis.children("webhooks")? {
            let name = hook.text("name").unwrap_or_else(|| "?".to_owned());
            match hook.text("type").as_deref() {
                Some("confirm-rollout") => self.confirm.push("confirm_rollout"),
                Some("confirm-promotion") => self.confirm.push("confirm_promotion"),
                kind => {
                    let kind = kind.unwrap_or("rollout");
                    self.ignored.push(format!("webhook {name}, {kind} (taken to succeed at once)"));
                }
            }
        }
        self.confirm.dedup();
        Ok(())
    }

    fn count(&self, key: &str) -> Option<u32> {
        self.counts.iter().find(|(name, ..)| *name == key).map(|(_, count, _)| *count)
    }

    fn without_mesh(&self) -> bool {
        self.provider.as_deref() == Some("kubernetes")
    }

    /// A tick, at least 10 s.
    fn tick(&self) -> Span {
        self.interval.unwrap_or(Span::from_secs(60)).max(Span::from_secs(10))
    }

    /// Ticks until the canary is promoted.
    fn ticks(&self) -> u32 {
        if self.skip {
            return 1;
        }
        let iterations = self.count("iterations").unwrap_or(10 * u32::from(self.without_mesh()));
        if iterations > 0 {
            return iterations;
        }
        if !self.weights.is_empty() {
            return self.weights.len() as u32;
        }
        let most = self.count("max_weight").unwrap_or(100);
        most.div_ceil(self.count("step_weight").unwrap_or(10).max(1))
    }
}

impl Rules for Flagger {
    fn floor(&self, n: u32) -> (u32, String) {
        let (_, down) = self.target.fenceposts(n);
        (n - down, format!("replicas {n} - unavailable {down} of the primary's own update"))
    }

    fn waves(&self, n: u32) -> u32 {
        // The canary at once, then the primary as a Deployment rolls.
        1 + self.target.waves(n)
    }

    fn pauses(&self) -> Span {
        self.tick() * f64::from(self.ticks() + 4)
    }

    fn waits(&self) -> Option<String> {
        (!self.confirm.is_empty())
            .then(|| format!("a webhook waits for somebody to confirm; {}", parts::PROMOTE))
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32) {
        out.table("strategy.flagger");
        let provider = if self.without_mesh() { "kubernetes" } else { "mesh" };
        let comment = match &self.provider {
            Some(provider) => format!("provider {provider}"),
            None => "no provider: the one Flagger was installed for".to_owned(),
        };
        if self.provider.is_some() {
            out.value("provider", &quoted(provider), &comment);
        } else {
            out.assumed("provider", &quoted(provider), "mesh..kubernetes", &comment);
        }
        let source = parts::source("analysis.interval", self.interval.is_some());
        out.value("interval", &parts::span(self.tick()), &source);
        for (key, count, theirs) in &self.counts {
            out.value(key, &count.to_string(), theirs);
        }
        if !self.weights.is_empty() {
            let weights: Vec<String> = self.weights.iter().map(ToString::to_string).collect();
            out.value("step_weights", &format!("[{}]", weights.join(", ")), "stepWeights");
        }
        if let Some((least, errors)) = self.success {
            let comment = format!("request-success-rate min {least}");
            out.value("max_error_share", &quoted(&format!("{errors}%")), &comment);
        } else {
            let why = "no metric request-success-rate";
            out.assumed("max_error_share", "\"1%\"", "0.1%..10%", why);
        }
        if self.skip {
            out.value("skip_analysis", "true", "skipAnalysis");
        }
        for key in &self.confirm {
            out.value(key, "true", "a webhook; somebody must `promote`");
        }
        let (surge, down) = self.target.fenceposts(n);
        let source = self.target.surge.source("maxSurge");
        let comment = format!("{source}; rounded up, {surge} of {n}");
        out.value("max_surge", &parts::amount(self.target.surge.value), &comment);
        let source = self.target.unavailable.source("maxUnavailable");
        let comment = format!("{source}; rounded down, {down} of {n}");
        out.value("max_unavailable", &parts::amount(self.target.unavailable.value), &comment);
        workload.write_deadlines(out, "");
    }

    fn text(&self, workload: &Workload, n: u32) -> String {
        let (surge, down) = self.target.fenceposts(n);
        let deadline = workload.progress_deadline;
        format!(
            "target {}, interval {}, {} ticks to promotion, maxSurge {} → {surge}{}, \
             maxUnavailable {} → {down}{}, progressDeadlineSeconds {}{}",
            self.target_title,
            self.tick(),
            self.ticks(),
            self.target.surge.value,
            self.target.surge.mark(),
            self.target.unavailable.value,
            self.target.unavailable.mark(),
            deadline.value,
            deadline.mark()
        )
    }

    fn read_list(&self) -> Vec<String> {
        let mut read = Vec::new();
        if !self.counts.is_empty() || !self.weights.is_empty() {
            let mut words: Vec<String> =
                self.counts.iter().map(|(_, count, theirs)| format!("{theirs} {count}")).collect();
            if !self.weights.is_empty() {
                words.push(format!("stepWeights {:?}", self.weights));
            }
            read.push(format!("analysis: {}", words.join(", ")));
        }
        if let Some((least, errors)) = self.success {
            read.push(format!(
                "metric request-success-rate: at least {least}%, so {errors}% errors"
            ));
        }
        read
    }

    fn ignored(&self) -> Vec<String> {
        self.ignored.clone()
    }

    fn pipeline(&self) -> &'static str {
        "nobody beside Flagger: it rolls back by itself"
    }
}
