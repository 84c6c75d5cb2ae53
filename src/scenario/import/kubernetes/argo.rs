//! How an Argo Rollout rolls: canary or blue-green.
//!
//! Source: Argo Rollouts' specification and `utils/defaults/defaults.go`.

use serde_json::Value;

use super::analysis::{self, Analysis};
use super::deployment::fenceposts;
use super::workload::{Rules, Workload};
use crate::scenario::import::ImportError;
use crate::scenario::import::fields::{Bare, Fields};
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::TomlText;
use crate::units::{CountOrPercent, Rounding, Span};

const THIRTY: Span = Span::from_secs(30);
const PIPELINE: &str = "nobody beside Argo: it aborts on a failed analysis";

/// Reads `spec.strategy`.
pub(super) fn read(spec: &Fields<'_>, objects: &[Value]) -> Result<Box<dyn Rules>, ImportError> {
    spec.skip(&["workloadRef"]);
    let strategy = spec.child("strategy")?;
    let abort = spec.flag("progressDeadlineAbort")?;
    let (canary, blue_green) = (strategy.child("canary")?, strategy.child("blueGreen")?);
    match (strategy.get("canary"), strategy.get("blueGreen")) {
        (None, Some(_)) => Ok(Box::new(BlueGreen::read(&blue_green, abort, objects)?)),
        (Some(_), None) => Ok(Box::new(Canary::read(&canary, abort, objects)?)),
        _ => Err(spec
            .error("strategy", "the Rollout has neither spec.strategy.canary nor blueGreen")
            .hint("Argo Rollouts needs exactly one of them")),
    }
}

/// `spec.strategy.canary`.
#[derive(Debug)]
struct Canary {
    steps: Vec<String>,
    routed: bool,
    surge: Option<CountOrPercent>,
    unavailable: Option<CountOrPercent>,
    abort: Option<bool>,
    /// Keys of the table that count with a traffic router only.
    routing: Vec<(&'static str, String, &'static str)>,
    threshold: Option<CountOrPercent>,
    analysis: Option<Analysis>,
    starting_step: u32,
    pauses: Span,
    forever: bool,
    first_weight: u32,
    read: Vec<String>,
    ignored: Vec<String>,
}

impl Canary {
    fn read(
        fields: &Fields<'_>,
        abort: Option<bool>,
        objects: &[Value],
    ) -> Result<Self, ImportError> {
        let routing = fields.child("trafficRouting")?;
        let mut canary = Self {
            steps: Vec::new(),
            routed: routing.is_there(),
            surge: amount(fields, "maxSurge")?,
            unavailable: amount(fields, "maxUnavailable")?,
            abort,
            routing: Vec::new(),
            threshold: threshold(&fields.child("replicaProgressThreshold")?)?,
            analysis: None,
            starting_step: 0,
            pauses: Span::ZERO,
            forever: false,
            first_weight: 100,
            read: Vec::new(),
            ignored: Vec::new(),
        };
        if canary.surge.is_some_and(CountOrPercent::is_zero)
            && canary.unavailable.is_some_and(CountOrPercent::is_zero)
        {
            return Err(fields
                .error("maxSurge", "maxSurge and maxUnavailable are both 0")
                .hint("Argo refuses that: nothing could ever be replaced"));
        }
        let background = fields.child("analysis")?;
        canary.analysis = analysis::read(&background, objects)?;
        canary.starting_step = background.count("startingStep")?.unwrap_or(0);
        canary.read.extend(canary.analysis.iter().map(|a| a.text.clone()));
        for step in fields.children("steps")? {
            canary.step(&step, objects)?;
        }
        canary.read_routing(fields, &routing)?;
        fields.skip(&["canaryService", "stableService"]);
        let unused = fields.unread("canary.");
        if !unused.is_empty() {
            canary.ignored.push(format!("{} (not used)", unused.join(", ")));
        }
        Ok(canary)
    }

