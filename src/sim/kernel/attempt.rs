//! The loop over arrivals, and what becomes of one attempt; compiled once per station and policy.

use super::desk::{Attempt, Beside, Connection, Desk, Retry, Server, guard};
use super::station::{InFlight, Station, pack};
use super::tally::NOWHERE;
use crate::balancer::{Loads, Policy};
use crate::engine::BLOCK;
use crate::scenario::Protocol;
use crate::trace::Ending;
use crate::units::{Span, Time};

/// What a node sees when it chooses.
struct Sight<'a, S, const MANY: bool> {
    station: &'a mut S,
    node: u32,
    now: u64,
}

impl<S: Station, const MANY: bool> Loads for Sight<'_, S, MANY> {
    #[inline(always)]
    fn outstanding(&mut self, instance: u32) -> u32 {
        if MANY {
            self.station.outstanding(instance as usize, self.node, self.now)
        } else {
            self.station.total(instance as usize, self.now)
        }
    }
}

/// `ROUTED`: who serves is drawn by version first; node k + nodes is then node k's view of the
/// new version. Without it nothing of that costs anything.
pub(super) fn run<S: Station, P: Policy, const MANY: bool, const ROUTED: bool>(
    desk: &mut Desk,
    station: &mut S,
    policies: &mut [P],
    until: u64,
) {
    loop {
        if desk.cursor == BLOCK {
            desk.refill();
            if desk.servers.len() > NEAR {
                fetch(desk, station, &policies[0]);
            }
        }
        let now = desk.arrivals[desk.cursor % BLOCK];
        let retry_at = desk.retries.next_time().0;
        if retry_at < until && retry_at <= now {
            retry::<S, P, MANY, ROUTED>(desk, station, policies);
            continue;
        }
        if now >= until {
            break;
        }
        let slot = desk.cursor % BLOCK;
        desk.cursor += 1;
        desk.tally.arrive(now);
        let node = if MANY {
            (((desk.senders[slot] >> 32) * u64::from(desk.config.nodes)) >> 32) as u32
        } else {
            0
        };
        let attempt = Attempt { first: now, node, tries: 0, bits: desk.picks[slot], slot };
        send::<S, P, MANY, ROUTED>(desk, station, policies, now, attempt);
    }
    if P::WATCHES {
        observe(desk, station, policies, until);
    }
}

/// Fleets up to this size live in the second-level cache.
const NEAR: usize = 2048;

/// Touches what the next block of requests will look at: their memory is then fetched many at a
/// time, instead of each request waiting for its own.
#[inline(never)]
fn fetch<S: Station, P: Policy>(desk: &Desk, station: &S, policy: &P) {
    let members = &desk.nodes[0].members;
    let mut touched = 0;
    for bits in desk.picks.iter() {
        let Some(candidates) = policy.candidates(members, *bits) else { return };
        for server in candidates {
            let index = server as usize;
            touched ^= station.touch(index, desk.servers[index].served);
        }
    }
    std::hint::black_box(touched);
}

#[cold]
fn retry<S: Station, P: Policy, const MANY: bool, const ROUTED: bool>(
    desk: &mut Desk,
    station: &mut S,
    policies: &mut [P],
) {
    let Some((at, again)) = desk.retries.pop() else { return };
    desk.tally.retried += 1;
    let bits = desk.aside.bits();
    let attempt = Attempt {
        first: again.first,
        node: again.node.into(),
        tries: again.tries,
        bits,
        slot: BLOCK,
    };
    send::<S, P, MANY, ROUTED>(desk, station, policies, at.0, attempt);
}

/// One attempt: choose, check, serve, count.
#[inline(always)]
fn send<S: Station, P: Policy, const MANY: bool, const ROUTED: bool>(
    desk: &mut Desk,
    station: &mut S,
    policies: &mut [P],
    now: u64,
    attempt: Attempt,
) {
    if P::WATCHES {
        observe(desk, station, policies, now);
    }
    let node = if MANY { attempt.node } else { 0 };
    let Some(server) = choose::<S, P, MANY, ROUTED>(desk, station, policies, now, node, attempt)
    else {
        return;
    };
    let index = server as usize;
    let Server { law, factor, guard, version, .. } = desk.servers[index];
    let node = if ROUTED { desk.routes.node_of(node, version) } else { node };
    let mut service = desk.service(law, factor, attempt.slot);
    let mut error = false;
    if guard != 0 {
        // A copy, so that the attempt itself can stay in registers.
        match closer_look(desk, station, index, now, &{ attempt }, service) {
            Some(admitted) => (service, error) = admitted,
            None => return,
        }
    }
    let serial = desk.servers[index].served;
    desk.servers[index].served += 1;
    if !S::KNOWN && !P::WATCHES {
        record_settled(desk, station, index, now);
    }
    let departs = station.admit(index, serial, node, now, pack(attempt.first, error), service);
    if S::KNOWN {
        record_known(desk, attempt.first, departs, version as usize, error);
        if desk.watch.is_on() {
            desk.watch.note(server, now, departs, error);
        }
    }
    if P::WATCHES {
        policies[node as usize].started(server);
        let at = if S::KNOWN { departs } else { station.next_departure(index, now) };
        if !S::KNOWN {
            desk.epochs[index] += 1;
        }
        let entry = (server, desk.epochs[index], attempt.first, node as u16);
        desk.departures.push(Time(at), entry);
    }
}

