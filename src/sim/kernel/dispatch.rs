//! Stations, policies and the desk together: what the world changes between two advances.

use super::attempt::{cut, record_settled, run};
use super::central::Central;
use super::desk::{Config, Desk, Server, guard};
use super::journeys::Journeys;
use super::parts::{Policies, Stations, guards, policies, stations};
use super::station::{InFlight, Station, pack};
use crate::balancer::Policy;
use crate::engine::{BLOCK, Seeds};
use crate::scenario::{Algorithm, Discipline};
use crate::trace::{Ending, Sink, VersionId};
use crate::traffic::Source;
use crate::units::{Span, Time};

/// Servers under traffic.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(super) algorithm: Algorithm,
    pub(crate) desk: Desk,
    pub(super) stations: Stations,
    pub(super) policies: Policies,
    /// The engine for clients that do more than try once, instead of the stations.
    pub(in crate::sim) journeys: Option<Box<Journeys>>,
    /// What each server counts for where weights count.
    pub(super) weights: Vec<f64>,
    /// What the service times of each server are multiplied by for where it is.
    paces: Vec<f64>,
    scratch: Vec<InFlight>,
}

/// Runs `$body` with the concrete policies, if nodes have any.
macro_rules! with_policies {
    ($self:ident, |$policies:ident| $body:expr) => {
        match &mut $self.policies {
            Policies::Central(_) => {}
            Policies::RoundRobin($policies) => $body,
            Policies::Random($policies) => $body,
            Policies::Least($policies) => $body,
            Policies::Choices($policies) => $body,
            Policies::Weighted($policies) => $body,
            Policies::PeakEwma($policies) => $body,
            Policies::Hash($policies) => $body,
        }
    };
}

/// Runs `$body` with the concrete station and policies.
macro_rules! with_parts {
    (
        $self:ident,
        |$station:ident, $policies:ident| $body:expr,
        central |$central:ident| $other:expr
    ) => {
        match &mut $self.policies {
            Policies::Central($central) => $other,
            Policies::RoundRobin($policies) => with_station!($self, $station, $body),
            Policies::Random($policies) => with_station!($self, $station, $body),
            Policies::Least($policies) => with_station!($self, $station, $body),
            Policies::Choices($policies) => with_station!($self, $station, $body),
            Policies::Weighted($policies) => with_station!($self, $station, $body),
            Policies::PeakEwma($policies) => with_station!($self, $station, $body),
            Policies::Hash($policies) => with_station!($self, $station, $body),
        }
    };
}

macro_rules! with_station {
    ($self:ident, $station:ident, $body:expr) => {
        match &mut $self.stations {
            Stations::Line($station) => $body,
            Stations::Wide($station) => $body,
            Stations::Sharing($station) => $body,
            Stations::Throttled($station) => $body,
        }
    };
}

