//! `[defects.NAME]`: what may be wrong with the new version.

use super::{Default::Is, Default::Required, Default::Says, Env, Key, Kind, Page, Piece, Table};
use super::{MANY_DEFECTS, key};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Section, Value};
use crate::units::{Share, Span};

/// Something that may be wrong with the new version. Several may be at once.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Defect {
    /// What.
    pub fault: Wrong,
    /// Chance that a bad release carries it, independently of the others; at least one is.
    pub chance: Share,
    /// Share of the instances that show it.
    pub instances: Share,
    /// Share of the hosts on which instances show it.
    pub hosts: Share,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Wrong {
    /// An instance never becomes ready.
    NeverReady {
        /// Chance of that.
        share: Share,
    },
    /// A process ends by itself.
    Crash {
        /// Chance of that, each time it is started.
        share: Share,
        /// From its start.
        after: Dist,
    },
    /// Requests are answered with errors.
    Errors {
        /// Share of the requests of the class.
        share: Share,
        /// An instance could serve → the first error.
        after: Dist,
        /// From then on the share grows from nothing over this time; zero: at once.
        rise: Span,
        /// Share of all requests that can fail: always the same ones.
        class: Share,
    },
    /// Requests take longer.
    Slower {
        /// So many times as long.
        factor: f64,
    },
    /// An instance works on fewer requests at once.
    LessCapacity {
        /// Share of its slots or cores that is lost.
        share: Share,
    },
    /// Memory that is not given back: requests take longer and longer, then the process is
    /// killed and begins afresh.
    Leak {
        /// What uses it up.
        until: Until,
        /// Requests take so many times as long just before the end.
        factor: f64,
    },
    /// Instances start slowly.
    SlowStart {
        /// So many times as long.
        factor: f64,
    },
    /// Requests fail while two versions serve.
    Mixed {
        /// What makes them fail.
        how: Mix,
        /// Share of those that do.
        share: Share,
    },
    /// What the new version has written the old one cannot read: from its first answer on the old
    /// version fails, and after a rollback still.
    Irreversible {
        /// Share of requests that the old version fails from then on.
        share: Share,
    },
}

/// When a leak has used up the memory of a process.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Until {
    /// After so many requests.
    Served(f64),
    /// After this time.
    After(Dist),
}

/// How versions that do not go together make requests fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Mix {
    /// In proportion to x(1 − x), where x is the part of the serving instances that is new:
    /// instances talk to each other. The share holds at x = ½.
    Peers,
    /// A client whose last request was answered by the other version fails.
    Crossing {
        /// So many clients.
        clients: u32,
    },
}

impl Wrong {
    /// The word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NeverReady { .. } => "never_ready",
            Self::Crash { after: Dist::Fixed(Span::ZERO), .. } => "crash_at_start",
            Self::Crash { .. } => "crash_after",
            Self::Errors { .. } => "errors",
            Self::Slower { .. } => "slower",
            Self::LessCapacity { .. } => "less_capacity",
            Self::Leak { .. } => "leak",
            Self::SlowStart { .. } => "slow_start",
            Self::Mixed { .. } => "mixed",
            Self::Irreversible { .. } => "irreversible",
        }
    }

    /// Whether only requests feel it.
    fn is_about_requests(&self) -> bool {
        match self {
            Self::NeverReady { .. } | Self::Crash { .. } | Self::SlowStart { .. } => false,
            Self::Leak { until, .. } => matches!(until, Until::Served(_)),
            Self::Errors { .. }
            | Self::Slower { .. }
            | Self::LessCapacity { .. }
            | Self::Mixed { .. }
            | Self::Irreversible { .. } => true,
        }
    }

    /// Whether it is about the whole service and not about some of its instances.
    fn is_of_service(&self) -> bool {
        matches!(self, Self::Mixed { .. } | Self::Irreversible { .. })
    }
}

