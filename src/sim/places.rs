//! Hosts and zones as places for instances: which host the next one goes to.

use crate::scenario::{AntiAffinity, Hosts};
use crate::strategy::NO_SLOT;

#[derive(Debug, Clone, Copy)]
struct Host {
    zone: u32,
    /// Instances on it, terminating ones included.
    instances: u32,
    /// It takes no more.
    cordoned: bool,
    /// It is gone.
    down: bool,
}

/// The hosts of a run.
#[derive(Debug, Default)]
pub(crate) struct Places {
    hosts: Vec<Host>,
    /// By zone: instances that count for the spread, which terminating ones do not.
    zones: Vec<u32>,
    room: u32,
    max_skew: u32,
    /// Whether no instance shares a host with any other.
    alone: bool,
    /// By slot: the host of the instance that filled it first.
    homes: Vec<u32>,
    /// Every host will do: fewest instances is all that counts.
    plain: bool,
}

impl Places {
    /// All hosts empty. `tight`: a host may be unfit to take an instance.
    pub(crate) fn reset(&mut self, hosts: &Hosts, tight: bool) {
        self.hosts.clear();
        let zones = hosts.zones.max(1);
        let empty =
            |host: u32| Host { zone: host % zones, instances: 0, cordoned: false, down: false };
        self.hosts.extend((0..hosts.count.max(1)).map(empty));
        self.zones.clear();
        self.zones.resize(zones as usize, 0);
        self.room = hosts.room.unwrap_or(u32::MAX);
        self.max_skew = hosts.max_skew.unwrap_or(u32::MAX);
        self.alone = hosts.anti_affinity == AntiAffinity::All;
        self.homes.clear();
        self.plain = !tight && zones == 1;
    }

    /// Takes a place for an instance that fills this slot (or none); `None` if there is none.
    /// Hosts in `taken` are not for it.
    ///
    /// The host of the slot, if that has room; else the host with fewest instances in the zone
    /// with fewest, as far as it may go there.
    pub(crate) fn take(&mut self, slot: u32, taken: &[u32]) -> Option<u32> {
        let home = self.home(slot).filter(|home| self.plain || self.fits(*home, taken));
        let best = || {
            let hosts = 0..self.hosts.len();
            if self.plain {
                return hosts.min_by_key(|host| self.hosts[*host].instances);
            }
            let fit = hosts.filter(|host| self.fits(*host, taken));
            fit.min_by_key(|host| {
                let Host { zone, instances, .. } = self.hosts[*host];
                (self.zones[zone as usize], instances)
            })
        };
        let host = home.or_else(best)?;
        self.hosts[host].instances += 1;
        self.zones[self.hosts[host].zone as usize] += 1;
        if slot != NO_SLOT && !self.plain {
            let slot = slot as usize;
            if self.homes.len() <= slot {
                self.homes.resize(slot + 1, u32::MAX);
            }
            if self.homes[slot] == u32::MAX {
                self.homes[slot] = host as u32;
            }
        }
        Some(host as u32)
    }

    fn home(&self, slot: u32) -> Option<usize> {
        match slot {
            NO_SLOT => None,
            slot if self.plain => Some(slot as usize % self.hosts.len()),
            slot => self.homes.get(slot as usize).filter(|h| **h != u32::MAX).map(|h| *h as usize),
        }
    }

    fn fits(&self, host: usize, taken: &[u32]) -> bool {
        let Host { zone, instances, cordoned, down } = self.hosts[host];
        let least = self.zones.iter().min().copied().unwrap_or(0);
        let skew = self.zones[zone as usize] + 1 - least;
        !(cordoned || down)
            && instances < self.room
            && !(self.alone && instances > 0)
            && skew <= self.max_skew
            && !taken.contains(&(host as u32))
    }

    /// An instance there terminates: it no longer counts for the spread.
    pub(crate) fn terminates(&mut self, host: u32) {
        if let Some(host) = self.hosts.get(host as usize) {
            self.zones[host.zone as usize] -= 1;
        }
    }

    /// An instance there is gone.
    pub(crate) fn leave(&mut self, host: u32) {
        if let Some(host) = self.hosts.get_mut(host as usize) {
            host.instances -= 1;
        }
    }

