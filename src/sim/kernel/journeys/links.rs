//! Connections between nodes and servers, and sessions that stay with a server.

use super::slab::NONE;
use crate::scenario::Protocol;
use crate::scenario::conduct::{Pool, Sticky};
use crate::units::{Span, Time};

/// A kept-alive connection without a request.
#[derive(Debug, Clone, Copy)]
struct Idle {
    since: u64,
    /// Requests it has carried.
    carried: u32,
}

/// The connections of one node to one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// The one used last stands last.
    idle: Vec<Idle>,
    /// Closed by the server, which the node has yet to find out.
    dead: u32,
    dead_since: u64,
}

/// What a node finds when it looks for a kept connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// One that has carried so many requests.
    Kept(u32),
    /// One that turns out to be closed.
    Dead,
    /// None.
    Nothing,
}

impl Kept {
    pub(super) fn take(&mut self, pool: Pool, now: u64) -> Found {
        let is_over = |since: u64| now.saturating_sub(since) >= pool.idle_timeout.0;
        if let Some(last) = self.idle.pop() {
            if !is_over(last.since) {
                return Found::Kept(last.carried);
            }
            // The others have been idle for even longer.
            self.idle.clear();
        }
        if is_over(self.dead_since) {
            self.dead = 0;
        }
        if self.dead > 0 {
            self.dead -= 1;
            return Found::Dead;
        }
        Found::Nothing
    }

    pub(super) fn put(&mut self, pool: Pool, now: u64, carried: u32) {
        let worn = pool.max_requests.is_some_and(|most| carried >= most);
        if !worn && self.idle.len() < pool.max as usize {
            self.idle.push(Idle { since: now, carried });
        }
    }

    /// The server closes them.
    pub(super) fn close(&mut self, now: u64) {
        self.dead += self.idle.len() as u32;
        self.dead_since = now;
        self.idle.clear();
    }

    #[cfg(test)]
    pub(super) fn is_alive(&self) -> bool {
        !self.idle.is_empty()
    }
}

/// A connection that many requests share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pinned {
    /// [`NONE`] before it is made.
    pub(super) server: u32,
    /// When it is made anew.
    pub(super) expires: u64,
    /// When it is open.
    pub(super) ready: u64,
    /// Requests on it.
    pub(super) streams: u32,
    /// How often it was made.
    pub(super) generation: u32,
    /// Closed by the server without a word.
    pub(super) dead: bool,
}

impl Pinned {
    pub(super) const UNMADE: Self =
        Self { server: NONE, expires: 0, ready: 0, streams: 0, generation: 0, dead: false };

    pub(super) fn is_made(&self, now: u64) -> bool {
        self.server != NONE && now < self.expires
    }
}

/// How long a connection lives. Ages are spread by 10 % either way, as servers do lest all
/// reconnect at once (gRFC A9); the first connections have lived for a random part of theirs.
pub(super) fn expiry(max_age: Span, is_first: bool, now: u64, spread: f64) -> u64 {
    if max_age == Span::MAX {
        return u64::MAX;
    }
    let life = if is_first { max_age * spread } else { max_age * (0.9 + 0.2 * spread) };
    (Time(now) + life).0
}

/// A session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// [`NONE`] before its first request.
    pub(super) server: u32,
    /// When another one takes its place.
    pub(super) until: u64,
}

/// All connections and sessions of all nodes.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By node.
    pub(super) pinned: Vec<Vec<Pinned>>,
    /// By server, then node.
    pub(super) kept: Vec<Kept>,
    /// By session, or by node and session.
    pub(super) sessions: Vec<Session>,
    /// Connections opened since the beginning.
    pub(super) opened: u64,
}

impl Links {
    pub(super) fn reset(&mut self, nodes: u32, protocol: Protocol, sticky: Option<Sticky>) {
        self.opened = 0;
        self.kept.clear();
        self.pinned.clear();
        if let Protocol::PerConnection { connections, .. } = protocol {
            let unmade = vec![Pinned::UNMADE; connections.max(1) as usize];
            self.pinned.resize(nodes as usize, unmade);
        }
        self.sessions.clear();
        if let Some(sticky) = sticky {
            let tables = if sticky.cookie { 1 } else { nodes as usize };
            let none = Session { server: NONE, until: u64::MAX };
            self.sessions.resize(tables * sticky.sessions as usize, none);
        }
    }

    /// The server closes all its connections; with a goodbye its clients know.
    pub(super) fn close(&mut self, server: u32, goodbye: bool, nodes: u32, now: u64) {
        for connection in self.pinned.iter_mut().flatten().filter(|c| c.server == server) {
            if goodbye {
                connection.server = NONE;
            } else {
                connection.dead = true;
            }
        }
        let first = server as usize * nodes as usize;
        for kept in self.kept.iter_mut().skip(first).take(nodes as usize) {
            kept.close(now);
        }
    }

    /// Servers at the other end of connections that are open, with their nodes.
    #[cfg(test)]
    pub(super) fn open_pairs(&self, nodes: u32) -> Vec<(u32, u32)> {
        let nodes = nodes.max(1);
        let pinned = self.pinned.iter().enumerate().flat_map(|(node, all)| {
            let made = all.iter().filter(|c| c.server != NONE && !c.dead);
            made.map(move |connection| (node as u32, connection.server))
        });
        let kept = self.kept.iter().enumerate().filter(|(_, kept)| kept.is_alive());
        let kept = kept.map(|(place, _)| (place as u32 % nodes, place as u32 / nodes));
        pinned.chain(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: Pool = Pool { max: 2, idle_timeout: Span(100), max_requests: Some(5) };

    #[test]
    fn a_pool_keeps_the_youngest_and_not_too_many() {
        let mut kept = Kept::default();
        (0..3).for_each(|i| kept.put(POOL, i, 1 + i as u32));
        kept.put(POOL, 3, 5);
        assert_eq!(kept.take(POOL, 50), Found::Kept(2));
        assert_eq!(kept.take(POOL, 100), Found::Nothing, "the other has been idle for too long");
        kept.put(POOL, 200, 1);
        kept.close(210);
        assert!(!kept.is_alive());
        assert_eq!(kept.take(POOL, 250), Found::Dead);
        assert_eq!(kept.take(POOL, 251), Found::Nothing);
    }

    #[test]
    fn ages_are_spread() {
        let age = Span(1000);
        assert_eq!(expiry(Span::MAX, false, 7, 0.5), u64::MAX);
        assert_eq!(expiry(age, true, 7, 0.5), 507);
        assert_eq!([0.0, 1.0].map(|spread| expiry(age, false, 0, spread)), [900, 1100]);
    }
}