impl Piece for Defect {
    const TABLE: Table = Table {
        path: "defects.*",
        about: "What may be wrong with the new version; a bad release carries at least one.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let after = env.dist(path, "after");
        let section = env.section(path);
        let defect = Self {
            fault: fault(&section, after),
            chance: section.share("chance"),
            instances: section.share("instances"),
            hosts: section.share("hosts"),
        };
        let mut problems = problems(&section, &defect);
        if defect.fault.is_about_requests() && env.is_there("queue") {
            let message = "only requests feel this, and the fleet takes messages";
            let at = section.place("kind");
            problems.push(Diagnostic::new(Code::Conflict, at, message, "leave out [queue]"));
        }
        if env.names_of(Self::TABLE.path).len() > MANY_DEFECTS {
            let message = format!("more than {MANY_DEFECTS} defects");
            let at = section.fields.at;
            problems.push(Diagnostic::new(Code::OutOfRange, at, message, "leave some out"));
        }
        for problem in problems {
            env.problem(problem);
        }
        defect
    }

    fn write(&self, page: &mut Page) {
        page.text("kind", self.fault.kind());
        match &self.fault {
            Wrong::NeverReady { share }
            | Wrong::LessCapacity { share }
            | Wrong::Irreversible { share } => page.share("share", *share),
            Wrong::Crash { share, after } => {
                page.share("share", *share);
                if *after != Dist::Fixed(Span::ZERO) {
                    page.dist("after", after);
                }
            }
            Wrong::Errors { share, after, rise, class } => {
                page.share("share", *share);
                page.dist("after", after);
                page.text("rise", rise);
                page.share("class", *class);
            }
            Wrong::Slower { factor } | Wrong::SlowStart { factor } => {
                page.number("factor", *factor);
            }
            Wrong::Leak { until, factor } => {
                match until {
                    Until::Served(requests) => page.number("served", *requests),
                    Until::After(after) => page.dist("after", after),
                }
                page.number("factor", *factor);
            }
            Wrong::Mixed { how, share } => {
                if let Mix::Crossing { clients } = how {
                    page.raw("clients", clients);
                }
                page.share("share", *share);
            }
        }
        page.share("chance", self.chance);
        if !self.fault.is_of_service() {
            page.share("instances", self.instances);
            page.share("hosts", self.hosts);
        }
    }
}

fn fault(section: &Section<'_>, after: Dist) -> Wrong {
    let share = section.share("share");
    let factor = section.number("factor");
    match section.word("kind") {
        "never_ready" => Wrong::NeverReady { share },
        "crash_at_start" => Wrong::Crash { share, after: Dist::Fixed(Span::ZERO) },
        "crash_after" => Wrong::Crash { share, after },
        "slower" => Wrong::Slower { factor },
        "less_capacity" => Wrong::LessCapacity { share },
        "slow_start" => Wrong::SlowStart { factor },
        "irreversible" => Wrong::Irreversible { share },
        "leak" => {
            let until = match section.value("served") {
                Value::Number(requests) if section.written("served").is_some() => {
                    Until::Served(requests)
                }
                _ => Until::After(after),
            };
            Wrong::Leak { until, factor }
        }
        "mixed" => {
            let how = match section.written("clients") {
                Some(_) => Mix::Crossing { clients: section.count("clients") },
                None => Mix::Peers,
            };
            Wrong::Mixed { how, share }
        }
        // "errors", and "flaky", which is errors of some instances.
        _ => {
            let after = match section.written("after") {
                Some(_) => after,
                None => Dist::Fixed(Span::ZERO),
            };
            Wrong::Errors {
                share,
                after,
                rise: section.span("rise"),
                class: section.share("class"),
            }
        }
    }
}

/// Keys of a kind, beside those that all have.
fn keys_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "crash_after" => &["share", "after", "instances", "hosts"],
        "errors" | "flaky" => &["share", "after", "rise", "class", "instances", "hosts"],
        "slower" | "slow_start" => &["factor", "instances", "hosts"],
        "leak" => &["served", "after", "factor", "instances", "hosts"],
        "mixed" => &["share", "clients"],
        "irreversible" => &["share"],
        _ => &["share", "instances", "hosts"],
    }
}

