//! Distributions of durations.

use super::Env;
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::{DIST, quantile_of};
use crate::scenario::raw::{Entry, Fields, Section, Value};
use crate::scenario::recorded;
use crate::units::Span;

impl Env<'_> {
    /// The distribution of a key in a table.
    pub(in crate::scenario) fn dist(&mut self, path: &str, key: &str) -> Dist {
        let entry = self.section(path).entry(key);
        self.dist_of(&entry, None)
    }

    /// A distribution as written; `old` is what `like = "old"` means here.
    pub(in crate::scenario) fn dist_of(&mut self, entry: &Entry, old: Option<&Dist>) -> Dist {
        match &entry.value {
            Value::Span(span) => Dist::Fixed(*span),
            Value::Record(form, fields) => self.form(form, fields, old),
            other => unreachable!("a distribution is a duration or a table: {other:?}"),
        }
    }

    fn form(&mut self, form: &str, fields: &Fields, old: Option<&Dist>) -> Dist {
        let keys = DIST.iter().find(|f| f.name == form).map_or(&[][..], |f| f.keys);
        let section = self.inline(keys, fields);
        match form {
            "quantiles" => self.quantiles(fields),
            "exponential" => Dist::Exponential { mean: self.mean(&section) },
            "lognormal" => self.lognormal(&section),
            "gamma" => {
                let mean = self.mean(&section);
                Dist::Gamma { mean, cv: self.cv(&section, mean) }
            }
            "weibull" => {
                Dist::Weibull { scale: section.span("scale"), shape: section.number("shape") }
            }
            "pareto" => Dist::Pareto { min: section.span("min"), alpha: section.number("alpha") },
            "uniform" => self.uniform(&section),
            "recorded" => self.recorded(&section),
            "values" => self.values(&section),
            "like" => {
                if let Some(old) = old {
                    return Dist::Scaled(Box::new(old.clone()), section.number("factor"));
                }
                let hint = "give it a distribution of its own";
                self.bad_dist(fields, "only [versions.new] can be like the old one", hint)
            }
            "of" => {
                let inner = section.entry("of");
                let inner = self.dist_of(&inner, old);
                Dist::Scaled(Box::new(inner), section.number("factor"))
            }
            other => unreachable!("no distribution is called {other}"),
        }
    }

    /// Complains; the zero that stands in is never used.
    fn bad_dist(&mut self, fields: &Fields, message: &str, hint: &str) -> Dist {
        self.problem(Diagnostic::new(Code::BadDistribution, fields.at, message, hint));
        Dist::Fixed(Span::ZERO)
    }

    fn quantiles(&mut self, fields: &Fields) -> Dist {
        let point = |(key, entry): (&String, &Entry)| match entry.value {
            Value::Span(span) => quantile_of(key).map(|p| (p, span)),
            _ => None,
        };
        let mut points: Vec<(f64, Span)> = fields.entries.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if points.iter().any(|(p, _)| *p <= 0.0 || *p >= 1.0) {
            return self.bad_dist(fields, "a quantile lies between p0 and p100, ends excluded", "");
        }
        if points.windows(2).any(|w| w[0].0 == w[1].0) {
            return self.bad_dist(fields, "the same quantile is given twice", "");
        }
        if points.windows(2).any(|w| w[0].1 > w[1].1) {
            let hint = "a higher quantile has a longer duration";
            return self.bad_dist(fields, "these quantiles do not ascend", hint);
        }
        match points[..] {
            [] => unreachable!("chosen for having a quantile"),
            [_] => {
                let hint = "write { p50 = \"22s\", p95 = \"41s\" }, or a fixed duration";
                self.bad_dist(fields, "one quantile does not make a distribution", hint)
            }
            [a, b] if a.1 == b.1 => Dist::Fixed(a.1),
            [a, _] if a.1 == Span::ZERO => {
                self.bad_dist(fields, "a lognormal law has no quantile at zero", "")
            }
            [a, b] => Dist::lognormal_quantiles(a, b),
            _ => Dist::Quantiles(points),
        }
    }

    fn mean(&mut self, section: &Section<'_>) -> Span {
        let mean = section.span("mean");
        if mean == Span::ZERO {
            let at = section.place("mean");
            let problem =
                Diagnostic::new(Code::BadDistribution, at, "the mean must not be zero", "");
            self.problem(problem);
        }
        mean
    }

    /// The coefficient of variation, from `cv` or `sd`.
    fn cv(&mut self, section: &Section<'_>, mean: Span) -> f64 {
        match (section.written("cv").is_some(), section.written("sd").is_some()) {
            (true, false) => section.number("cv"),
            (false, true) => section.span("sd").as_secs_f64() / mean.as_secs_f64().max(1e-9),
            (both, _) => {
                let message = if both { "both `cv` and `sd`" } else { "neither `cv` nor `sd`" };
                self.bad_dist(section.fields, message, "write one of them: cv = 1.2");
                1.0
            }
        }
    }

    fn lognormal(&mut self, section: &Section<'_>) -> Dist {
        let has = |key: &str| section.fields.was_written(key);
        if has("mu") || has("sigma") {
            if !(has("mu") && has("sigma")) || has("mean") || has("cv") || has("sd") {
                let hint = "write mean and cv, or mu and sigma";
                return self.bad_dist(section.fields, "an incomplete lognormal law", hint);
            }
            return Dist::LogNormal { mu: section.number("mu"), sigma: section.number("sigma") };
        }
        if !has("mean") {
            let hint = "write mean = \"30ms\"";
            return self.bad_dist(section.fields, "`mean` is missing", hint);
        }
        let mean = self.mean(section);
        let cv = self.cv(section, mean);
        let seconds = mean.as_secs_f64().max(1e-9);
        Dist::lognormal_mean_sd(seconds, seconds * cv)
    }

    fn uniform(&mut self, section: &Section<'_>) -> Dist {
        let (low, high) = (section.span("low"), section.span("high"));
        if low > high {
            return self.bad_dist(section.fields, "`low` is above `high`", "");
        }
        Dist::Uniform { low, high }
    }

    fn recorded(&mut self, section: &Section<'_>) -> Dist {
        let path = self.base_dir.join(section.text("from"));
        match recorded::read_durations(&path, &section.text("column")) {
            Ok(mut values) if !values.is_empty() => {
                values.sort_unstable();
                Dist::Data(values)
            }
            Ok(_) => self.bad_dist(section.fields, "this file holds no values", ""),
            Err(error) => {
                let at = section.place("from");
                self.problem(recorded_problem(at, &error));
                Dist::Fixed(Span::ZERO)
            }
        }
    }

    fn values(&mut self, section: &Section<'_>) -> Dist {
        let of = |entry: Entry| if let Value::Span(span) = entry.value { Some(span) } else { None };
        let mut values: Vec<Span> = section.list("values").into_iter().filter_map(of).collect();
        if values.is_empty() {
            return self.bad_dist(section.fields, "no values", "write at least one");
        }
        values.sort_unstable();
        Dist::Data(values)
    }
}

/// A recorded file that cannot be read, as a complaint about where it is named.
pub(super) fn recorded_problem(
    at: crate::scenario::source::Place,
    error: &recorded::RecordedError,
) -> Diagnostic {
    let line = error.line.map_or(String::new(), |line| format!(" (its line {line})"));
    let message = format!("{}{line}", error.message);
    Diagnostic::new(Code::Recorded, at, message, error.hint.clone().unwrap_or_default())
}
