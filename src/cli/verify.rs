//! `rollcast verify`.

use super::args::{Verify, VerifyInputs};
use super::exit::Exit;
use super::terminal;
use crate::report;
use crate::study::verify::{self, Inputs, Options};

pub(super) fn run(args: &Verify) -> anyhow::Result<Exit> {
    let options = Options {
        inputs: match args.inputs {
            VerifyInputs::Observed => Inputs::Observed,
            VerifyInputs::Spec => Inputs::Spec,
        },
        runs: args.runs,
        seed: args.seed,
        threads: args.threads,
    };
    let report = verify::verify(&args.traces, args.against.as_deref(), options);
    for one in &report.unusable {
        terminal::error_line(&format!("error: {one}"));
    }
    if args.json {
        terminal::out(&report::verify::json::render(&report))?;
    } else {
        terminal::out(&report::verify::text(&report))?;
    }
    Ok(if report.unusable.is_empty() { Exit::Done } else { Exit::CouldNot })
}
