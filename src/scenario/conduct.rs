//! How clients behave beyond one attempt for each request: patience, retries, hedges, connections.

use super::Dist;
use super::print::{Page, dist, number, share};
use crate::units::{Rate, Share, Span};

/// What clients do beyond one attempt for each request.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Conduct {
    /// An attempt ends for its client after this ([`Span::MAX`]: never).
    pub attempt_timeout: Span,
    /// Who gives up tells the instance, and that stops working; otherwise the work goes on.
    pub cancel: bool,
    /// Which failures are tried again.
    pub retry_on: RetryOn,
    /// How the wait before a retry grows; `None`: always [`super::Retries::delay`].
    pub backoff: Option<Backoff>,
    /// What bounds all retries of a node together.
    pub budget: Option<Budget>,
    /// A second attempt beside one that has not answered yet.
    pub hedge: Option<Hedge>,
    /// Kept-alive connections of one request at a time; `None`: as `reuse` says.
    pub pool: Option<Pool>,
    /// Time to open a connection (TCP and TLS).
    pub connect: Dist,
    /// Work that a new connection costs the instance, beside that of its first request.
    pub handshake: Span,
    /// Requests that share a connection at once; `None` is no limit.
    pub max_streams: Option<u32>,
    /// Sessions that stay with their instance.
    pub sticky: Option<Sticky>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            attempt_timeout: Span::MAX,
            cancel: false,
            retry_on: RetryOn::FAST,
            backoff: None,
            budget: None,
            hedge: None,
            pool: None,
            connect: Dist::Fixed(Span::ZERO),
            handshake: Span::ZERO,
            max_streams: None,
            sticky: None,
        }
    }
}

/// Why an attempt failed, as far as retries care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryCause {
    /// No connection: refused, or nobody there to connect to.
    Connect,
    /// A kept connection turned out to be closed.
    Reset,
    /// The queue was full.
    Shed,
    /// No answer within `attempt_timeout`.
    Timeout,
    /// In flight when the process was killed.
    Cut,
    /// The version answered with an error.
    Error,
}

impl RetryCause {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Reset, Self::Shed, Self::Timeout, Self::Cut, Self::Error];

    /// As written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Shed => "shed",
            Self::Timeout => "timeout",
            Self::Cut => "cut",
            Self::Error => "error",
        }
    }
}

/// A set of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct RetryOn(u8);

impl RetryOn {
    /// Those that are known at once.
    pub const FAST: Self = Self(0b111);

    /// Of these.
    pub fn of(causes: impl IntoIterator<Item = RetryCause>) -> Self {
        Self(causes.into_iter().fold(0, |set, cause| set | 1 << cause as u8))
    }

    /// Whether it is one of them.
    #[inline]
    pub fn has(self, cause: RetryCause) -> bool {
        self.0 >> cause as u8 & 1 == 1
    }
}

/// Exponential backoff: the wait before retry n is drawn from `base`·`factor`^(n−1), at most
/// `max`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Backoff {
    /// The first wait.
    pub base: Span,
    /// What each wait is longer than the one before.
    pub factor: f64,
    /// The longest.
    pub max: Span,
    /// What of it is random.
    pub jitter: Jitter,
}

/// How much of a wait is random (Brooker, *Exponential Backoff and Jitter*, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// All of it: uniform from nothing to the whole.
    Full,
    /// Half of it.
    Equal,
    /// Nothing.
    None,
}

/// A bound on the retries (and hedges) of one node.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// At most this share of the requests of the last `ttl`, and always `least` a second beside
    /// that: the retry budget of Finagle and of Linkerd.
    Ratio {
        /// Retries for each request.
        ratio: Share,
        /// How long a request counts.
        ttl: Span,
        /// Retries that are always allowed.
        least: Rate,
    },
    /// At most this share of the requests in flight are retries, but always `least`: Envoy's
    /// `retry_budget`.
    Active {
        /// Retries in flight for each request in flight.
        share: Share,
        /// Retries in flight that are always allowed.
        least: u32,
    },
}

/// When to hedge.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Hedge {
    /// A request without an answer for so long gets one more attempt.
    pub after: HedgeAfter,
    /// Attempts beside the first.
    pub most: u32,
}

/// How long a hedge waits.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HedgeAfter {
    /// Always this.
    Span(Span),
    /// This quantile of the latencies seen lately.
    Quantile(f64),
}

