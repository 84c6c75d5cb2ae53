//! Which server an attempt goes to, and over which connection.

use super::Journeys;
use super::links::{Found, Pinned, Session, expiry};
use super::run::Play;
use super::slab::NONE;
use crate::balancer::{Loads, Policy};
use crate::engine::{BLOCK, math};
use crate::scenario::Protocol;
use crate::scenario::conduct::Sticky;
use crate::sim::kernel::desk::guard;
use crate::sim::kernel::tally::NOWHERE;
use crate::trace::Ending;
use crate::units::Span;

/// The random numbers of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Luck {
    /// Those of an arrival, with its place in the block.
    Arrival { bits: u64, slot: usize },
    /// Those of any other attempt.
    Aside { bits: u64, slot: usize },
}

impl Luck {
    #[inline(always)]
    fn bits(self) -> u64 {
        match self {
            Self::Arrival { bits, .. } | Self::Aside { bits, .. } => bits,
        }
    }

    /// The place in the block of arrivals; [`BLOCK`] if it has none.
    #[inline(always)]
    fn arrival(self) -> usize {
        match self {
            Self::Arrival { slot, .. } => slot,
            Self::Aside { .. } => BLOCK,
        }
    }
}

/// Where an attempt goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) server: u32,
    /// The view of the node that chose it.
    pub(super) view: u32,
    /// When the connection is open.
    pub(super) ready: u64,
    /// The place of a pinned connection, or [`NONE`].
    pub(super) connection: u32,
    /// As in an attempt.
    pub(super) carried: u32,
    /// The connection is opened for it.
    pub(super) is_new: bool,
}

/// How an attempt ended before it began: at which version, or [`NOWHERE`].
type Lost = (u8, Ending);

const NOBODY: Lost = (NOWHERE as u8, Ending::NoEndpoint);

/// What a view sees when it chooses.
struct Sight<'a> {
    outstanding: &'a [u32],
    views: usize,
    view: usize,
}

impl Loads for Sight<'_> {
    #[inline(always)]
    fn outstanding(&mut self, instance: u32) -> u32 {
        self.outstanding[instance as usize * self.views + self.view]
    }
}

