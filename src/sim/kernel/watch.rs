//! What instances answered, by scrape: what judges go by. Counted only if somebody judges.

use std::collections::VecDeque;

/// What one instance answered between two scrapes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Answers, errors included.
    pub(crate) requests: u32,
    pub(crate) errors: u32,
    /// Sum of what they took (ns).
    pub(crate) latency: u64,
}

/// Answers that come later than this many scrapes are not foreseen: nobody would see them.
const FORESEEN: u64 = 100_000;

/// Counts by scrape, then by server.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Between two scrapes (ns); 0: nobody wants to know.
    width: u64,
    /// The end of the first scrape that was not read (ns).
    next: u64,
    open: VecDeque<Vec<Answers>>,
    spare: Vec<Vec<Answers>>,
}

impl Watch {
    /// Scrapes every `width` from `first` on.
    pub(crate) fn begin(&mut self, first: u64, width: u64) {
        self.clear();
        (self.next, self.width) = (first, width);
    }

    /// Nobody wants to know any more.
    pub(crate) fn clear(&mut self) {
        self.width = 0;
        self.spare.extend(self.open.drain(..));
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.width > 0
    }

    /// A server will have answered, or has, an attempt sent to it at `sent`.
    #[cold]
    pub(crate) fn note(&mut self, server: u32, sent: u64, at: u64, error: bool) {
        if let Some(answers) = self.place(server, at) {
            answers.requests += 1;
            answers.errors += u32::from(error);
            answers.latency += at - sent;
        }
    }

    /// It will not: takes [`Self::note`] back.
    pub(crate) fn forget(&mut self, server: u32, sent: u64, at: u64, error: bool) {
        if let Some(answers) = self.place(server, at) {
            answers.requests = answers.requests.saturating_sub(1);
            answers.errors = answers.errors.saturating_sub(u32::from(error));
            answers.latency = answers.latency.saturating_sub(at - sent);
        }
    }

    /// Where an answer at `at` is counted; what was scraped before cannot change any more.
    fn place(&mut self, server: u32, at: u64) -> Option<&mut Answers> {
        let begin = self.next.saturating_sub(self.width);
        if at < begin && self.next >= self.width {
            return None;
        }
        let index = if at < self.next { 0 } else { (at - self.next) / self.width + 1 };
        if index >= FORESEEN {
            return None;
        }
        while self.open.len() as u64 <= index {
            let mut fresh = self.spare.pop().unwrap_or_default();
            fresh.clear();
            self.open.push_back(fresh);
        }
        let scrape = &mut self.open[index as usize];
        if scrape.len() <= server as usize {
            scrape.resize(server as usize + 1, Answers::default());
        }
        Some(&mut scrape[server as usize])
    }

    /// Reads what is due, by server.
    pub(crate) fn scrape(&mut self, into: &mut Vec<Answers>) {
        into.clear();
        self.next += self.width;
        if let Some(scrape) = self.open.pop_front() {
            into.extend_from_slice(&scrape);
            self.spare.push(scrape);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Watch};

    #[test]
    fn answers_are_counted_when_they_are_given() {
        let mut watch = Watch::default();
        assert!(!watch.is_on());
        watch.begin(50, 100);
        let mut read = Vec::new();
        watch.note(1, 10, 20, false);
        watch.note(1, 10, 49, true);
        watch.note(0, 40, 160, true);
        watch.note(0, 40, 160, false);
        watch.forget(0, 40, 160, false);
        watch.note(2, 0, u64::MAX, false);
        watch.scrape(&mut read);
        assert_eq!(read[1], Answers { requests: 2, errors: 1, latency: 49 });
        watch.note(1, 10, 20, false);
        watch.scrape(&mut read);
        assert_eq!(read, []);
        watch.scrape(&mut read);
        assert_eq!(read, [Answers { requests: 1, errors: 1, latency: 120 }]);
        watch.begin(50, 100);
        watch.scrape(&mut read);
        assert_eq!(read, [], "another run begins with nothing");
    }
}
