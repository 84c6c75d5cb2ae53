//! Where requests and attempts are kept while they last, and the order in which they began.

use super::agenda::WHOM_BITS;
use crate::engine::NO_STAMP;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// The most attempts of one request that its client waits for at once.
pub(super) const AT_ONCE: usize = 4;

/// Neighbours in a [`Chain`].
#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

impl Link {
    const FREE: Self = Self { before: NONE, after: NONE };
}

/// A request that has not ended: one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Request {
    /// When it arrived (ns).
    pub(super) first: u64,
    /// Attempts that its client waits for.
    pub(super) live: [u32; AT_ONCE],
    pub(super) alive: u8,
    /// Of its last attempt.
    pub(super) version: u8,
    pub(super) node: u16,
    /// Attempts that were not hedges.
    pub(super) tries: u32,
    /// Of its next attempt, if it waits for that, or [`NO_STAMP`].
    pub(super) stamp: u32,
    /// Who sent it, or [`NONE`].
    pub(super) user: u32,
}

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its connection is being opened.
    Connecting,
    /// In the queue of its server.
    Waiting,
    /// In service.
    Running,
    /// Left the server, or never came there.
    Gone,
}

/// An attempt that its client waits for, or that its server works on, or both: one line of the
/// cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Attempt {
    /// When it was sent (ns).
    pub(super) sent: u64,
    /// Its work on a warm server (ns); once its service began, when that ends.
    pub(super) work: u64,
    /// What missed lookups and calls to others add (ns).
    pub(super) extra: u64,
    /// Of what will happen to it, or [`NO_STAMP`].
    pub(super) stamp: u32,
    /// Its request, as long as somebody waits.
    pub(super) request: u32,
    pub(super) server: u32,
    /// Among those in service.
    pub(super) place: u32,
    /// Its connection: the place among those of the node, if it is pinned.
    pub(super) connection: u32,
    /// Requests that its connection carried before; of a pinned one its generation.
    pub(super) carried: u32,
    /// Attempts that the server took before it, as far as they fit in here.
    pub(super) serial: u32,
    /// The view that chose its server.
    pub(super) view: u16,
    pub(super) node: u16,
    pub(super) stage: Stage,
    /// Its client waits for it.
    pub(super) is_live: bool,
    /// The version will answer it with an error.
    pub(super) error: bool,
    /// A retry or a hedge.
    pub(super) is_extra: bool,
}

const _: () = assert!(size_of::<Request>() == 64 && size_of::<Attempt>() == 64);

/// What can be in a slab.
pub(super) trait Entry: Copy {
    const EMPTY: Self;
    /// When it began (ns).
    fn since(&self) -> u64;
    /// Nothing that is planned for it holds any more.
    fn drop_plans(&mut self);
}

impl Entry for Request {
    const EMPTY: Self = Self {
        first: 0,
        live: [NONE; AT_ONCE],
        alive: 0,
        version: 0,
        node: 0,
        tries: 0,
        stamp: NO_STAMP,
        user: NONE,
    };

    #[inline(always)]
    fn since(&self) -> u64 {
        self.first
    }

    #[inline(always)]
    fn drop_plans(&mut self) {
        self.stamp = NO_STAMP;
    }
}

impl Entry for Attempt {
    const EMPTY: Self = Self {
        sent: 0,
        work: 0,
        extra: 0,
        stamp: NO_STAMP,
        request: NONE,
        server: 0,
        place: 0,
        connection: NONE,
        carried: 0,
        serial: 0,
        view: 0,
        node: 0,
        stage: Stage::Gone,
        is_live: false,
        error: false,
        is_extra: false,
    };

    #[inline(always)]
    fn since(&self) -> u64 {
        self.sent
    }

    #[inline(always)]
    fn drop_plans(&mut self) {
        self.stamp = NO_STAMP;
    }
}

/// Entries by number; numbers are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    pub(super) entries: Vec<T>,
    /// By entry, close together: whoever comes or goes touches its neighbours.
    links: Vec<Link>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), links: Vec::new(), free: Vec::new() }
    }
}

impl<T: Entry> Slab<T> {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.links.clear();
        self.free.clear();
    }

    /// A number whose entry is the caller's to fill.
    #[inline(always)]
    pub(super) fn take(&mut self) -> u32 {
        match self.free.pop() {
            Some(number) => number,
            None => self.grow(),
        }
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let number = self.entries.len() as u32;
        assert!(number < 1 << WHOM_BITS, "more requests at once than can be told apart");
        self.entries.push(T::EMPTY);
        self.links.push(Link::FREE);
        number
    }

    /// The entry is no more.
    #[inline(always)]
    pub(super) fn give_back(&mut self, number: u32) {
        self[number].drop_plans();
        self.free.push(number);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}

impl<T: Entry> Slab<T> {
    /// When an entry began; [`u64::MAX`] if there is none.
    #[inline(always)]
    pub(super) fn since(&self, number: u32) -> u64 {
        if number == NONE { u64::MAX } else { self[number].since() }
    }

    /// The entry after one of a chain.
    #[inline(always)]
    pub(super) fn after(&self, number: u32) -> u32 {
        self.links[number as usize].after
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, number: u32) -> &T {
        &self.entries[number as usize]
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline(always)]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.entries[number as usize]
    }
}

/// Entries of a slab in the order in which they were put in; any may be taken out. A delay that
/// is the same for all needs no more than that: whoever stands first is due first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    pub(super) first: u32,
    last: u32,
    /// When the first began; [`u64::MAX`] if there is none.
    pub(super) since: u64,
}

impl Chain {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE, since: u64::MAX };

    #[inline(always)]
    pub(super) fn append<T: Entry>(&mut self, slab: &mut Slab<T>, number: u32) {
        slab.links[number as usize] = Link { before: self.last, after: NONE };
        if self.last == NONE {
            self.first = number;
            self.since = slab[number].since();
        } else {
            slab.links[self.last as usize].after = number;
        }
        self.last = number;
    }

    /// Takes an entry out that is in; returns the one after it.
    #[inline(always)]
    pub(super) fn remove<T: Entry>(&mut self, slab: &mut Slab<T>, number: u32) -> u32 {
        let Link { before, after } = slab.links[number as usize];
        if after == NONE {
            self.last = before;
        } else {
            slab.links[after as usize].before = before;
        }
        if before == NONE {
            self.first = after;
            self.since = slab.since(after);
        } else {
            slab.links[before as usize].after = after;
        }
        after
    }
}

/// The first entry of a chain to which something has not happened yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) entry: u32,
    /// When it began; [`u64::MAX`] if there is none.
    pub(super) since: u64,
}

impl Mark {
    pub(super) const NOWHERE: Self = Self { entry: NONE, since: u64::MAX };

    /// At this entry.
    #[inline(always)]
    pub(super) fn at<T: Entry>(slab: &Slab<T>, entry: u32) -> Self {
        Self { entry, since: slab.since(entry) }
    }
}

impl Request {
    /// Its client no longer waits for this attempt.
    #[inline(always)]
    pub(super) fn forget(&mut self, attempt: u32) {
        let alive = usize::from(self.alive);
        if let Some(place) = self.live[..alive].iter().position(|other| *other == attempt) {
            self.live[place] = self.live[alive - 1];
            self.alive -= 1;
        }
    }

    /// Waits for its next attempt.
    #[inline(always)]
    pub(super) fn waits(&self) -> bool {
        self.stamp != NO_STAMP
    }
}
