//! The fleet of the table of trouble, and what is varied: each a piece of a scenario.

/// One value of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// As in the table.
    pub name: &'static str,
    /// What it adds to the scenario.
    pub toml: &'static str,
}

const fn choice(name: &'static str, toml: &'static str) -> Choice {
    Choice { name, toml }
}

/// Twelve instances at half of their capacity, the beginning of every scenario of the table.
pub(super) const FLEET: &str = r#"
rollcast = 1
horizon = "40m"
margin = "2m"
[service]
name = "table"
instances = 12
slots = 4
[versions.old]
service_time = { p50 = "20ms", p95 = "60ms" }
start = { p50 = "8s", p95 = "15s" }
[traffic]
rate = "150/s"
[clients]
timeout = "2s"
"#;

/// What is wrong with the bad release. Of a good one nothing is.
pub const DEFECTS: [Choice; 6] = [
    choice("never ready", "[defects.it]\nkind = \"never_ready\"\n"),
    choice("crashes after 1m", "[defects.it]\nkind = \"crash_after\"\nafter = \"1m\"\n"),
    choice("5% errors", "[defects.it]\nkind = \"errors\"\nshare = \"5%\"\n"),
    choice("1.5 times slower", "[defects.it]\nkind = \"slower\"\nfactor = 1.5\n"),
    choice("leaks for 3m", "[defects.it]\nkind = \"leak\"\nafter = \"3m\"\nfactor = 4\n"),
    choice(
        "errors of 1 in 4",
        "[defects.it]\nkind = \"flaky\"\nshare = \"20%\"\ninstances = \"25%\"\n",
    ),
];

/// Who rolls out.
pub const STRATEGIES: [Choice; 6] = [
    choice(
        "kubernetes",
        "[strategy.kubernetes]\nmax_surge = \"25%\"\nmax_unavailable = 0\nmin_ready = \"10s\"\n",
    ),
    choice(
        "argo canary",
        "[strategy.argo_canary]\ntraffic_routing = true\nsteps = [{ set_weight = 10 }, \
         { pause = \"2m\" }, { set_weight = 50 }, { pause = \"2m\" }]\n",
    ),
    choice(
        "nomad",
        "[strategy.nomad]\nmax_parallel = 2\ncanary = 1\nauto_promote = true\n\
         auto_revert = true\n",
    ),
    choice(
        "swarm",
        "[strategy.swarm]\nparallelism = 2\norder = \"start-first\"\nmonitor = \"30s\"\n\
         failure_action = \"rollback\"\n",
    ),
    choice("ecs", "[strategy.ecs]\ncircuit_breaker = true\ncircuit_breaker_rollback = true\n"),
    choice(
        "batches of 3",
        "[strategy.generic]\nbatch = 3\norder = \"start-first\"\nbake = \"2m\"\n\
         ready_deadline = \"90s\"\non_failure = \"rollback\"\n",
    ),
];

/// Who looks at metrics; all tell the pipeline.
pub const JUDGES: [Choice; 3] = [
    choice(
        "threshold",
        "[judges.it]\nkind = \"threshold\"\nlimit = \"1%\"\ninterval = \"5s\"\ndelay = \"10s\"\n\
         on_fail = \"alert\"\n",
    ),
    choice(
        "kayenta",
        "[judges.it]\nkind = \"kayenta\"\nmetric = \"both\"\nsamples = 24\ninterval = \"5s\"\n\
         delay = \"10s\"\non_fail = \"alert\"\n",
    ),
    choice(
        "robust",
        "[judges.it]\nkind = \"robust\"\nsamples = 24\ninterval = \"5s\"\ndelay = \"10s\"\n\
         on_fail = \"alert\"\n",
    ),
];

/// Who takes it back.
pub const PIPELINES: [Choice; 2] = [
    choice("job", "[pipeline]\nkind = \"ci-undo\"\ntimeout = \"15m\"\n"),
    choice("person", "[pipeline]\nkind = \"human\"\ntimeout = \"15m\"\n"),
];
