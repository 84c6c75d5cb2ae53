//! `rollcast explain`: an orchestrator, a key, a table, an outcome, or the code of a diagnostic.

use super::exit::Exit;
use super::{manual, terminal};
use crate::scenario::codes::Code;
use crate::scenario::settings::Orchestrator;
use crate::scenario::{OutcomeKey, keys};

pub(super) fn run(what: &str, markdown: bool) -> anyhow::Result<Exit> {
    if let Some(of) = Orchestrator::ALL.iter().find(|of| of.name() == what) {
        return manual::print(*of, markdown).map(|()| Exit::Done);
    }
    match text(what) {
        Ok(text) => terminal::out(&text).map(|()| Exit::Done),
        Err(near) => {
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            terminal::error_line(&format!("error: nothing is called {what}{hint}"));
            Ok(Exit::BadScenario)
        }
    }
}

fn text(what: &str) -> Result<String, Option<String>> {
    if let Some(code) = Code::ALL.iter().find(|code| code.text().eq_ignore_ascii_case(what)) {
        return Ok(format!("{}  {}\n", code.text(), code.about()));
    }
    if let Some(key) = OutcomeKey::ALL.iter().find(|key| key.name() == what) {
        let about = key.describe();
        return Ok(format!("{what}  an outcome that gates can name\n  {about}\n"));
    }
    let mut found = keys::help(what);
    // As in `--set`: `strategy.batch` is that key of the strategy which has one.
    if let (Err(_), Some(key)) = (&found, what.strip_prefix("strategy.")) {
        let full = |of: &Orchestrator| keys::help(&format!("{}.{key}", of.table().path)).ok();
        found = Orchestrator::ALL.iter().find_map(full).map_or(found, Ok);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn codes_outcomes_and_keys_are_explained() {
        assert!(text("e012").unwrap().starts_with("E012  No key"));
        assert!(text("serving_min").unwrap().contains("Lowest number"));
        assert!(text("shutdown.grace").unwrap().contains("SIGKILL"));
        assert!(text("strategy.batch").unwrap().starts_with("strategy.generic.batch"));
        assert_eq!(text("shutdown.grase"), Err(Some("shutdown.grace".to_owned())));
    }
}
