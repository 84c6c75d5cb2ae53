//! What the service is asked.

use super::Env;
use super::dist::recorded_problem;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::PROFILE;
use crate::scenario::raw::{Entry, Fields, Section, Value};
use crate::scenario::recorded::{self, TrafficOptions};
use crate::scenario::{Arrivals, Profile, Traffic};
use crate::units::{Rate, Span};

/// The traffic, if the table was written.
pub(super) fn traffic(env: &mut Env<'_>) -> Option<Traffic> {
    env.fields("traffic")?;
    Some(env.arrivals("traffic"))
}

const NONE: Profile = Profile::Constant(Rate(0.0));

impl Env<'_> {
    /// What arrives, by the keys `rate`, `arrivals` and `scale` of a table.
    pub(in crate::scenario) fn arrivals(&mut self, path: &str) -> Traffic {
        let section = self.section(path);
        let (rate, scale) = (section.entry("rate"), section.number("scale"));
        let arrivals = match section.word("arrivals") {
            "deterministic" => Arrivals::Deterministic,
            _ => Arrivals::Poisson,
        };
        let profile = match &rate.value {
            Value::Rate(rate) => Profile::Constant(*rate),
            Value::Record(form, fields) => self.profile(form, fields),
            other => unreachable!("a rate is a rate or a table: {other:?}"),
        };
        Traffic { profile, arrivals, scale }
    }

    fn profile(&mut self, form: &str, fields: &Fields) -> Profile {
        let keys = PROFILE.iter().find(|f| f.name == form).map_or(&[][..], |f| f.keys);
        let section = self.inline(keys, fields);
        match form {
            "recorded" => self.recorded_traffic(&section),
            "table" => self.table(&section),
            "day" => self.day(&section),
            "bursts" => Profile::Bursts {
                base: section.rate("base"),
                burst: section.rate("burst"),
                every: self.stay(&section, "every"),
                length: self.stay(&section, "length"),
            },
            "flash" => Profile::Flash {
                base: section.rate("base"),
                peak: section.rate("peak"),
                at: section.span("at"),
                rise: section.span("rise"),
                decay: self.stay(&section, "decay"),
            },
            "counts" => Profile::Counts {
                interval: self.stay(&section, "interval"),
                counts: self.numbers(&section, "counts"),
            },
            "instants" => self.instants(&section),
            other => unreachable!("no traffic is called {other}"),
        }
    }

    /// A duration that must not be zero.
    fn stay(&mut self, section: &Section<'_>, key: &str) -> Span {
        let span = section.span(key);
        if span == Span::ZERO {
            let message = format!("`{key}` must not be zero");
            self.problem(Diagnostic::new(Code::OutOfRange, section.place(key), message, ""));
        }
        span
    }

    fn numbers(&mut self, section: &Section<'_>, key: &str) -> Vec<f64> {
        let of = |entry: Entry| if let Value::Number(n) = entry.value { Some(n) } else { None };
        let numbers: Vec<f64> = section.list(key).into_iter().filter_map(of).collect();
        if numbers.is_empty() {
            let message = format!("`{key}` is empty");
            self.problem(Diagnostic::new(Code::OutOfRange, section.place(key), message, ""));
        }
        numbers
    }

    fn day(&mut self, section: &Section<'_>) -> Profile {
        let (mean, peak) = (section.rate("mean"), section.rate("peak"));
        // mean + (peak − mean)·cos(…) falls below zero at night if the peak is above 2·mean.
        if peak.0 < mean.0 || peak.0 > 2.0 * mean.0 {
            let at = section.place("peak");
            let message = "the peak of a day lies between its mean and twice its mean";
            let hint = format!("write a rate from {mean} to {}", Rate(2.0 * mean.0));
            self.problem(Diagnostic::new(Code::OutOfRange, at, message, hint));
        }
        Profile::Day { mean, peak, peak_at: section.span("peak_at"), start_at: section.span("at") }
    }

    fn table(&mut self, section: &Section<'_>) -> Profile {
        let mut points = Vec::new();
        for row in section.list("table") {
            let cells = if let Value::List(cells) = &row.value { &cells[..] } else { &[] };
            let values: Vec<&Value> = cells.iter().map(|cell| &cell.value).collect();
            if let [Value::Span(time), Value::Rate(rate)] = values[..] {
                points.push((*time, *rate));
            } else {
                let message = "a row is a time and a rate";
                let hint = "write [\"30s\", \"800/s\"]";
                self.problem(Diagnostic::new(Code::WrongType, row.at, message, hint));
                return NONE;
            }
        }
        if points.is_empty() || points.windows(2).any(|w| w[0].0 >= w[1].0) {
            let message = "the times of a table ascend, and there is at least one";
            self.problem(Diagnostic::new(Code::OutOfRange, section.place("table"), message, ""));
        }
        Profile::Table(points)
    }

    fn instants(&mut self, section: &Section<'_>) -> Profile {
        let numbers = self.numbers(section, "instants_ns");
        let at: Vec<u64> = numbers.into_iter().map(|ns| ns as u64).collect();
        let period = self.stay(section, "period");
        let last = at.last().copied().unwrap_or(0);
        if at.windows(2).any(|w| w[0] > w[1]) || last > period.0 {
            let message = "instants ascend and lie within the period";
            let place = section.place("instants_ns");
            self.problem(Diagnostic::new(Code::OutOfRange, place, message, ""));
        }
        Profile::Instants { at, period }
    }

    fn recorded_traffic(&mut self, section: &Section<'_>) -> Profile {
        let text = |key: &str| section.written(key).map(|_| section.text(key));
        let window = section.written("window").map(|_| section.list("window"));
        let window = match window.as_deref() {
            None => None,
            Some([Entry { value: Value::Text(a), .. }, Entry { value: Value::Text(b), .. }]) => {
                Some((a.clone(), b.clone()))
            }
            Some(_) => {
                let (at, hint) = (section.place("window"), "write [\"17:30\", \"18:30\"]");
                let message = "a window has two ends";
                self.problem(Diagnostic::new(Code::WrongType, at, message, hint));
                None
            }
        };
        let options = TrafficOptions {
            column: text("column"),
            interval: section.written("interval").map(|_| section.span("interval")),
            window,
            at: text("at"),
            scale: section.number("scale"),
            repeat: section.flag("repeat"),
            format: text("format"),
        };
        let path = self.base_dir.join(section.text("from"));
        let place = section.place("from");
        match recorded::read_traffic(&path, &options) {
            Ok(read) => {
                for warning in read.warnings {
                    self.problem(Diagnostic::new(Code::RecordedNote, place, warning, ""));
                }
                read.profile
            }
            Err(error) => {
                self.problem(recorded_problem(place, &error));
                NONE
            }
        }
    }
}
