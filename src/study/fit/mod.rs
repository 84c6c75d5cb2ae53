//! From recorded lives of instances, and from access logs, to the distributions that a scenario
//! needs.

mod answer;
mod read;
mod service;
mod settings;
mod values;

use crate::scenario::recorded::{RecordedError, ResponseOptions};
use crate::trace::recorded::Malformed;
use crate::trace::recorded::life::Life;

pub use answer::Answer;
pub use read::{Read, Recorder, Version, read, versions, workload};
pub use service::Service;
pub use settings::{Meant, Pulls, Setting};
pub use values::{Quantity, sample};

/// Pulls of known size below which the pull is not told apart.
const PULLS: usize = 3;

/// How laws are fitted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `namespace/name` or name; needed where there are several.
    pub workload: Option<String>,
    /// Samples drawn for each p-value.
    pub resamples: u32,
    /// Seed of these draws.
    pub seed: u64,
    /// Which field of access logs.
    pub response: ResponseOptions,
}

/// Why nothing can be fitted at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file is not what it should be.
    #[error("{file}: {error}")]
    Read {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: Malformed,
    },
    /// An access log without what is needed.
    #[error("{file}: {error}")]
    Log {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: RecordedError,
    },
    /// No instance of a workload that rolls.
    #[error(
        "no pod of a Deployment, StatefulSet or DaemonSet and no task of a service in the input \
         ({0} others); expected what `kubectl get pods -o json`, `docker events --format \
         '{{{{json .}}}}'` or `docker inspect` of tasks print"
    )]
    NoPods(usize),
    /// Which one is meant?
    #[error("there are several workloads; choose one with --workload: {}", .0.join(", "))]
    Several(Vec<String>),
    /// Nobody has that name.
    #[error("no workload `{name}` in the input; there is {}", .known.join(", "))]
    Unknown {
        /// As asked for.
        name: String,
        /// Those in the input.
        known: Vec<String>,
    },
    /// Two orchestrators.
    #[error("some files are kubectl's, some are docker's: these are two services; give one kind")]
    Mixed,
}

/// One workload's instances, fitted; and what access logs say.
#[derive(Debug, Clone)]
pub struct Report {
    /// Names of the files.
    pub files: Vec<String>,
    /// Who recorded the instances; `None`: there are only access logs.
    pub recorder: Option<Recorder>,
    /// `namespace/name`; empty without instances.
    pub workload: String,
    /// First creation to the last time that anything in the files names, in seconds since 1970.
    pub period: (f64, f64),
    /// Resolution of the clock in seconds; 0 where it shows fractions.
    pub tick: f64,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// Ready at the end, of the newest version.
    pub instances: usize,
    /// Somebody probes them: readiness is more than a process that runs.
    pub probed: bool,
    /// Hosts that instances were seen on.
    pub hosts: usize,
    /// Seconds of `preStop` sleep that all pods have; `None` if they differ or have other hooks.
    pub pre_stop: Option<f64>,
    /// Pulls, if their size is known.
    pub pulls: Option<Pulls>,
    /// What was fitted: by quantity all versions together, then one by one if there are several.
    pub rows: Vec<Row>,
    /// Service times, from access logs.
    pub service: Option<Service>,
}

/// One quantity of one version.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub quantity: Quantity,
    /// Of which version (index); all of them if `None`.
    pub version: Option<usize>,
    /// How many ended.
    pub ended: usize,
    /// How many had not when they were last seen.
    pub censored: usize,
    /// What they follow.
    pub answer: Answer,
}

impl Report {
    /// A row, if there is one.
    pub fn row(&self, quantity: Quantity, version: Option<usize>) -> Option<&Row> {
        self.rows.iter().find(|row| row.quantity == quantity && row.version == version)
    }

    /// Whether anything that a scenario can take was found.
    pub fn has_found(&self) -> bool {
        let of = |setting: &Setting<'_>| setting.row.is_some() && setting.value.is_some();
        let service = self.service.as_ref().is_some_and(|service| service.answer.dist().is_some());
        service || self.settings().iter().any(of)
    }
}

/// Fits everything that the files (name, text) show of one workload.
///
/// # Errors
/// If a file cannot be read, or it is not clear whose instances are meant.
pub fn fit(files: &[(String, String)], options: &Options) -> Result<Report, Failure> {
    let all = read(files, &options.response)?;
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    let service = service::service(&all.logs, options);
    let Some(recorder) = all.recorder else {
        return Ok(Report::of_logs(names, service));
    };
    let workload = workload(&all.lives, options.workload.as_deref())?;
    let (latest, tick) = (all.lives.latest, all.lives.tick);
    let lives: Vec<Life> =
        all.lives.lives.into_iter().filter(|life| life.workload == workload).collect();
    let versions = versions(&lives);
    let newest = versions.last().map_or("", |version| version.hash.as_str());
    let serving = |life: &&Life| {
        life.version == newest && life.ready.is_some() && life.told.or(life.ended).is_none()
    };
    let first = lives.first().and_then(|life| life.pre_stop);
    let mut hosts: Vec<&String> = lives.iter().filter_map(|life| life.host.as_ref()).collect();
    hosts.sort();
    hosts.dedup();
    Ok(Report {
        files: names,
        recorder: Some(recorder),
        period: (lives.first().map_or(latest, |life| life.created), latest),
        tick,
        instances: lives.iter().filter(serving).count(),
        probed: lives.iter().any(|life| life.probed),
        hosts: hosts.len(),
        pre_stop: first.filter(|_| lives.iter().all(|life| life.pre_stop == first)),
        pulls: pulls(&lives, newest),
        rows: rows(&lives, &versions, tick, options),
        workload,
        versions,
        service,
    })
}

fn rows(lives: &[Life], versions: &[Version], tick: f64, options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for quantity in Quantity::ALL {
        let mut row = |version: Option<usize>| {
            let of = |life: &&Life| version.is_none_or(|v| life.version == versions[v].hash);
            let sample = sample(quantity, lives.iter().filter(of), tick);
            let (ended, censored) = (sample.ended(), sample.censored());
            if ended + censored > 0 {
                let answer = Answer::of(&sample, options);
                rows.push(Row { quantity, version, ended, censored, answer });
            }
        };
        row(None);
        if versions.len() > 1 {
            (0..versions.len()).for_each(|version| row(Some(version)));
        }
    }
    rows
}

fn pulls(lives: &[Life], newest: &str) -> Option<Pulls> {
    let all: Vec<(f64, u64)> = lives.iter().filter_map(|life| life.pull).collect();
    let of_newest = lives.iter().filter(|life| life.version == newest);
    let mut sizes: Vec<u64> =
        of_newest.filter_map(|life| life.pull).map(|(_, bytes)| bytes).collect();
    if sizes.is_empty() {
        sizes.extend(all.iter().map(|(_, bytes)| *bytes));
    }
    let mut rates: Vec<f64> = all.iter().map(|(seconds, bytes)| *bytes as f64 / seconds).collect();
    sizes.sort_unstable();
    rates.sort_by(f64::total_cmp);
    (all.len() >= PULLS).then(|| Pulls {
        count: all.len(),
        bytes: sizes[sizes.len() / 2],
        rate: rates[rates.len() / 2],
    })
}

impl Report {
    fn of_logs(files: Vec<String>, service: Option<Service>) -> Self {
        Self {
            files,
            recorder: None,
            workload: String::new(),
            period: (0.0, 0.0),
            tick: 0.0,
            versions: Vec::new(),
            instances: 0,
            probed: false,
            hosts: 0,
            pre_stop: None,
            pulls: None,
            rows: Vec::new(),
            service,
        }
    }
}