/// Other bits from the same: the upper half has been used.
fn mixed(bits: u64) -> u64 {
    bits.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

/// One of `count` by the upper half of the bits.
fn place(bits: u64, count: usize) -> usize {
    (((bits >> 32) * count as u64) >> 32) as usize
}

impl Journeys {
    /// Luck of an attempt that is no arrival's first.
    pub(super) fn luck(&mut self) -> Luck {
        let (bits, slot) = self.draws.next();
        Luck::Aside { bits, slot }
    }

    /// Share of attempts that travel on a connection that nobody models.
    pub(super) fn reuse(&self, protocol: Protocol) -> f64 {
        match protocol {
            Protocol::PerRequest { reuse } if self.habits.pool.is_none() => reuse.0,
            _ => 0.0,
        }
    }
}

impl<P: Policy> Play<'_, P> {
    #[inline(always)]
    pub(super) fn choose(
        &mut self,
        now: u64,
        node: u32,
        user: u32,
        luck: Luck,
    ) -> Result<Choice, Lost> {
        if let Protocol::PerConnection { max_age, .. } = self.desk.config.protocol {
            return self.choose_connection(now, node, luck, max_age);
        }
        let (view, server) = match self.all.habits.sticky {
            None => self.pick(now, node, luck, luck.bits())?,
            Some(sticky) => self.stick(now, node, user, luck, sticky)?,
        };
        let choice =
            Choice { server, view, ready: now, connection: NONE, carried: 0, is_new: false };
        if self.all.opens { self.connect(now, node, choice) } else { Ok(choice) }
    }

    /// The policy's choice for this node.
    #[inline(always)]
    fn pick(&mut self, now: u64, node: u32, luck: Luck, bits: u64) -> Result<(u32, u32), Lost> {
        let routed = self.desk.routes.is_on();
        let via = if routed { self.desk.draw_route(node, luck.arrival()) } else { node };
        let members = &self.desk.nodes[via as usize].members;
        if members.is_empty() {
            return Err(NOBODY);
        }
        let (outstanding, views) = (self.all.outstanding.as_slice(), self.all.views);
        let sight = &mut Sight { outstanding, views, view: via as usize };
        let server = self.policies[via as usize].pick(members, now, bits, sight);
        Ok((via, server))
    }

    /// The server of the request's session.
    #[inline(always)]
    fn stick(
        &mut self,
        now: u64,
        node: u32,
        user: u32,
        luck: Luck,
        sticky: Sticky,
    ) -> Result<(u32, u32), Lost> {
        let bits = luck.bits();
        let sessions = sticky.sessions as usize;
        let session = if user == NONE { place(bits, sessions) } else { user as usize % sessions };
        let index = if sticky.cookie { session } else { node as usize * sessions + session };
        let Session { server, until } = self.all.links.sessions[index];
        let is_over = server == NONE || now >= until;
        if !is_over {
            let version = self.desk.servers[server as usize].version;
            let view = self.desk.routes.node_of(node, version);
            if self.all.members[server as usize * self.all.views + view as usize] {
                return Ok((view, server));
            }
        }
        let (view, server) = self.pick(now, node, luck, mixed(bits))?;
        let until = if !is_over {
            until
        } else if sticky.length == Span::MAX {
            u64::MAX
        } else {
            let unit = math::open_unit(self.all.draws.waits.bits());
            now + (sticky.length * -math::ln(unit)).0
        };
        self.all.links.sessions[index] = Session { server, until };
        Ok((view, server))
    }

    /// A connection that carries one request at a time: a kept one, or else a new one.
    #[inline(always)]
    fn connect(&mut self, now: u64, node: u32, choice: Choice) -> Result<Choice, Lost> {
        let Choice { server, .. } = choice;
        let entry = self.desk.servers[server as usize];
        if let Some(pool) = self.all.habits.pool {
            let kept = self.all.kept(server, node);
            match kept.take(pool, now) {
                Found::Kept(carried) => return Ok(Choice { carried, ..choice }),
                Found::Dead => return Err((entry.version, Ending::Reset)),
                Found::Nothing => {}
            }
        }
        let is_dark = self.desk.is_dark(server as usize, node);
        if entry.guard & guard::CLOSED != 0 && !is_dark {
            return Err((entry.version, Ending::Refused));
        }
        let ready = now + self.all.opening();
        Ok(Choice { ready, is_new: true, ..choice })
    }

    /// An attempt that the server did not take leaves its connection behind.
    pub(super) fn decline(&mut self, now: u64, node: u32, choice: &Choice, ending: Ending) {
        if let Some(pool) = self.all.habits.pool
            && ending == Ending::Shed
        {
            self.all.kept(choice.server, node).put(pool, now, choice.carried + 1);
        }
    }

    /// One of the node's connections, which is made if needed.
    fn choose_connection(
        &mut self,
        now: u64,
        node: u32,
        luck: Luck,
        max_age: Span,
    ) -> Result<Choice, Lost> {
        let bits = luck.bits();
        let most = self.all.habits.max_streams;
        let connections = &mut self.all.links.pinned[node as usize];
        let mut at = place(bits, connections.len());
        let found = connections[at];
        if found.is_made(now) && found.dead {
            connections[at] = Pinned { server: NONE, dead: false, ..found };
            return Err((self.desk.servers[found.server as usize].version, Ending::Reset));
        }
        if found.is_made(now) && found.streams >= most {
            let has_room = |c: &Pinned| c.is_made(now) && !c.dead && c.streams < most;
            if let Some(other) = connections.iter().position(has_room) {
                at = other;
            } else {
                at = connections.len();
                connections.push(Pinned { expires: now, ..Pinned::UNMADE });
            }
        }
        let found = connections[at];
        if found.is_made(now) {
            let version = self.desk.servers[found.server as usize].version;
            return Ok(Choice {
                server: found.server,
                view: self.desk.routes.node_of(node, version),
                ready: found.ready.max(now),
                connection: at as u32,
                carried: found.generation,
                is_new: false,
            });
        }
        self.make(now, node, luck, at, max_age)
    }

    /// A pinned connection is made; only then the weights of routes count.
    fn make(
        &mut self,
        now: u64,
        node: u32,
        luck: Luck,
        at: usize,
        max_age: Span,
    ) -> Result<Choice, Lost> {
        let old = self.all.links.pinned[node as usize][at];
        let (view, server) = self.pick(now, node, luck, mixed(luck.bits()))?;
        let entry = self.desk.servers[server as usize];
        let is_dark = self.desk.is_dark(server as usize, node);
        if entry.guard & guard::CLOSED != 0 && !is_dark {
            return Err((entry.version, Ending::Refused));
        }
        let spread = math::open_unit(self.desk.aside.bits());
        let is_first = old.server == NONE && old.expires == 0;
        let generation = old.generation.wrapping_add(1);
        let ready = now + self.all.opening();
        let expires = expiry(max_age, is_first, now, spread);
        self.all.links.pinned[node as usize][at] =
            Pinned { server, expires, ready, streams: 0, generation, dead: false };
        let connection = at as u32;
        Ok(Choice { server, view, ready, connection, carried: generation, is_new: true })
    }
}