fn problems(section: &Section<'_>, defect: &Defect) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let kind = section.word("kind");
    let written = |key: &str| section.written(key).is_some();
    let mut conflict = |key: &str, message: String, hint: &str| {
        problems.push(Diagnostic::new(Code::Conflict, section.place(key), message, hint));
    };
    let known = keys_of(kind);
    for key in KEYS.iter().map(|key| key.name) {
        if written(key) && key != "kind" && key != "chance" && !known.contains(&key) {
            let message = format!("`{key}` has no meaning for a defect of kind \"{kind}\"");
            conflict(key, message, "leave it out");
        }
    }
    let needs = |keys: [&str; 2]| !keys.iter().any(|key| written(key));
    if kind == "crash_after" && !written("after") {
        conflict("kind", "nothing says after what".to_owned(), "add after = \"30s\"");
    }
    if kind == "leak" && needs(["served", "after"]) {
        let hint = "add served = 20000, or after = \"10m\"";
        conflict("kind", "nothing says when the memory is used up".to_owned(), hint);
    }
    if kind == "leak" && !needs(["served", "served"]) && !needs(["after", "after"]) {
        conflict("after", "`served` and `after` both say when".to_owned(), "leave one out");
    }
    if kind == "flaky" && needs(["instances", "hosts"]) {
        let hint = "add instances = \"20%\", or hosts = \"10%\"";
        conflict("kind", "nothing says whom it befalls".to_owned(), hint);
    }
    let shares = [("chance", defect.chance), ("instances", defect.instances)];
    for (key, share) in shares.into_iter().chain([("hosts", defect.hosts)]) {
        if share.0 <= 0.0 {
            let message = format!("with {key} = 0 nobody ever meets this defect");
            conflict(key, message, "leave the defect out");
        }
    }
    if defect.fault == (Wrong::LessCapacity { share: Share(1.0) }) {
        conflict("share", "nothing is left to serve with".to_owned(), "less than 100%");
    }
    problems
}

const KINDS: &[&str] = &[
    "never_ready",
    "crash_at_start",
    "crash_after",
    "errors",
    "slower",
    "less_capacity",
    "leak",
    "slow_start",
    "flaky",
    "mixed",
    "irreversible",
];

const KEYS: &[Key] = &[
    key(
        "kind",
        Kind::Word(KINDS),
        Required,
        "What is wrong; `flaky`: errors of some instances or hosts only.",
        "\"errors\"",
    ),
    key(
        "chance",
        Kind::Share,
        Is("\"100%\""),
        "Chance that a bad release carries this defect; at least one is carried.",
        "\"30%\"",
    ),
    key(
        "share",
        Kind::Share,
        Is("\"100%\""),
        "How much: of requests that fail, of processes that crash, of capacity that is lost.",
        "\"2%\"",
    ),
    key(
        "after",
        Kind::Dist,
        Says("\"0s\"; written for `crash_after`"),
        "How long an instance is well: until it crashes, errs, or has leaked its memory.",
        "\"30s\"",
    ),
    key("rise", Kind::Duration, Is("\"0s\""), "Errors grow over this time.", "\"10m\""),
    key(
        "class",
        Kind::Share,
        Is("\"100%\""),
        "Errors of one class of requests only: this part of all, always the same ones.",
        "\"5%\"",
    ),
    key(
        "factor",
        Kind::Number(1.0, false),
        Is("2"),
        "So many times as long: requests, starts, or requests at the end of a leak.",
        "1.5",
    ),
    key(
        "served",
        Kind::Number(0.0, true),
        Says("`after` says when"),
        "A leak uses up the memory of a process within so many requests.",
        "20000",
    ),
    key(
        "clients",
        Kind::Count(1, 10_000_000),
        Says("instances talk to each other: errors in proportion to x(1 - x)"),
        "Mixed versions: of so many clients those fail whose last answer was the other version's.",
        "5000",
    ),
    key(
        "instances",
        Kind::Share,
        Is("\"100%\""),
        "Only this share of the instances shows it.",
        "\"20%\"",
    ),
    key(
        "hosts",
        Kind::Share,
        Is("\"100%\""),
        "Only instances on this share of the hosts show it.",
        "\"10%\"",
    ),
];
