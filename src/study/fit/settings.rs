//! What of the fitted goes into a scenario, and under which keys.

use super::{Answer, Quantity, Recorder, Report, Row};
use crate::scenario::Dist;
use crate::units::{Bandwidth, Bytes, Span};

/// Old and new version are told apart if at least so many values of both ended.
const APART: usize = 10;

/// A key of a scenario with its value and where that comes from.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The table.
    pub table: &'static str,
    /// The key in it.
    pub key: &'static str,
    /// Its value; `None` if nothing can be said, only why.
    pub value: Option<Meant>,
    /// What it was fitted to.
    pub row: Option<&'a Row>,
    /// What else is to be said of it, in sentences.
    pub note: Option<String>,
}

impl Setting<'_> {
    /// A value that was not fitted, and why it is so.
    fn plain(table: &'static str, key: &'static str, value: Meant, note: &str) -> Self {
        Self { table, key, value: Some(value), row: None, note: Some(note.to_owned()) }
    }
}

/// A value of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum Meant {
    /// A distribution.
    Dist(Dist),
    /// An image that is pulled first, and the distribution of what follows.
    Pulled(Bytes, Dist),
    /// A bandwidth.
    Bandwidth(Bandwidth),
    /// A duration.
    Span(Span),
    /// A count.
    Count(usize),
    /// Yes or no.
    Flag(bool),
}

/// Image pulls of which the size is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulls {
    /// How many.
    pub count: usize,
    /// Median size of the newest version's image, in bytes.
    pub bytes: u64,
    /// Median bytes per second.
    pub rate: f64,
}

/// How a quantity is told to a scenario.
enum Choice<'a> {
    Apart(&'a Row, &'a Row),
    Together(&'a Row, Option<String>),
    Nothing,
}

