//! Servers that some nodes, or all, get no answer from: their host is gone, or the network
//! between them is cut. Nobody refuses there; attempts wait until somebody loses patience.

use super::desk::{Attempt, Desk, guard};
use crate::trace::Ending;

/// So long an operating system tries to open a connection to nobody (Linux, six retries of SYN).
const PATIENCE: u64 = 127_000_000_000;

/// Who does not reach whom.
#[derive(Debug, Default)]
pub(crate) struct Dark {
    /// By server.
    all: Vec<Silence>,
}

#[derive(Debug, Clone, Default)]
struct Silence {
    /// Nobody reaches it.
    gone: bool,
    /// Nodes that do not.
    parted: Vec<u32>,
}

impl Dark {
    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }

    /// A node reaches a server no longer, or again; `None`: whoever it is. Says whether there is
    /// still somebody who does not.
    pub(crate) fn set(&mut self, server: u32, node: Option<u32>, dark: bool) -> bool {
        let index = server as usize;
        if self.all.len() <= index {
            self.all.resize(index + 1, Silence::default());
        }
        let silence = &mut self.all[index];
        match node {
            None => silence.gone = dark,
            Some(node) => {
                silence.parted.retain(|other| *other != node);
                if dark {
                    silence.parted.push(node);
                }
            }
        }
        silence.gone || !silence.parted.is_empty()
    }

    /// Whether a node gets no answer from a server.
    pub(crate) fn hides(&self, server: usize, node: u32) -> bool {
        let silence = self.all.get(server);
        silence.is_some_and(|silence| silence.gone || silence.parted.contains(&node))
    }
}

impl Desk {
    /// Whether the attempts of a node get no answer from a server.
    #[inline]
    pub(crate) fn is_dark(&self, server: usize, node: u32) -> bool {
        self.servers[server].guard & guard::DARK != 0
            && self.dark.hides(server, node % self.config.nodes.max(1))
    }

    /// An attempt that nobody answers ends when its client gives up.
    pub(crate) fn hang(&mut self, version: usize, attempt: &Attempt, now: u64) {
        let left = attempt.first.saturating_add(self.config.timeout.0);
        self.tally.failed(left.min(now + PATIENCE), version, Ending::Timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::Dark;

    #[test]
    fn some_nodes_or_all_reach_nobody() {
        let mut dark = Dark::default();
        assert!(dark.set(3, Some(1), true));
        assert!(dark.hides(3, 1) && !dark.hides(3, 0) && !dark.hides(9, 1));
        assert!(dark.set(3, None, true));
        assert!(dark.hides(3, 0));
        assert!(dark.set(3, Some(1), false), "it is gone all the same");
        assert!(!dark.set(3, None, false));
        assert!(!dark.hides(3, 1));
    }
}
