//! `rollcast sim --exact`.

use std::fmt::Write as _;

use super::exit::Exit;
use super::terminal;
use crate::report::format;
use crate::scenario::Scenario;
use crate::study::exact::{ExactAnswer, solve};

pub(super) fn run(scenario: &Scenario, json: bool) -> anyhow::Result<Exit> {
    match solve(scenario) {
        Ok(answer) if json => {
            terminal::out(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
            Ok(Exit::Done)
        }
        Ok(answer) => {
            terminal::out(&screen(&scenario.service.name, &answer))?;
            Ok(Exit::Done)
        }
        Err(reason) => {
            terminal::error_line(&format!("error: --exact: {reason}"));
            terminal::error_line("  = help: leave out --exact to simulate it");
            Ok(Exit::BadScenario)
        }
    }
}

fn screen(name: &str, answer: &ExactAnswer) -> String {
    let mut screen = format!("{name}  exact: {}\n\n", answer.model);
    for value in &answer.values {
        let number = format::number(value.value);
        // Writing to a string cannot fail.
        let _ = writeln!(screen, "  {:<36} {number:>12} {}", value.name, value.unit);
    }
    screen.push_str("\nJobs of a stopping instance go back to the head of the queue. ");
    screen.push_str("Gates are not judged.\n");
    screen
}
