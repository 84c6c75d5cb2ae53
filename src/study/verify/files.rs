//! Which files there are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Unusable;
use crate::trace::recorded::{self, Recording};

/// Files as they are, folders as the recordings in them by name; and what cannot be read.
pub(super) fn list(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Unusable>) {
    let (mut files, mut unusable) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let file = path.display().to_string();
        match within(path) {
            Ok(found) if found.is_empty() => {
                let why = "there is no .json, .json.gz or .jsonl file in this folder".to_owned();
                unusable.push(Unusable { file, why });
            }
            Ok(found) => files.extend(found),
            Err(error) => unusable.push(Unusable { file, why: error.to_string() }),
        }
    }
    (files, unusable)
}

fn within(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if [".json", ".json.gz", ".jsonl"].iter().any(|suffix| name.ends_with(suffix)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Durations of the Kubernetes recordings in a folder, by identity. What cannot be read is left
/// out.
pub(super) fn durations(folder: &Path) -> std::io::Result<BTreeMap<String, Option<f64>>> {
    let mut durations = BTreeMap::new();
    for file in within(folder)? {
        if let Ok(Recording::Kubernetes(recording)) = recorded::load(&file) {
            durations.insert(recording.id.clone(), recording.summary.duration);
        }
    }
    Ok(durations)
}