impl Report {
    /// The keys that were measured, in the order of a scenario's tables.
    pub fn settings(&self) -> Vec<Setting<'_>> {
        let mut settings = Vec::new();
        if self.recorder.is_some() {
            self.starts(&mut settings);
            self.both(Quantity::Exit, "exit", Meant::Dist, &mut settings);
        }
        if let Some(service) = &self.service {
            settings.push(Setting {
                table: "versions.old",
                key: "service_time",
                value: service.answer.dist().map(Meant::Dist),
                row: None,
                note: None,
            });
        }
        match self.recorder {
            Some(Recorder::Kubectl) => self.kubernetes(&mut settings),
            Some(Recorder::Docker) => self.swarm(&mut settings),
            None => {}
        }
        // Those of one table stand together, tables in the order of a scenario.
        let order = ["versions.old", "versions.new", "probes", "shutdown", "control", "hosts"];
        settings.sort_by_key(|setting| order.iter().position(|table| *table == setting.table));
        settings
    }

    /// Start and launch are told apart: what the image's pull takes is known, or somebody probes
    /// what Docker started.
    fn in_parts(&self) -> bool {
        let known = |quantity| self.row(quantity, None).is_some_and(is_known);
        let parts = match self.recorder {
            Some(Recorder::Kubectl) => self.pulls.is_some(),
            Some(Recorder::Docker) => true,
            None => false,
        };
        parts && known(Quantity::Boot) && known(Quantity::Launch)
    }

    fn starts<'a>(&'a self, settings: &mut Vec<Setting<'a>>) {
        if !self.in_parts() {
            if self.recorder == Some(Recorder::Docker) && !self.probed {
                settings.push(Setting {
                    table: "versions.old",
                    key: "start",
                    value: None,
                    row: None,
                    note: Some(
                        "Without a health check nobody sees when a process can answer.".to_owned(),
                    ),
                });
                return;
            }
            return self.both(Quantity::Start, "start", Meant::Dist, settings);
        }
        // A tenth of a megabyte is as much as anybody wants to read.
        let bytes = self.pulls.map(|pulls| Bytes(pulls.bytes.div_ceil(100_000) * 100_000));
        let meant = |dist: Dist| match bytes {
            Some(bytes) => Meant::Pulled(bytes, dist),
            None => Meant::Dist(dist),
        };
        self.both(Quantity::Boot, "start", meant, settings);
    }

    /// A key of both versions.
    fn both<'a>(
        &'a self,
        quantity: Quantity,
        key: &'static str,
        meant: impl Fn(Dist) -> Meant,
        settings: &mut Vec<Setting<'a>>,
    ) {
        let of = |table, row: &'a Row, note| Setting {
            table,
            key,
            value: row.answer.dist().map(&meant),
            row: Some(row),
            note,
        };
        match self.choice(quantity) {
            Choice::Apart(old, new) => {
                settings.push(of("versions.old", old, None));
                settings.push(of("versions.new", new, None));
            }
            Choice::Together(row, note) => settings.push(of("versions.old", row, note)),
            Choice::Nothing => {
                let what = quantity.describe(self.recorder);
                let mut note = format!("Too few instances were seen from {what}.");
                if quantity == Quantity::Exit && self.recorder == Some(Recorder::Kubectl) {
                    note += " Lists and events do not show when a pod of a Deployment ended: a \
                             watch over a rollout does.";
                }
                let note = Some(note);
                let table = "versions.old";
                settings.push(Setting { table, key, value: None, row: None, note });
            }
        }
    }

    fn choice(&self, quantity: Quantity) -> Choice<'_> {
        let all = self.row(quantity, None).filter(|row| is_known(row));
        let count = self.versions.len();
        if count < 2 {
            return all.map_or(Choice::Nothing, |row| Choice::Together(row, None));
        }
        let of = |version: usize| self.row(quantity, Some(version));
        let enough = |row: &&Row| is_known(row) && row.ended >= APART;
        if let (Some(old), Some(new)) = (of(count - 2).filter(enough), of(count - 1).filter(enough))
        {
            return Choice::Apart(old, new);
        }
        let Some(row) = all else { return Choice::Nothing };
        let ended = |version: usize| of(version).map_or(0, |row| row.ended);
        let few = |version: &usize| ended(*version) < APART;
        let few: Vec<String> = [count - 2, count - 1]
            .into_iter()
            .filter(few)
            .map(|v| format!("{} has {}", self.versions[v].hash, ended(v)))
            .collect();
        let note = format!(
            "All versions pooled: old and new are told apart from {APART} values each on, and {}.",
            if few.is_empty() { "a law was found for neither".into() } else { few.join(", ") }
        );
        Choice::Together(row, Some(note))
    }

    fn kubernetes<'a>(&'a self, settings: &mut Vec<Setting<'a>>) {
        let wait = "The wait for the next probe is in the measured start.";
        settings.push(Setting::plain("probes", "period", Meant::Span(Span::ZERO), wait));
        match self.pre_stop {
            Some(sleep) => {
                let span = Meant::Span(Span::from_secs_f64(sleep));
                settings.push(Setting::plain("shutdown", "pre_stop", span, "As all pods say."));
            }
            None => settings.push(Setting {
                table: "shutdown",
                key: "pre_stop",
                value: None,
                row: None,
                note: Some(
                    "Pods differ in their preStop hooks, or these do more than sleep: exit holds \
                     what they take."
                        .to_owned(),
                ),
            }),
        }
        if let Some(pulls) = self.pulls.filter(|_| self.in_parts()) {
            self.launch(Quantity::Launch, settings);
            let note = format!(
                "Median of {} pulls (size / time without waiting); that it varies is left out.",
                pulls.count
            );
            let rate = Meant::Bandwidth(Bandwidth((pulls.rate / 1e5).ceil() as u64 * 100_000));
            settings.push(Setting::plain("hosts", "bandwidth", rate, &note));
            if self.hosts > 0 {
                let note = "Nodes that pods were seen on.";
                settings.push(Setting::plain("hosts", "count", Meant::Count(self.hosts), note));
            }
        }
    }

    fn swarm<'a>(&'a self, settings: &mut Vec<Setting<'a>>) {
        let prepared = "The way from creation on is measured as a whole.";
        settings.push(Setting::plain("control", "schedule", Meant::Span(Span::ZERO), prepared));
        if self.in_parts() {
            self.launch(Quantity::Launch, settings);
        } else if self.probed {
            let note = "It is in the measured start.";
            settings.push(Setting::plain("control", "launch", Meant::Span(Span::ZERO), note));
        } else {
            self.launch(Quantity::Start, settings);
        }
        if self.probed {
            let note = "The tasks have a health check.";
            settings.push(Setting::plain("probes", "enabled", Meant::Flag(true), note));
            let wait = "The wait for the next probe is in the measured start.";
            settings.push(Setting::plain("probes", "period", Meant::Span(Span::ZERO), wait));
        }
    }

    fn launch<'a>(&'a self, quantity: Quantity, settings: &mut Vec<Setting<'a>>) {
        let Some(row) = self.row(quantity, None).filter(|row| is_known(row)) else { return };
        let value = row.answer.dist().map(Meant::Dist);
        let (table, key, row) = ("control", "launch", Some(row));
        settings.push(Setting { table, key, value, row, note: None });
    }
}

fn is_known(row: &Row) -> bool {
    !matches!(row.answer, Answer::Nothing(_))
}
