//! What may be typed.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::measured::{Backtest, Fit};
use super::texts::{
    BACKTEST_EXAMPLES, BACKTEST_EXITS, CHECK_EXAMPLES, CHECK_EXITS, COMPARE_EXAMPLES, EXIT_CODES,
    EXPLAIN_EXAMPLES, FIT_EXAMPLES, IMPORT_EXAMPLES, JUDGE_EXAMPLES, MERGE_EXAMPLES, SIM_EXAMPLES,
    SWEEP_EXAMPLES, SWEEP_EXITS, VALIDATE_EXITS, VERIFY_EXAMPLES, VERIFY_EXITS,
};
use super::why::Why;
use crate::scenario::settings::Orchestrator;

/// Rehearse a rolling deployment before you do it.
#[derive(Debug, Parser)]
#[command(name = "rollcast", version, about, after_help = EXIT_CODES)]
pub(super) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub(super) color: Color,
    /// Only ASCII characters.
    #[arg(long, global = true)]
    pub(super) ascii: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Simulate a rollout many times and hold it against its gates.
    #[command(before_help = SIM_EXAMPLES, after_help = EXIT_CODES)]
    Sim(Box<Sim>),
    /// Find mistakes, rollouts that cannot end and gates that cannot hold, without simulating.
    #[command(before_help = CHECK_EXAMPLES, after_help = CHECK_EXITS)]
    Check(Check),
    /// Put several rollouts side by side: how long, how low, how many failed, what it cost.
    #[command(before_help = COMPARE_EXAMPLES)]
    Compare(Compare),
    /// Play many settings of a scenario under the same luck, and say which to take.
    #[command(before_help = SWEEP_EXAMPLES, after_help = SWEEP_EXITS)]
    Sweep(Box<super::sweep::Sweep>),
    /// Put the parts of a sweep together that shards have played.
    #[command(before_help = MERGE_EXAMPLES, after_help = SWEEP_EXITS)]
    Merge(super::sweep::Merge),
    /// Find the best setting under the gates, with a guarantee.
    Tune(Box<super::tune::Tune>),
    /// Make a scenario from a manifest, Compose file, Nomad job, ECS service or Ansible play.
    #[command(before_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Fit start, stop and service times to what kubectl, docker and access logs recorded.
    #[command(before_help = FIT_EXAMPLES)]
    Fit(Fit),
    /// Forecast past rollouts, each from those before it, and score the forecasts.
    #[command(before_help = BACKTEST_EXAMPLES, after_help = BACKTEST_EXITS)]
    Backtest(Backtest),
    /// How often each judge stops a good release, misses a bad one, and how long it takes.
    #[command(before_help = JUDGE_EXAMPLES)]
    Judge(super::judge::Judge),
    /// Print a JSON Schema.
    Schema {
        /// Of what.
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Explain an orchestrator (`swarm`), a key (`probes.period`), a table, an outcome, a code
    /// (`SW01`), or what a scenario's settings come to.
    #[command(before_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// What bad releases cost, under many strategies, judges and pipelines.
    Trouble(super::trouble::Trouble),
    /// Hold the simulator against theory and write down how far it is off.
    #[command(after_help = VALIDATE_EXITS)]
    Validate(super::validate::Validate),
    /// Play recorded real rollouts again and hold the prediction against what happened.
    #[command(before_help = VERIFY_EXAMPLES, after_help = VERIFY_EXITS)]
    Verify(Verify),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Sim {
    /// The scenario; without it flags alone make one. `-` is standard input.
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Write a file; the kind by its suffix: json, csv, md, svg, png. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Put it beside this scenario, run by run under the same luck.
    #[arg(long, value_name = "BASE")]
    pub(super) compare: Option<PathBuf>,
    /// Replace files that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
    /// Which chart goes into svg and png files; without it the file's name says.
    #[arg(long, value_enum)]
    pub(super) chart: Option<Chart>,
    /// Tell what happened in three of the runs that failed, and why.
    #[arg(short = 'v', long, visible_alias = "verbose", conflicts_with = "quiet")]
    pub(super) stories: bool,
    /// Print only the verdict.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Print only JSON.
    #[arg(long, conflicts_with = "quiet")]
    pub(super) json: bool,
    /// How many runs; `auto` adds runs until the gates are decided.
    #[arg(long, default_value = "auto", value_name = "N|auto", value_parser = parse_runs)]
    pub(super) runs: Runs,
    /// No more runs than this.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// What an undecided gate means for the exit code.
    #[arg(long, value_enum, default_value = "fail", value_name = "ok|fail")]
    pub(super) undecided: Undecided,
    /// Simulate even what can never end or keep its gates.
    #[arg(long)]
    pub(super) allow_stuck: bool,
    /// Solve the scenario exactly instead, where it is Markov (one central queue, exponential
    /// service, Poisson traffic); says why not where it is not.
    #[arg(long, conflicts_with_all = ["runs", "max_runs"])]
    pub(super) exact: bool,
    /// How likely something is that hardly ever happens, such as full outage
    /// (`serving_min <= 0`): instances are made unluckier and the runs weighed back exactly.
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["runs", "exact", "output"])]
    pub(super) rare: Option<String>,
    /// Half-width of that interval, as a share of the probability.
    #[arg(long, default_value = "10%", value_name = "SHARE", requires = "rare")]
    pub(super) precision: crate::units::Share,
    /// Print the whole scenario as TOML, every default filled in, and stop.
    #[arg(long)]
    pub(super) print_scenario: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Compare {
    /// Scenarios.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Play each under these orchestrators' defaults instead of its own strategy; `all` for all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = orchestrators_or_all())]
    pub(super) strategies: Vec<String>,
    /// Set any key in all of them; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// What makes the exit code 10: something is worse than in the first for sure.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) fail_on: Option<FailOn>,
    /// Differences up to this share of the first's mean are none.
    #[arg(long, default_value = "0%", value_name = "SHARE")]
    pub(super) noise: crate::units::Share,
    /// Write a file; the kind by its suffix: svg, png, csv, md. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Replace files that are there already.
    #[arg(short, long)]
    pub(super) force: bool,
    /// How many runs of each; all have the same luck.
    #[arg(long, default_value_t = 200, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
}

