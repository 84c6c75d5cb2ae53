//! How long a node's failed pods are left alone.

use serde::{Deserialize, Serialize};

use crate::units::{Span, Time};

/// The first delay.
const FIRST: Span = Span::from_secs(1);
/// The longest one.
const LONGEST: Span = Span::from_secs(15 * 60);

/// `failedPodsBackoff`: per node a delay that doubles each time a failed pod is deleted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Backoff {
    /// By ascending node.
    nodes: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    node: u32,
    delay: Span,
    since: Time,
}

impl Backoff {
    /// Asks to delete a failed pod of this node: goes up to the next delay, or says how long the
    /// present one is. An entry untouched for twice the longest delay is forgotten.
    pub(super) fn next(&mut self, node: u32, now: Time) -> Result<(), Span> {
        let at = match self.nodes.binary_search_by_key(&node, |entry| entry.node) {
            Err(at) => {
                self.nodes.insert(at, Entry { node, delay: FIRST, since: now });
                return Ok(());
            }
            Ok(at) => at,
        };
        let entry = &mut self.nodes[at];
        let passed = now.since(entry.since);
        if passed < entry.delay {
            return Err(entry.delay);
        }
        let expired = passed > LONGEST + LONGEST;
        entry.delay = if expired { FIRST } else { (entry.delay * 2.0).min(LONGEST) };
        entry.since = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use crate::units::{Span, Time};

    #[test]
    fn delays_double_per_node_up_to_a_quarter_of_an_hour() {
        let mut backoff = Backoff::default();
        let mut now = Time::ZERO;
        assert_eq!(backoff.next(3, now), Ok(()), "the first time at once");
        assert_eq!(backoff.next(3, now), Err(Span::from_secs(1)));
        assert_eq!(backoff.next(1, now), Ok(()), "another node");
        for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(backoff.next(3, now), Err(Span::from_secs(delay)));
            now += Span::from_secs(delay);
            assert_eq!(backoff.next(3, now), Ok(()));
        }
        now += Span::from_secs(1801);
        assert_eq!(backoff.next(3, now), Ok(()));
        assert_eq!(backoff.next(3, now), Err(Span::from_secs(1)), "forgotten in the meantime");
    }
}
