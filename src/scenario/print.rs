//! The complete scenario as TOML, nothing left to defaults; reads back to an equal scenario.

use std::fmt::Display;

use super::keys::quantile_of;
use super::{
    Algorithm, AntiAffinity, Arrivals, Boots, Clients, Discipline, Dist, GraceFrom, OnTerm,
    Profile, Protocol, Scenario, Traffic, Version, Warmup,
};
use crate::units::{Bandwidth, CountOrPercent, Share, Span};

/// The scenario as a file.
pub fn to_toml(scenario: &Scenario) -> String {
    let mut page = Page::default();
    top(&mut page, scenario);
    service(&mut page, scenario);
    version(&mut page, "old", &scenario.versions.old);
    version(&mut page, "new", &scenario.versions.new);
    if let Some(traffic) = &scenario.traffic {
        page.table("traffic");
        page.traffic(traffic);
    }
    clients(&mut page, &scenario.clients);
    balancer(&mut page, scenario);
    page.table("probes");
    page.text("initial_delay", scenario.probes.initial_delay);
    page.text("period", scenario.probes.period);
    page.text("timeout", scenario.probes.timeout);
    page.raw("success", scenario.probes.success_threshold);
    page.raw("failure", scenario.probes.failure_threshold);
    page.raw("enabled", scenario.probes.enabled);
    page.raw("kills", scenario.probes.kills);
    page.text("start_period", scenario.probes.start_period);
    page.table("shutdown");
    page.text("pre_stop", scenario.shutdown.pre_stop);
    page.text("drain_wait", scenario.shutdown.drain_wait);
    page.text("grace", scenario.shutdown.grace);
    let from_term = scenario.shutdown.grace_from == GraceFrom::Term;
    page.text("grace_from", if from_term { "term" } else { "stop" });
    let on_term = match scenario.shutdown.on_term {
        OnTerm::Drain => "drain",
        OnTerm::Exit => "exit",
        OnTerm::Ignore => "ignore",
    };
    page.text("on_term", on_term);
    page.table("restart");
    let attempts = Some(scenario.restart.attempts).filter(|attempts| *attempts != u32::MAX);
    page.raw("attempts", limit(attempts));
    page.text("delay", scenario.restart.delay);
    page.text("delay_max", scenario.restart.delay_max);
    match scenario.restart.reset {
        Span::MAX => page.text("reset", "never"),
        reset => page.text("reset", reset),
    }
    page.text("image", if scenario.restart.image == Boots::Old { "old" } else { "same" });
    scenario.strategy.write(&mut page);
    scenario.pieces.write(&mut page);
    surroundings(&mut page, scenario);
    page.out
}

/// A file as it is written.
#[derive(Default)]
pub(super) struct Page {
    out: String,
}

impl Page {
    pub(super) fn table(&mut self, name: &str) {
        self.out.extend(["\n[", name, "]\n"]);
    }

    /// One of the tables of which there may be several: `dependencies.*`.
    pub(super) fn named_table(&mut self, pattern: &str, name: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = if name.chars().all(plain) { name.to_owned() } else { quoted(name) };
        self.table(&pattern.replace('*', &name));
    }

    /// A value that is TOML already.
    pub(super) fn raw(&mut self, key: &str, value: impl Display) {
        self.out.extend([key, " = ", &value.to_string(), "\n"]);
    }

    /// A value that becomes a string.
    pub(super) fn text(&mut self, key: &str, value: impl Display) {
        let value = quoted(&value.to_string());
        self.raw(key, value);
    }

    /// A number that reads back to the same bits.
    pub(super) fn number(&mut self, key: &str, value: f64) {
        self.raw(key, number(value));
    }

    /// A share that reads back to the same bits.
    pub(super) fn share(&mut self, key: &str, value: Share) {
        self.text(key, share(value.0));
    }

    /// A count or `"unbounded"`.
    pub(super) fn limit(&mut self, key: &str, value: Option<u32>) {
        self.raw(key, limit(value));
    }

