//! What happens at an instant, in the few bits that the queue of events has for it.

/// So many bits say whom it happens to.
pub(super) const WHOM_BITS: u32 = 29;

/// What happens, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// An attempt is done.
    Depart(u32),
    /// The next of those that share a server is done.
    Shared(u32),
    /// The connection of an attempt is open.
    Reach(u32),
    /// The next attempt of a request.
    Again(u32),
    /// A user has thought enough.
    Ask(u32),
}

impl Event {
    #[inline(always)]
    pub(super) fn packed(self) -> u32 {
        let (kind, whom) = match self {
            Self::Depart(attempt) => (0, attempt),
            Self::Shared(server) => (1, server),
            Self::Reach(attempt) => (2, attempt),
            Self::Again(request) => (3, request),
            Self::Ask(user) => (4, user),
        };
        kind << WHOM_BITS | whom
    }

    #[inline(always)]
    pub(super) fn unpacked(packed: u32) -> Self {
        let whom = packed & ((1 << WHOM_BITS) - 1);
        match packed >> WHOM_BITS {
            0 => Self::Depart(whom),
            1 => Self::Shared(whom),
            2 => Self::Reach(whom),
            3 => Self::Again(whom),
            _ => Self::Ask(whom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_were() {
        for whom in [0, 1, 77, (1 << WHOM_BITS) - 1] {
            for event in [
                Event::Depart(whom),
                Event::Shared(whom),
                Event::Reach(whom),
                Event::Again(whom),
                Event::Ask(whom),
            ] {
                assert_eq!(Event::unpacked(event.packed()), event);
            }
        }
    }
}