/// The instance for an attempt; `None` if the attempt has ended here.
#[inline(always)]
fn choose<S: Station, P: Policy, const MANY: bool, const ROUTED: bool>(
    desk: &mut Desk,
    station: &mut S,
    policies: &mut [P],
    now: u64,
    node: u32,
    attempt: Attempt,
) -> Option<u32> {
    if let Protocol::PerConnection { max_age, .. } = desk.config.protocol {
        return choose_connection::<S, P, MANY, ROUTED>(
            desk,
            station,
            policies,
            now,
            node,
            &{ attempt },
            max_age,
        );
    }
    let node = if ROUTED { desk.draw_route(node, attempt.slot) } else { node };
    let policy = &mut policies[node as usize];
    let members = &desk.nodes[node as usize].members;
    if members.is_empty() {
        fail(desk, now, NOWHERE, &{ attempt }, Ending::NoEndpoint);
        return None;
    }
    Some(policy.pick(members, now, attempt.bits, &mut Sight::<S, MANY> { station, node, now }))
}

/// The instance at the other end of a connection of this node, which is made if needed.
#[inline(never)]
fn choose_connection<S: Station, P: Policy, const MANY: bool, const ROUTED: bool>(
    desk: &mut Desk,
    station: &mut S,
    policies: &mut [P],
    now: u64,
    node: u32,
    attempt: &Attempt,
    max_age: Span,
) -> Option<u32> {
    let count = desk.nodes[node as usize].connections.len() as u64;
    // The choice among connections uses the upper bits, the choice of an instance all, mixed.
    let place = (((attempt.bits >> 32) * count) >> 32) as usize;
    let connection = desk.nodes[node as usize].connections[place];
    if connection.server != u32::MAX && now < connection.expires {
        let server = desk.servers[connection.server as usize];
        let is_dark = desk.is_dark(connection.server as usize, node);
        if server.guard & guard::CLOSED == 0 || is_dark {
            if is_dark {
                // Whoever waits in vain makes its connection anew.
                desk.nodes[node as usize].connections[place].server = u32::MAX;
            }
            return Some(connection.server);
        }
        if !server.goodbye {
            desk.nodes[node as usize].connections[place].server = u32::MAX;
            fail(desk, now, server.version as usize, attempt, Ending::Reset);
            return None;
        }
    }
    // A connection stays where it is; only one that is made follows the weights.
    let via = if ROUTED { desk.draw_route(node, attempt.slot) } else { node };
    let policy = &mut policies[via as usize];
    let members = &desk.nodes[via as usize].members;
    if members.is_empty() {
        fail(desk, now, NOWHERE, attempt, Ending::NoEndpoint);
        return None;
    }
    let bits = attempt.bits.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let sight = &mut Sight::<S, MANY> { station, node: via, now };
    let server = policy.pick(members, now, bits, sight);
    // Ages are spread by up to 10 %, as servers do to avoid that all reconnect at once; first
    // connections have lived for a random part of their age already.
    let spread = crate::engine::math::open_unit(desk.aside.bits());
    let life = if connection.server == u32::MAX && connection.expires == 0 {
        max_age * spread
    } else {
        max_age * (0.9 + 0.2 * spread)
    };
    let expires = if max_age == Span::MAX { u64::MAX } else { (Time(now) + life).0 };
    desk.nodes[node as usize].connections[place] = Connection { server, expires };
    Some(server)
}

/// Closed, full, cold or failing servers: the service time that really applies and whether the
/// answer is an error; `None` if the attempt has ended here.
#[cold]
#[inline(never)]
fn closer_look<S: Station>(
    desk: &mut Desk,
    station: &mut S,
    index: usize,
    now: u64,
    attempt: &Attempt,
    service: u64,
) -> Option<(u64, bool)> {
    let admitted = look(desk, station, index, now, attempt, service);
    if desk.servers[index].guard & guard::WATCHED != 0 {
        desk.errors.note(attempt.node, index as u32, !matches!(admitted, Some((_, false))));
    }
    admitted
}