    /// What arrives.
    pub(super) fn traffic(&mut self, traffic: &Traffic) {
        self.raw("rate", profile(&traffic.profile));
        let poisson = traffic.arrivals == Arrivals::Poisson;
        self.text("arrivals", if poisson { "poisson" } else { "deterministic" });
        self.number("scale", traffic.scale);
    }

    /// A distribution.
    pub(super) fn dist(&mut self, key: &str, value: &Dist) {
        self.raw(key, dist(value));
    }

    /// A count, or a percentage as a string.
    pub(super) fn amount(&mut self, key: &str, amount: CountOrPercent) {
        match amount {
            CountOrPercent::Count(count) => self.raw(key, count),
            CountOrPercent::Percent(_) => self.text(key, amount),
        }
    }
}

/// A basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.extend(["\\u", &format!("{:04X}", c as u32)]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A float that reads back to the same bits; whole ones without a fraction.
pub(super) fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:?}")
    }
}

/// A share that reads back to the same bits.
pub(super) fn share(value: f64) -> String {
    let read = |text: &str| text.parse::<Share>().map_or(f64::NAN, |share| share.0);
    percent(value, |percent| format!("{percent}%"), read)
}

/// The quantile key that reads back to the same bits: `p99.9` of 0.999.
fn quantile(p: f64) -> String {
    percent(p, |percent| format!("p{percent}"), |text| quantile_of(text).unwrap_or(f64::NAN))
}

/// `value`·100 may not read back to `value`; then one of its neighbours does, and few digits are
/// nicer than many.
fn percent(value: f64, text: impl Fn(f64) -> String, read: impl Fn(&str) -> f64) -> String {
    let percent = value * 100.0;
    let short = (percent * 1e10).round() / 1e10;
    [short, percent, percent.next_up(), percent.next_down()]
        .into_iter()
        .map(&text)
        .find(|text| read(text).to_bits() == value.to_bits())
        .unwrap_or_else(|| text(percent))
}

fn top(page: &mut Page, scenario: &Scenario) {
    page.raw("rollcast", 1);
    let gates: Vec<String> =
        scenario.gates.iter().map(|gate| format!("  {},\n", quoted(&gate.text))).collect();
    if gates.is_empty() {
        page.raw("gates", "[]");
    } else {
        page.raw("gates", format!("[\n{}]", gates.concat()));
    }
    page.text("horizon", scenario.horizon);
    page.text("margin", scenario.margin);
}

fn limit(value: Option<impl Display>) -> String {
    value.map_or_else(|| "\"unbounded\"".to_owned(), |value| value.to_string())
}

fn service(page: &mut Page, scenario: &Scenario) {
    page.table("service");
    page.text("name", &scenario.service.name);
    page.raw("instances", scenario.service.instances);
    match scenario.service.discipline {
        Discipline::Fifo { slots, queue } => {
            page.text("discipline", "fifo");
            page.raw("slots", slots);
            page.raw("queue", limit(queue));
        }
        Discipline::Sharing { cores, limit: most } => {
            page.text("discipline", "ps");
            page.raw("cores", number(cores));
            page.raw("limit", limit(most));
        }
    }
    if let Some(cores) = scenario.service.cpu_limit {
        page.number("cpu_limit", cores);
    }
}

fn version(page: &mut Page, name: &str, version: &Version) {
    page.table(&format!("versions.{name}"));
    page.raw("service_time", dist(&version.service_time));
    let pull = version.pull.map(|pull| format!("pull = \"{pull}\""));
    let some_shared = version.pull.is_some() && version.pull_shared.0 > 0.0;
    let shared = some_shared.then(|| format!("shared = \"{}\"", share(version.pull_shared.0)));
    let cpu = version.start_cpu.as_ref().map(|cpu| format!("cpu = {}", dist(cpu)));
    if pull.is_some() || cpu.is_some() {
        let boot = Some(format!("boot = {}", dist(&version.start)));
        let steps: Vec<_> = [pull, shared, cpu, boot].into_iter().flatten().collect();
        page.raw("start", format!("{{ {} }}", steps.join(", ")));
    } else {
        page.raw("start", dist(&version.start));
    }
    match version.warmup {
        Warmup::None => page.text("warmup", "none"),
        Warmup::Requests { scale, slowdown } => {
            let (scale, slowdown) = (number(scale), number(slowdown));
            page.raw("warmup", format!("{{ requests = {scale}, slowdown = {slowdown} }}"));
        }
        Warmup::Time { scale, slowdown } => {
            let slowdown = number(slowdown);
            page.raw("warmup", format!("{{ time = \"{scale}\", slowdown = {slowdown} }}"));
        }
    }
    page.raw("exit", dist(&version.exit));
    page.text("never_ready", share(version.never_ready.0));
    page.text("crash", share(version.crash.0));
    page.raw("crash_after", dist(&version.crash_after));
    page.text("errors", share(version.errors.0));
    page.raw("weight", number(version.weight));
}

