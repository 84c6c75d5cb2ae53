//! Lines that files are made of.

/// Everything that may stand in a file, by table; a test picks some.
pub(super) const LINES: &[(&str, &str)] = &[
    ("service", r#"name = "a \"b\" \\ c""#),
    (
        "service",
        "slots = 7
queue = 9",
    ),
    (
        "service",
        r#"discipline = "ps"
cores = 1.3
limit = 40"#,
    ),
    ("versions.old", r#"service_time = { law = "gamma", mean = "30ms", cv = 1.3 }"#),
    ("versions.old", r#"exit = { p10 = "1s", p50 = "2s", "p99.5" = "9s" }"#),
    ("versions.old", "warmup = { requests = 5000, slowdown = 3.5 }"),
    (
        "versions.old",
        r#"never_ready = "0.7%"
errors = "0.07%"
weight = 0.3"#,
    ),
    ("versions.new", r#"service_time = { like = "old", factor = 1.1 }"#),
    (
        "versions.new",
        r#"start = { pull = "400MiB", boot = { law = "weibull", scale = "9s", shape = 1.5 } }"#,
    ),
    ("versions.new", r#"warmup = { time = "20s", slowdown = 3 }"#),
    ("versions.new", r#"exit = { values = ["3s", "1s"] }"#),
    (
        "traffic",
        r#"rate = "1050.1/s"
scale = 1.7"#,
    ),
    ("traffic", r#"rate = { mean = "90/min", peak = "2/s", peak_at = "18:00", at = "06:30" }"#),
    (
        "traffic",
        r#"rate = { table = [["0s", "8/s"], ["5m", "12/s"]] }
arrivals = "deterministic""#,
    ),
    ("traffic", r#"rate = { base = "8/s", burst = "20/s", every = "2m", length = "9s" }"#),
    ("traffic", r#"rate = { base = "8/s", peak = "20/s", at = "1m", rise = "5s", decay = "9s" }"#),
    ("traffic", r#"rate = { counts = [8, 9.5], interval = "1s" }"#),
    ("traffic", r#"rate = { instants_ns = [0, 12345678901], period = "1m" }"#),
    (
        "clients",
        r#"nodes = 60
protocol = "grpc"
max_connection_age = "5m"
connections = 2"#,
    ),
    (
        "clients",
        r#"balance = "connection"
timeout = "800ms""#,
    ),
    (
        "clients",
        r#"reuse = "93.7%"
retries = { attempts = 3, delay = "50ms" }"#,
    ),
    (
        "clients",
        r#"retries = { attempts = "unbounded", delay = "100ms" }
lag_add = { law = "uniform", low = "1s", high = "2s" }"#,
    ),
    ("clients", r#"lag_remove = { law = "exponential", mean = "1.5s" }"#),
    (
        "clients",
        r#"attempt_timeout = "250ms"
cancel = true
connect = "4ms"
handshake = "2.5ms""#,
    ),
    (
        "clients",
        r#"retries = { attempts = 4, on = ["cut"], backoff = "30ms", factor = 1.5, budget = "7.3%" }
hedge = { after = "p95", most = 2 }"#,
    ),
    (
        "clients",
        r#"retries = { attempts = 4, backoff = "1s", jitter = "equal", budget = { active = "2%" } }
hedge = { after = "80ms" }"#,
    ),
    (
        "clients",
        r#"protocol = "http1"
pool = { max = 9, idle_timeout = "60s", max_requests = 1000 }
sticky = { sessions = 50, cookie = false, length = "10m" }"#,
    ),
    (
        "clients",
        r#"protocol = "http2"
max_streams = 100"#,
    ),
    (
        "users",
        r#"count = 200
think = { law = "exponential", mean = "7s" }"#,
    ),
    ("balancer", "algorithm = { power_of = 3 }"),
    (
        "balancer",
        r#"algorithm = "peak_ewma"
decay = "3s"
slow_start = "30s""#,
    ),
    (
        "balancer",
        r#"algorithm = "consistent_hash"
keys = 50"#,
    ),
    (
        "balancer",
        r#"algorithm = "central"
room = 50"#,
    ),
    (
        "probes",
        r#"initial_delay = "5s"
period = 0
success = 2
failure = 1"#,
    ),
    (
        "shutdown",
        r#"pre_stop = "10s"
grace = "45s"
on_term = "ignore""#,
    ),
    ("control", r#"watch = { law = "lognormal", mean = "9ms", sd = "3ms" }"#),
    ("control", r#"act = { law = "pareto", min = "9ms", alpha = 2.5 }"#),
    (
        "hosts",
        r#"count = 4
bandwidth = "1Gbit/s"
serial_pulls = false
registry = "1GiB/s"
cache = false"#,
    ),
    ("data_plane", r#"kind = "kube-proxy""#),
    (
        "data_plane",
        r#"kind = "nlb"
rise = 2
panic = "33.3%"
min_weight = "0.7%"
aggression = 1.7"#,
    ),
    (
        "data_plane",
        r#"outlier = 3
ejected_share = "100%"
success_rate = 2.5
success_rate_hosts = 3
sidecar = "unordered"
dns = "66.7%"
never = "5%""#,
    ),
    (
        "data_plane",
        r#"discovery = "checks"
check = "2500ms"
sidecar = "ordered"
terminating = true"#,
    ),
    (
        "streams",
        r#"open = 500
length = { p50 = "5m", p95 = "40m" }
on_drain = "migrate"
wait = true"#,
    ),
    (
        "streams",
        r#"rate = "2.5/s"
length = "90s"
on_drain = "goaway"
reconnect = "9s""#,
    ),
    ("pipeline", r#"kind = "helm-atomic""#),
    ("pipeline", "kind = \"ci-undo\"\nfails = \"5%\"\nreaction = \"2m\""),
    ("pipeline", "kind = \"gitops-revert\"\nsync = \"1m\"\nreconcile = \"9s\""),
    (
        "pipeline",
        r#"kind = "kill-switch"
propagation = { p50 = "2s", p95 = "40s" }
covers = "66.7%"
back_timeout = "4m"
act = "3s""#,
    ),
    (
        "pipeline",
        r#"kind = "human"
reaction = "9m""#,
    ),
    (
        "slo",
        r#"availability = "99.95%"
period = "7d"
outage_share = "33.3%""#,
    ),
    ("assumed", r#""versions.old.start" = "5s..60s""#),
    ("service", "discipline = \"ps\"\ncpu_limit = 1.5"),
    ("versions.new", r#"start = { pull = "400MiB", shared = "80%", cpu = "14s", boot = "2s" }"#),
    ("versions.new", r#"start = { cpu = { law = "exponential", mean = "9s" } }"#),
    (
        "hosts",
        "count = 20
room = 7
zones = 3
max_skew = 1
cores = 3.5
wave_cv = 0.3",
    ),
    (
        "hosts",
        r#"count = 20
room = 7
anti_affinity = "version"
provision = { p50 = "90s", p95 = "3m" }
nodes_max = 40
scan_interval = "12s""#,
    ),
    ("cache", "requests = 800\nmiss_time = \"20ms\""),
    ("cache", "hit = \"61.5%\"\nrequests = 80.5\nmiss_time = { p50 = \"20ms\", p95 = \"90ms\" }"),
    ("quota", "instances = 100\nback_off = \"9ms\"\nback_off_max = \"9s\""),
    ("drains", "hosts = 2\nback = \"3m\"\nmin_available = \"80%\""),
    ("drains", "hosts = 1\nat = \"9s\"\nretry = \"7s\"\nmax_unavailable = 3"),
    ("autoscaler", "max = 90"),
    (
        "autoscaler",
        r#"min = 2
max = 90
target_cpu = "61.5%"
scale_up_percent = 50
scale_up_stabilization = "1m"
scale_down_percent = 10
cpu_initialization = "2m""#,
    ),
    (
        "autoscaler",
        r#"max = 40
target_requests = "50.5/s"
tolerance = "5%"
sync = "30s"
scrape = "60s"
delay = "20s""#,
    ),
    ("queue", r#"rate = "20/s""#),
    (
        "queue",
        r#"rate = { base = "8/s", burst = "20/s", every = "2m", length = "9s" }
arrivals = "deterministic"
scale = 1.5
visibility_timeout = "2m"
extend = true"#,
    ),
    (
        "queue",
        r#"rate = "0.1/s"
redelivery = "disconnect"
max_receives = 5"#,
    ),
    ("quorum", r#"catch_up = "20s""#),
    (
        "quorum",
        r#"members = 15
need = 9
catch_up = { p50 = "9s", p95 = "20s" }"#,
    ),
    (
        "dependencies.postgres",
        r#"connections_max = 100_000_000
per_instance = 3
connect_rate = "50.5/s"
over = "wait""#,
    ),
    (
        "dependencies.postgres",
        r#"readiness = true
capacity = "2000/s"
calls = "30%"
fails = { at = "1m", for = "30s" }"#,
    ),
    (
        "change",
        r#"kind = "secret"
reload = "hot"
propagate = { p50 = "40s", p95 = "85s" }"#,
    ),
    (
        "migration",
        r#"takes = { p50 = "40s", p95 = "2m" }
locks = "20.5%"
old_errors = "0.7%"
irreversible = true"#,
    ),
    ("dependencies.cache-1", "per_instance = 7"),
    (
        "dependencies.cache-1",
        r#"calls = 2.5
fails = { at = "0s", for = "9ms", share = "0.7%" }"#,
    ),
    ("liveness", "timeout = \"2s\"\nwork = \"5ms\""),
    ("startup", "failure = 30\ninitial_delay = \"1s\""),
    (
        "faults.crash",
        r#"kind = "instance_crash"
lifetime = { law = "weibull", scale = "2h", shape = 0.7 }
version = "new""#,
    ),
    (
        "faults.host",
        r#"kind = "host_loss"
every = { law = "exponential", mean = "10m" }
for = "2m"
replaced = "never""#,
    ),
    ("faults.noise", "kind = \"slow_host\"\ncv = 0.075"),
    (
        "faults.slow",
        r#"kind = "slow_host"
at = "1m"
for = "2m"
factor = 3
share = "7.5%""#,
    ),
    ("faults.net", "kind = \"partition\"\nat = \"1m\"\nfor = \"2m\"\nnode = 0"),
    (
        "faults.registry",
        r#"kind = "registry_outage"
at = "1m"
for = "2m"
retry = "5s""#,
    ),
    ("faults.api", "kind = \"control_outage\"\nat = \"1m\"\nfor = \"2m\""),
    (
        "faults.late",
        r#"kind = "control_delay"
at = "1m"
for = "2m"
delay = { p50 = "1s", p95 = "3s" }"#,
    ),
    ("faults.leader", "kind = \"controller_crash\"\nat = \"1m\"\nelection = \"15s\""),
    (
        "faults.flaps",
        r#"kind = "flapping_probe"
at = "1m"
for = "2m"
version = "new"
share = "20%"
up = "7s""#,
    ),
    ("faults.stuck", "kind = \"stuck_drain\"\nshare = \"30%\"\nuntil = \"never\""),
];