    fn step(&mut self, step: &Fields<'_>, objects: &[Value]) -> Result<(), ImportError> {
        if let Some(weight) = step.count("setWeight")? {
            if self.first_weight == 100 && weight > 0 {
                self.first_weight = weight;
            }
            self.steps.push(format!("{{ set_weight = {weight} }}"));
        } else if step.get("pause").is_some() {
            let length = step.child("pause")?.span("duration", Bare::Seconds)?;
            if let Some(length) = length.filter(|length| *length > Span::ZERO) {
                self.pauses += length;
                self.steps.push(format!("{{ pause = \"{length}\" }}"));
            } else {
                self.forever = true;
                self.steps.push("{ pause = \"forever\" }".to_owned());
            }
        } else if step.get("setCanaryScale").is_some() {
            let scale = step.child("setCanaryScale")?;
            let text = match (scale.count("replicas")?, scale.count("weight")?) {
                (Some(replicas), _) => format!("replicas = {replicas}"),
                (None, Some(weight)) => format!("weight = {weight}"),
                (None, None) => "match_traffic_weight = true".to_owned(),
            };
            if self.routed {
                self.steps.push(format!("{{ set_canary_scale = {{ {text} }} }}"));
            } else {
                let why = "Argo heeds it with a traffic router only";
                self.ignored.push(format!("step setCanaryScale {text} ({why})"));
            }
        } else if step.get("analysis").is_some() {
            if let Some(analysis) = analysis::read(&step.child("analysis")?, objects)? {
                self.steps.push(format!("{{ analysis = {} }}", analysis.toml));
                self.read.push(format!("step {}", analysis.text));
            }
        } else if step.get("experiment").is_some() {
            let length = step.child("experiment")?.span("duration", Bare::Seconds)?;
            let length = length.unwrap_or(Span::from_secs(600));
            self.pauses += length;
            self.steps.push(format!("{{ experiment = \"{length}\" }}"));
            self.read.push(format!("step experiment: taken for a wait of {length}"));
        } else {
            let names = step.unread("").join(", ");
            self.ignored.push(format!("step {names} (not modelled)"));
        }
        Ok(())
    }

    fn read_routing(
        &mut self,
        fields: &Fields<'_>,
        routing: &Fields<'_>,
    ) -> Result<(), ImportError> {
        let mut found: Vec<(&'static str, String, &'static str)> = Vec::new();
        if let Some(weight) = routing.count("maxTrafficWeight")? {
            found.push(("max_weight", weight.to_string(), "maxTrafficWeight"));
        }
        if let Some(on) = fields.flag("dynamicStableScale")? {
            found.push(("dynamic_stable_scale", on.to_string(), "dynamicStableScale"));
        }
        if let Some(least) = fields.count("minPodsPerReplicaSet")? {
            found.push(("min_pods_per_replica_set", least.to_string(), "minPodsPerReplicaSet"));
        }
        for (key, theirs) in [
            ("scale_down_delay", "scaleDownDelaySeconds"),
            ("abort_scale_down_delay", "abortScaleDownDelaySeconds"),
        ] {
            if let Some(delay) = fields.span(theirs, Bare::Seconds)? {
                found.push((key, parts::quoted_secs(delay), theirs));
            }
        }
        if self.routed {
            self.routing = found;
        } else if !found.is_empty() {
            let keys: Vec<&str> = found.iter().map(|(_, _, theirs)| *theirs).collect();
            self.ignored.push(format!("{} (without a traffic router)", keys.join(", ")));
        }
        Ok(())
    }

    fn both(&self, n: u32) -> (u32, u32) {
        let quarter = CountOrPercent::Percent(25.0);
        fenceposts(self.surge.unwrap_or(quarter), self.unavailable.unwrap_or(quarter), n)
    }
}

/// An amount; Argo reads a text without `%` as a percentage all the same.
fn amount(fields: &Fields<'_>, key: &str) -> Result<Option<CountOrPercent>, ImportError> {
    let is_text = fields.get(key).is_some_and(Value::is_string);
    Ok(match fields.amount(key)? {
        Some(CountOrPercent::Count(number)) if is_text => {
            Some(CountOrPercent::Percent(f64::from(number)))
        }
        amount => amount,
    })
}

/// `{ type: Percent, value: "90" }`.
fn threshold(fields: &Fields<'_>) -> Result<Option<CountOrPercent>, ImportError> {
    let percent = fields.word("type", &["Percent", "Pods", "Pod"])?.is_none_or(|t| t == "Percent");
    Ok(fields.amount("value")?.map(|value| match value {
        CountOrPercent::Count(n) if percent => CountOrPercent::Percent(f64::from(n)),
        value => value,
    }))
}

