//! Failure stories: what happened in a few runs that failed, when, and why.

use serde_json::{Value, json};

use super::format;
use super::summary::Style;
use crate::outcome::{Fate, Outcome};
use crate::scenario::{OutcomeKey, PipelineKind, Scenario};
use crate::study::{FailureStory, SimResult, Story};
use crate::trace::{Ending, Moment, Phase, Record, Ruling, Said, VersionId};
use crate::units::Time;

/// Failures of single instances that a timeline names; the rest is counted.
const NAMED: usize = 3;
/// Batches that a timeline names.
const BATCHES: u32 = 4;

/// What a run tells: (seconds since the rollout began, words), in order of time.
pub fn timeline(scenario: &Scenario, story: &Story) -> Vec<(f64, String)> {
    let mut told =
        Told { scenario, story, events: Vec::new(), failed: 0, first: false, lowest: u32::MAX };
    for (at, record) in &story.records {
        told.record(*at, record);
    }
    told.finish()
}

struct Told<'a> {
    scenario: &'a Scenario,
    story: &'a Story,
    events: Vec<(f64, String)>,
    failed: usize,
    /// Whether the new version has served.
    first: bool,
    lowest: u32,
}

impl Told<'_> {
    fn say(&mut self, at: Time, words: impl Into<String>) {
        let begun = self.story.series.begun;
        let secs = at.since(begun).as_secs_f64() - begun.since(at).as_secs_f64();
        self.events.push((secs, words.into()));
    }

    fn record(&mut self, at: Time, record: &Record) {
        match record {
            Record::Moment(Moment::InstanceFailed(instance)) => {
                self.fails(at, format!("instance {instance} does not get ready"));
            }
            Record::Phase { instance, to: Phase::Failed, .. } => {
                self.fails(at, format!("instance {instance} crashes"));
            }
            Record::Phase { instance, to: Phase::Lost, .. } => {
                self.fails(at, format!("instance {instance} is lost with its host"));
            }
            Record::Serving { version, serving: true, .. }
                if *version != VersionId::OLD && !self.first =>
            {
                self.first = true;
                self.say(at, "the new version serves its first requests");
            }
            Record::Moment(Moment::Batch(number)) if *number <= BATCHES => {
                self.say(at, format!("batch {number} begins"));
            }
            Record::Moment(moment) => {
                if let Some(words) = moment_words(*moment) {
                    self.say(at, words);
                }
            }
            Record::Judged { judge, ruling: Ruling::Fail } => {
                let judges = &self.scenario.pieces.judges;
                let name = judges.get(usize::from(*judge)).map_or("?", |judge| &judge.name);
                self.say(at, format!("the judge {name} finds the new version bad"));
            }
            Record::Said(said) if *said != Said::Progressing => self.say(at, said_words(*said)),
            _ => {}
        }
    }

    fn fails(&mut self, at: Time, words: String) {
        self.failed += 1;
        if self.failed <= NAMED {
            self.say(at, words);
        }
    }

    fn finish(mut self) -> Vec<(f64, String)> {
        if self.failed > NAMED {
            let more = self.failed - NAMED;
            let again = if more == 1 { "such failure" } else { "such failures" };
            let end = self.story.series.end;
            self.say(end, format!("{more} more {again} by then"));
        }
        let desired = self.story.outcome.is.desired;
        let begun = self.story.series.begun;
        let after = self.story.series.points.iter().filter(|point| point.at >= begun);
        if let Some(low) = after.min_by_key(|point| (point.serving(), point.at))
            && low.serving() < desired
        {
            self.lowest = low.serving();
            self.say(low.at, format!("fewest serve: {} of {desired}", low.serving()));
        }
        if let Some(restored) = self.story.outcome.get(OutcomeKey::Restored) {
            self.events.push((restored, format!("all {desired} serve well again")));
        }
        self.events.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.events
    }
}

fn moment_words(moment: Moment) -> Option<&'static str> {
    Some(match moment {
        Moment::Begun => "the new version is handed over",
        Moment::Detected => "trouble is noticed",
        Moment::RollbackDecided => "a rollback is decided",
        Moment::Migrating => "a migration begins",
        Moment::Migrated => "the migration is done",
        Moment::RollbackBlocked => "there is no way back",
        Moment::HumanCalled => "a person is called",
        Moment::GaveUp => "nothing moves any more",
        Moment::FlagTurned => "the flag is turned off",
        Moment::FlagOff => "every process knows of the flag",
        Moment::RollbackFailed => "that has not helped",
        Moment::PutBack => "the controller puts the new version back",
        Moment::Batch(_) | Moment::InstanceFailed(_) => return None,
    })
}

