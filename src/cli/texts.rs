//! What stands beside the flags in the help: the first page, examples, exit codes.

/// Shown when nothing is asked.
pub(super) const FIRST_PAGE: &str = concat!(
    "rollcast ",
    env!("CARGO_PKG_VERSION"),
    ": rehearse a rolling deployment before you do it.

Try now (nothing is changed anywhere):
  rollcast sim -n 12 --batch 3 --start 22s..41s --drain 10s     answer on one line of flags
  rollcast sim -n 12 --batch 3 --start 22s --print-scenario     the same as a file to edit
  rollcast sim checkout.toml -o capacity.svg -o result.json     with a chart and numbers
From what you have:
  rollcast import deploy.yaml -o checkout.toml                  start a scenario from a manifest
  kubectl get pods,events -o json | rollcast fit -              start and stop times as measured
  rollcast check checkout.toml                                  find mistakes, without simulating
More:  rollcast help, rollcast help sim, rollcast explain batch
"
);

pub(super) const SIM_EXAMPLES: &str = "\
Examples:
  rollcast sim checkout.toml
  rollcast sim checkout.toml --set strategy.batch=4 --gate 'p95(duration) <= 6m'
  rollcast sim checkout.toml -o result.json -o runs.csv -o slots.svg -o load.png
  rollcast sim -n 12 --batch 3 --start 22s..41s --drain 10s --rate 800/s
  rollcast sim -n 40 --strategy kubernetes --max-surge 25% --start 14s
";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  rollcast check checkout.toml
  rollcast check --format github deploy/*.toml
";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  rollcast compare checkout.toml checkout-slow.toml
  rollcast compare checkout.toml --strategies all -o orchestrators.svg
  rollcast compare checkout.toml --strategies kubernetes,swarm,nomad
";

pub(super) const SWEEP_EXAMPLES: &str = "\
Examples:
  rollcast sweep checkout.toml --vary strategy.generic.batch=1..6,12
  rollcast sweep checkout.toml --vary strategy.batch=1..6 --vary traffic.rate=800/s,1000/s
  rollcast sweep checkout.toml --vary versions.old.start=10s..60s:6pts -o start.svg
  rollcast sweep checkout.toml --vary strategy.batch=1..40 --vary traffic.rate=1/s..2k/s:log \\
      --design sobol --points 64 --resume checkout.sweep -o all.csv
  rollcast sweep checkout.toml --vary strategy.batch=1..6 --shard 3/16 -o part3.json
";

pub(super) const MERGE_EXAMPLES: &str = "\
Examples:
  rollcast merge part*.json -o all.csv -o tradeoff.svg
";

pub(super) const SWEEP_EXITS: &str = "\
Exit codes:
  0 done, and some setting keeps all gates   1 could not do it   2 bad usage or bad scenario
  10 no setting keeps all gates   11 none is sure to   130 interrupted, with the result so far";

pub(super) const TUNE_EXAMPLES: &str = "\
Examples:
  rollcast tune checkout.toml --vary strategy.batch=1..6,12
  rollcast tune checkout.toml --vary strategy.max_surge=1..8 --vary shutdown.pre_stop=0s,5s,10s
  rollcast tune checkout.toml --vary strategy.batch=1..6 --goal 'min mean(failed_share)'
  rollcast tune checkout.toml --vary strategy.batch=1..6 -o best.toml -o patch.yaml
";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  rollcast import deploy.yaml -o checkout.toml
  kubectl get deployment,service,pdb -o yaml | rollcast import - > checkout.toml
  rollcast import compose.yaml --service web -o web.toml
  rollcast import shop.nomad.hcl -o shop.toml
  aws ecs describe-services --services shop | rollcast import - -o shop.toml
  rollcast import site.yml -n 12 -o shop.toml
";

pub(super) const FIT_EXAMPLES: &str = "\
Examples:
  kubectl get pods,replicasets,events -o json | rollcast fit -
  kubectl get pods -w --output-watch-events -o json > pods.json   (leave it on over a rollout)
  rollcast fit pods.json --complete -o checkout.toml
  rollcast fit pods.json access.log.gz --into checkout.toml
  docker events --format '{{json .}}' > events.json              (leave it on over an update)
  docker inspect $(docker service ps -q web) | rollcast fit - events.json
  rollcast fit access.log --unit us
";

pub(super) const BACKTEST_EXAMPLES: &str = "\
Examples:
  rollcast backtest pods.json --settings checkout.toml
  rollcast backtest traces/monday.json traces/tuesday.json traces/friday.json
";

pub(super) const BACKTEST_EXITS: &str = "\
Exit codes:
  0 forecasts of the duration were no worse than `as last time`   10 they were worse
  1 could not do it, or fewer than two complete rollouts   2 bad usage or bad scenario";

pub(super) const JUDGE_EXAMPLES: &str = "\
Examples:
  rollcast judge canary.toml
  rollcast judge canary.toml --runs 1000 -o judges.csv -o judges.svg
  rollcast judge canary.toml --set versions.new.errors=0.5%
";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  rollcast verify traces/kubernetes/
  rollcast verify r039b00ee.json -o r039b00ee.svg
  rollcast verify traces/kubernetes/ --inputs spec --against traces/repeats/
";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  rollcast explain swarm
  rollcast explain SW01
  rollcast explain max_surge checkout.toml
  rollcast explain checkout.toml --step
  rollcast explain checkout.toml --run median
  rollcast explain checkout.toml --run worst --at 2m05s
  rollcast explain checkout.toml --inputs 'p95(duration)' -o tornado.svg
";

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0 done, all gates pass   1 could not do it   2 bad usage or bad scenario
  10 a gate failed   11 a gate is undecided   24 no run comes to an end
  130 interrupted";

pub(super) const CHECK_EXITS: &str = "\
Exit codes:
  0 no errors, nor what --deny names   1 could not do it   2 something was found";

pub(super) const VERIFY_EXITS: &str = "\
Exit codes:
  0 done   1 could not do it, or could not use a recording   2 bad usage";

pub(super) const VALIDATE_EXITS: &str = "\
Exit codes:
  0 everything is as theory says   1 could not do it   10 something is not";
