//! A controller's client of the API: what it may write, and the events it writes beside.

use super::bucket::Bucket;
use crate::scenario::WriteLimit;
use crate::trace::VersionId;
use crate::units::{Span, Time};

/// One write.
const WRITE: Span = Span::from_millis(5);
/// Events told of one object: the spam filter of client-go's event correlator lets this many
/// through, then one in five minutes.
const EVENTS: u32 = 25;

/// A client with its token bucket. Whatever is created or stopped is also told as an event, one
/// after the other, out of the same bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    bucket: Bucket,
    /// Events told or waiting, by version.
    told: Vec<u32>,
    waiting: u32,
    /// When the next of those that wait is asked for.
    next: Time,
}

impl Client {
    /// A write that is asked for at `at`; returns when it may go out.
    pub(crate) fn write(&mut self, at: Time, limit: Option<WriteLimit>) -> Time {
        while self.waiting > 0 && self.next <= at {
            self.next = self.bucket.take(self.next, limit) + WRITE;
            self.waiting -= 1;
        }
        self.bucket.take(at, limit)
    }

    /// The same for an instance of this version that is created or stopped.
    pub(crate) fn act(&mut self, at: Time, limit: Option<WriteLimit>, version: VersionId) -> Time {
        let granted = self.write(at, limit);
        let version = usize::from(version.0);
        if self.told.len() <= version {
            self.told.resize(version + 1, 0);
        }
        if limit.is_some() && self.told[version] < EVENTS {
            self.told[version] += 1;
            if self.waiting == 0 {
                self.next = self.next.max(granted + WRITE);
            }
            self.waiting += 1;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, EVENTS};
    use crate::scenario::WriteLimit;
    use crate::trace::VersionId;
    use crate::units::{Rate, Span, Time};

    #[test]
    fn rule_17_pods_statuses_and_events_share_the_tokens() {
        let limit = Some(WriteLimit { rate: Rate(20.0), burst: 30 });
        let mut client = Client::default();
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        // A burst goes out before its events are told.
        let burst: Vec<_> = (0..29).map(|_| client.act(at(0), limit, VersionId::NEW)).collect();
        assert!(burst.iter().all(|granted| *granted == at(0)));
        // After that they share the tokens: of 10 a writer that always asks gets half.
        let mut granted = at(0);
        for _ in 0..5 {
            granted = client.write(granted + Span::from_millis(5), limit);
        }
        assert!(granted > at(400) && granted < at(600), "{granted:?}");
        assert!(client.told[1] == EVENTS);
    }
}
