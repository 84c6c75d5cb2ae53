//! `[faults.NAME]`: what breaks around the service, at a time of its own or at random.

mod keys;
mod orchestrators;

use super::{Env, Page, Piece, Table};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Section, Value};
use crate::units::{Share, Span};
use keys::{KEYS, keys_of, needs_length};

/// Something that breaks.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Fault {
    /// What.
    pub trouble: Trouble,
    /// When.
    pub occasion: Occasion,
    /// How long each time; `None`: for good.
    pub length: Option<Span>,
}

/// What breaks.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Trouble {
    /// Each process ends so long after it has begun to run.
    InstanceCrash {
        /// Time that a process lives.
        lifetime: Dist,
        /// Of which version.
        of: Whose,
    },
    /// A host is gone, and with it what runs there.
    HostLoss {
        /// Which; drawn if `None`.
        host: Option<u32>,
        /// When the orchestrator finds out.
        notice: Notice,
    },
    /// All hosts of a zone are.
    ZoneLoss {
        /// Which; drawn if `None`.
        zone: Option<u32>,
        /// When the orchestrator finds out.
        notice: Notice,
    },
    /// Hosts differ in speed, for good.
    HostNoise {
        /// Coefficient of variation of a lognormal factor with mean 1.
        cv: f64,
    },
    /// Hosts are slow for a while.
    SlowHost {
        /// Which; if `None`, each with the chance `share`.
        host: Option<u32>,
        /// Of the hosts.
        share: Share,
        /// Service times are so many times longer.
        factor: f64,
    },
    /// A data-plane node and a zone do not reach each other.
    Partition {
        /// Which node; drawn if `None`.
        node: Option<u32>,
        /// Which zone; drawn if `None`.
        zone: Option<u32>,
    },
    /// No image can be pulled.
    RegistryOutage {
        /// A failed pull is tried again after this, doubled each time.
        retry: Span,
        /// The longest such wait.
        retry_max: Span,
    },
    /// The orchestrator's API answers nobody.
    ControlOutage,
    /// It answers late.
    ControlDelay {
        /// By so much, each time.
        delay: Dist,
    },
    /// The process that rolls out dies; another takes over.
    ControllerCrash {
        /// Until then nobody acts.
        election: Dist,
    },
    /// Readiness probes of sound instances fail and pass in turn.
    FlappingProbe {
        /// Of which version.
        of: Whose,
        /// Of the instances.
        share: Share,
        /// They fail so long,
        down: Span,
        /// and then pass so long.
        up: Span,
    },
    /// Instances do not end when they are told to.
    StuckDrain {
        /// Of which version.
        of: Whose,
        /// Of the instances.
        share: Share,
        /// SIGKILL does not help either.
        for_ever: bool,
    },
}

/// Which instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Whose {
    /// All.
    Any,
    /// Those of the old version.
    Old,
    /// Those of the new version.
    New,
}

/// When it happens.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Occasion {
    /// All the time.
    Always,
    /// Once, so long after the beginning of the rollout.
    At(Span),
    /// Again and again as long as the rollout runs, with such times in between.
    Every(Dist),
}

/// How an orchestrator finds out that a host is gone.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Notice {
    /// Gone → its instances count as not ready.
    pub silent: Dist,
    /// That → they count as lost, and are replaced; `None`: never.
    pub replaced: Option<Dist>,
}

impl Fault {
    /// Whether it takes hosts away.
    pub fn takes_hosts(&self) -> bool {
        matches!(self.trouble, Trouble::HostLoss { .. } | Trouble::ZoneLoss { .. })
    }

    /// Whether it matters where instances are.
    pub fn has_places(&self) -> bool {
        self.takes_hosts() || matches!(self.trouble, Trouble::Partition { .. })
    }

    /// The word for it in files.
    fn kind(&self) -> &'static str {
        match self.trouble {
            Trouble::InstanceCrash { .. } => "instance_crash",
            Trouble::HostLoss { .. } => "host_loss",
            Trouble::ZoneLoss { .. } => "zone_loss",
            Trouble::HostNoise { .. } | Trouble::SlowHost { .. } => "slow_host",
            Trouble::Partition { .. } => "partition",
            Trouble::RegistryOutage { .. } => "registry_outage",
            Trouble::ControlOutage => "control_outage",
            Trouble::ControlDelay { .. } => "control_delay",
            Trouble::ControllerCrash { .. } => "controller_crash",
            Trouble::FlappingProbe { .. } => "flapping_probe",
            Trouble::StuckDrain { .. } => "stuck_drain",
        }
    }
}

