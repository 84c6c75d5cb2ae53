//! Which kind of record each file is, and what all of them say together.

use super::Failure;
use crate::scenario::recorded::{ResponseOptions, Responses, is_access_log, read_responses};
use crate::trace::recorded::kubectl::Pods;
use crate::trace::recorded::life::{Life, Lives};
use crate::trace::recorded::{Malformed, docker as swarm};

/// Who wrote a record of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorder {
    /// kubectl.
    Kubectl,
    /// docker.
    Docker,
}

/// All files.
#[derive(Debug, Clone)]
pub struct Read {
    /// Who recorded instances, if anybody did.
    pub recorder: Option<Recorder>,
    /// The instances.
    pub lives: Lives,
    /// Access logs: the file's name and what it says.
    pub logs: Vec<(String, Responses)>,
}

/// Reads files (name, text).
///
/// # Errors
/// If one is not what it should be, or kubectl's and docker's records are mixed.
pub fn read<'a>(files: &'a [(String, String)], options: &ResponseOptions) -> Result<Read, Failure> {
    let (mut kubectl, mut docker, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in files {
        if is_access_log(text) {
            let responses = read_responses(text, options)
                .map_err(|error| Failure::Log { file: name.clone(), error })?;
            logs.push((name.clone(), responses));
        } else if !text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '['])
            && !text.trim().is_empty()
        {
            let line = text.lines().position(|line| !line.trim().is_empty()).unwrap_or(0) + 1;
            let message = "neither JSON nor an access log".to_owned();
            let expected = "what `kubectl get … -o json`, `docker events --format '{{json .}}'` \
                            or `docker inspect` print, or an access log"
                .to_owned();
            let error = Malformed { line, message, expected };
            return Err(Failure::Read { file: name.clone(), error });
        } else if swarm::looks_like_one(text) {
            docker.push((name, text.as_str()));
        } else {
            kubectl.push((name, text.as_str()));
        }
    }
    if !kubectl.is_empty() && !docker.is_empty() {
        return Err(Failure::Mixed);
    }
    let texts = |of: &[(&String, &'a str)]| of.iter().map(|(_, text)| *text).collect::<Vec<_>>();
    let failed = |of: &[(&String, &str)], (index, error): (usize, Malformed)| Failure::Read {
        file: of[index].0.clone(),
        error,
    };
    let (recorder, lives) = if !docker.is_empty() {
        let lives = swarm::read(&texts(&docker)).map_err(|error| failed(&docker, error))?;
        (Some(Recorder::Docker), lives)
    } else if !kubectl.is_empty() {
        let pods = Pods::read(&texts(&kubectl)).map_err(|error| failed(&kubectl, error))?;
        (Some(Recorder::Kubectl), pods.lives())
    } else {
        (None, Lives::default())
    };
    Ok(Read { recorder, lives, logs })
}

/// The name of the workload that is wanted, or of the only one there is.
pub fn workload(read: &Lives, wanted: Option<&str>) -> Result<String, Failure> {
    let mut names: Vec<String> = read.lives.iter().map(|life| life.workload.clone()).collect();
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

/// One version of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The hash of its template, or what else tells it from others.
    pub hash: String,
    /// Its image.
    pub image: String,
    /// Its revision, if known.
    pub revision: Option<u64>,
    /// How many instances of it were seen.
    pub pods: usize,
    /// When the first of them was created, in seconds since 1970.
    pub begun: f64,
}

/// By revision where all are known, else by their first instances.
pub fn versions(lives: &[Life]) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for life in lives {
        match versions.iter_mut().find(|version| version.hash == life.version) {
            Some(version) => {
                version.pods += 1;
                version.begun = version.begun.min(life.created);
                if version.image.is_empty() {
                    version.image.clone_from(&life.image);
                }
            }
            None => versions.push(Version {
                hash: life.version.clone(),
                image: life.image.clone(),
                revision: life.revision,
                pods: 1,
                begun: life.created,
            }),
        }
    }
    if versions.iter().all(|version| version.revision.is_some()) {
        versions.sort_by_key(|version| version.revision);
    } else {
        versions.sort_by(|a, b| a.begun.total_cmp(&b.begun));
    }
    versions
}
