//! Arguments → one call → printing and an exit code. The only room that prints.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this room prints")]

mod args;
mod assumed;
mod backtest;
mod check;
mod compare;
mod exact;
mod exit;
mod explain;
mod fit;
mod import;
mod input;
mod judge;
mod lints;
mod manual;
mod measured;
mod numbers;
mod output;
mod planes;
mod progress;
mod rare;
#[allow(dead_code, clippy::needless_pass_by_value, reason = "signatures are given")]
mod sim;
mod sweep;
mod system;
mod terminal;
#[cfg(test)]
mod tests;
mod texts;
mod trouble;
mod tune;
mod validate;
mod verify;
mod why;

use std::process::ExitCode;

use clap::Parser;

use crate::report;
use crate::scenario;
use args::{Args, SchemaOf, Verb};
use exit::Exit;

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let exit = match dispatch(&args) {
        Ok(exit) => exit,
        // Who stops reading (`rollcast … | head`) has seen enough.
        Err(error) if terminal::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            terminal::error_line(&format!("error: {error:#}"));
            Exit::CouldNot
        }
    };
    ExitCode::from(exit.code())
}

fn dispatch(args: &Args) -> anyhow::Result<Exit> {
    match &args.verb {
        None => terminal::out(texts::FIRST_PAGE).map(|()| Exit::Done),
        Some(Verb::Sim(sim)) => sim::run(sim, args),
        Some(Verb::Check(check)) => check::run(check),
        Some(Verb::Compare(compare)) => compare::run(compare),
        Some(Verb::Tune(tune)) => tune::run(tune),
        Some(Verb::Sweep(sweep)) => sweep::run(sweep, args),
        Some(Verb::Merge(merge)) => sweep::merge(merge, args),
        Some(Verb::Import(import)) => import::run(import),
        Some(Verb::Fit(fit)) => fit::run(fit),
        Some(Verb::Backtest(backtest)) => backtest::run(backtest),
        Some(Verb::Schema { of: SchemaOf::Scenario }) => {
            terminal::out(&scenario::schema::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Result }) => {
            terminal::out(&report::json::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Verify }) => {
            terminal::out(&report::verify::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::System }) => {
            terminal::out(&report::system::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Sweep }) => {
            terminal::out(&report::sweep::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Fit }) => {
            terminal::out(&report::fit::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Backtest }) => {
            terminal::out(&report::backtest::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Rare }) => {
            terminal::out(&report::rare::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Tune }) => {
            terminal::out(&report::tune::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Schema { of: SchemaOf::Judge }) => {
            terminal::out(&report::judge::schema()).map(|()| Exit::Done)
        }
        Some(Verb::Judge(judge)) => judge::run(judge),
        Some(Verb::Explain(explain)) => explain::run(explain),
        Some(Verb::Trouble(trouble)) => trouble::run(trouble),
        Some(Verb::Validate(validate)) => validate::run(validate),
        Some(Verb::Verify(verify)) => verify::run(verify, args.ascii),
    }
}