    /// Another host, in this zone; returns its number.
    pub(crate) fn add(&mut self, zone: u32) -> u32 {
        self.hosts.push(Host { zone, instances: 0, cordoned: false, down: false });
        self.hosts.len() as u32 - 1
    }

    /// The host takes no more instances, or takes them again.
    pub(crate) fn cordon(&mut self, host: u32, cordoned: bool) {
        self.hosts[host as usize].cordoned = cordoned;
    }

    /// The host is gone, or there again.
    pub(crate) fn set_down(&mut self, host: u32, down: bool) {
        self.hosts[host as usize].down = down;
    }

    pub(crate) fn count(&self) -> u32 {
        self.hosts.len() as u32
    }

    pub(crate) fn zone(&self, host: u32) -> u32 {
        self.hosts[host as usize].zone
    }

    /// Instances on a host, terminating ones included.
    pub(crate) fn instances(&self, host: u32) -> u32 {
        self.hosts[host as usize].instances
    }

    /// The zone for another host, beside those ordered (by zone) with room for `each`: where
    /// there will be fewest instances, then fewest hosts.
    pub(crate) fn poorest_zone(&self, ordered: &[u32], each: u32) -> u32 {
        let zones = 0..self.zones.len() as u32;
        let poverty = |zone: &u32| {
            let index = *zone as usize;
            let coming = ordered.get(index).copied().unwrap_or(0);
            let there = self.hosts.iter().filter(|host| host.zone == *zone).count() as u32;
            (u64::from(self.zones[index]) + u64::from(coming) * u64::from(each), there + coming)
        };
        zones.min_by_key(poverty).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(hosts: &Hosts) -> Places {
        let mut places = Places::default();
        places.reset(hosts, hosts.is_tight());
        places
    }

    fn take(places: &mut Places, many: u32) -> Vec<Option<u32>> {
        (0..many).map(|_| places.take(NO_SLOT, &[])).collect()
    }

    #[test]
    fn instances_spread_over_zones_first_and_then_over_hosts() {
        // Zones: 0, 1, 0, 1, 0.
        let mut places = places(&Hosts { zones: 2, ..Hosts::of(5) });
        let hosts: Vec<_> = take(&mut places, 6).into_iter().flatten().collect();
        assert_eq!(hosts, [0, 1, 2, 3, 4, 1]);
    }

    #[test]
    fn a_full_host_takes_nothing_and_a_cordoned_one_neither() {
        let mut places = places(&Hosts { room: Some(2), ..Hosts::of(2) });
        places.cordon(1, true);
        assert_eq!(take(&mut places, 3), [Some(0), Some(0), None]);
        places.cordon(1, false);
        assert_eq!(take(&mut places, 3), [Some(1), Some(1), None]);
        places.leave(0);
        assert_eq!(take(&mut places, 2), [Some(0), None]);
        assert_eq!(places.add(0), 2);
        assert_eq!(take(&mut places, 1), [Some(2)]);
    }

    #[test]
    fn a_zone_does_not_run_ahead_by_more_than_the_skew() {
        // maxSkew 1, whenUnsatisfiable: DoNotSchedule; three hosts in zones 0, 1, 0, and
        // zone 1 is full after one.
        let tight = Hosts { zones: 2, max_skew: Some(1), room: Some(1), ..Hosts::of(3) };
        let mut places = places(&tight);
        assert_eq!(take(&mut places, 4), [Some(0), Some(1), Some(2), None]);
        let mut places = super::tests::places(&tight);
        places.cordon(1, true);
        assert_eq!(take(&mut places, 2), [Some(0), None], "a second in zone 0 would be two ahead");
        assert_eq!(places.poorest_zone(&[0, 0], 1), 1);
        // One that terminates does not count for the spread, but still takes its room.
        places.terminates(0);
        assert_eq!(take(&mut places, 2), [Some(2), None]);
    }

    #[test]
    fn nobody_shares_who_keeps_away() {
        let mut places =
            places(&Hosts { anti_affinity: AntiAffinity::All, room: Some(9), ..Hosts::of(2) });
        assert_eq!(take(&mut places, 3), [Some(0), Some(1), None]);
    }
}
