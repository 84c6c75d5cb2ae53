//! What one server does with the attempts it has accepted.

/// Nodes are numbered below 2^`NODE_BITS`; the number rides in the low bits of departure times.
pub(crate) const NODE_BITS: u32 = 10;
pub(crate) const NODE_MASK: u64 = (1 << NODE_BITS) - 1;

/// An attempt in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InFlight {
    /// When its request first arrived (ns).
    pub(crate) first: u64,
    /// When it will be answered (ns), if nothing happens to it.
    pub(crate) departs: u64,
    /// The node that sent it.
    pub(crate) node: u32,
    /// The version will answer it with an error.
    pub(crate) error: bool,
}

/// `first` and `error` in one word, as stations keep them.
#[inline]
pub(crate) fn pack(first: u64, error: bool) -> u64 {
    first << 1 | u64::from(error)
}

/// The inverse of [`pack`].
#[inline]
pub(crate) fn unpack(word: u64) -> (u64, bool) {
    (word >> 1, word & 1 == 1)
}

/// Servers of one discipline. Times are nanoseconds.
pub(crate) trait Station {
    /// Whether the departure is known when an attempt is admitted. Otherwise attempts are
    /// reported by [`Station::settle`] when their departure has passed.
    const KNOWN: bool;

    /// Adds an idle server, numbered in order.
    fn add(&mut self);

    /// Removes all servers, keeps memory.
    fn clear(&mut self);

    /// Attempts of `node` in flight at `server`.
    fn outstanding(&mut self, server: usize, node: u32, now: u64) -> u32;

    /// Attempts in flight at `server`, of all nodes.
    fn total(&mut self, server: usize, now: u64) -> u32;

    /// When an attempt that arrives now would begin to be served.
    fn starts(&self, server: usize, now: u64) -> u64;

    /// The same if the server had only so many slots, where it has its own.
    fn starts_with(&self, server: usize, now: u64, slots: u32) -> u64 {
        let _ = slots;
        self.starts(server, now)
    }

    /// Takes an attempt that needs `service` ns; returns its departure if `KNOWN`. `serial`
    /// counts the attempts that this server took before.
    fn admit(
        &mut self,
        server: usize,
        serial: u64,
        node: u32,
        now: u64,
        packed: u64,
        service: u64,
    ) -> u64;

    /// When the server is idle if nothing more arrives; `now` if it is.
    fn idle_at(&mut self, server: usize, now: u64) -> u64;

    /// The next departure if nothing more arrives and `KNOWN` is false; `u64::MAX` if idle.
    fn next_departure(&self, server: usize, now: u64) -> u64 {
        let _ = (server, now);
        u64::MAX
    }

    /// Appends attempts that departed until `now`, unless `KNOWN`.
    fn settle(&mut self, server: usize, now: u64, done: &mut Vec<InFlight>) {
        let _ = (server, now, done);
    }

    /// Reads what an attempt at `server` will need, so that it is near when it is needed; the
    /// value means nothing. `serial` as for [`Station::admit`].
    #[inline]
    fn touch(&self, server: usize, serial: u64) -> u64 {
        let _ = (server, serial);
        0
    }

    /// Removes all attempts in flight and appends them.
    fn evict(&mut self, server: usize, now: u64, lost: &mut Vec<InFlight>);
}