fn said_words(said: Said) -> &'static str {
    match said {
        Said::Progressing => "the orchestrator goes on",
        Said::Completed => "the orchestrator says completed",
        Said::Paused => "the orchestrator says paused",
        Said::RollingBack => "the orchestrator rolls back",
        Said::RolledBack => "the orchestrator says rolled back",
        Said::DeadlineExceeded => "the orchestrator reports its deadline, and waits on",
        Said::Failed => "the orchestrator says failed",
        Said::RollbackPaused => "the orchestrator stops on its way back",
    }
}

/// One sentence or two: what was bad, who noticed, what came of it, and what it cost.
pub fn why(scenario: &Scenario, story: &Story) -> String {
    let outcome = &story.outcome;
    let bad = match carried(scenario, story) {
        Some(carried) => format!("{carried}, and {}", what_was_bad(story)),
        None => what_was_bad(story),
    };
    let mut text = match noticed(scenario, story) {
        Some(noticed) => format!("{bad}; {noticed}"),
        None => format!("{bad}; nobody noticed"),
    };
    text.push_str(". ");
    text.push_str(&ended(outcome));
    let cost = cost(outcome);
    if !cost.is_empty() {
        text.push_str(". Meanwhile ");
        text.push_str(&cost.join(", "));
    }
    text.push('.');
    text
}

/// What the release carried, where that is told.
fn carried(scenario: &Scenario, story: &Story) -> Option<String> {
    let defects = story.records.iter().find_map(|(_, record)| match record {
        Record::Release { bad: true, defects } => Some(defects),
        _ => None,
    })?;
    let all = &scenario.pieces.defects;
    let names = defects.iter().filter_map(|index| all.get(usize::from(*index)));
    let names: Vec<&str> = names.map(|defect| defect.name.as_str()).collect();
    Some(format!("the release carried {}", names.join(" and ")))
}

fn what_was_bad(story: &Story) -> String {
    let count = |wanted: fn(&Record) -> bool| story.records.iter().filter(|r| wanted(&r.1)).count();
    let crashes = count(|r| matches!(r, Record::Phase { to: Phase::Failed, .. }));
    let lost = count(|r| matches!(r, Record::Phase { to: Phase::Lost, .. }));
    let late = count(|r| matches!(r, Record::Moment(Moment::InstanceFailed(_))));
    let errors: u64 = story.outcome.endings.iter().map(|e| e[Ending::Version as usize]).sum();
    let never = !story.records.iter().any(|(_, record)| {
        matches!(record, Record::Serving { version, serving: true, .. } if version.0 > 0)
    });
    let times = |n: usize, one: &str| {
        if n == 1 { format!("{one} once") } else { format!("{one} {n} times") }
    };
    if lost > 0 {
        return times(lost, "instances were lost with their hosts");
    }
    if crashes > 0 {
        return times(crashes, "processes crashed");
    }
    if errors > 0 {
        return format!("the new version answered {} requests with errors", format::count(errors));
    }
    if never {
        return "no new instance ever served".into();
    }
    if late > 0 {
        return times(late, "an instance failed to get ready");
    }
    match story.outcome.fate {
        Fate::Stuck => "the rollout did not get on".into(),
        _ => "the new version served, and was not wanted".into(),
    }
}

/// Who acted, and how long after the beginning.
fn noticed(scenario: &Scenario, story: &Story) -> Option<String> {
    let outcome = &story.outcome;
    let decided = outcome.get(OutcomeKey::Decided);
    let detected = outcome.get(OutcomeKey::Detected).or(decided)?;
    let first = story.records.iter().find_map(|(_, record)| match record {
        Record::Moment(moment @ (Moment::HumanCalled | Moment::RollbackDecided)) => Some(*moment),
        _ => None,
    });
    let person = first == Some(Moment::HumanCalled);
    let flag = scenario.pipeline.watch().map(|watch| &watch.kind);
    let way = match flag {
        Some(PipelineKind::KillSwitch { .. }) => "the flag was turned",
        Some(PipelineKind::GitopsRevert { .. }) => "the commit was reverted",
        _ => "the way back was taken",
    };
    let seen = format!("noticed after {}", format::duration(detected));
    Some(match decided {
        Some(decided) if decided - detected < 1.0 => format!("{seen}, and {way} at once"),
        Some(decided) if person => {
            format!("{seen}, {way} by a person {} later", format::duration(decided - detected))
        }
        Some(decided) => format!("{seen}, {way} {} later", format::duration(decided - detected)),
        None => format!("{seen}, and nobody took it back"),
    })
}