fn look<S: Station>(
    desk: &mut Desk,
    station: &mut S,
    index: usize,
    now: u64,
    attempt: &Attempt,
    service: u64,
) -> Option<(u64, bool)> {
    let Server { guard, version, .. } = desk.servers[index];
    if guard & guard::DARK != 0 && desk.is_dark(index, attempt.node) {
        desk.hang(version as usize, attempt, now);
        return None;
    }
    if guard & guard::CLOSED != 0 {
        let reuse = match desk.config.protocol {
            Protocol::PerRequest { reuse } => reuse.0,
            Protocol::PerConnection { .. } => 0.0,
        };
        let reset = reuse > 0.0 && desk.aside.uniform() < reuse;
        let ending = if reset { Ending::Reset } else { Ending::Refused };
        fail(desk, now, version as usize, attempt, ending);
        return None;
    }
    if guard & guard::LIMITED != 0 && station.total(index, now) >= desk.room(index) {
        fail(desk, now, version as usize, attempt, Ending::Shed);
        return None;
    }
    let mut service = service;
    if guard & guard::COLD != 0 {
        let starts = station.starts(index, now);
        service = (service as f64 * desk.coldness(index, starts)) as u64;
    }
    if guard & guard::ERRORS != 0
        && let Some(slots) = desk.fewer_slots(index)
    {
        service += station.starts_with(index, now, slots) - station.starts(index, now);
    }
    let Beside { missed, waits, error } = desk.beside(index, attempt.first, now);
    Some(((service + missed as u64).saturating_add(waits as u64), error))
}

/// Counts an attempt whose departure is known.
#[inline(always)]
fn record_known(desk: &mut Desk, first: u64, departs: u64, version: usize, error: bool) {
    if departs - first > desk.config.timeout.0 {
        desk.tally.failed(first + desk.config.timeout.0, version, Ending::Timeout);
    } else if error {
        desk.tally.failed(departs, version, Ending::Version);
    } else {
        desk.tally.answered(first, departs, version);
    }
}

/// Counts attempts at a server whose departures have just become known.
pub(super) fn record_settled<S: Station>(
    desk: &mut Desk,
    station: &mut S,
    server: usize,
    now: u64,
) {
    if S::KNOWN {
        return;
    }
    let mut done = std::mem::take(&mut desk.done);
    station.settle(server, now, &mut done);
    let version = desk.servers[server].version as usize;
    for attempt in done.drain(..) {
        record_known(desk, attempt.first, attempt.departs, version, attempt.error);
        if desk.watch.is_on() {
            desk.watch.note(server as u32, attempt.first, attempt.departs, attempt.error);
        }
    }
    desk.done = done;
}

/// An attempt in flight was cut at `now`; what was counted for it is taken back.
pub(super) fn cut(desk: &mut Desk, server: u32, lost: &InFlight, now: u64, counted: bool) {
    let version = desk.servers[server as usize].version as usize;
    if counted && desk.watch.is_on() {
        desk.watch.forget(server, lost.first, lost.departs, lost.error);
    }
    let patience_ends = lost.first + desk.config.timeout.0.min(u64::MAX - lost.first);
    let gave_up = lost.departs > patience_ends;
    if gave_up && patience_ends <= now {
        // The client had left before: that ending stands.
        if !counted {
            desk.tally.failed(patience_ends, version, Ending::Timeout);
        }
        return;
    }
    if counted {
        if gave_up {
            desk.tally.unfailed(patience_ends, version, Ending::Timeout);
        } else if lost.error {
            desk.tally.unfailed(lost.departs, version, Ending::Version);
        } else {
            desk.tally.unanswered(lost.first, lost.departs, version);
        }
    }
    let attempt = Attempt {
        first: lost.first,
        node: lost.node,
        tries: desk.config.attempts,
        bits: 0,
        slot: BLOCK,
    };
    fail(desk, now, version, &attempt, Ending::Cut);
}

/// An attempt failed at once: the request is tried again or ends.
#[cold]
pub(super) fn fail(desk: &mut Desk, now: u64, version: usize, attempt: &Attempt, ending: Ending) {
    let tries = attempt.tries.saturating_add(1);
    if tries < desk.config.attempts {
        let wait = desk.config.retry_delay.at(desk.aside.bits()) as u64;
        let at = now + wait;
        if at - attempt.first < desk.config.timeout.0 {
            let again = Retry { first: attempt.first, node: attempt.node as u16, tries };
            desk.retries.push(Time(at), again);
            return;
        }
    }
    desk.tally.failed(now, version, ending);
}

/// Tells the policies of all departures until `now`, in order of time.
fn observe<S: Station, P: Policy>(desk: &mut Desk, station: &mut S, policies: &mut [P], now: u64) {
    while desk.departures.next_time().0 <= now {
        let Some((at, (server, epoch, first, node))) = desk.departures.pop() else { return };
        if desk.epochs[server as usize] != epoch {
            continue;
        }
        if S::KNOWN {
            policies[node as usize].ended(server, at.0 - first, at.0);
            continue;
        }
        let mut done = std::mem::take(&mut desk.done);
        station.settle(server as usize, at.0, &mut done);
        let version = desk.servers[server as usize].version as usize;
        for attempt in done.drain(..) {
            record_known(desk, attempt.first, attempt.departs, version, attempt.error);
            if desk.watch.is_on() {
                desk.watch.note(server, attempt.first, attempt.departs, attempt.error);
            }
            let latency = attempt.departs - attempt.first;
            policies[attempt.node as usize].ended(server, latency, attempt.departs);
        }
        desk.done = done;
        let next = station.next_departure(server as usize, at.0);
        if next != u64::MAX {
            desk.departures.push(Time(next.max(at.0 + 1)), (server, epoch, first, node));
        }
    }
}
