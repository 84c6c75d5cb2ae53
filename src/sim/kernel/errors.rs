//! Errors in a row, as each node sees them: what outlier detection goes by.

use super::desk::guard;

/// Counts for each node and server, if somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// So many in a row are reported; 0: nobody wants to know.
    limit: u32,
    nodes: u32,
    /// By server, then by node.
    runs: Vec<u32>,
    /// (node, server) that had so many, in order of time.
    pub(crate) reported: Vec<(u32, u32)>,
}

impl Errors {
    /// From now on `limit` errors in a row are reported.
    pub(crate) fn watch(&mut self, limit: u32, nodes: u32) {
        (self.limit, self.nodes) = (limit, nodes);
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.reported.clear();
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
    use super::Errors;

    #[test]
    fn runs_are_counted_by_node_and_server() {
        let mut errors = Errors::default();
        errors.watch(3, 2);
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
    }
}