/// A distribution as a value.
pub fn dist(dist: &Dist) -> String {
    match dist {
        Dist::Fixed(span) => format!("\"{span}\""),
        Dist::Exponential { mean } => format!("{{ law = \"exponential\", mean = \"{mean}\" }}"),
        Dist::LogNormal { mu, sigma } => {
            format!("{{ law = \"lognormal\", mu = {mu:?}, sigma = {sigma:?} }}")
        }
        Dist::Gamma { mean, cv } => {
            format!("{{ law = \"gamma\", mean = \"{mean}\", cv = {cv:?} }}")
        }
        Dist::Weibull { scale, shape } => {
            format!("{{ law = \"weibull\", scale = \"{scale}\", shape = {shape:?} }}")
        }
        Dist::Pareto { min, alpha } => {
            format!("{{ law = \"pareto\", min = \"{min}\", alpha = {alpha:?} }}")
        }
        Dist::Uniform { low, high } => {
            format!("{{ law = \"uniform\", low = \"{low}\", high = \"{high}\" }}")
        }
        Dist::Quantiles(points) => {
            let all: Vec<_> = points
                .iter()
                .map(|(p, span)| format!("\"{}\" = \"{span}\"", quantile(*p)))
                .collect();
            format!("{{ {} }}", all.join(", "))
        }
        Dist::Data(values) => {
            let all: Vec<_> = values.iter().map(|span| format!("\"{span}\"")).collect();
            format!("{{ values = [{}] }}", all.join(", "))
        }
        Dist::Scaled(inner, factor) => {
            format!("{{ of = {}, factor = {factor:?} }}", self::dist(inner))
        }
    }
}

