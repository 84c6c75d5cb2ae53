//! What a judge goes by: what every instance had done between two scrapes, scrape by scrape.

/// Which side an instance is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It runs what is known to be good.
    Baseline,
    /// It runs what is judged.
    Canary,
}

/// What one instance did between two scrapes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    /// Answers.
    pub requests: u64,
    /// Those of them that were errors.
    pub errors: u64,
    /// Mean latency of the answers, in seconds.
    pub latency: f64,
}

/// Readings of one instance, a scrape after the other.
#[derive(Debug, Clone)]
pub struct Series {
    /// The instance.
    pub instance: u32,
    /// Its side.
    pub side: Side,
    /// The scrape that saw it first.
    pub first: u32,
    /// From then on; one without requests says nothing.
    pub readings: Vec<Reading>,
}

impl Series {
    /// What it did before scrape `scrape`, if it answered anybody.
    pub fn at(&self, scrape: u32) -> Option<Reading> {
        let index = scrape.checked_sub(self.first)?;
        self.readings.get(index as usize).copied().filter(|reading| reading.requests > 0)
    }
}

/// All instances of a side together, in one scrape or in several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Answers.
    pub requests: u64,
    /// Errors among them.
    pub errors: u64,
    /// Sum of latency over answers, in seconds.
    pub latency: f64,
}

impl Totals {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            latency: self.latency + other.latency,
        }
    }

    /// What has come since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            errors: self.errors - earlier.errors,
            latency: self.latency - earlier.latency,
        }
    }

    /// Share of errors, if anybody was answered.
    pub fn error_share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }

    /// Mean latency, if anybody was answered.
    pub fn mean_latency(self) -> Option<f64> {
        (self.requests > 0).then(|| self.latency / self.requests as f64)
    }
}

/// Everything scraped so far.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Scrapes so far.
    scrapes: u32,
    series: Vec<Series>,
    /// By instance: its place in `series`, plus one.
    places: Vec<u32>,
    /// By side, then by scrape: everything up to and with it.
    sums: [Vec<Totals>; 2],
    /// The first scrape in which a canary answered.
    begun: Option<u32>,
    /// The last scrape in which an instance of the canary was seen for the first time.
    joined: Option<u32>,
}

impl Evidence {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.scrapes = 0;
        self.series.clear();
        self.places.clear();
        self.sums.iter_mut().for_each(Vec::clear);
        (self.begun, self.joined) = (None, None);
    }

    /// A scrape: readings of instances, each with its side, in any order.
    pub fn scrape(&mut self, readings: impl IntoIterator<Item = (u32, Side, Reading)>) {
        let scrape = self.scrapes;
        self.scrapes += 1;
        for side in &mut self.sums {
            let last = side.last().copied().unwrap_or_default();
            side.push(last);
        }
        for (instance, side, reading) in readings {
            let series = self.series_of(instance, side, scrape);
            let gap = (scrape - series.first) as usize;
            series.readings.resize(gap, Reading::default());
            series.readings.push(reading);
            let sum = &mut self.sums[side as usize][scrape as usize];
            *sum = sum.plus(Totals {
                requests: reading.requests,
                errors: reading.errors,
                latency: reading.latency * reading.requests as f64,
            });
            if side == Side::Canary && reading.requests > 0 {
                self.begun.get_or_insert(scrape);
            }
        }
    }

    fn series_of(&mut self, instance: u32, side: Side, scrape: u32) -> &mut Series {
        let place = instance as usize;
        if self.places.len() <= place {
            self.places.resize(place + 1, 0);
        }
        if self.places[place] == 0 {
            self.series.push(Series { instance, side, first: scrape, readings: Vec::new() });
            self.places[place] = self.series.len() as u32;
            if side == Side::Canary {
                self.joined = Some(scrape);
            }
        }
        &mut self.series[self.places[place] as usize - 1]
    }

    /// Scrapes so far.
    pub fn scrapes(&self) -> u32 {
        self.scrapes
    }

    /// Scrapes since the first canary answered, with that one; 0 if none has.
    pub fn judged(&self) -> u32 {
        self.begun.map_or(0, |begun| self.scrapes - begun)
    }

    /// The scrapes in which there was a canary.
    pub fn canary_scrapes(&self) -> std::ops::Range<u32> {
        self.begun.unwrap_or(self.scrapes)..self.scrapes
    }

    /// The scrape with which the last batch of canaries joined.
    pub fn batch(&self) -> Option<u32> {
        self.joined
    }

    /// All series, in order of appearance.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// A side's totals over these scrapes.
    pub fn totals(&self, side: Side, scrapes: std::ops::Range<u32>) -> Totals {
        let until = |scrape: u32| match scrape.min(self.scrapes) {
            0 => Totals::default(),
            some => self.sums[side as usize][some as usize - 1],
        };
        if scrapes.is_empty() {
            return Totals::default();
        }
        until(scrapes.end).since(until(scrapes.start))
    }

    /// A side's totals in one scrape.
    pub fn at(&self, side: Side, scrape: u32) -> Totals {
        let next = scrape + 1;
        self.totals(side, scrape..next)
    }

    /// A side's totals since there is a canary.
    pub fn while_judged(&self, side: Side) -> Totals {
        self.totals(side, self.canary_scrapes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Reading, Side};

    fn reading(requests: u64, errors: u64) -> Reading {
        Reading { requests, errors, latency: 0.1 }
    }

    #[test]
    fn sums_over_any_scrapes_are_those_of_the_readings() {
        let mut evidence = Evidence::default();
        evidence.scrape([(0, Side::Baseline, reading(10, 1))]);
        evidence.scrape([(0, Side::Baseline, reading(20, 2)), (5, Side::Canary, reading(0, 0))]);
        evidence.scrape([(5, Side::Canary, reading(7, 3)), (0, Side::Baseline, reading(30, 0))]);
        evidence.scrape([(6, Side::Canary, reading(1, 0)), (5, Side::Canary, reading(2, 2))]);
        assert_eq!((evidence.scrapes(), evidence.judged()), (4, 2));
        assert_eq!(evidence.canary_scrapes(), 2..4);
        assert_eq!(evidence.batch(), Some(3));
        let all = evidence.totals(Side::Baseline, 0..4);
        assert_eq!((all.requests, all.errors), (60, 3));
        let judged = evidence.while_judged(Side::Canary);
        assert_eq!((judged.requests, judged.errors), (10, 5));
        assert!((judged.mean_latency().unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(evidence.at(Side::Canary, 3).error_share(), Some(2.0 / 3.0));
        assert_eq!(evidence.at(Side::Baseline, 3).error_share(), None);
        assert_eq!(evidence.series()[0].at(3), None);
        assert_eq!(evidence.series()[1].at(1), None, "nobody was answered");
        assert_eq!(evidence.series()[2].at(3), Some(reading(1, 0)));
        evidence.clear();
        assert_eq!((evidence.judged(), evidence.series().len()), (0, 0));
    }
}
