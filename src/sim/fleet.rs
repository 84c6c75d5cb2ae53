//! The instances: their phases, their places in rotations, and the records of both.

use super::places::Places;
use crate::scenario::{AntiAffinity, Hosts};
use crate::strategy::{InstanceView, NO_SLOT};
use crate::trace::{Cause, Phase, Record, Sink, VersionId};
use crate::units::Time;

/// One instance, beyond what strategies see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instance {
    pub(crate) version: VersionId,
    pub(crate) phase: Phase,
    /// Place among the instances of its version: its luck hangs on that alone.
    pub(crate) ordinal: u32,
    pub(crate) host: u32,
    /// The process answers.
    pub(crate) able: bool,
    /// Data-plane nodes that have it in rotation.
    pub(crate) rotations: u32,
    serving: bool,
    /// When SIGKILL comes, once that is known.
    pub(crate) kill_at: Time,
    /// The place it fills, or [`NO_SLOT`].
    pub(crate) slot: u32,
    /// How many of its processes have ended: what was planned for an earlier one is void.
    pub(crate) process: u32,
    /// Its process may not start yet.
    pub(crate) held: bool,
    /// It is prepared and has no process: it is held, or waits to be started again.
    pub(crate) halted: bool,
    /// When its process was launched, and when it will be able to answer, once that is known.
    pub(crate) started: Time,
    pub(crate) able_at: Time,
    /// Which wave of starts it belongs to.
    pub(crate) wave: u32,
    /// Told to stop, it waits for rest before SIGTERM.
    pub(crate) waits: bool,
    /// When its process has its connections and begins to start.
    pub(crate) begins: Time,
    /// Its process keeps connections to what the service depends on.
    pub(crate) connected: bool,
    /// Since when it has been in no rotation, once it was told to stop.
    pub(crate) out_since: Time,
    /// How often it was started again without having run for long.
    pub(crate) strikes: u32,
    /// Its host is gone, and with it its process.
    pub(crate) gone: bool,
    /// SIGKILL does not end it, or has not ended it.
    pub(crate) immortal: bool,
    pub(crate) survived: bool,
}

/// All instances of a run.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    all: Vec<Instance>,
    views: Vec<InstanceView>,
    by_version: Vec<u32>,
    pub(crate) places: Places,
    /// Instances of one version do not share a host.
    apart: bool,
    nodes: u32,
    /// Bit per (instance, node): in rotation.
    members: Vec<u64>,
}

impl Fleet {
    pub(crate) fn reset(&mut self, nodes: u32, hosts: &Hosts, tight: bool) {
        self.all.clear();
        self.views.clear();
        self.by_version.clear();
        self.places.reset(hosts, tight);
        self.apart = hosts.anti_affinity == AntiAffinity::Version;
        self.nodes = nodes;
        self.members.clear();
    }

    /// What strategies look at.
    pub(crate) fn views(&self) -> &[InstanceView] {
        &self.views
    }

    pub(crate) fn get(&self, instance: u32) -> &Instance {
        &self.all[instance as usize]
    }

    /// How many there have been.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Since when it has been ready, if it was not when the record began.
    pub(crate) fn warming_since(&self, instance: u32) -> Option<Time> {
        let since = self.ready_since(instance);
        let fresh = since > Time::ZERO || self.get(instance).process > 0;
        (fresh && since < Time::NEVER).then_some(since)
    }

    pub(crate) fn get_mut(&mut self, instance: u32) -> &mut Instance {
        &mut self.all[instance as usize]
    }

    /// The instance before this one that had its slot.
    pub(crate) fn last_in_slot(&self, instance: u32) -> Option<u32> {
        let slot = self.get(instance).slot;
        let before = self.all[..instance as usize].iter().rposition(|other| other.slot == slot);
        before.filter(|_| slot != NO_SLOT).map(|before| before as u32)
    }

    /// It is started again, now or soon.
    pub(crate) fn restarted(&mut self, instance: u32) {
        self.get_mut(instance).strikes += 1;
        if let Some(view) = self.view(instance) {
            view.restarts = view.restarts.saturating_add(1);
        }
    }

    /// The next process of an instance is another one; returns its number.
    pub(crate) fn next_process(&mut self, instance: u32) -> u32 {
        let entry = self.get_mut(instance);
        entry.process += 1;
        entry.process
    }

    /// A new pending instance; returns its number.
    pub(crate) fn create(
        &mut self,
        now: Time,
        version: VersionId,
        slot: u32,
        sink: &mut impl Sink,
    ) -> u32 {
        let instance = self.push(now, version, slot, Phase::Pending);
        let to = Phase::Pending;
        sink.record(now, Record::Phase { instance, version, to, cause: Cause::Strategy });
        instance
    }

    /// An instance that has been available for long.
    pub(crate) fn create_available(
        &mut self,
        now: Time,
        version: VersionId,
        sink: &mut impl Sink,
    ) -> u32 {
        let slot = self.all.len() as u32;
        let instance = self.push(now, version, slot, Phase::Available);
        let to = Phase::Available;
        sink.record(now, Record::Phase { instance, version, to, cause: Cause::Initial });
        let host = self.place(instance);
        debug_assert!(host.is_some(), "the hosts hold what runs before the rollout");
        let view = &mut self.views[instance as usize];
        view.ready_since = now;
        let entry = &mut self.all[instance as usize];
        (entry.able, entry.connected) = (true, true);
        instance
    }

