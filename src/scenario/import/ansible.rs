//! An Ansible play over hosts, in batches.
//!
//! Source: Ansible's playbook keywords (`serial`, `max_fail_percentage`, `any_errors_fatal`,
//! `order`, `strategy`); defaults of `community.general.haproxy` (`wait_retries` 25,
//! `wait_interval` 5 s) and of `wait_for` (`timeout` 300 s).

mod tasks;

use serde_json::Value;

use super::fields::{Fields, amount};
use super::parts::{self, Gates};
use super::toml_text::{TomlText, quantiles, quoted};
use super::{ImportError, Imported, Options};
use crate::units::{CountOrPercent, Span};
use tasks::Tasks;

/// Imports one play.
pub(super) fn import(
    root: &Value,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let items = root.as_array().map_or(&[][..], Vec::as_slice);
    let items: Vec<&Value> = items.iter().filter(|item| item.is_object()).collect();
    let several = |error: ImportError| {
        // A place in the wrong play would be worse than none.
        let key = error.path.first();
        let plays = items.iter().filter(|item| key.is_some_and(|key| item.get(key).is_some()));
        if plays.count() > 1 { error.at(Vec::new()) } else { error }
    };
    import_one(&items, file, options).map_err(several)
}

fn import_one(items: &[&Value], file: &str, options: Options<'_>) -> Result<Imported, ImportError> {
    let plays: Result<Vec<Fields<'_>>, ImportError> =
        items.iter().map(|item| Fields::root(item)).collect();
    let plays = plays?;
    let (index, others) = choose(&plays, file, options.name)?;
    let play = &plays[index];
    let title = name_of(play);
    let hosts = play.text("hosts").unwrap_or_else(|| {
        let list = play.get("hosts").and_then(Value::as_array);
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(",")
    });
    let listed = play.get("hosts").and_then(Value::as_array).map(Vec::len);
    let in_pattern = ranged(&hosts).or(listed.filter(|n| *n > 1).map(|n| n as u32));
    let n = options.instances.or(in_pattern).unwrap_or(10);
    let settings = Settings::read(play)?;
    let tasks = Tasks::read(play);
    let mut out = TomlText::default();
    parts::head(&mut out, &format!("play \"{title}\""), file, &settings.notes);
    gates(&mut out, &settings, &tasks, n);
    out.table("service");
    out.value("name", &quoted(&hosts), "hosts");
    match (options.instances, in_pattern) {
        (Some(_), _) => out.value("instances", &n.to_string(), "given with -n"),
        (None, Some(_)) => out.value("instances", &n.to_string(), "hosts, counted"),
        (None, None) => {
            let why = "the inventory is not in the play; give it with -n";
            out.assumed("instances", &n.to_string(), "2..50", why);
        }
    }
    parts::inner_life(&mut out, "one service", "see its unit");
    let start = "service start until it could pass a health check";
    parts::versions(&mut out, Span::from_secs(60), start, Span::from_secs(90));
    parts::traffic(&mut out);
    world(&mut out, &tasks);
    out.table("strategy.ansible");
    settings.write(&mut out);
    tasks.write(&mut out);
    out.table("pipeline");
    out.value("kind", "\"none\"", "a play that fails is left as it is");
    let given = match (options.instances, in_pattern) {
        (Some(_), _) => format!("{n} hosts (given)"),
        (None, Some(_)) => format!("{n} hosts"),
        (None, None) => "their number is not in the play".to_owned(),
    };
    let mut read = vec![format!("play \"{title}\", hosts {hosts}: {given}"), settings.text()];
    read.extend(tasks.read.clone());
    let mut ignored = settings.ignored.clone();
    ignored.extend(tasks.ignored.clone());
    play.skip(&["name"]);
    let unused = play.unread("");
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    let mut imported = Imported::new(out, file, read, ignored);
    imported.others = others;
    Ok(imported)
}

fn name_of(play: &Fields<'_>) -> String {
    play.text("name").or(play.text("hosts")).unwrap_or_else(|| "?".to_owned())
}

