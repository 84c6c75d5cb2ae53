//! From recorded lives of pods to the distributions that a scenario needs.

mod answer;
mod values;

use crate::trace::recorded::kubectl::{KubectlError, Pod, Pods, Seconds};

pub use answer::Answer;
pub use values::{Quantity, sample};

/// How laws are fitted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `namespace/name` or name; needed where there are several.
    pub workload: Option<String>,
    /// Samples drawn for each p-value.
    pub resamples: u32,
    /// Seed of these draws.
    pub seed: u64,
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
        error: KubectlError,
    },
    /// No pod of a workload that rolls.
    #[error(
        "no pod of a Deployment, StatefulSet or DaemonSet in the input ({0} other pods); \
         expected what `kubectl get pods -o json` prints"
    )]
    NoPods(usize),
    /// Which one is meant?
    #[error("there are pods of several workloads; choose one with --workload: {}", .0.join(", "))]
    Several(Vec<String>),
    /// Nobody has that name.
    #[error("no workload `{name}` in the input; there is {}", .known.join(", "))]
    Unknown {
        /// As asked for.
        name: String,
        /// Those in the input.
        known: Vec<String>,
    },
}

/// One workload's pods, fitted.
#[derive(Debug, Clone)]
pub struct Report {
    /// Names of the files.
    pub files: Vec<String>,
    /// `namespace/name`.
    pub workload: String,
    /// First creation to the last time that anything in the files names.
    pub period: (Seconds, Seconds),
    /// Oldest first.
    pub versions: Vec<Version>,
    /// Ready at the end, of the newest version.
    pub instances: usize,
    /// Seconds of `preStop` sleep that all pods have; `None` if they differ or have other hooks.
    pub pre_stop: Option<i64>,
    /// What was fitted: by quantity all versions together, then one by one if there are several.
    pub rows: Vec<Row>,
}

/// One version of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The hash of its template.
    pub hash: String,
    /// Its image.
    pub image: String,
    /// Its revision, if known.
    pub revision: Option<u64>,
    /// How many pods of it were seen.
    pub pods: usize,
    /// When the first of them was created.
    pub begun: Seconds,
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
    /// What goes into a scenario: the newest version's law, or, where too few of its pods were
    /// seen, that of all versions together.
    pub fn chosen(&self, quantity: Quantity) -> Option<&Row> {
        let newest = self.versions.len().checked_sub(1);
        let of = |version: Option<usize>| {
            self.rows.iter().find(|row| row.quantity == quantity && row.version == version)
        };
        let known = |row: &&Row| row.answer.dist().is_some();
        newest.and_then(|v| of(Some(v))).filter(known).or_else(|| of(None)).filter(known)
    }
}

/// Fits everything that the files (name, text) show of one workload.
///
/// # Errors
/// If a file cannot be read, or it is not clear whose pods are meant.
pub fn fit(files: &[(String, String)], options: &Options) -> Result<Report, Failure> {
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    let read = Pods::read(&texts)
        .map_err(|(index, error)| Failure::Read { file: files[index].0.clone(), error })?;
    let workload = workload(&read, options.workload.as_deref())?;
    let latest = read.latest;
    let pods: Vec<Pod> = read.pods.into_iter().filter(|pod| pod.workload == workload).collect();
    let versions = versions(&pods);
    let newest = versions.last().map_or("", |version| version.hash.as_str());
    let serving = |pod: &&Pod| pod.version == newest && pod.ready.is_some() && pod.told.is_none();
    let first = pods.first().and_then(|pod| pod.pre_stop);
    let mut rows = Vec::new();
    for quantity in Quantity::ALL {
        let mut row = |version: Option<usize>| {
            let of = |pod: &&Pod| version.is_none_or(|v| pod.version == versions[v].hash);
            let sample = sample(quantity, pods.iter().filter(of), latest);
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
    Ok(Report {
        files: files.iter().map(|(name, _)| name.clone()).collect(),
        period: (pods.first().map_or(latest, |pod| pod.created), latest),
        instances: pods.iter().filter(serving).count(),
        pre_stop: first.filter(|_| pods.iter().all(|pod| pod.pre_stop == first)),
        workload,
        versions,
        rows,
    })
}

pub(super) fn workload(read: &Pods, wanted: Option<&str>) -> Result<String, Failure> {
    let mut names: Vec<String> = read.pods.iter().map(|pod| pod.workload.clone()).collect();
    names.sort();
    names.dedup();
    let Some(wanted) = wanted else {
        return match names.len() {
            0 => Err(Failure::NoPods(read.others)),
            1 => Ok(names.remove(0)),
            _ => Err(Failure::Several(names)),
        };
    };
    let is = |name: &&String| *name == wanted || name.rsplit('/').next() == Some(wanted);
    let found: Vec<&String> = names.iter().filter(is).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] if names.is_empty() => Err(Failure::NoPods(read.others)),
        [] => Err(Failure::Unknown { name: wanted.to_owned(), known: names }),
        _ => Err(Failure::Several(found.into_iter().cloned().collect())),
    }
}

/// By revision where all are known, else by their first pods.
pub(super) fn versions(pods: &[Pod]) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for pod in pods {
        match versions.iter_mut().find(|version| version.hash == pod.version) {
            Some(version) => {
                version.pods += 1;
                version.begun = version.begun.min(pod.created);
            }
            None => versions.push(Version {
                hash: pod.version.clone(),
                image: pod.image.clone(),
                revision: pod.revision,
                pods: 1,
                begun: pod.created,
            }),
        }
    }
    if versions.iter().all(|version| version.revision.is_some()) {
        versions.sort_by_key(|version| version.revision);
    } else {
        versions.sort_by_key(|version| version.begun);
    }
    versions
}
