//! `rollcast explain`: an orchestrator, a key, a table, an outcome, or the code of a diagnostic;
//! in general, or for the fleet of a scenario.

use std::path::Path;

use super::args::{Changes, Explain};
use super::exit::Exit;
use super::{input, lints, manual, numbers, planes, terminal, why};
use crate::lint::lint;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::gate::Unit;
use crate::scenario::pieces::Preset;
use crate::scenario::settings::Orchestrator;
use crate::scenario::{OutcomeKey, Scenario, keys};

pub(super) fn run(explain: &Explain) -> anyhow::Result<Exit> {
    let what = explain.what.as_str();
    // `explain checkout.toml` is about the scenario alone.
    let alone =
        explain.scenario.is_none() && what.contains(['/', '.']) && Path::new(what).is_file();
    if alone || explain.step || explain.why.is_asked() {
        let file = if alone {
            Path::new(what)
        } else {
            explain.scenario.as_deref().unwrap_or(Path::new(what))
        };
        if explain.why.is_asked() {
            return why::run(&explain.why, file, &explain.set);
        }
        let named = (!alone).then_some(what);
        return with_scenario(
            explain,
            file,
            |scenario| Ok(numbers::page(scenario, explain.step)),
            named,
        );
    }
    if let Some(file) = &explain.scenario {
        return with_scenario(explain, file, |scenario| about(what, scenario), Some(what));
    }
    if what == "lints" {
        let page = if explain.markdown { lints::markdown() } else { lints::list() };
        return terminal::out(&page).map(|()| Exit::Done);
    }
    if let Some(of) = Orchestrator::ALL.iter().find(|of| of.name() == what) {
        return manual::print(*of, explain.markdown).map(|()| Exit::Done);
    }
    show(text(what), what)
}

fn show(text: Result<String, Option<String>>, what: &str) -> anyhow::Result<Exit> {
    match text {
        Ok(text) => terminal::out(&text).map(|()| Exit::Done),
        Err(near) => {
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            terminal::error_line(&format!("error: nothing is called {what}{hint}"));
            Ok(Exit::BadScenario)
        }
    }
}

/// Explains by a scenario; under another orchestrator than its own if that is what is asked for.
fn with_scenario(
    explain: &Explain,
    file: &Path,
    text: impl Fn(&Scenario) -> Result<String, Option<String>>,
    what: Option<&str>,
) -> anyhow::Result<Exit> {
    let named = Orchestrator::ALL.iter().find(|of| Some(of.name()) == what);
    let strategy = named.map(|of| of.name().to_owned());
    let changes = Changes { set: explain.set.clone(), strategy, ..Changes::default() };
    let mut checked = input::scenario(Some(file), &changes)?;
    input::allow_stuck(&mut checked.diagnostics);
    let Some(scenario) = checked.scenario.as_ref().filter(|_| checked.errors() == 0) else {
        let errors = render(&checked.diagnostics, &checked.source, Format::Human);
        terminal::error_line(&errors);
        return Ok(Exit::BadScenario);
    };
    show(text(scenario), what.unwrap_or(&explain.what))
}

/// A key, a code or an orchestrator, and what it comes to in a scenario.
fn about(what: &str, scenario: &Scenario) -> Result<String, Option<String>> {
    if Orchestrator::ALL.iter().any(|of| of.name() == what) {
        return Ok(numbers::page(scenario, true));
    }
    let mut page = text(what).or_else(|near| {
        // `max_surge` is a key of the scenario's strategy.
        text(&format!("{}.{what}", scenario.strategy.orchestrator().table().path)).map_err(|_| near)
    })?;
    let codes: Vec<_> = Code::ALL.iter().filter(|c| c.text().eq_ignore_ascii_case(what)).collect();
    if codes.is_empty() {
        page += &numbers::of_key(scenario, what);
    } else {
        let found: Vec<_> =
            lint(scenario).into_iter().filter(|f| codes.contains(&&f.code)).collect();
        for finding in &found {
            let (message, key, label) = (&finding.message, &finding.key, &finding.label);
            page.extend(["\nhere: ", message, "\n  ", key, ": ", label, "\n"]);
            for (key, label) in &finding.related {
                page.extend(["  ", key, ": ", label, "\n"]);
            }
        }
        if found.is_empty() {
            page += "\nhere: not found\n";
        }
    }
    Ok(page)
}

fn text(what: &str) -> Result<String, Option<String>> {
    if let Some(code) = Code::ALL.iter().find(|code| code.text().eq_ignore_ascii_case(what)) {
        return Ok(lints::text(*code));
    }
    if let Some(key) = OutcomeKey::ALL.iter().find(|key| key.name() == what) {
        return Ok(outcome(*key));
    }
    if Preset::ALL.iter().any(|preset| preset.kind() == what || preset.name() == what) {
        return Ok(planes::text(what));
    }
    let mut found = keys::help(what);
    if what.trim_matches(|c| c == '[' || c == ']') == "data_plane" {
        found = found.map(|page| page + &planes::list());
    }
    // As in `--set`: `strategy.batch` is that key of the strategy which has one.
    if let (Err(_), Some(key)) = (&found, what.strip_prefix("strategy.")) {
        let full = |of: &Orchestrator| keys::help(&format!("{}.{key}", of.table().path)).ok();
        found = Orchestrator::ALL.iter().find_map(full).map_or(found, Ok);
    }
    found
}

/// What an outcome is, in which unit, and how a gate is written with it.
fn outcome(key: OutcomeKey) -> String {
    let (name, about) = (key.name(), key.describe());
    let (unit, gate) = match key.unit() {
        Unit::Seconds => ("a time", format!("p95({name}) <= 5m")),
        Unit::Share => ("a share", format!("{name} <= 1%")),
        Unit::Instances => ("a number of instances", format!("{name} >= 90%")),
        Unit::Number => ("a number", format!("p95({name}) <= 100")),
        Unit::InstanceSeconds => ("instance-seconds", format!("p95({name}) <= 600")),
        Unit::Event => ("true in some runs", format!("p({name}) <= 5%")),
    };
    let traffic = if key.needs_traffic() { "; needs [traffic]" } else { "" };
    format!("{name}  an outcome, {unit}{traffic}\n  {about}\n\n  a gate   \"{gate}\"\n")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn codes_outcomes_and_keys_are_explained() {
        assert!(text("e012").unwrap().starts_with("E012  No key"));
        assert!(text("serving_min").unwrap().contains("Lowest number"));
        assert!(text("given_up").unwrap().contains("p(given_up) <= 5%"));
        assert!(text("shutdown.grace").unwrap().contains("SIGKILL"));
        assert!(text("strategy.batch").unwrap().starts_with("strategy.generic.batch"));
        let haproxy = text("haproxy").unwrap();
        assert!(haproxy.contains("data_plane.check = \"2s\"\n      HAProxy"), "{haproxy}");
        assert!(text("kube-proxy").unwrap().contains("mode = \"ipvs\""));
        assert!(text("data_plane").unwrap().contains("kamal-proxy"));
        assert_eq!(text("shutdown.grase"), Err(Some("shutdown.grace".to_owned())));
    }
}
