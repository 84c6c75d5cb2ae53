//! A group of a Nomad job: HCL, its JSON form, or what `nomad job inspect` prints.
//!
//! Source: Nomad's job specification and its defaults: `DefaultUpdateStrategy`,
//! `NewDefaultReschedulePolicy`, restart policy of service jobs (`nomad/structs/structs.go`).

mod group;
pub(super) mod hcl;

use serde_json::Value;

use super::fields::Fields;
use super::parts::{self, Gates};
use super::toml_text::{TomlText, quoted};
use super::{ImportError, Imported, Options};
use crate::units::Span;
use group::{Checks, Group, Tasks};

/// Imports one group of one job.
pub(super) fn import(
    root: Value,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let root = match root.get("Job").or(root.get("TaskGroups").map(|_| &root)) {
        Some(job) => hcl::from_api(job),
        None => root,
    };
    let root = Fields::root(&root)?;
    let Some((job_name, job)) = root.labelled("job")?.into_iter().next() else {
        return Err(root.error("job", format!("{file} holds no job")));
    };
    let kind = job.word("type", &["service", "system", "batch", "sysbatch"])?.unwrap_or("service");
    if kind.ends_with("batch") {
        return Err(job
            .error("type", format!("job {job_name} is a {kind} job: it ends by itself"))
            .hint("there is no rollout to rehearse"));
    }
    let (name, fields, others) = choose(&job, job_name, file, options.name)?;
    let group = Group::read(&job, &fields)?;
    let checks = Checks::read(&fields)?;
    let tasks = Tasks::read(&fields)?;
    let system = kind == "system";
    let mut out = TomlText::default();
    let title = format!("job {job_name}, group {name}");
    parts::head(&mut out, &title, file, &[]);
    let count = Count::read(&fields, name, system, options)?;
    gates(&mut out, count.instances, &group, &checks, &tasks);
    out.table("service");
    out.value("name", &quoted(name), "the group");
    count.write(&mut out);
    parts::inner_life(&mut out, "an allocation", "shares of CPU, no limit");
    let start = if checks.slowest.is_some() {
        "process start until its checks could pass"
    } else {
        "process start until it can answer"
    };
    parts::versions(&mut out, group.healthy_deadline() * 0.5, start, tasks.kill_timeout());
    parts::traffic(&mut out);
    checks.write(&mut out);
    tasks.write(&mut out);
    group.write_restart(&mut out);
    out.table("strategy.nomad");
    group.write(&mut out);
    out.table("pipeline");
    out.value("kind", "\"none\"", "what Nomad does by itself is auto_revert");
    let mut read = vec![format!("{title}: count {}", count.text)];
    read.extend(group.read_list());
    read.push(tasks.text());
    read.push(checks.text.clone());
    let mut ignored = group.ignored.clone();
    if system {
        ignored.push("type system (rolled here as a service job: one group, max_parallel)".into());
    }
    ignored.extend(checks.ignored);
    job.skip(&["group", "name", "id"]);
    let mut unused = job.unread("");
    unused.extend(fields.unread("group."));
    unused.extend(tasks.unread);
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    let mut imported = Imported::new(out, file, read, ignored);
    imported.others = others;
    Ok(imported)
}

/// How many allocations there are, and who says so.
struct Count {
    instances: u32,
    comment: String,
    assumed: bool,
    text: String,
}

impl Count {
    fn read(
        group: &Fields<'_>,
        name: &str,
        system: bool,
        options: Options<'_>,
    ) -> Result<Self, ImportError> {
        let count = group.count("count")?;
        let of = |instances: u32, comment: String, text: String| Self {
            instances,
            comment,
            assumed: false,
            text,
        };
        if let Some(n) = options.instances {
            return Ok(of(n, "given with -n".to_owned(), format!("{n} (given)")));
        }
        if system {
            let why = "a system job has an allocation on every node".to_owned();
            let text = "one a node (type system)".to_owned();
            return Ok(Self { instances: 3, comment: why, assumed: true, text });
        }
        let comment = format!("{}; write what is live", parts::source("count", count.is_some()));
        match count {
            Some(0) => Err(group
                .error("count", format!("group {name} has count 0: there is nothing to roll"))
                .hint("write what runs in production, or give it with -n")),
            Some(n) => Ok(of(n, comment, n.to_string())),
            None => Ok(of(1, comment, "1 (default)".to_owned())),
        }
    }

    fn write(&self, out: &mut TomlText) {
        let instances = self.instances.to_string();
        if self.assumed {
            out.assumed("instances", &instances, "1..50", &self.comment);
        } else {
            out.value("instances", &instances, &self.comment);
        }
    }
}

fn choose<'a>(
    job: &Fields<'a>,
    job_name: &str,
    file: &str,
    name: Option<&str>,
) -> Result<(&'a str, Fields<'a>, Vec<String>), ImportError> {
    let mut groups = job.labelled("group")?;
    let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let index = match name {
        Some(name) => names.iter().position(|other| *other == name),
        None if groups.len() == 1 => Some(0),
        None => None,
    };
    let listed = names.join(", ");
    let Some(index) = index else {
        return Err(match (name, names.first()) {
            (_, None) => job
                .error("group", format!("job {job_name} in {file} has no group"))
                .hint("a group is `group \"web\" { count = 3 … }`"),
            (Some(name), _) => job
                .error("group", format!("job {job_name} has no group {name}"))
                .hint(format!("it has {listed}")),
            (None, Some(first)) => job
                .error("group", format!("job {job_name} has {} groups: {listed}", names.len()))
                .hint(format!("say which: --name {first}")),
        });
    };
    let others = names.iter().enumerate().filter(|(i, _)| *i != index);
    let others = others.map(|(_, name)| format!("group/{name}")).collect();
    let (name, fields) = groups.swap_remove(index);
    Ok((name, fields, others))
}

fn gates(out: &mut TomlText, n: u32, group: &Group, checks: &Checks, tasks: &Tasks) {
    let parallel = match group.max_parallel() {
        0 => n,
        parallel => parallel.min(n),
    };
    let check = checks.slowest.as_ref().map_or(Span::ZERO, |check| check.interval);
    let wave = parts::START_P95
        + check
        + group.min_healthy_time()
        + tasks.shutdown_delay
        + tasks.kill_timeout();
    let canaries = group.canary() > 0;
    let why = if canaries { "canaries come on top, the others " } else { "" };
    let gates = Gates {
        floor: n - parallel,
        floor_why: format!("count {n} - max_parallel {parallel}, {why}stopped first"),
        wave,
        waves: n.div_ceil(parallel) + u32::from(canaries),
        pauses: Span::ZERO,
        waits: (canaries && !group.auto_promote())
            .then(|| format!("canaries wait for `nomad deployment promote`; {}", parts::PROMOTE)),
        more: Vec::new(),
    };
    parts::gates(out, &gates, "every allocation new and healthy in the end");
}