    fn push(&mut self, now: Time, version: VersionId, slot: u32, phase: Phase) -> u32 {
        let id = self.all.len() as u32;
        let kind = version.0 as usize;
        if self.by_version.len() <= kind {
            self.by_version.resize(kind + 1, 0);
        }
        let ordinal = self.by_version[kind];
        self.by_version[kind] += 1;
        let host = u32::MAX;
        let (able, rotations, serving, kill_at) = (false, 0, false, Time::NEVER);
        self.all.push(Instance {
            version,
            phase,
            ordinal,
            host,
            able,
            rotations,
            serving,
            kill_at,
            slot,
            process: 0,
            held: false,
            halted: false,
            started: Time::ZERO,
            able_at: Time::NEVER,
            wave: 0,
            waits: false,
            begins: Time::ZERO,
            connected: false,
            out_since: Time::NEVER,
            strikes: 0,
            gone: false,
            immortal: false,
            survived: false,
        });
        let ready_since = Time::NEVER;
        self.views.push(InstanceView {
            id,
            version,
            phase,
            created: now,
            ready_since,
            host,
            restarts: 0,
            slot,
        });
        id
    }

    /// Puts the instance on the host of its slot, or on the one that has fewest; returns it.
    /// `None`: there is no place for it.
    pub(crate) fn place(&mut self, instance: u32) -> Option<u32> {
        let Instance { slot, version, .. } = *self.get(instance);
        let mut taken = Vec::new();
        if self.apart {
            let same = |view: &&InstanceView| view.version == version && view.id != instance;
            taken.extend(self.views.iter().filter(same).map(|view| view.host));
        }
        let host = self.places.take(slot, &taken)?;
        self.all[instance as usize].host = host;
        if let Some(view) = self.view(instance) {
            view.host = host;
        }
        Some(host)
    }

    fn view(&mut self, instance: u32) -> Option<&mut InstanceView> {
        let place = self.views.binary_search_by_key(&instance, |view| view.id).ok()?;
        Some(&mut self.views[place])
    }

    /// An instance takes another version while it runs.
    pub(crate) fn turn(
        &mut self,
        now: Time,
        instance: u32,
        version: VersionId,
        sink: &mut impl Sink,
    ) {
        self.all[instance as usize].version = version;
        if let Some(view) = self.view(instance) {
            view.version = version;
        }
        sink.record(now, Record::Reloaded { instance, version });
    }

    /// Moves an instance to a phase.
    pub(crate) fn move_to(
        &mut self,
        now: Time,
        instance: u32,
        to: Phase,
        cause: Cause,
        sink: &mut impl Sink,
    ) {
        let entry = &mut self.all[instance as usize];
        assert!(entry.phase.may_become(to), "instance {instance}: {:?} → {to:?}", entry.phase);
        let terminates = entry.phase.is_active() && !to.is_active();
        entry.phase = to;
        let (version, host) = (entry.version, entry.host);
        sink.record(now, Record::Phase { instance, version, to, cause });
        if terminates {
            self.places.terminates(host);
        }
        if matches!(to, Phase::Stopped | Phase::Lost) {
            self.places.leave(host);
            self.set_able(now, instance, false, sink);
            if let Ok(place) = self.views.binary_search_by_key(&instance, |view| view.id) {
                self.views.remove(place);
            }
        } else if let Some(view) = self.view(instance) {
            view.phase = to;
            match to {
                Phase::Ready => view.ready_since = now,
                Phase::Available => {}
                _ => view.ready_since = Time::NEVER,
            }
        }
    }

    /// Since when it has been ready; [`Time::NEVER`] if it is not.
    pub(crate) fn ready_since(&self, instance: u32) -> Time {
        let place = self.views.binary_search_by_key(&instance, |view| view.id);
        place.map_or(Time::NEVER, |place| self.views[place].ready_since)
    }

    /// The process begins or ceases to answer.
    pub(crate) fn set_able(&mut self, now: Time, instance: u32, able: bool, sink: &mut impl Sink) {
        self.all[instance as usize].able = able;
        self.update_serving(now, instance, sink);
    }

    /// One more node has the instance in rotation, or one fewer.
    pub(crate) fn rotate(
        &mut self,
        now: Time,
        instance: u32,
        node: u32,
        joins: bool,
        sink: &mut impl Sink,
    ) {
        let (word, bit) = self.member_bit(instance, node);
        if self.members.len() <= word {
            self.members.resize(word + 1, 0);
        }
        self.members[word] ^= bit;
        let entry = &mut self.all[instance as usize];
        if joins {
            entry.rotations += 1;
        } else {
            entry.rotations -= 1;
        }
        self.update_serving(now, instance, sink);
    }

    /// Whether a node has an instance in rotation.
    pub(crate) fn is_member(&self, instance: u32, node: u32) -> bool {
        let (word, bit) = self.member_bit(instance, node);
        self.members.get(word).is_some_and(|members| members & bit != 0)
    }

    fn member_bit(&self, instance: u32, node: u32) -> (usize, u64) {
        let place = instance as usize * self.nodes as usize + node as usize;
        (place / 64, 1 << (place % 64))
    }

    /// How many old and how many newer instances serve.
    pub(crate) fn serving_by_version(&self) -> [u32; 2] {
        let mut counts = [0; 2];
        for view in &self.views {
            let entry = self.get(view.id);
            counts[usize::from(entry.version.0.min(1))] += u32::from(entry.serving);
        }
        counts
    }

    /// Serving: it can answer, and at least half of the nodes send it something.
    fn update_serving(&mut self, now: Time, instance: u32, sink: &mut impl Sink) {
        let entry = &mut self.all[instance as usize];
        let serving = entry.able && entry.rotations > 0 && entry.rotations * 2 >= self.nodes;
        if serving != entry.serving {
            entry.serving = serving;
            let version = entry.version;
            sink.record(now, Record::Serving { instance, version, serving });
        }
    }
}
