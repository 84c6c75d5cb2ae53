//! What clients do beyond one attempt for each request: the stories, and closed forms.

use std::path::Path;

use rollcast::exact::pinned::{after_batches, unended, unrenewed};
use rollcast::outcome::Outcome;
use rollcast::scenario::conduct::{RetryCause, RetryOn, Sticky};
use rollcast::scenario::{Algorithm, Conduct, Discipline, Dist, Protocol, Scenario, load};
use rollcast::scenario::{OutcomeKey, Override};
use rollcast::sim::steady::{Steady, SteadyFleet};
use rollcast::study::storm::{Clients, boundary, map};
use rollcast::study::{Options, Runs, simulate};
use rollcast::units::{Rate, Span};