impl Kernel {
    pub(crate) fn new(config: Config, algorithm: Algorithm) -> Self {
        let stations = stations(&config);
        let policies = policies(algorithm, &config, 0..config.nodes);
        let habits = config.habits.clone().filter(|_| !matches!(policies, Policies::Central(_)));
        Self {
            algorithm,
            journeys: habits.map(|habits| Box::new(Journeys::new(&config, *habits))),
            desk: Desk::new(config),
            stations,
            policies,
            weights: Vec::new(),
            paces: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Forgets the last run, keeps memory.
    pub(crate) fn reset(&mut self, seeds: Seeds, source: Option<Source>) {
        self.desk.reset(seeds, source);
        self.weights.clear();
        self.paces.clear();
        let config = &self.desk.config;
        self.policies = policies(self.algorithm, config, 0..config.nodes);
        with_station!(self, station, station.clear());
        if let Some(journeys) = &mut self.journeys {
            journeys.reset(&self.desk.config, seeds);
        }
    }

    /// Adds a server that does not accept yet; returns its number.
    pub(crate) fn add_server(&mut self, version: u8) -> u32 {
        let desk = &mut self.desk;
        let version = version.min(desk.config.versions.len() as u8 - 1);
        let (law, factor) = desk.laws[version as usize];
        let model = &desk.config.versions[version as usize];
        let guard = guard::CLOSED | guards(model, desk);
        let server = Server { factor, opened: 0, served: 0, law, version, guard, goodbye: false };
        self.weights.push(1.0);
        self.paces.push(1.0);
        desk.servers.push(server);
        desk.epochs.push(0);
        desk.taken_before.push(0);
        if let Policies::Central(central) = &mut self.policies {
            central.add();
        }
        if let Some(journeys) = &mut self.journeys {
            journeys.add();
        }
        with_station!(self, station, station.add());
        desk.servers.len() as u32 - 1
    }

    /// The server can answer from now on. `warm`: it has been for long. If it was killed before,
    /// this is another process.
    pub(crate) fn open(&mut self, server: u32, now: Time, warm: bool) {
        let desk = &mut self.desk;
        let version = desk.servers[server as usize].version;
        let guards = guards(&desk.config.versions[version as usize], desk);
        let entry = &mut desk.servers[server as usize];
        entry.guard = guards | desk.errors.guard() | entry.guard & guard::DARK;
        if warm {
            entry.guard &= !(guard::COLD | guard::FILLING);
        }
        entry.opened = now.0;
        entry.goodbye = false;
        desk.taken_before[server as usize] = entry.served;
        if let Policies::Central(central) = &mut self.policies {
            central.open(server, now.0, &mut self.desk);
        }
    }

    /// The server answers as another version from now on. Attempts that are in flight end as they
    /// would have; where that is known they no longer take a slot.
    pub(crate) fn turn(&mut self, server: u32, version: u8, now: Time) {
        let mut lost = std::mem::take(&mut self.scratch);
        lost.clear();
        let desk = &mut self.desk;
        with_parts!(
            self,
            |station, policies| {
                record_settled(desk, station, server as usize, now.0);
                if is_known(station) {
                    station.evict(server as usize, now.0, &mut lost);
                    desk.epochs[server as usize] += 1;
                }
                for attempt in &lost {
                    let latency = now.0 - attempt.first.min(now.0);
                    policies[attempt.node as usize].ended(server, latency, now.0);
                }
            },
            central | _central | ()
        );
        self.scratch = lost;
        let version = version.min(desk.config.versions.len() as u8 - 1);
        let guards = guards(&desk.config.versions[version as usize], desk);
        let (law, factor) = desk.laws[version as usize];
        let entry = &mut desk.servers[server as usize];
        let kept = entry.guard & (guard::CLOSED | guard::COLD | guard::DARK);
        entry.guard = guards & !guard::COLD | kept;
        let pace = self.paces[server as usize];
        (entry.law, entry.factor, entry.version) = (law, factor * pace, version);
    }

    /// From now on attempts that the server takes need so many times what they would elsewhere.
    pub(crate) fn set_pace(&mut self, server: u32, pace: f64) {
        let index = server as usize;
        let entry = &mut self.desk.servers[index];
        self.paces[index] = pace;
        entry.factor = self.desk.laws[usize::from(entry.version)].1 * pace;
    }

    /// A node (`None`: nobody) reaches the server no longer, or does again.
    pub(crate) fn set_dark(&mut self, server: u32, node: Option<u32>, dark: bool) {
        let is_dark = self.desk.dark.set(server, node, dark);
        let guard = &mut self.desk.servers[server as usize].guard;
        *guard &= !guard::DARK;
        if is_dark {
            *guard |= guard::DARK;
        }
        // Who thought to have a connection to what died in the dark learns that there is none.
        if *guard & guard::CLOSED != 0
            && !is_dark
            && let Some(journeys) = &mut self.journeys
        {
            journeys.close(server, false);
        }
    }

    /// The server of a new version answers as the old one does from now on, in all but its name:
    /// what was bad has been turned off.
    pub(crate) fn behave(&mut self, server: u32, now: Time) {
        let version = self.desk.servers[server as usize].version;
        self.turn(server, VersionId::OLD.0, now);
        self.desk.servers[server as usize].version = version;
    }

    /// The server accepts nothing more; what is in flight goes on. `goodbye`: it tells its
    /// clients (HTTP/2 GOAWAY).
    pub(crate) fn close(&mut self, server: u32, goodbye: bool) {
        let entry = &mut self.desk.servers[server as usize];
        entry.guard |= guard::CLOSED;
        entry.goodbye = goodbye;
        if let Some(journeys) = &mut self.journeys {
            journeys.close(server, goodbye);
        }
        if let Policies::Central(central) = &mut self.policies {
            central.close(server);
        }
    }

    /// The server comes into the rotation of `node`, where it was not.
    pub(crate) fn join(&mut self, node: u32, server: u32, weight: f64) {
        let node = self.view_of(node, server);
        self.join_view(node, server, weight);
    }

    /// The same for one view of a split node.
    pub(super) fn join_view(&mut self, node: u32, server: u32, weight: f64) {
        self.desk.nodes[node as usize].members.push(server);
        if let Some(journeys) = &mut self.journeys {
            journeys.set_member(node, server, true);
        }
        self.reweigh_view(node, server, weight);
    }

    /// Whether the server is in the rotation of `node`.
    pub(crate) fn is_member(&self, node: u32, server: u32) -> bool {
        let node = self.view_of(node, server);
        self.desk.nodes[node as usize].members.contains(&server)
    }

    /// The weight of a server in the rotation of `node` changes.
    pub(crate) fn reweigh(&mut self, node: u32, server: u32, weight: f64) {
        let node = self.view_of(node, server);
        self.reweigh_view(node, server, weight);
    }

    /// The same for one view of a split node.
    fn reweigh_view(&mut self, node: u32, server: u32, weight: f64) {
        self.weights[server as usize] = weight;
        with_parts!(
            self,
            |_station, policies| {
                policies[node as usize].joined(server, weight);
            },
            central | _central | ()
        );
    }

    /// The server leaves the rotation of `node`.
    pub(crate) fn leave(&mut self, node: u32, server: u32) {
        let node = self.view_of(node, server);
        self.leave_view(node, server);
    }

    /// The same for one view of a split node.
    pub(super) fn leave_view(&mut self, node: u32, server: u32) {
        // Order matters to round robin only, and there it is kept.
        self.desk.nodes[node as usize].members.retain(|member| *member != server);
        if let Some(journeys) = &mut self.journeys {
            journeys.set_member(node, server, false);
        }
        with_parts!(
            self,
            |_station, policies| {
                policies[node as usize].left(server);
            },
            central | _central | ()
        );
    }

    /// Gives the server an attempt that nobody counts, with a service drawn aside.
    pub(crate) fn preload(&mut self, server: u32, now: Time) {
        if let Some(journeys) = &mut self.journeys {
            journeys.preload(&mut self.desk, server, now.0);
            return;
        }
        let index = server as usize;
        let Server { law, factor, served, .. } = self.desk.servers[index];
        let service = self.desk.service(law, factor, BLOCK);
        self.desk.servers[index].served += 1;
        let packed = pack(now.0, false);
        with_station!(self, station, {
            station.admit(index, served, 0, now.0, packed, service);
        });
    }

    /// The common queue, if that is how requests find servers.
    pub(crate) fn central(&mut self) -> Option<&mut Central> {
        match &mut self.policies {
            Policies::Central(central) => Some(central),
            _ => None,
        }
    }

    /// When the server has answered all it has accepted.
    pub(crate) fn idle_at(&mut self, server: u32, now: Time) -> Time {
        if let Policies::Central(central) = &mut self.policies {
            return Time(central.idle_at(server, now.0));
        }
        if let Some(journeys) = &mut self.journeys {
            return Time(journeys.idle_at(&mut self.desk, server, now.0));
        }
        Time(with_station!(self, station, station.idle_at(server as usize, now.0)))
    }

    /// How long it takes until a server has answered something that comes now and needs so much
    /// work; `None`: it does not let it in.
    pub(crate) fn answers_after(&mut self, server: u32, now: Time, work: Span) -> Option<Span> {
        let in_flight = self.in_flight(server, now);
        let guard = self.desk.servers[server as usize].guard;
        let discipline = self.desk.config.discipline;
        let is_full = guard & guard::LIMITED != 0 && in_flight >= discipline.room();
        if guard & guard::CLOSED != 0 || is_full {
            return None;
        }
        if let Discipline::Sharing { cores, .. } = discipline {
            let cores = self.desk.config.cpu_limit.unwrap_or(cores).min(cores);
            return Some(work * (f64::from(in_flight + 1) / cores).max(1.0));
        }
        let starts = match (&mut self.policies, &mut self.journeys) {
            // One queue for all: no server has one of its own.
            (Policies::Central(_), _) => now.0,
            (_, Some(journeys)) => journeys.starts(&mut self.desk, server, now.0),
            _ => with_station!(self, station, station.starts(server as usize, now.0)),
        };
        Some(Time(starts).since(now) + work)
    }

    /// How much longer a service takes that begins then because the server is not warm.
    pub(crate) fn slowness(&mut self, server: u32, then: Time) -> f64 {
        if self.desk.servers[server as usize].guard & guard::COLD == 0 {
            return 1.0;
        }
        self.desk.coldness(server as usize, then.0)
    }

    /// Connections opened so far, as far as they are modelled one by one.
    pub(crate) fn opened(&self) -> u64 {
        self.journeys.as_ref().map_or(0, |journeys| journeys.opened())
    }

    /// Attempts in flight at a server.
    pub(crate) fn in_flight(&mut self, server: u32, now: Time) -> u32 {
        if let Policies::Central(central) = &mut self.policies {
            return central.in_flight(server);
        }
        if let Some(journeys) = &self.journeys {
            return journeys.in_flight(server);
        }
        with_station!(self, station, station.total(server as usize, now.0))
    }

    /// Ends the server and everything in flight on it.
    pub(crate) fn kill(&mut self, server: u32, now: Time) {
        // A goodbye that was said before stays said: those clients know.
        let goodbye = self.desk.servers[server as usize].goodbye;
        self.close(server, goodbye);
        if let Some(journeys) = &mut self.journeys {
            let desk = &mut self.desk;
            with_policies!(self, |policies| journeys.kill(desk, policies, server, now.0));
            return;
        }
        let mut lost = std::mem::take(&mut self.scratch);
        lost.clear();
        let desk = &mut self.desk;
        with_parts!(
            self,
            |station, policies| {
                record_settled(desk, station, server as usize, now.0);
                station.evict(server as usize, now.0, &mut lost);
                for attempt in &lost {
                    cut(desk, server, attempt, now.0, is_known(station));
                    policies[attempt.node as usize].ended(
                        server,
                        now.0 - attempt.first.min(now.0),
                        now.0,
                    );
                }
            },
            central | central | {
                central.kill(server, now.0, desk);
            }
        );
        self.desk.epochs[server as usize] += 1;
        self.scratch = lost;
    }

    /// Plays all arrivals before `until`.
    pub(crate) fn advance(&mut self, until: Time) {
        let desk = &mut self.desk;
        let until = until.0;
        if let Some(journeys) = &mut self.journeys {
            with_policies!(self, |policies| journeys.advance(desk, policies, until));
            return;
        }
        if desk.routes.is_on() {
            return with_parts!(
                self,
                |station, policies| run::<_, _, true, true>(desk, station, policies, until),
                central | central | central.advance(desk, until)
            );
        }
        let many = desk.config.nodes > 1;
        match (&mut self.stations, &mut self.policies, many) {
            (_, Policies::Central(central), _) => central.advance(desk, until),
            (Stations::Line(s), Policies::RoundRobin(p), false) => {
                run::<_, _, false, false>(desk, s, p, until);
            }
            (Stations::Line(s), Policies::Random(p), false) => {
                run::<_, _, false, false>(desk, s, p, until);
            }
            (Stations::Line(s), Policies::Choices(p), false) => {
                run::<_, _, false, false>(desk, s, p, until);
            }
            (Stations::Line(s), Policies::Least(p), false) => {
                run::<_, _, false, false>(desk, s, p, until);
            }
            _ => with_parts!(
                self,
                |station, policies| {
                    run::<_, _, true, false>(desk, station, policies, until);
                },
                central | _central | ()
            ),
        }
    }

    /// Writes the counts; call at the end of a run.
    pub(crate) fn flush(&mut self, end: Time, sink: &mut impl Sink) {
        self.settle_all(end);
        self.expire(end.0);
        self.desk.tally.flush(end, sink);
        self.desk.calls.flush(end, sink);
    }

    /// Ends the requests whose clients have left by `end`, where that shows only once the work
    /// is done. Nothing is in flight after it.
    fn expire(&mut self, end: u64) {
        let desk = &mut self.desk;
        if let Policies::Central(central) = &mut self.policies {
            central.expire(desk, end);
            return;
        }
        let lost = &mut self.scratch;
        with_station!(self, station, {
            if is_known(station) {
                return;
            }
            for server in 0..desk.servers.len() {
                lost.clear();
                station.evict(server, end, lost);
                let version = desk.servers[server].version as usize;
                for attempt in lost.iter() {
                    let leaves = attempt.first.saturating_add(desk.config.timeout.0);
                    if leaves < end {
                        desk.tally.failed(leaves, version, Ending::Timeout);
                    }
                }
            }
        });
    }

    /// Reports every departure until `now` that was not known beforehand.
    pub(crate) fn settle_all(&mut self, now: Time) {
        let desk = &mut self.desk;
        with_station!(self, station, {
            for server in 0..desk.servers.len() {
                record_settled(desk, station, server, now.0);
            }
        });
    }
}

fn is_known<S: Station>(_: &S) -> bool {
    S::KNOWN
}