/// What every verb that simulates takes. How many runs there are is for each to say.
#[derive(Debug, ClapArgs)]
pub(super) struct Luck {
    /// Seed of all chance.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Threads; 0: as many as there are processors. Results do not depend on it.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) threads: usize,
}

/// Changes to a scenario, or, without a file, the scenario itself.
#[derive(Debug, Default, ClapArgs)]
pub(super) struct Changes {
    /// Set any key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Add a gate; may be given several times.
    #[arg(long, value_name = "EXPR")]
    pub(super) gate: Vec<String>,
    /// Instances wanted.
    #[arg(short = 'n', long, value_name = "N", help_heading = SHORTHANDS)]
    pub(super) instances: Option<String>,
    /// Time one start takes; `22s..41s` is p50..p95.
    #[arg(long, value_name = "TIME", help_heading = SHORTHANDS)]
    pub(super) start: Option<String>,
    /// Time a stopping process needs to exit; `4s..10s` is p50..p95.
    #[arg(long, value_name = "TIME", help_heading = SHORTHANDS)]
    pub(super) drain: Option<String>,
    /// Requests per second, such as 800/s.
    #[arg(long, value_name = "RATE", help_heading = SHORTHANDS)]
    pub(super) rate: Option<String>,
    /// Time one request takes; `20ms..80ms` is p50..p95.
    #[arg(long, value_name = "TIME", help_heading = SHORTHANDS)]
    pub(super) service_time: Option<String>,
    /// Requests that one instance serves at once.
    #[arg(long, value_name = "N", help_heading = SHORTHANDS)]
    pub(super) slots: Option<String>,
    /// The orchestrator.
    #[arg(long, value_parser = orchestrators(), help_heading = SHORTHANDS)]
    pub(super) strategy: Option<String>,
    /// generic: instances at a time, or a percentage.
    #[arg(long, value_name = "N|PERCENT", help_heading = SHORTHANDS)]
    pub(super) batch: Option<String>,
    /// generic: watch each batch so long.
    #[arg(long, value_name = "TIME", help_heading = SHORTHANDS)]
    pub(super) bake: Option<String>,
    /// generic: stop-first or start-first.
    #[arg(long, value_name = "ORDER", help_heading = SHORTHANDS)]
    pub(super) order: Option<String>,
    /// kubernetes: pods above the wanted number.
    #[arg(long, value_name = "N|PERCENT", help_heading = SHORTHANDS)]
    pub(super) max_surge: Option<String>,
    /// kubernetes: pods below it.
    #[arg(long, value_name = "N|PERCENT", help_heading = SHORTHANDS)]
    pub(super) max_unavailable: Option<String>,
    /// Chance that a release is bad; what good and bad ones lead to does not depend on it.
    #[arg(long, value_name = "PERCENT", help_heading = SHORTHANDS)]
    pub(super) prior: Option<String>,
}

