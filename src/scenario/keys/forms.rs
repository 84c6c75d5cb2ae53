//! Forms of inline tables: distributions, rates, and the small ones.

use super::Default::{Is, Required, Says};
use super::{Form, Key, Kind};

/// Shorthand for the tables below.
pub(in crate::scenario) const fn key(
    name: &'static str,
    kind: Kind,
    default: super::Default,
    about: &'static str,
    example: &'static str,
) -> Key {
    Key { name, kind, default, about, example }
}

/// The probability that a quantile key stands for: `p50` is 0.5, `p99.9` is 0.999.
pub fn quantile_of(key: &str) -> Option<f64> {
    let digits = key.strip_prefix('p')?;
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || !digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    // Not divided by 100: that would not always be the float nearest to 0.999.
    format!("{digits}e-2").parse().ok()
}

const LAWS: Kind =
    Kind::Word(&["exponential", "lognormal", "gamma", "weibull", "pareto", "uniform"]);
const LAW: Key = key("law", LAWS, Required, "The law.", "\"gamma\"");
const MEAN: Key = key("mean", Kind::Duration, Required, "Mean.", "\"30ms\"");
const CV: Key = key(
    "cv",
    Kind::Number(0.0, true),
    Says("from `sd`"),
    "Standard deviation divided by the mean.",
    "1.2",
);
const SD: Key = key("sd", Kind::Duration, Says("from `cv`"), "Standard deviation.", "\"10ms\"");

/// A form that is chosen by its law.
const fn law(name: &'static str, keys: &'static [Key]) -> Form {
    Form { name, tag: Some(("law", name)), marks: &[], keys }
}

/// Distributions of durations, beside the fixed value.
pub const DIST: &[Form] = &[
    Form { name: "quantiles", tag: None, marks: &["p50"], keys: &[] },
    law("exponential", &[LAW, MEAN]),
    law(
        "lognormal",
        &[
            LAW,
            key("mean", Kind::Duration, Says("from `mu` and `sigma`"), "Mean.", "\"30ms\""),
            SD,
            CV,
            key(
                "mu",
                Kind::Number(f64::MIN, false),
                Says("from `mean`"),
                "Mean of ln(seconds), instead of `mean`.",
                "-3.5",
            ),
            key(
                "sigma",
                Kind::Number(0.0, false),
                Says("from `cv`"),
                "Standard deviation of ln(seconds), instead of `cv`.",
                "0.8",
            ),
        ],
    ),
    law("gamma", &[LAW, MEAN, CV, SD]),
    law(
        "weibull",
        &[
            LAW,
            key("scale", Kind::Duration, Required, "Scale parameter.", "\"30ms\""),
            key("shape", Kind::Number(0.0, true), Required, "Shape parameter.", "0.7"),
        ],
    ),
    law(
        "pareto",
        &[
            LAW,
            key("min", Kind::Duration, Required, "Smallest value.", "\"10ms\""),
            key("alpha", Kind::Number(0.0, true), Required, "Tail index.", "2.5"),
        ],
    ),
    law(
        "uniform",
        &[
            LAW,
            key("low", Kind::Duration, Required, "Smallest value.", "\"10s\""),
            key("high", Kind::Duration, Required, "Largest value.", "\"20s\""),
        ],
    ),
    Form {
        name: "recorded",
        tag: None,
        marks: &["from"],
        keys: &[
            key("from", Kind::Text, Required, "A CSV file, beside the scenario.", "\"starts.csv\""),
            key("column", Kind::Text, Is("\"seconds\""), "Its column, in seconds.", "\"seconds\""),
        ],
    },
    Form {
        name: "values",
        tag: None,
        marks: &["values"],
        keys: &[key(
            "values",
            Kind::List(&Kind::Duration),
            Required,
            "Measured values.",
            "[\"9s\", \"11s\"]",
        )],
    },
    Form {
        name: "like",
        tag: None,
        marks: &["like"],
        keys: &[
            key("like", Kind::Word(&["old"]), Required, "Like the old version.", "\"old\""),
            FACTOR,
        ],
    },
    Form {
        name: "of",
        tag: None,
        marks: &["of"],
        keys: &[key("of", Kind::Dist, Required, "Another distribution.", "\"30s\""), FACTOR],
    },
];

const FACTOR: Key =
    key("factor", Kind::Number(0.0, true), Is("1"), "Multiplies every value.", "1.1");

/// `start`: a distribution, or with the pull of an image.
pub(super) const START: &[Form] = &[Form {
    name: "pull",
    tag: None,
    marks: &["pull", "cpu", "boot"],
    keys: &[
        key("pull", Kind::Size, Says("no image"), "Image to pull first.", "\"400MiB\""),
        key(
            "shared",
            Kind::Share,
            Is("\"0%\""),
            "Part of the image (layers) that the other version's has too.",
            "\"80%\"",
        ),
        key(
            "cpu",
            Kind::Dist,
            Says("none"),
            "CPU time needed then, shared with what else starts on the host.",
            "\"14s\"",
        ),
        key("boot", Kind::Dist, Is("\"0s\""), "From then until ready to answer.", "\"2s\""),
    ],
}];