/// A pool of HTTP/1.1 connections, one for each node and instance.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Pool {
    /// Idle connections that are kept to each instance.
    pub max: u32,
    /// One that was idle for so long is closed ([`Span::MAX`]: never).
    pub idle_timeout: Span,
    /// One that has carried so many requests is closed; `None` is no limit.
    pub max_requests: Option<u32>,
}

/// Sessions that stay with their instance until it is gone from the rotation.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Sticky {
    /// How many at any time; requests are spread evenly over them.
    pub sessions: u32,
    /// The client remembers its instance and tells every node; otherwise each node remembers for
    /// itself.
    pub cookie: bool,
    /// Mean length of a session, exponential; a new one takes its place ([`Span::MAX`]: never).
    pub length: Span,
}

/// A duration or the word for an endless one.
pub(super) fn or_never(span: Span) -> String {
    if span == Span::MAX { "\"never\"".to_owned() } else { format!("\"{span}\"") }
}

fn limit(value: Option<u32>) -> String {
    value.map_or_else(|| "\"unbounded\"".to_owned(), |value| value.to_string())
}

impl Conduct {
    /// Whether a new connection costs time or work.
    pub fn opens(&self) -> bool {
        self.connect != Dist::Fixed(Span::ZERO) || self.handshake > Span::ZERO
    }

    /// The keys of `[clients]` about it, nothing left to defaults but what only some may write.
    pub(super) fn write(&self, page: &mut Page, retries: &super::Retries) {
        page.raw("attempt_timeout", or_never(self.attempt_timeout));
        page.raw("cancel", self.cancel);
        page.raw("retries", self.retries(retries));
        if let Some(Hedge { after, most }) = self.hedge {
            let after = match after {
                HedgeAfter::Span(span) => format!("\"{span}\""),
                HedgeAfter::Quantile(p) => format!("\"p{}\"", number((p * 100.0).round())),
            };
            page.raw("hedge", format!("{{ after = {after}, most = {most} }}"));
        }
        if let Some(Pool { max, idle_timeout, max_requests }) = self.pool {
            let (idle, requests) = (or_never(idle_timeout), limit(max_requests));
            page.raw(
                "pool",
                format!("{{ max = {max}, idle_timeout = {idle}, max_requests = {requests} }}"),
            );
        }
        page.dist("connect", &self.connect);
        page.text("handshake", self.handshake);
        if self.max_streams.is_some() {
            page.limit("max_streams", self.max_streams);
        }
        if let Some(Sticky { sessions, cookie, length }) = self.sticky {
            let length = or_never(length);
            page.raw(
                "sticky",
                format!("{{ sessions = {sessions}, cookie = {cookie}, length = {length} }}"),
            );
        }
    }

    fn retries(&self, retries: &super::Retries) -> String {
        let attempts = Some(retries.attempts).filter(|attempts| *attempts != u32::MAX);
        let causes = RetryCause::ALL.into_iter().filter(|cause| self.retry_on.has(*cause));
        let causes: Vec<_> = causes.map(|cause| format!("\"{}\"", cause.name())).collect();
        let mut fields = vec![format!("attempts = {}", limit(attempts))];
        fields.push(format!("on = [{}]", causes.join(", ")));
        match self.backoff {
            None => fields.push(format!("delay = {}", dist(&retries.delay))),
            Some(Backoff { base, factor, max, jitter }) => {
                let jitter = match jitter {
                    Jitter::Full => "full",
                    Jitter::Equal => "equal",
                    Jitter::None => "none",
                };
                fields.push(format!("backoff = \"{base}\", factor = {}", number(factor)));
                fields.push(format!("max = \"{max}\", jitter = \"{jitter}\""));
            }
        }
        match self.budget {
            None => {}
            Some(Budget::Ratio { ratio, ttl, least }) => {
                let ratio = share(ratio.0);
                fields.push(format!(
                    "budget = {{ ratio = \"{ratio}\", ttl = \"{ttl}\", least = \"{least}\" }}"
                ));
            }
            Some(Budget::Active { share: part, least }) => {
                let active = share(part.0);
                fields.push(format!("budget = {{ active = \"{active}\", least = {least} }}"));
            }
        }
        format!("{{ {} }}", fields.join(", "))
    }
}