fn ended(outcome: &Outcome) -> String {
    let (is, blocked) = (outcome.is, outcome.get(OutcomeKey::RollbackBlocked) == Some(1.0));
    if blocked {
        return "A migration that cannot be undone forbade the way back".into();
    }
    if let Some(restored) = outcome.get(OutcomeKey::Restored) {
        return format!(
            "The service was whole on a good version after {}",
            format::duration(restored)
        );
    }
    match outcome.fate {
        Fate::Completed => "The new version stayed".into(),
        Fate::CompletedNotServing => {
            format!("It says completed with {} of {} new", is.serving_new, is.desired)
        }
        Fate::RolledBack => "The old version came back".into(),
        Fate::Paused => format!(
            "It stopped with {} old and {} new, and waits for a person",
            is.serving_old, is.serving_new
        ),
        Fate::GivenUp => "The orchestrator gave up and reverted nothing".into(),
        Fate::Stuck => format!(
            "It stays with {} old and {} new until somebody comes",
            is.serving_old, is.serving_new
        ),
    }
}

fn cost(outcome: &Outcome) -> Vec<String> {
    let mut cost = Vec::new();
    if let Some(low) = outcome.get(OutcomeKey::ServingMin)
        && low < f64::from(outcome.is.desired)
    {
        cost.push(format!("{} of {} served at the lowest", low, outcome.is.desired));
    }
    if let Some(exposed) = outcome.get(OutcomeKey::Exposure).filter(|exposed| *exposed > 0.0) {
        let requests = format::count(exposed as u64);
        cost.push(format!("the new version answered {requests} requests"));
    }
    if let Some(failed) = outcome.get(OutcomeKey::Failed).filter(|failed| *failed > 0.0) {
        cost.push(format!("{} requests failed", format::count(failed as u64)));
    }
    cost
}

/// All stories, for a terminal.
pub fn render(result: &SimResult, style: &Style) -> String {
    let mut out = String::new();
    if result.stories.is_empty() {
        return "No run failed: there is no story to tell.\n".into();
    }
    for (index, story) in result.stories.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for line in lines(&result.scenario, index + 1, story, style.columns()) {
            out.push_str(style.plain(&line).trim_end());
            out.push('\n');
        }
    }
    out
}

fn lines(scenario: &Scenario, number: usize, told: &FailureStory, width: usize) -> Vec<String> {
    let FailureStory { story, share } = told;
    let fate = story.outcome.fate.name();
    let like = format::share(*share);
    let mut lines =
        vec![format!("story {number}  run {}, {fate}: like {like} of all runs", story.replication)];
    let mut now = f64::MIN;
    for (at, words) in timeline(scenario, story) {
        let clock = if at == now { String::new() } else { format::clock(at) };
        lines.push(format!("  {clock:>7}  {words}"));
        now = at;
    }
    let text = why(scenario, story);
    lines.extend(
        wrapped(&text, width.saturating_sub(11))
            .into_iter()
            .enumerate()
            .map(|(i, line)| format!("  {:>7}  {line}", if i == 0 { "why" } else { "" })),
    );
    lines
}

/// All stories, for programs.
pub(super) fn value(result: &SimResult) -> Value {
    let event = |(at, words): (f64, String)| json!({ "t_s": at, "what": words });
    let story = |told: &FailureStory| {
        let events: Vec<Value> =
            timeline(&result.scenario, &told.story).into_iter().map(event).collect();
        json!({
            "run": told.story.replication,
            "ends": told.story.outcome.fate,
            "share": told.share,
            "why": why(&result.scenario, &told.story),
            "events": events,
        })
    };
    result.stories.iter().map(story).collect()
}

/// The schema of one.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "A failing run that stands for one of the commonest ways to fail.",
        "required": ["run", "ends", "share", "why", "events"],
        "properties": {
            "run": { "type": "integer", "description": "Its number." },
            "ends": { "type": "string", "description": "How it ends." },
            "share": {
                "type": "number",
                "description": "Share of all runs that end so for the same reason.",
            },
            "why": { "type": "string", "description": "What was bad, and what came of it." },
            "events": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["t_s", "what"],
                    "properties": {
                        "t_s": {
                            "type": "number",
                            "description": "Seconds since the rollout began.",
                        },
                        "what": { "type": "string", "description": "What happened." },
                    },
                },
            },
        },
    })
}

/// Words in lines of at most `width`.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_story_fits_a_terminal_and_says_why() {
        let result = fixture::batches();
        assert_eq!(result.stories.len(), 1);
        for ascii in [false, true] {
            let style = Style { width: 80, ascii, color: false };
            let text = render(&result, &style);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert!(text.starts_with("story 1  run "), "{text}");
            assert!(text.contains("  why  ") || text.contains("    why"), "{text}");
            assert!(text.contains("the orchestrator says paused"), "{text}");
        }
    }

    #[test]
    fn without_failures_there_is_nothing_to_tell() {
        let mut result = fixture::batches();
        result.stories.clear();
        assert!(render(&result, &Style::default()).contains("no story"));
        assert_eq!(value(&result), json!([]));
    }

    #[test]
    fn words_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensibilities", 7), ["incomprehensibilities"]);
    }
}