const SLOWDOWN: Key = key(
    "slowdown",
    Kind::Number(1.0, false),
    Required,
    "Service times at first are this many times longer.",
    "3",
);

/// `warmup`.
pub(super) const WARMUP: &[Form] = &[
    Form {
        name: "requests",
        tag: None,
        marks: &["requests"],
        keys: &[
            key(
                "requests",
                Kind::Number(0.0, true),
                Required,
                "The slowness fades over so many requests.",
                "5000",
            ),
            SLOWDOWN,
        ],
    },
    Form {
        name: "time",
        tag: None,
        marks: &["time"],
        keys: &[
            key("time", Kind::Duration, Required, "The slowness fades over this time.", "\"20s\""),
            SLOWDOWN,
        ],
    },
];

/// `retries`.
pub(in crate::scenario) const RETRIES: &[Form] = &[Form {
    name: "retries",
    tag: None,
    marks: &["attempts", "delay", "backoff"],
    keys: &[
        key(
            "attempts",
            Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, u32::MAX - 1)]),
            Required,
            "Attempts in all; 1 is no retry.",
            "3",
        ),
        key("delay", Kind::Dist, Is("\"0s\""), "Wait before each.", "\"50ms\""),
        key(
            "on",
            Kind::List(&Kind::Word(&["connect", "reset", "shed", "timeout", "cut", "error"])),
            Is("[\"connect\", \"reset\", \"shed\"]"),
            "Failures that are tried again; `timeout` is that of the attempt.",
            "[\"connect\", \"reset\", \"timeout\"]",
        ),
        key(
            "backoff",
            Kind::Duration,
            Says("none: `delay` holds"),
            "The first wait; each further one is `factor` times longer.",
            "\"50ms\"",
        ),
        key("factor", Kind::Number(1.0, false), Is("2"), "Growth of the backoff.", "2"),
        key("max", Kind::Duration, Is("\"10s\""), "The longest backoff.", "\"10s\""),
        key(
            "jitter",
            Kind::Word(&["full", "equal", "none"]),
            Is("\"full\""),
            "How much of the backoff is random: all, half or nothing.",
            "\"full\"",
        ),
        key(
            "budget",
            Kind::OneOf(&[Kind::Share, Kind::Record(BUDGET)]),
            Says("none"),
            "Retries of a node that are allowed, as a share of its requests.",
            "\"10%\"",
        ),
    ],
}];

/// `budget` of `retries`.
pub(in crate::scenario) const BUDGET: &[Form] = &[
    Form {
        name: "ratio",
        tag: None,
        marks: &["ratio", "ttl"],
        keys: &[
            key("ratio", Kind::Share, Required, "Of the requests of the last `ttl`.", "\"20%\""),
            key("ttl", Kind::Duration, Is("\"10s\""), "How long a request counts.", "\"10s\""),
            key("least", Kind::Rate, Is("\"10/s\""), "Retries always allowed.", "\"10/s\""),
        ],
    },
    Form {
        name: "active",
        tag: None,
        marks: &["active"],
        keys: &[
            key("active", Kind::Share, Required, "Of the requests in flight.", "\"20%\""),
            key("least", Kind::Count(0, 1_000_000), Is("3"), "Retries always allowed.", "3"),
        ],
    },
];

/// `hedge`.
pub(in crate::scenario) const HEDGE: &[Form] = &[Form {
    name: "hedge",
    tag: None,
    marks: &["after"],
    keys: &[
        key(
            "after",
            Kind::OneOf(&[Kind::Word(&["p50", "p90", "p95", "p99"]), Kind::Duration]),
            Required,
            "Without an answer for so long; p95 is that quantile of recent latencies.",
            "\"80ms\"",
        ),
        key("most", Kind::Count(1, 3), Is("1"), "Attempts beside the first.", "1"),
    ],
}];

/// `pool`.
pub(in crate::scenario) const POOL: &[Form] = &[Form {
    name: "pool",
    tag: None,
    marks: &["max", "idle_timeout", "max_requests"],
    keys: &[
        key(
            "max",
            Kind::Count(0, 1_000_000),
            Required,
            "Idle connections that a node keeps to an instance.",
            "32",
        ),
        key(
            "idle_timeout",
            Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
            Is("\"never\""),
            "One that was idle for so long is closed.",
            "\"60s\"",
        ),
        key(
            "max_requests",
            Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, 1_000_000_000)]),
            Is("\"unbounded\""),
            "One that has carried so many is closed.",
            "1000",
        ),
    ],
}];

/// `sticky`.
pub(in crate::scenario) const STICKY: &[Form] = &[Form {
    name: "sticky",
    tag: None,
    marks: &["sessions"],
    keys: &[
        key("sessions", Kind::Count(1, 100_000_000), Required, "At any time.", "5000"),
        key(
            "cookie",
            Kind::Flag,
            Is("true"),
            "The client remembers its instance; else each node does for itself.",
            "true",
        ),
        key(
            "length",
            Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
            Is("\"never\""),
            "Mean length of a session; a new one takes its place.",
            "\"10m\"",
        ),
    ],
}];