const SHORTHANDS: &str = "Shorthands for --set";

#[derive(Debug, ClapArgs)]
pub(super) struct Check {
    /// Scenarios; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// How to write what is found.
    #[arg(long, value_enum, default_value = "human")]
    pub(super) format: CheckFormat,
    /// What else keeps the exit code from being 0.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) deny: Option<Deny>,
    /// Set any key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Explain {
    /// What: a name, a code, or a scenario.
    pub(super) what: String,
    /// Worked out for this scenario's fleet.
    pub(super) scenario: Option<PathBuf>,
    /// Step through the rollout of the scenario: when what is started and stopped.
    #[arg(long)]
    pub(super) step: bool,
    #[command(flatten)]
    pub(super) why: Why,
    /// Set any key of the scenario; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// The page of an orchestrator, or of all codes (`lints`), as Markdown.
    #[arg(long)]
    pub(super) markdown: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Import {
    /// A Kubernetes manifest, Compose file, Nomad job, ECS service, Ansible play or CodeDeploy
    /// configuration; `-` is standard input.
    pub(super) file: PathBuf,
    /// Which workload, service, group or play, where the file has several.
    #[arg(long, visible_alias = "service", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// How many instances there are, where the file does not say or says something else.
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) instances: Option<u32>,
    /// Write the scenario here instead of to standard output.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Verify {
    /// Recorded rollouts, or folders of them: .json, .json.gz, or rollcast's own .jsonl.
    #[arg(required = true, value_name = "TRACE")]
    pub(super) traces: Vec<PathBuf>,
    /// What the simulator is told: each instance's recorded delays, or only what was known
    /// beforehand.
    #[arg(long, value_enum, default_value = "observed", value_name = "observed|spec")]
    pub(super) inputs: VerifyInputs,
    /// A folder of second recordings of the same rollouts: prints how far two real recordings
    /// are apart beside how far the prediction is.
    #[arg(long, value_name = "FOLDER")]
    pub(super) against: Option<PathBuf>,
    /// How often each recording is played.
    #[arg(long, default_value_t = 40, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// Print only JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a file; the kind by its suffix: svg and png draw one recording (`{}` in the name
    /// stands for each recording's own), json is all of them. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Replace files that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyInputs {
    Observed,
    Spec,
}

/// How many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Auto,
    Fixed(u32),
}

fn parse_runs(text: &str) -> Result<Runs, String> {
    match text.parse::<u32>() {
        _ if text == "auto" => Ok(Runs::Auto),
        Ok(runs) if runs > 0 => Ok(Runs::Fixed(runs)),
        _ => Err("write a number of runs, or auto".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Chart {
    Capacity,
    Slots,
    Duration,
    Load,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Undecided {
    Ok,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Regression,
}

/// The names that `--strategies` takes.
fn orchestrators_or_all() -> PossibleValuesParser {
    PossibleValuesParser::new(Orchestrator::ALL.iter().map(|of| of.name()).chain(["all"]))
}

/// The names that `--strategy` takes.
fn orchestrators() -> PossibleValuesParser {
    PossibleValuesParser::new(Orchestrator::ALL.iter().map(|of| of.name()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    Human,
    Json,
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    Scenario,
    Result,
    Verify,
    Fit,
    Backtest,
    System,
    Sweep,
    Tune,
    Rare,
    Judge,
}