impl Piece for Fault {
    const TABLE: Table = Table {
        path: "faults.*",
        about: "Something that breaks around the service, when planned or at random.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        complain(env, path);
        let kind = env.section(path).word("kind");
        let is_written = |env: &Env<'_>, key: &str| env.section(path).written(key).is_some();
        let every = is_written(env, "every").then(|| env.dist(path, "every"));
        let at = is_written(env, "at").then(|| env.section(path).span("at"));
        let occasion = match (at, every) {
            (Some(at), _) => Occasion::At(at),
            (None, Some(every)) => Occasion::Every(every),
            (None, None) => Occasion::Always,
        };
        let length = is_written(env, "for").then(|| env.positive(path, "for"));
        Self { trouble: trouble(env, path, kind), occasion, length }
    }

    fn write(&self, page: &mut Page) {
        page.text("kind", self.kind());
        match &self.occasion {
            Occasion::Always => {}
            Occasion::At(at) => page.text("at", at),
            Occasion::Every(every) => page.dist("every", every),
        }
        if let Some(length) = self.length {
            page.text("for", length);
        }
        self.trouble.write(page);
    }
}

impl Trouble {
    fn write(&self, page: &mut Page) {
        let number = |page: &mut Page, key: &str, which: Option<u32>| {
            if let Some(which) = which {
                page.raw(key, which);
            }
        };
        match self {
            Self::InstanceCrash { lifetime, of } => {
                page.dist("lifetime", lifetime);
                page.text("version", of.word());
            }
            Self::HostLoss { host, notice } => {
                number(page, "host", *host);
                notice.write(page);
            }
            Self::ZoneLoss { zone, notice } => {
                number(page, "zone", *zone);
                notice.write(page);
            }
            Self::HostNoise { cv } => page.number("cv", *cv),
            Self::SlowHost { host, share, factor } => {
                number(page, "host", *host);
                if host.is_none() {
                    page.share("share", *share);
                }
                page.number("factor", *factor);
            }
            Self::Partition { node, zone } => {
                number(page, "node", *node);
                number(page, "zone", *zone);
            }
            Self::RegistryOutage { retry, retry_max } => {
                page.text("retry", retry);
                page.text("retry_max", retry_max);
            }
            Self::ControlOutage => {}
            Self::ControlDelay { delay } => page.dist("delay", delay),
            Self::ControllerCrash { election } => page.dist("election", election),
            Self::FlappingProbe { of, share, down, up } => {
                page.text("version", of.word());
                page.share("share", *share);
                page.text("down", down);
                page.text("up", up);
            }
            Self::StuckDrain { of, share, for_ever } => {
                page.text("version", of.word());
                page.share("share", *share);
                page.text("until", if *for_ever { "never" } else { "kill" });
            }
        }
    }
}