impl Rules for Canary {
    fn floor(&self, n: u32) -> (u32, String) {
        if self.routed {
            return (n, "the stable set stays whole under a traffic router".to_owned());
        }
        let (_, down) = self.both(n);
        (n - down, format!("replicas {n} - unavailable {down}, as the strategy means"))
    }

    fn waves(&self, n: u32) -> u32 {
        let (surge, down) = self.both(n);
        let last = if self.routed { 1 } else { n.div_ceil((surge + down).max(1)) };
        last + self.steps.iter().filter(|step| step.contains("set_weight")).count() as u32
    }

    fn pauses(&self) -> Span {
        self.pauses
    }

    fn waits(&self) -> Option<String> {
        self.forever.then(|| format!("a step pauses until somebody promotes; {}", parts::PROMOTE))
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32) {
        out.table("strategy.argo_canary");
        if self.steps.is_empty() {
            out.value("steps", "[]", "no steps: an ordinary rolling update");
        } else {
            out.raw("steps = [");
            for step in &self.steps {
                out.raw(&format!("  {step},"));
            }
            out.raw("]");
        }
        let why = if self.routed { "trafficRouting" } else { "no trafficRouting: weights by pods" };
        out.value("traffic_routing", &self.routed.to_string(), why);
        let (surge, down) = self.both(n);
        let quarter = CountOrPercent::Percent(25.0);
        let source = parts::source("maxSurge", self.surge.is_some());
        let comment = format!("{source}; rounded up, {surge} of {n}");
        out.value("max_surge", &parts::amount(self.surge.unwrap_or(quarter)), &comment);
        let source = parts::source("maxUnavailable", self.unavailable.is_some());
        let comment = format!("{source}; rounded down, {down} of {n}");
        out.value("max_unavailable", &parts::amount(self.unavailable.unwrap_or(quarter)), &comment);
        workload.write_deadlines(out, "");
        let key = ("progress_deadline_abort", "progressDeadlineAbort");
        parts::stated(out, key, self.abort, false, ToString::to_string);
        for (key, value, theirs) in &self.routing {
            out.value(key, value, theirs);
        }
        if let Some(threshold) = self.threshold {
            let key = "replica_progress_threshold";
            out.value(key, &parts::amount(threshold), "replicaProgressThreshold");
        }
        if let Some(analysis) = &self.analysis {
            out.value("analysis", &analysis.toml, "canary.analysis");
            let step = self.starting_step.to_string();
            out.value("analysis_starting_step", &step, "startingStep");
        }
    }

    fn text(&self, workload: &Workload, n: u32) -> String {
        let (surge, down) = self.both(n);
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        let deadline = workload.progress_deadline;
        let first = match self.first_weight {
            _ if self.steps.is_empty() => String::new(),
            weight => {
                let pods = CountOrPercent::Percent(f64::from(weight)).of(n, Rounding::Up);
                format!(", first weight {weight} ({pods} of {n} pods)")
            }
        };
        format!(
            "strategy canary, {} steps{first}, trafficRouting {}, maxSurge {surge}{}, \
             maxUnavailable {down}{}, progressDeadlineSeconds {}{}",
            self.steps.len(),
            if self.routed { "yes" } else { "none" },
            mark(self.surge.is_some()),
            mark(self.unavailable.is_some()),
            deadline.value,
            deadline.mark()
        )
    }

    fn read_list(&self) -> Vec<String> {
        self.read.clone()
    }

    fn ignored(&self) -> Vec<String> {
        self.ignored.clone()
    }

    fn pipeline(&self) -> &'static str {
        PIPELINE
    }
}

/// `spec.strategy.blueGreen`.
#[derive(Debug)]
struct BlueGreen {
    preview: Option<u32>,
    promotion: Option<bool>,
    seconds: Option<Span>,
    before: Option<Analysis>,
    after: Option<Analysis>,
    delay: Option<Span>,
    abort_delay: Option<Span>,
    abort: Option<bool>,
    ignored: Vec<String>,
}