fn clock(span: Span) -> String {
    let secs = span.0 / 1_000_000_000;
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

fn profile(profile: &Profile) -> String {
    match profile {
        Profile::Constant(rate) => format!("\"{rate}\""),
        Profile::Day { mean, peak, peak_at, start_at } => {
            let (peak_at, at) = (clock(*peak_at), clock(*start_at));
            format!(
                "{{ mean = \"{mean}\", peak = \"{peak}\", peak_at = \"{peak_at}\", at = \"{at}\" }}"
            )
        }
        Profile::Table(points) => {
            let rows: Vec<_> =
                points.iter().map(|(time, rate)| format!("[\"{time}\", \"{rate}\"]")).collect();
            format!("{{ table = [{}] }}", rows.join(", "))
        }
        Profile::Bursts { base, burst, every, length } => {
            let times = format!("every = \"{every}\", length = \"{length}\"");
            format!("{{ base = \"{base}\", burst = \"{burst}\", {times} }}")
        }
        Profile::Flash { base, peak, at, rise, decay } => {
            let times = format!("at = \"{at}\", rise = \"{rise}\", decay = \"{decay}\"");
            format!("{{ base = \"{base}\", peak = \"{peak}\", {times} }}")
        }
        Profile::Counts { interval, counts } => {
            let all: Vec<_> = counts.iter().map(|count| number(*count)).collect();
            format!("{{ counts = [{}], interval = \"{interval}\" }}", all.join(", "))
        }
        Profile::Instants { at, period } => {
            let all: Vec<_> = at.iter().map(u64::to_string).collect();
            format!("{{ instants_ns = [{}], period = \"{period}\" }}", all.join(", "))
        }
    }
}

fn clients(page: &mut Page, clients: &Clients) {
    page.table("clients");
    page.raw("count", clients.nodes);
    match clients.protocol {
        Protocol::PerRequest { reuse } => {
            page.text("protocol", "http1");
            page.text("balance", "request");
            page.text("reuse", share(reuse.0));
        }
        Protocol::PerConnection { connections, max_age, goaway } => {
            page.text("protocol", if goaway { "http2" } else { "http1" });
            page.text("balance", "connection");
            page.raw("connections", connections);
            let age = if max_age == Span::MAX { "never".to_owned() } else { max_age.to_string() };
            page.text("max_connection_age", age);
        }
    }
    page.text("timeout", clients.timeout);
    page.raw("lag_add", dist(&clients.lag_add));
    page.raw("lag_remove", dist(&clients.lag_remove));
    clients.conduct.write(page, &clients.retries);
}

fn balancer(page: &mut Page, scenario: &Scenario) {
    page.table("balancer");
    match scenario.balancer.algorithm {
        Algorithm::RoundRobin => page.text("algorithm", "round_robin"),
        Algorithm::Random => page.text("algorithm", "random"),
        Algorithm::LeastOutstanding => page.text("algorithm", "least_outstanding"),
        Algorithm::PowerOfChoices { choices } => {
            page.raw("algorithm", format!("{{ power_of = {choices} }}"));
        }
        Algorithm::Weighted => page.text("algorithm", "weighted"),
        Algorithm::PeakEwma { decay } => {
            page.text("algorithm", "peak_ewma");
            page.text("decay", decay);
        }
        Algorithm::ConsistentHash { keys } => {
            page.text("algorithm", "consistent_hash");
            page.raw("keys", keys);
        }
        Algorithm::Central { room } => {
            page.text("algorithm", "central");
            page.raw("room", limit(room));
        }
    }
    page.text("slow_start", scenario.balancer.slow_start);
}

fn surroundings(page: &mut Page, scenario: &Scenario) {
    page.table("control");
    page.raw("watch", dist(&scenario.control.watch));
    page.raw("sync", dist(&scenario.control.sync));
    page.raw("act", dist(&scenario.control.act));
    page.raw("schedule", dist(&scenario.control.schedule));
    page.raw("next_batch", dist(&scenario.control.next_batch));
    page.raw("launch", dist(&scenario.control.launch));
    match scenario.control.writes {
        None => page.text("writes", "unbounded"),
        Some(limit) => {
            page.text("writes", limit.rate);
            page.raw("burst", limit.burst);
        }
    }
    let hosts = &scenario.hosts;
    let link = |value: Option<Bandwidth>| {
        value.map_or_else(|| "unbounded".to_owned(), |value| value.to_string())
    };
    page.table("hosts");
    page.raw("count", hosts.count);
    page.limit("room", hosts.room);
    page.raw("zones", hosts.zones);
    page.limit("max_skew", hosts.max_skew);
    let anti_affinity = match hosts.anti_affinity {
        AntiAffinity::None => "none",
        AntiAffinity::Version => "version",
        AntiAffinity::All => "all",
    };
    page.text("anti_affinity", anti_affinity);
    if let Some(provision) = &hosts.provision {
        page.dist("provision", &provision.delay);
        page.limit("nodes_max", provision.nodes_max);
        page.text("scan_interval", provision.scan_interval);
    }
    page.number("cores", hosts.cores);
    page.number("wave_cv", hosts.wave_cv);
    page.text("bandwidth", link(hosts.bandwidth));
    page.raw("serial_pulls", hosts.serial_pulls);
    page.text("registry", link(hosts.registry));
    page.raw("cache", hosts.cache);
    page.table("pipeline");
    scenario.pipeline.write(page);
    let slo = &scenario.slo;
    page.table("slo");
    page.text("availability", share(slo.availability.0));
    page.text("latency", slo.latency);
    page.text("latency_share", share(slo.latency_share.0));
    page.text("period", slo.period);
    page.text("window", slo.window);
    page.text("outage_share", share(slo.outage_share.0));
    if !scenario.assumed.is_empty() {
        page.table("assumed");
        for assumed in &scenario.assumed {
            page.text(&quoted(&assumed.key), format!("{}..{}", assumed.low, assumed.high));
        }
    }
}
