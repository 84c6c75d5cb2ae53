//! An analysis of Argo Rollouts: the templates that a Rollout names, if they are in the file.
//!
//! Source: Argo Rollouts `AnalysisTemplate` (metrics with `interval`, `count`, `failureLimit` …)
//! and the defaults of `utils/defaults`.

use serde_json::Value;

use super::documents::text_at;
use crate::scenario::import::ImportError;
use crate::scenario::import::fields::{Bare, Fields};

/// An analysis in TOML, and what it was made from.
#[derive(Debug, Clone)]
pub(super) struct Analysis {
    /// `{ interval = "1m", … }`.
    pub(super) toml: String,
    /// For the list of what was read.
    pub(super) text: String,
}

/// Reads `{ templates: [{ templateName: x }] }`.
pub(super) fn read(
    fields: &Fields<'_>,
    objects: &[Value],
) -> Result<Option<Analysis>, ImportError> {
    if !fields.is_there() {
        return Ok(None);
    }
    let mut names = Vec::new();
    for template in fields.children("templates")? {
        names.extend(template.text("templateName"));
    }
    names.extend(fields.text("templateName"));
    fields.skip(&["args", "dryRun", "measurementRetention", "startingStep"]);
    let named = |object: &&Value| {
        text_at(object, "/kind").ends_with("AnalysisTemplate")
            && names.iter().any(|name| name == text_at(object, "/metadata/name"))
    };
    let shown = names.join(", ");
    let Some(template) = objects.iter().find(named) else {
        let toml = "{ interval = \"1m\", count = 5, max_error_share = \"5%\" }".to_owned();
        let text = format!("analysis {shown}: its template is not in the file, taken as {toml}");
        return Ok(Some(Analysis { toml, text }));
    };
    let root = Fields::root(template)?;
    let metrics = root.child("spec")?.children("metrics")?;
    // One measure stands for all: that of errors, if one looks like it, else the first.
    let about_errors = |metric: &&Fields<'_>| {
        let name = metric.text("name").unwrap_or_default();
        ["success", "error", "fail"].iter().any(|word| name.contains(word))
    };
    let Some(metric) = metrics.iter().find(about_errors).or(metrics.first()) else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    let interval = metric.span("interval", Bare::Seconds)?;
    if let Some(interval) = interval {
        parts.push(format!("interval = \"{interval}\""));
    }
    if let Some(count) = metric.count("count")? {
        // Without an interval Argo measures once.
        if interval.is_some() || count == 1 {
            parts.push(format!("count = {count}"));
        }
    }
    if let Some(delay) = metric.span("initialDelay", Bare::Seconds)? {
        parts.push(format!("initial_delay = \"{delay}\""));
    }
    for (key, theirs) in [
        ("failure_limit", "failureLimit"),
        ("inconclusive_limit", "inconclusiveLimit"),
        ("consecutive_error_limit", "consecutiveErrorLimit"),
        ("consecutive_success_limit", "consecutiveSuccessLimit"),
    ] {
        if let Some(limit) = metric.count(theirs)? {
            parts.push(format!("{key} = {limit}"));
        }
    }
    let condition = metric.text("successCondition").unwrap_or_default();
    let share = error_share(&condition);
    let percent = share.unwrap_or(5.0);
    parts.push(format!("max_error_share = \"{percent}%\""));
    let name = metric.text("name").unwrap_or_else(|| "?".to_owned());
    let from = match share {
        Some(_) => format!("successCondition {condition}"),
        None => "assumed: the condition does not say it".to_owned(),
    };
    let more = metrics.len() - 1;
    let others = if more > 0 { format!("; metrics left out: {more}") } else { String::new() };
    let toml = format!("{{ {} }}", parts.join(", "));
    let text = format!("analysis {shown}, metric {name}: {toml} (error share: {from}){others}");
    Ok(Some(Analysis { toml, text }))
}

/// Percent of errors that a condition on the share of successes or of errors allows:
/// `result[0] >= 0.95` is 5.
fn error_share(condition: &str) -> Option<f64> {
    let at = condition.find(['>', '<'])?;
    let above = condition[at..].starts_with('>');
    let rest = condition[at + 1..].trim_start_matches('=').trim_start();
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let number: f64 = number.parse().ok()?;
    let share = match (above, number) {
        (true, n) if (0.5..1.0).contains(&n) => 1.0 - n,
        (true, n) if (50.0..100.0).contains(&n) => 1.0 - n / 100.0,
        (false, n) if n < 0.5 => n,
        _ => return None,
    };
    Some((share * 1e6).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::error_share;

    #[test]
    fn conditions() {
        assert_eq!(error_share("result[0] >= 0.95"), Some(5.0));
        assert_eq!(error_share("result > 99.9"), Some(0.1));
        assert_eq!(error_share("result[0] <= 0.02"), Some(2.0));
        assert_eq!(error_share("result[0] < 500"), None);
        assert_eq!(error_share("default(result, 1) == 1"), None);
    }
}
