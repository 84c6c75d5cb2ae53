//! How attempts end, and what that means to their requests.

use super::agenda::Event;
use super::run::Play;
use super::slab::{Mark, NONE, Stage};
use super::{RECENT, budget};
use crate::balancer::Policy;
use crate::scenario::conduct::{Hedge, HedgeAfter, RetryCause};
use crate::sim::kernel::desk::guard;
use crate::trace::Ending;
use crate::units::Time;

/// The shortest think time: time must not stand still.
const THINK_LEAST: u64 = 1000;

/// What of a failure a retry goes by.
fn cause(ending: Ending) -> Option<RetryCause> {
    match ending {
        Ending::Ok => None,
        Ending::Refused | Ending::NoEndpoint => Some(RetryCause::Connect),
        Ending::Reset => Some(RetryCause::Reset),
        Ending::Shed => Some(RetryCause::Shed),
        Ending::Timeout => Some(RetryCause::Timeout),
        Ending::Cut => Some(RetryCause::Cut),
        Ending::Version => Some(RetryCause::Error),
    }
}

impl<P: Policy> Play<'_, P> {
    /// The server is done with an attempt.
    #[inline(always)]
    pub(super) fn leave(&mut self, now: u64, id: u32) {
        let attempt = &mut self.all.attempts[id];
        attempt.stage = Stage::Gone;
        if self.desk.watch.is_on() {
            self.desk.watch.note(attempt.server, attempt.sent, now, attempt.error);
        }
        if !attempt.is_live {
            self.all.attempts.give_back(id);
            return;
        }
        let (request, server, error) = (attempt.request, attempt.server, attempt.error);
        self.part(now, id, true);
        let version = self.desk.servers[server as usize].version;
        if error {
            self.fail(now, request, version, Ending::Version);
        } else {
            self.succeed(now, request, version);
        }
    }

    /// The server was killed while it had this attempt.
    pub(super) fn cut(&mut self, now: u64, id: u32) {
        let attempt = &mut self.all.attempts[id];
        attempt.stage = Stage::Gone;
        if !attempt.is_live {
            self.all.attempts.give_back(id);
            return;
        }
        let (request, server) = (attempt.request, attempt.server);
        self.part(now, id, false);
        let version = self.desk.servers[server as usize].version;
        self.fail(now, request, version, Ending::Cut);
    }

    /// Nobody waits for an attempt any more; if it has left its server, it is no more. `is_well`:
    /// its connection can carry another one.
    #[inline(always)]
    pub(super) fn part(&mut self, now: u64, id: u32, is_well: bool) {
        let all = &mut *self.all;
        all.attempts[id].is_live = false;
        let attempt = all.attempts[id];
        let (server, view) = (attempt.server as usize, usize::from(attempt.view));
        all.requests[attempt.request].forget(id);
        if all.habits.attempt_timeout < u64::MAX {
            all.sent.remove(&mut all.attempts, id);
        }
        all.outstanding[server * all.views + view] -= 1;
        all.accounts[usize::from(attempt.node)].extra -= u32::from(attempt.is_extra);
        if attempt.connection != NONE {
            let of_node = &mut all.links.pinned[usize::from(attempt.node)];
            let connection = &mut of_node[attempt.connection as usize];
            if connection.generation == attempt.carried {
                connection.streams -= 1;
            }
        } else if let Some(pool) = all.habits.pool
            && is_well
            && self.desk.servers[server].guard & guard::CLOSED == 0
        {
            let kept = all.kept(attempt.server, attempt.node.into());
            kept.put(pool, now, attempt.carried + 1);
        }
        if attempt.stage == Stage::Gone {
            all.attempts.give_back(id);
        }
        self.policies[view].ended(attempt.server, now - attempt.sent, now);
    }

    /// The client gives an attempt up. The server goes on with it, unless it is told.
    pub(super) fn abandon(&mut self, now: u64, id: u32) {
        self.part(now, id, false);
        let all = &mut *self.all;
        let attempt = all.attempts[id];
        match attempt.stage {
            Stage::Connecting => all.attempts.give_back(id),
            Stage::Waiting if all.habits.cancel => {
                // Its place in the queue is given back when its turn comes.
                all.attempts[id].stage = Stage::Gone;
                all.workers[attempt.server as usize].patient -= 1;
            }
            Stage::Running if all.habits.cancel => {
                if let Some(power) = &all.power {
                    all.workers[attempt.server as usize].unshare(power, now, id);
                    all.replan(now, attempt.server);
                } else {
                    all.vacate(self.desk, now, id);
                }
                all.attempts.give_back(id);
            }
            Stage::Waiting | Stage::Running | Stage::Gone => {}
        }
    }

    /// The request has its answer.
    #[inline(always)]
    fn succeed(&mut self, now: u64, request: u32, version: u8) {
        let first = self.all.requests[request].first;
        self.desk.tally.answered(first, now, version.into());
        if let Some(Hedge { after: HedgeAfter::Quantile(p), .. }) = self.all.habits.hedge {
            self.learn(now - first, p);
        }
        self.finish(now, request);
    }

    /// Every so many answers the hedge's delay is the quantile of the last ones.
    fn learn(&mut self, latency: u64, p: f64) {
        let recent = &mut self.all.recent;
        recent.histogram.add(latency);
        recent.least = recent.least.min(latency);
        recent.most = recent.most.max(latency);
        recent.count += 1;
        if recent.count == RECENT {
            let range = recent.least..=recent.most;
            let after = recent.histogram.quantile_secs_within(p, range.clone());
            self.all.hedge_after = (after * 1e9) as u64;
            recent.histogram.clear_within(range);
            (recent.count, recent.least, recent.most) = (0, u64::MAX, 0);
        }
    }

    /// An attempt has failed: the request goes on if others of it are under way or may be made,
    /// and ends otherwise.
    pub(super) fn fail(&mut self, now: u64, request: u32, version: u8, ending: Ending) {
        let all = &mut *self.all;
        let entry = all.requests[request];
        if entry.alive > 0 {
            return;
        }
        let may = entry.tries < self.desk.config.attempts
            && cause(ending).is_some_and(|cause| all.habits.retry_on.has(cause));
        if may {
            let bits = all.draws.waits.bits();
            let delay = &self.desk.config.retry_delay;
            let at = now + budget::wait(all.habits.backoff, delay, entry.tries, bits);
            let account = &mut all.accounts[usize::from(entry.node)];
            if at - entry.first < all.timeout && account.allow(all.habits.budget, now) {
                let stamp = all.events.push(Time(at), Event::Again(request).packed());
                all.requests[request].stamp = stamp;
                return;
            }
        }
        self.desk.tally.failed(now, version.into(), ending);
        self.finish(now, request);
    }

    /// The request has ended; what it still has under way is given up.
    #[inline(always)]
    pub(super) fn finish(&mut self, now: u64, request: u32) {
        while self.all.requests[request].alive > 0 {
            let last = usize::from(self.all.requests[request].alive) - 1;
            let attempt = self.all.requests[request].live[last];
            self.abandon(now, attempt);
        }
        let all = &mut *self.all;
        let entry = all.requests[request];
        let after = all.open.remove(&mut all.requests, request);
        for mark in all.unhedged.iter_mut().take(all.hedges) {
            if mark.entry == request {
                *mark = Mark::at(&all.requests, after);
            }
        }
        let account = &mut all.accounts[usize::from(entry.node)];
        account.requests -= 1;
        account.extra -= u32::from(entry.waits());
        all.requests.give_back(request);
        if entry.user != NONE
            && let Some((_, think)) = &all.habits.users
        {
            let wait = (think.at(all.draws.waits.bits()) as u64).max(THINK_LEAST);
            all.events.push(Time(now + wait), Event::Ask(entry.user).packed());
        }
    }
}