/// `algorithm`.
pub(super) const POWER: &[Form] = &[Form {
    name: "power_of",
    tag: None,
    marks: &["power_of"],
    keys: &[key("power_of", Kind::Count(1, 64), Required, "Choices at random.", "3")],
}];

/// `operations`.
pub(in crate::scenario) const OPERATION: &[Form] = &[Form {
    name: "operation",
    tag: None,
    marks: &["at", "scale", "do", "set", "partition"],
    keys: &[
        key("at", Kind::Duration, Required, "After the beginning of the rollout.", "\"30s\""),
        key("scale", Kind::Count(0, 1_000_000), Says("no scaling"), "`kubectl scale`.", "20"),
        key(
            "do",
            Kind::Word(&["pause", "resume", "undo", "rollover", "promote", "abort"]),
            Says("nothing"),
            "`kubectl rollout …`, a third version (`rollover`), or what a person tells canaries.",
            "\"pause\"",
        ),
        key(
            "set",
            Kind::Count(0, 200),
            Says("no change"),
            "Set the template of this version: 0 is old, 1 new, 2 and up later ones.",
            "0",
        ),
        key(
            "partition",
            Kind::Count(0, 1_000_000),
            Says("no change"),
            "Set `partition` of a `StatefulSet`.",
            "3",
        ),
    ],
}];

/// `rate`, beside the constant one.
pub const PROFILE: &[Form] = &[
    Form {
        name: "recorded",
        tag: None,
        marks: &["from"],
        keys: &[
            key("from", Kind::Text, Required, "A file, beside the scenario.", "\"rps.csv\""),
            key("column", Kind::Text, Says("found out"), "Column with the values.", "\"rps\""),
            key("interval", Kind::Duration, Says("found out"), "Length of a row.", "\"5m\""),
            key(
                "window",
                Kind::List(&Kind::Text),
                Says("all of it"),
                "The part to play: from, to.",
                "[\"17:30\", \"18:30\"]",
            ),
            key("at", Kind::Text, Says("its beginning"), "Where the rollout begins.", "\"18:00\""),
            key("scale", Kind::Number(0.0, true), Is("1"), "Multiplies every value.", "1.2"),
            key("repeat", Kind::Flag, Is("false"), "Begin anew at the end.", "true"),
            key("format", Kind::Text, Says("found out"), "Kind of file.", "\"csv\""),
        ],
    },
    Form {
        name: "table",
        tag: None,
        marks: &["table"],
        keys: &[key(
            "table",
            Kind::List(&Kind::List(&Kind::OneOf(&[Kind::Duration, Kind::Rate]))),
            Required,
            "Pairs of time and rate, joined by straight lines.",
            "[[\"0s\", \"800/s\"], [\"5m\", \"1200/s\"]]",
        )],
    },
    Form {
        name: "bursts",
        tag: None,
        marks: &["burst", "every", "length"],
        keys: &[
            key("base", Kind::Rate, Required, "Between bursts.", "\"800/s\""),
            key("burst", Kind::Rate, Required, "In a burst.", "\"2000/s\""),
            key("every", Kind::Duration, Required, "Mean time between bursts.", "\"2m\""),
            key("length", Kind::Duration, Required, "Mean length of a burst.", "\"10s\""),
        ],
    },
    Form {
        name: "flash",
        tag: None,
        marks: &["base", "rise", "decay"],
        keys: &[
            key("base", Kind::Rate, Required, "Before.", "\"800/s\""),
            key("peak", Kind::Rate, Required, "Highest.", "\"4000/s\""),
            key("at", Kind::Duration, Required, "When it sets in.", "\"1m\""),
            key("rise", Kind::Duration, Required, "How long it rises.", "\"20s\""),
            key("decay", Kind::Duration, Required, "Time constant of its fall.", "\"3m\""),
        ],
    },
    Form {
        name: "day",
        tag: None,
        marks: &["mean", "peak", "peak_at"],
        keys: &[
            key("mean", Kind::Rate, Required, "Mean over the day.", "\"800/s\""),
            key("peak", Kind::Rate, Required, "At the busiest time.", "\"1200/s\""),
            key("peak_at", Kind::Clock, Required, "The busiest time.", "\"18:00\""),
            key("at", Kind::Clock, Required, "When the rollout begins.", "\"16:30\""),
        ],
    },
    Form {
        name: "counts",
        tag: None,
        marks: &["counts"],
        keys: &[
            key(
                "counts",
                Kind::List(&Kind::Number(0.0, false)),
                Required,
                "Requests in each interval.",
                "[800, 810]",
            ),
            key("interval", Kind::Duration, Required, "Length of an interval.", "\"1s\""),
        ],
    },
    Form {
        name: "instants",
        tag: None,
        marks: &["instants_ns"],
        keys: &[
            key(
                "instants_ns",
                Kind::List(&Kind::Number(0.0, false)),
                Required,
                "Instants in nanoseconds.",
                "[0, 1200000]",
            ),
            key("period", Kind::Duration, Required, "Length of one pass.", "\"1m\""),
        ],
    },
];
