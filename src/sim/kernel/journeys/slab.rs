//! Where requests and attempts are kept while they last, and the order in which they began.

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// The most attempts of one request that its client waits for at once.
pub(super) const AT_ONCE: usize = 4;

/// Neighbours in a [`Chain`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    before: u32,
    pub(super) after: u32,
}

impl Link {
    pub(super) const FREE: Self = Self { before: NONE, after: NONE };
}

/// A request that has not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// When it arrived (ns).
    pub(super) first: u64,
    pub(super) link: Link,
    /// Tells it from others in the same place of the slab.
    pub(super) generation: u32,
    /// Attempts that its client waits for.
    pub(super) live: [u32; AT_ONCE],
    pub(super) alive: u8,
    /// Of its last attempt.
    pub(super) version: u8,
    pub(super) node: u16,
    /// Attempts that were not hedges.
    pub(super) tries: u32,
    /// Waits for its next attempt.
    pub(super) waits: bool,
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

/// An attempt that its client waits for, or that its server works on, or both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// When it was sent (ns).
    pub(super) sent: u64,
    /// When its service ends, once that began (ns).
    pub(super) departs: u64,
    /// On a warm server (ns).
    pub(super) service: u64,
    /// What missed lookups and calls to others add (ns).
    pub(super) extra: u64,
    /// Attempts that the server took before it.
    pub(super) serial: u64,
    pub(super) link: Link,
    pub(super) generation: u32,
    /// Its request, as long as somebody waits.
    pub(super) request: u32,
    pub(super) server: u32,
    /// Among those in service.
    pub(super) place: u32,
    /// Its connection: the place among those of the node, if it is pinned.
    pub(super) connection: u32,
    /// Requests that its connection carried before; of a pinned one its generation.
    pub(super) carried: u32,
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

/// What can be in a slab.
pub(super) trait Entry: Copy {
    const EMPTY: Self;
    fn link(&mut self) -> &mut Link;
    fn generation(&mut self) -> &mut u32;
}

impl Entry for Request {
    const EMPTY: Self = Self {
        first: 0,
        link: Link::FREE,
        generation: 0,
        live: [NONE; AT_ONCE],
        alive: 0,
        version: 0,
        node: 0,
        tries: 0,
        waits: false,
        user: NONE,
    };

    #[inline(always)]
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    #[inline(always)]
    fn generation(&mut self) -> &mut u32 {
        &mut self.generation
    }
}

impl Entry for Attempt {
    const EMPTY: Self = Self {
        sent: 0,
        departs: 0,
        service: 0,
        extra: 0,
        serial: 0,
        link: Link::FREE,
        generation: 0,
        request: NONE,
        server: 0,
        place: 0,
        connection: NONE,
        carried: 0,
        view: 0,
        node: 0,
        stage: Stage::Gone,
        is_live: false,
        error: false,
        is_extra: false,
    };

    #[inline(always)]
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    #[inline(always)]
    fn generation(&mut self) -> &mut u32 {
        &mut self.generation
    }
}

/// Entries by number; numbers are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    pub(super) entries: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T: Entry> Slab<T> {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.free.clear();
    }

    /// A number whose entry is the caller's to fill; its generation must be kept.
    #[inline(always)]
    pub(super) fn take(&mut self) -> u32 {
        match self.free.pop() {
            Some(number) => number,
            None => self.grow(),
        }
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        self.entries.push(T::EMPTY);
        self.entries.len() as u32 - 1
    }

    /// The entry is no more.
    #[inline(always)]
    pub(super) fn give_back(&mut self, number: u32) {
        let generation = self[number].generation();
        *generation = generation.wrapping_add(1);
        self.free.push(number);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
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
}

impl Chain {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    #[inline(always)]
    pub(super) fn append<T: Entry>(&mut self, slab: &mut Slab<T>, number: u32) {
        *slab[number].link() = Link { before: self.last, after: NONE };
        if self.last == NONE {
            self.first = number;
        } else {
            slab[self.last].link().after = number;
        }
        self.last = number;
    }

    /// Takes an entry out that is in; returns the one after it.
    #[inline(always)]
    pub(super) fn remove<T: Entry>(&mut self, slab: &mut Slab<T>, number: u32) -> u32 {
        let Link { before, after } = *slab[number].link();
        if before == NONE {
            self.first = after;
        } else {
            slab[before].link().after = after;
        }
        if after == NONE {
            self.last = before;
        } else {
            slab[after].link().before = before;
        }
        after
    }

    /// The entry after one that is in.
    pub(super) fn after<T: Entry>(slab: &mut Slab<T>, number: u32) -> u32 {
        slab[number].link().after
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

    /// The same as [`Entry::EMPTY`], in this place of the slab.
    #[inline(always)]
    pub(super) fn renewed(&self, first: u64, node: u16, user: u32) -> Self {
        Self { first, node, user, version: 2, generation: self.generation, ..Self::EMPTY }
    }
}