impl Whose {
    fn read(section: &Section<'_>) -> Self {
        match section.word("version") {
            "old" => Self::Old,
            "new" => Self::New,
            _ => Self::Any,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

impl Notice {
    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let section = env.section(path);
        let (silent, replaced) = orchestrators::notice(section.orchestrator);
        let is_silent = section.written("silent").is_some();
        let entry = section.written("replaced").cloned();
        Self {
            silent: if is_silent { env.dist(path, "silent") } else { silent },
            replaced: match entry {
                None => replaced,
                Some(entry) if entry.value == Value::Word("never") => None,
                Some(entry) => Some(env.dist_of(&entry, None)),
            },
        }
    }

    fn write(&self, page: &mut Page) {
        page.dist("silent", &self.silent);
        match &self.replaced {
            Some(replaced) => page.dist("replaced", replaced),
            None => page.text("replaced", "never"),
        }
    }
}

fn trouble(env: &mut Env<'_>, path: &str, kind: &str) -> Trouble {
    let number = |env: &Env<'_>, key: &str| {
        let section = env.section(path);
        section.written(key).map(|_| section.count(key))
    };
    match kind {
        "instance_crash" => {
            let lifetime = env.dist(path, "lifetime");
            Trouble::InstanceCrash { lifetime, of: Whose::read(&env.section(path)) }
        }
        "host_loss" => {
            Trouble::HostLoss { host: number(env, "host"), notice: Notice::read(env, path) }
        }
        "zone_loss" => {
            Trouble::ZoneLoss { zone: number(env, "zone"), notice: Notice::read(env, path) }
        }
        "slow_host" if env.section(path).written("cv").is_some() => {
            Trouble::HostNoise { cv: env.section(path).number("cv") }
        }
        "slow_host" => {
            let section = env.section(path);
            let (share, factor) = (section.share("share"), section.number("factor"));
            Trouble::SlowHost { host: number(env, "host"), share, factor }
        }
        "partition" => Trouble::Partition { node: number(env, "node"), zone: number(env, "zone") },
        "registry_outage" => {
            let retry = env.positive(path, "retry");
            let retry_max = env.section(path).span("retry_max").max(retry);
            Trouble::RegistryOutage { retry, retry_max }
        }
        "control_outage" => Trouble::ControlOutage,
        "control_delay" => Trouble::ControlDelay { delay: env.dist(path, "delay") },
        "controller_crash" => {
            let is_written = env.section(path).written("election").is_some();
            let usual = orchestrators::election(env.section(path).orchestrator);
            let election = if is_written { env.dist(path, "election") } else { usual };
            Trouble::ControllerCrash { election }
        }
        "flapping_probe" => {
            let (down, up) = (env.positive(path, "down"), env.positive(path, "up"));
            let section = env.section(path);
            Trouble::FlappingProbe {
                of: Whose::read(&section),
                share: section.share("share"),
                down,
                up,
            }
        }
        _ => {
            let section = env.section(path);
            Trouble::StuckDrain {
                of: Whose::read(&section),
                share: section.share("share"),
                for_ever: section.word("until") == "never",
            }
        }
    }
}

/// Complains about keys that a kind does not have, or lacks, and about what is not there.
fn complain(env: &mut Env<'_>, path: &str) {
    let mut problems = Vec::new();
    let section = env.section(path);
    let kind = section.word("kind");
    let mut conflict = |key: &str, message: String, hint: &str| {
        problems.push(Diagnostic::new(Code::Conflict, section.place(key), message, hint));
    };
    let takes = keys_of(kind);
    for key in section.fields.entries.keys().filter(|key| *key != "kind") {
        if !takes.contains(&key.as_str()) {
            let message = format!("`{key}` has no meaning for kind = \"{kind}\"");
            conflict(key, message, &format!("it takes {}", takes.join(", ")));
        }
    }
    let has = |key: &str| section.written(key).is_some();
    let noise = has("cv");
    if has("at") && has("every") {
        conflict("every", "a fault has `at` or `every`, not both".to_owned(), "write one of them");
    }
    let needs_time = takes.contains(&"at") && kind != "stuck_drain" && !noise;
    if needs_time && !has("at") && !has("every") {
        conflict("kind", "nothing says when this happens".to_owned(), "add at = \"1m\"");
    }
    if needs_length(kind) && !noise && !has("for") {
        conflict("kind", "nothing says how long this lasts".to_owned(), "add for = \"1m\"");
    }
    if noise {
        for key in ["at", "every", "for", "host", "share", "factor"].iter().filter(|k| has(k)) {
            let message = "`cv` is for good and for all hosts".to_owned();
            conflict(key, message, "a slow host for a while is another table, without `cv`");
        }
    } else if kind == "slow_host" && !has("factor") {
        conflict("kind", "nothing says how slow".to_owned(), "add factor = 3, or cv = 0.05");
    }
    if kind == "instance_crash" && !has("lifetime") {
        let hint = "add lifetime = { law = \"weibull\", scale = \"30d\", shape = 0.7 }";
        conflict("kind", "nothing says how long processes live".to_owned(), hint);
    }
    if kind == "control_delay" && !has("delay") {
        conflict("kind", "nothing says how long it takes".to_owned(), "add delay = \"2s\"");
    }
    let (hosts, zones) = hosts_and_zones(env);
    let nodes = env.section("clients").count("count");
    for (key, there, what) in
        [("host", hosts, "hosts"), ("zone", zones, "zones"), ("node", nodes, "nodes")]
    {
        if has(key) && section.count(key) >= there {
            let message = format!("there are {there} {what}, counted from 0");
            problems.push(Diagnostic::new(Code::OutOfRange, section.place(key), message, ""));
        }
    }
    if kind == "zone_loss" && zones < 2 {
        let message = "there is one zone: without it there is nothing";
        let place = section.place("kind");
        problems.push(Diagnostic::new(Code::Conflict, place, message, "add hosts.zones = 3"));
    }
    for problem in problems {
        env.problem(problem);
    }
}

fn hosts_and_zones(env: &Env<'_>) -> (u32, u32) {
    let hosts = env.section("hosts");
    let count = match hosts.written("count") {
        Some(_) => hosts.count("count"),
        None => env.section("service").count("instances"),
    };
    (count, hosts.count("zones"))
}
