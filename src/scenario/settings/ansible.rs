//! `[strategy.ansible]`: a play over hosts, in batches (`serial`).

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Entry, Value};
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.ansible";

/// A play that takes a host out, stops the service, starts the new version and waits for it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ansible {
    /// Batch sizes; the last one repeats. Percentages are of all hosts, truncated, at least 1;
    /// a literal 0 is all that are left, an empty list one batch of all.
    pub serial: Vec<CountOrPercent>,
    /// The play stops when more than this percentage of a batch has failed; `None`: only when
    /// the whole batch has.
    pub max_fail_percentage: Option<f64>,
    /// The first failure stops the play.
    pub any_errors_fatal: bool,
    /// Hosts on which a task runs at once.
    pub forks: u32,
    /// In which order hosts are taken.
    pub order: HostOrder,
    /// The play waits so long at most for the balancer's connections to a host to end before it
    /// stops the service there.
    pub drain_wait: Span,
    /// The wait for the new version fails after this.
    pub start_timeout: Span,
}

/// `order` of a play. Host number i is called `i`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum HostOrder {
    /// As in the inventory: by number.
    Inventory,
    /// The same backwards.
    ReverseInventory,
    /// By name, letter by letter: 1, 10, 11, 2, …
    Sorted,
    /// The same backwards.
    ReverseSorted,
    /// At random, anew for each play.
    Shuffle,
}

impl Settings for Ansible {
    const TABLE: Table =
        Table { path: PATH, about: "An Ansible play over hosts, in batches.", keys: KEYS };
    // Checks as HAProxy makes them (`inter 2s rise 2 fall 3`): nobody else tells the balancer
    // that a service is gone. A unit of systemd is killed after 90 s.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("clients.lag_remove", "{ law = \"uniform\", low = \"4s\", high = \"6s\" }"),
        ("probes.period", "\"2s\""),
        ("probes.success", "2"),
        ("shutdown.grace", "\"90s\""),
        ("shutdown.grace_from", "\"term\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let start_timeout = env.positive(PATH, "start_timeout");
        let serial = serial(env);
        let section = env.section(PATH);
        let max_fail_percentage = match section.value("max_fail_percentage") {
            Value::Number(percent) => Some(percent),
            Value::Share(share) => Some((share.0 * 1e12).round() / 1e10),
            _ => None,
        };
        Self {
            serial,
            max_fail_percentage,
            any_errors_fatal: section.flag("any_errors_fatal"),
            forks: section.count("forks"),
            order: match section.word("order") {
                "reverse_inventory" => HostOrder::ReverseInventory,
                "sorted" => HostOrder::Sorted,
                "reverse_sorted" => HostOrder::ReverseSorted,
                "shuffle" => HostOrder::Shuffle,
                _ => HostOrder::Inventory,
            },
            drain_wait: section.span("drain_wait"),
            start_timeout,
        }
    }

    fn write(&self, page: &mut Page) {
        page.raw("serial", format!("[{}]", self.sizes(|text| format!("\"{text}\""))));
        match self.max_fail_percentage {
            Some(percent) => page.raw("max_fail_percentage", percent),
            None => page.text("max_fail_percentage", "none"),
        }
        page.raw("any_errors_fatal", self.any_errors_fatal);
        page.raw("forks", self.forks);
        let order = match self.order {
            HostOrder::Inventory => "inventory",
            HostOrder::ReverseInventory => "reverse_inventory",
            HostOrder::Sorted => "sorted",
            HostOrder::ReverseSorted => "reverse_sorted",
            HostOrder::Shuffle => "shuffle",
        };
        page.text("order", order);
        page.text("drain_wait", self.drain_wait);
        page.text("start_timeout", self.start_timeout);
    }

    fn describe(&self) -> String {
        let sizes =
            if self.serial.is_empty() { "all".to_owned() } else { self.sizes(ToOwned::to_owned) };
        match self.max_fail_percentage {
            Some(percent) => format!("ansible, serial {sizes}, max_fail_percentage {percent}"),
            None => format!("ansible, serial {sizes}"),
        }
    }

    fn drain_wait(&self) -> Option<(&'static str, Span)> {
        Some(("drain_wait", self.drain_wait))
    }
}

impl Ansible {
    /// The batch sizes with commas, percentages in the given quotes.
    fn sizes(&self, quoted: impl Fn(&str) -> String) -> String {
        let text = |size: &CountOrPercent| match size {
            CountOrPercent::Count(count) => count.to_string(),
            CountOrPercent::Percent(_) => quoted(&size.to_string()),
        };
        self.serial.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

/// One size or a list of them.
fn serial(env: &mut Env<'_>) -> Vec<CountOrPercent> {
    let written = env.section(PATH).entry("serial");
    let entries = match written.value {
        Value::List(entries) => entries,
        value => vec![Entry { value, ..written }],
    };
    let mut sizes = Vec::new();
    for entry in entries {
        let Value::Amount(size) = entry.value else { continue };
        if matches!(size, CountOrPercent::Percent(p) if p.fract() != 0.0) {
            let message = "`serial` takes whole percentages";
            let hint = "Ansible refuses this too";
            env.problem(Diagnostic::new(Code::OutOfRange, entry.at, message, hint));
        }
        sizes.push(size);
    }
    sizes
}

const KEYS: &[Key] = &[
    key(
        "serial",
        Kind::OneOf(&[Kind::Amount, Kind::List(&Kind::Amount)]),
        Is("[]"),
        "Hosts in a batch, or a list of which the last repeats; 0 or no list: all.",
        "[1, \"25%\"]",
    ),
    key(
        "max_fail_percentage",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Number(0.0, false), Kind::Share]),
        Is("\"none\""),
        "More failed hosts than this percentage of the batch stop the play.",
        "30",
    ),
    key("any_errors_fatal", Kind::Flag, Is("false"), "The first failure stops the play.", "true"),
    key("forks", Kind::Count(1, 100_000), Is("5"), "Hosts on which a task runs at once.", "20"),
    key(
        "order",
        Kind::Word(&["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"]),
        Is("\"inventory\""),
        "In which order hosts are taken.",
        "\"shuffle\"",
    ),
    key(
        "drain_wait",
        Kind::Duration,
        Is("\"0s\""),
        "Longest wait for a host's connections to end before its service is stopped.",
        "\"60s\"",
    ),
    key(
        "start_timeout",
        Kind::Duration,
        Is("\"5m\""),
        "A host whose service is not ready so long after its start has failed.",
        "\"2m\"",
    ),
];