/// The play of that name; else the first with `serial`, else the first with hosts.
fn choose(
    plays: &[Fields<'_>],
    file: &str,
    name: Option<&str>,
) -> Result<(usize, Vec<String>), ImportError> {
    let names: Vec<String> = plays.iter().map(name_of).collect();
    let name = name.map(|name| name.strip_prefix("play/").unwrap_or(name));
    let has = |key: &'static str| plays.iter().position(|play| play.get(key).is_some());
    let found = match name {
        Some(name) => plays.iter().position(|play| {
            name_of(play) == name || play.text("hosts").is_some_and(|hosts| hosts == name)
        }),
        None => has("serial").or(has("hosts")),
    };
    let Some(index) = found else {
        let message = match name {
            Some(name) => format!("{file} has no play {name}"),
            None => format!("{file} has no play with hosts"),
        };
        let hint = match name {
            Some(_) => format!("it has {}", names.join(", ")),
            None => "import the playbook that `import_playbook` names".to_owned(),
        };
        return Err(ImportError::new(message).hint(hint));
    };
    let others = plays.iter().enumerate().filter(|(i, play)| *i != index && play.is_there());
    let others = others.filter(|(_, play)| play.get("hosts").is_some());
    Ok((index, others.map(|(i, _)| format!("play/{}", names[i])).collect()))
}

/// Hosts of `web[01:12]`, with or without a domain after it.
fn ranged(hosts: &str) -> Option<u32> {
    let (before, rest) = hosts.split_once('[')?;
    let (range, after) = rest.split_once(']')?;
    if [before, after].iter().any(|part| part.contains([',', ':', '!', '&', '[', '*'])) {
        return None;
    }
    let (first, last) = range.split_once(':')?;
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    (last >= first).then(|| last - first + 1)
}

struct Settings {
    serial: Option<Vec<CountOrPercent>>,
    serial_assumed: Option<String>,
    max_fail: Option<f64>,
    fatal: Option<bool>,
    order: Option<&'static str>,
    notes: Vec<String>,
    ignored: Vec<String>,
}

const ORDERS: [&str; 5] = ["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"];

impl Settings {
    fn read(play: &Fields<'_>) -> Result<Self, ImportError> {
        let (serial, serial_assumed) = serial(play)?;
        let max_fail = match play.get("max_fail_percentage") {
            Some(Value::String(text)) if text.ends_with('%') => {
                let number: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
                Some(number.ok_or_else(|| play.wrong("max_fail_percentage", "a percentage"))?)
            }
            _ => play.number("max_fail_percentage")?,
        };
        let mut ignored = Vec::new();
        let strategy = play.text("strategy").unwrap_or_else(|| "linear".to_owned());
        let mut notes = Vec::new();
        if !strategy.ends_with("linear") {
            ignored.push(format!(
                "strategy {strategy} (modelled as linear: hosts of a batch take each task together)"
            ));
            notes.push(format!("strategy {strategy} is taken for linear."));
        }
        let throttle = play.text("throttle");
        if let Some(throttle) = throttle {
            ignored.push(format!("throttle {throttle} (see strategy.ansible.forks)"));
        }
        Ok(Self {
            serial,
            serial_assumed,
            max_fail,
            fatal: play.flag("any_errors_fatal")?,
            order: play.word("order", &ORDERS)?,
            notes,
            ignored,
        })
    }

    fn serial_text(&self) -> String {
        let sizes = self.serial.as_deref().unwrap_or(&[]);
        let sizes: Vec<String> = sizes.iter().map(|size| parts::amount(*size)).collect();
        match sizes.as_slice() {
            [one] => one.clone(),
            sizes => format!("[{}]", sizes.join(", ")),
        }
    }

    fn write(&self, out: &mut TomlText) {
        let serial = self.serial_text();
        match (&self.serial_assumed, &self.serial) {
            (Some(why), _) => out.assumed("serial", &serial, "1..10", why),
            (None, Some(_)) => out.value("serial", &serial, "serial"),
            (None, None) => out.value("serial", "[]", "no serial: all hosts at once"),
        }
        let text = self.max_fail.map(|percent| percent.to_string());
        let source = parts::source("max_fail_percentage", text.is_some());
        out.value("max_fail_percentage", text.as_deref().unwrap_or("\"none\""), &source);
        let key = ("any_errors_fatal", "any_errors_fatal");
        parts::stated(out, key, self.fatal, false, ToString::to_string);
        parts::stated(out, ("order", "order"), self.order, "inventory", |word| quoted(word));
        out.assumed("forks", "5", "1..50", "of ansible.cfg or -f; Ansible's default");
    }

    fn text(&self) -> String {
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        format!(
            "serial {}, max_fail_percentage {}, any_errors_fatal {}{}, order {}{}",
            match (&self.serial_assumed, &self.serial) {
                (Some(_), _) => format!("{} (assumed)", self.serial_text()),
                (None, Some(_)) => self.serial_text(),
                (None, None) => "all hosts (default)".to_owned(),
            },
            self.max_fail.map_or("none (default)".to_owned(), |percent| percent.to_string()),
            self.fatal.unwrap_or(false),
            mark(self.fatal.is_some()),
            self.order.unwrap_or("inventory"),
            mark(self.order.is_some())
        )
    }

    /// Hosts of the largest batch, and how many batches there are.
    fn batches(&self, n: u32) -> (u32, u32) {
        let sizes = self.serial.as_deref().unwrap_or(&[]);
        let (mut left, mut batches, mut largest) = (n, 0, 0);
        while left > 0 {
            let size = match sizes.get(batches as usize).or(sizes.last()) {
                Some(CountOrPercent::Count(0)) | None => n,
                Some(CountOrPercent::Count(count)) => *count,
                // Ansible truncates, and takes at least one.
                Some(CountOrPercent::Percent(p)) => ((p / 100.0 * f64::from(n)) as u32).max(1),
            };
            let size = size.min(left);
            largest = largest.max(size);
            left -= size;
            batches += 1;
        }
        (largest, batches)
    }
}

type Serial = (Option<Vec<CountOrPercent>>, Option<String>);

/// One size or several; a template is taken at its default, or made up.
fn serial(play: &Fields<'_>) -> Result<Serial, ImportError> {
    let Some(value) = play.get("serial") else { return Ok((None, None)) };
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut sizes = Vec::new();
    let mut assumed = None;
    for item in items {
        let template = item.as_str().filter(|text| text.contains("{{"));
        let size = match template {
            Some(text) => {
                let default = default_in(text).or_else(|| variable(play, text));
                assumed = Some(match &default {
                    Some(_) => format!("serial is {text}; its default"),
                    None => format!("serial is {text}"),
                });
                Some(default.unwrap_or(CountOrPercent::Count(1)))
            }
            None => amount(item),
        };
        let whole =
            |p: &CountOrPercent| !matches!(p, CountOrPercent::Percent(p) if p.fract() != 0.0);
        let size = size.filter(whole).ok_or_else(|| {
            play.wrong("serial", "a whole number, a whole percentage, or a list of them")
                .hint("write serial: 2, serial: \"25%\" or serial: [1, \"25%\"]")
        })?;
        sizes.push(size);
    }
    Ok((Some(sizes), assumed))
}

/// `3` of `{{ batch | default(3) }}`.
fn default_in(template: &str) -> Option<CountOrPercent> {
    let (_, rest) = template.split_once("default(")?;
    let (inner, _) = rest.split_once(')')?;
    let inner = inner.split(',').next()?.trim().trim_matches(['\'', '"']);
    amount(&Value::String(inner.to_owned()))
}

/// `batch` of the play's own `vars`, for `{{ batch }}`.
fn variable(play: &Fields<'_>, template: &str) -> Option<CountOrPercent> {
    let name = template.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    play.get("vars")?.get(name).and_then(amount)
}

fn gates(out: &mut TomlText, settings: &Settings, tasks: &Tasks, n: u32) {
    let (largest, batches) = settings.batches(n);
    let drain = tasks.drain_wait.as_ref().map_or(Span::ZERO, |(wait, _)| *wait);
    let gates = Gates {
        floor: n - largest,
        floor_why: format!("{n} hosts - the largest batch, {largest}"),
        wave: parts::START_P95 + drain + Span::from_secs(90),
        waves: batches,
        ..Gates::default()
    };
    parts::gates(out, &gates, "every host new in the end");
}

fn world(out: &mut TomlText, tasks: &Tasks) {
    out.table("clients");
    if tasks.drains {
        let lag = quantiles("100ms", "1s");
        out.assumed("lag_remove", &lag, "0s..5s", "a task takes the host out of the balancer");
    } else {
        let lag = "{ law = \"uniform\", low = \"4s\", high = \"6s\" }";
        let why = "no task takes a host out: the balancer's checks must notice";
        out.assumed("lag_remove", lag, "100ms..30s", why);
    }
    out.table("probes");
    out.assumed("period", "\"2s\"", "1s..30s", "of the balancer's checks");
    out.assumed("success", "2", "1..5", "rise of the balancer's checks");
    out.assumed("failure", "3", "1..5", "fall of the balancer's checks");
    out.table("shutdown");
    if tasks.pause > Span::ZERO {
        out.value("pre_stop", &parts::span(tasks.pause), "pause before the service is stopped");
    }
    out.assumed("grace", "\"90s\"", "1s..5m", "TimeoutStopSec of the unit; systemd's default");
    parts::on_term(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_templates() {
        assert_eq!(ranged("web[01:12].example.org"), Some(12));
        assert_eq!(ranged("web[3:3]"), Some(1));
        for pattern in ["web", "web[a:f]", "web[1:3]:db", "all", "web[5:2]"] {
            assert_eq!(ranged(pattern), None, "{pattern}");
        }
        assert_eq!(default_in("{{ n | default('25%') }}"), Some(CountOrPercent::Percent(25.0)));
        assert_eq!(default_in("{{ n | default(2, true) }}"), Some(CountOrPercent::Count(2)));
        assert_eq!(default_in("{{ n }}"), None);
    }
}