impl BlueGreen {
    fn read(
        fields: &Fields<'_>,
        abort: Option<bool>,
        objects: &[Value],
    ) -> Result<Self, ImportError> {
        let mut rules = Self {
            preview: fields.count("previewReplicaCount")?.filter(|count| *count > 0),
            promotion: fields.flag("autoPromotionEnabled")?,
            seconds: fields.span("autoPromotionSeconds", Bare::Seconds)?,
            before: analysis::read(&fields.child("prePromotionAnalysis")?, objects)?,
            after: analysis::read(&fields.child("postPromotionAnalysis")?, objects)?,
            delay: fields.span("scaleDownDelaySeconds", Bare::Seconds)?,
            abort_delay: fields.span("abortScaleDownDelaySeconds", Bare::Seconds)?,
            abort,
            ignored: Vec::new(),
        };
        fields.skip(&["activeService", "previewService"]);
        let unused = fields.unread("blueGreen.");
        if !unused.is_empty() {
            rules.ignored.push(format!("{} (not used)", unused.join(", ")));
        }
        Ok(rules)
    }
}

impl Rules for BlueGreen {
    fn floor(&self, n: u32) -> (u32, String) {
        (n, "the old set stays whole until the switch".to_owned())
    }

    fn waves(&self, _: u32) -> u32 {
        2
    }

    fn pauses(&self) -> Span {
        self.seconds.unwrap_or(Span::ZERO) + self.delay.unwrap_or(THIRTY)
    }

    fn waits(&self) -> Option<String> {
        let by_hand = self.promotion == Some(false) && self.seconds.is_none();
        by_hand.then(|| format!("autoPromotionEnabled is false; {}", parts::PROMOTE))
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, _: u32) {
        out.table("strategy.argo_bluegreen");
        let source = parts::source("previewReplicaCount", self.preview.is_some());
        let preview = self.preview.map_or("\"all\"".to_owned(), |count| count.to_string());
        out.value("preview_replica_count", &preview, &source);
        let key = ("auto_promotion_enabled", "autoPromotionEnabled");
        parts::stated(out, key, self.promotion, true, ToString::to_string);
        let show = |s: &Span| parts::quoted_secs(*s);
        let key = ("auto_promotion_seconds", "autoPromotionSeconds");
        parts::stated(out, key, self.seconds, Span::ZERO, show);
        for (key, analysis) in
            [("pre_promotion_analysis", &self.before), ("post_promotion_analysis", &self.after)]
        {
            if let Some(analysis) = analysis {
                out.value(key, &analysis.toml, "");
            }
        }
        let key = ("scale_down_delay", "scaleDownDelaySeconds");
        parts::stated(out, key, self.delay, THIRTY, show);
        let key = ("abort_scale_down_delay", "abortScaleDownDelaySeconds");
        parts::stated(out, key, self.abort_delay, THIRTY, show);
        workload.write_deadlines(out, "");
        let key = ("progress_deadline_abort", "progressDeadlineAbort");
        parts::stated(out, key, self.abort, false, ToString::to_string);
    }

    fn text(&self, workload: &Workload, _: u32) -> String {
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        let deadline = workload.progress_deadline;
        format!(
            "strategy blueGreen, previewReplicaCount {}, autoPromotionEnabled {}{}, \
             autoPromotionSeconds {}{}, scaleDownDelaySeconds {}{}, progressDeadlineSeconds {}{}",
            self.preview.map_or("all (default)".to_owned(), |count| count.to_string()),
            self.promotion.unwrap_or(true),
            mark(self.promotion.is_some()),
            self.seconds.unwrap_or(Span::ZERO),
            mark(self.seconds.is_some()),
            self.delay.unwrap_or(THIRTY),
            mark(self.delay.is_some()),
            deadline.value,
            deadline.mark()
        )
    }

    fn read_list(&self) -> Vec<String> {
        let before = self.before.iter().map(|a| format!("prePromotion {}", a.text));
        let after = self.after.iter().map(|a| format!("postPromotion {}", a.text));
        before.chain(after).collect()
    }

    fn ignored(&self) -> Vec<String> {
        self.ignored.clone()
    }

    fn pipeline(&self) -> &'static str {
        PIPELINE
    }
}
