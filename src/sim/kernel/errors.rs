//! Errors in a row, as each node sees them: what outlier detection goes by.

use super::desk::guard;
use crate::health::Volume;

/// Counts for each node and server, if somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// So many in a row are reported; 0: nobody wants to know.
    limit: u32,
    nodes: u32,
    /// By server, then by node.
    runs: Vec<u32>,
    /// The same: what was seen lately; only if somebody wants to know that too.
    volumes: Option<Vec<Volume>>,
    /// (node, server) that had so many, in order of time.
    pub(crate) reported: Vec<(u32, u32)>,
}

impl Errors {
    /// From now on `limit` errors in a row are reported; with `rates` all are counted as well.
    pub(crate) fn watch(&mut self, limit: u32, rates: bool, nodes: u32) {
        (self.limit, self.nodes) = (limit, nodes);
        self.volumes = rates.then(Vec::new);
    }

    /// What `node` saw of each server since somebody last asked, if it saw anything.
    pub(crate) fn take_volumes(&mut self, node: u32) -> Vec<(u32, Volume)> {
        let nodes = self.nodes as usize;
        let of_node = self.volumes.iter_mut().flatten().skip(node as usize).step_by(nodes.max(1));
        let taken = of_node.enumerate().map(|(server, v)| (server as u32, std::mem::take(v)));
        taken.filter(|(_, volume)| volume.requests > 0).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.reported.clear();
        self.volumes.iter_mut().for_each(Vec::clear);
    }

    /// What servers are guarded by for this.
    pub(crate) fn guard(&self) -> u16 {
        if self.limit > 0 { guard::WATCHED } else { 0 }
    }

    /// An attempt of `node` at `server` has failed, or will not.
    pub(crate) fn note(&mut self, node: u32, server: u32, failed: bool) {
        let place = (server * self.nodes + node) as usize;
        if self.runs.len() <= place {
            self.runs.resize(place + 1, 0);
        }
        if let Some(volumes) = &mut self.volumes {
            if volumes.len() <= place {
                volumes.resize(place + 1, Volume::default());
            }
            volumes[place].requests += 1;
            volumes[place].failed += u32::from(failed);
        }
        let run = &mut self.runs[place];
        *run = if failed { *run + 1 } else { 0 };
        if *run >= self.limit {
            *run = 0;
            self.reported.push((node, server));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Errors, Volume};

    #[test]
    fn runs_are_counted_by_node_and_server() {
        let mut errors = Errors::default();
        errors.watch(3, true, 2);
        for (node, server, failed) in [
            (0, 5, true),
            (1, 5, true),
            (0, 5, true),
            (0, 4, true),
            (1, 5, false),
            (1, 5, true),
            (0, 5, true),
            (1, 5, true),
        ] {
            errors.note(node, server, failed);
        }
        assert_eq!(errors.reported, [(0, 5)]);
        errors.note(1, 5, true);
        assert_eq!(errors.reported, [(0, 5), (1, 5)]);
        let volume = |requests, failed| Volume { requests, failed };
        assert_eq!(errors.take_volumes(0), [(4, volume(1, 1)), (5, volume(3, 3))]);
        assert_eq!(errors.take_volumes(1), [(5, volume(5, 4))]);
        assert!(errors.take_volumes(1).is_empty());
    }
}
