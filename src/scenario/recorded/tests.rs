//! The real files in `tests/data`, read as a user would.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read(name: &str, options: &TrafficOptions) -> Recorded {
    read_traffic(&data(name), options).unwrap()
}

fn window(from: &str, to: &str) -> (String, String) {
    (from.to_owned(), to.to_owned())
}

fn instants(recorded: &Recorded) -> &[u64] {
    match &recorded.profile {
        Profile::Instants { at, .. } => at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn timestamps_a_request_a_row() {
    let options = TrafficOptions { repeat: true, ..Default::default() };
    let recorded = read("azure_llm_conv.csv.gz", &options);
    assert_eq!(instants(&recorded).len(), 300);
    assert_eq!(instants(&recorded)[..2], [0, 4_314_579_000]);
    assert_eq!(recorded.warnings, Vec::<String>::new());
    assert_eq!(
        recorded.describe,
        "300 requests from 2023-11-16 18:15:46 to 18:17:10 (1m24s, mean 3.56/s), timestamps in \
         column `TIMESTAMP`, repeated"
    );
    let Profile::Instants { at, period } = &recorded.profile else { panic!() };
    let mean_gap = at[299] / 299;
    assert_eq!(period.0, at[299] + mean_gap);
}

#[test]
fn a_record_that_ends_is_said_to_end() {
    let recorded = read("azure_llm_conv.csv.gz", &TrafficOptions::default());
    assert!(matches!(recorded.profile, Profile::Instants { period: Span::MAX, .. }));
    assert!(recorded.warnings[0].contains("from then on there is no traffic"));
}

#[test]
fn counts_per_interval_with_one_missing() {
    let recorded = read("elb_request_count_5min.csv", &TrafficOptions::default());
    let Profile::Counts { interval, counts } = &recorded.profile else { panic!() };
    assert_eq!((*interval, counts.len()), (Span::from_secs(300), 301));
    assert_eq!(counts[..3], [94.0, 56.0, 187.0]);
    // 11:29 has 6 requests and 11:39 has 79: 11:34 is between them.
    assert_eq!(counts[137..140], [6.0, 42.5, 79.0]);
    assert_eq!(
        recorded.warnings[0],
        "1 interval is missing and filled by interpolation: 2014-04-10 11:34:00 (5m)"
    );
}

#[test]
fn counts_are_scaled_turned_and_repeated() {
    let options = TrafficOptions {
        at: Some("2014-04-10 00:14".into()),
        scale: 2.0,
        repeat: true,
        ..Default::default()
    };
    let recorded = read("elb_request_count_5min.csv", &options);
    let Profile::Counts { counts, .. } = &recorded.profile else { panic!() };
    assert_eq!(counts[0], 374.0);
    assert_eq!(counts[299..302], [188.0, 112.0, 374.0]);
    assert!(counts.len() * 300 >= 7 * 86_400);
}

#[test]
fn an_access_log_is_sorted_spread_and_its_holes_are_named() {
    let recorded = read("access.log.gz", &TrafficOptions::default());
    let at = instants(&recorded);
    assert_eq!(at.len(), 320);
    assert!(at.is_sorted());
    let said = recorded.warnings.join("\n");
    assert!(said.contains("earlier than the line before: sorted"), "{said}");
    assert!(said.contains("spread evenly"), "{said}");
    let hole = "no request from 2015-05-17 12:05:59 to 2015-05-17 13:05:01 (59m2s)";
    assert!(said.contains(hole), "{said}");
    assert_eq!(said.matches("hole in the record").count(), 3, "{said}");
}

#[test]
fn a_window_without_holes_says_nothing_about_them() {
    let options = TrafficOptions {
        window: Some(window("2015-05-17 11:05", "2015-05-17 11:06")),
        repeat: true,
        ..Default::default()
    };
    let recorded = read("access.log.gz", &options);
    assert_eq!(instants(&recorded).len(), 111);
    assert!(!recorded.warnings.join(" ").contains("hole"), "{:?}", recorded.warnings);
    let Profile::Instants { period, .. } = recorded.profile else { panic!() };
    assert_eq!(period, Span::from_secs(60));
}

#[test]
fn a_window_into_the_hole_says_so() {
    let options = TrafficOptions {
        window: Some(window("11:05", "11:35")),
        repeat: true,
        ..Default::default()
    };
    let said = read("access.log.gz", &options).warnings.join("\n");
    assert!(said.contains("to 2015-05-17 11:35:00 (29m"), "{said}");
}

#[test]
fn single_requests_can_be_counted_and_scaled() {
    let options = TrafficOptions {
        interval: Some(Span::from_secs(30)),
        window: Some(window("0s", "1m")),
        scale: 0.5,
        ..Default::default()
    };
    let recorded = read("azure_llm_conv.csv.gz", &options);
    let Profile::Counts { interval, counts } = &recorded.profile else { panic!() };
    assert_eq!((*interval, counts.len()), (Span::from_secs(30), 2));
    let same = TrafficOptions { interval: None, ..options };
    let single = read("azure_llm_conv.csv.gz", &same);
    assert_eq!(instants(&single).len() as f64, counts.iter().sum::<f64>().round());
}

#[test]
fn plain_and_packed_logs_are_told_by_content_and_bad_lines_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.gz");
    let mut text = std::fs::read_to_string(data("access.log")).unwrap();
    text.insert_str(0, "-- rotated --\n");
    std::fs::write(&path, text).unwrap();
    let recorded = read_traffic(&path, &TrafficOptions::default()).unwrap();
    assert_eq!(instants(&recorded).len(), 12);
    assert_eq!(
        recorded.warnings[0],
        "1 line could not be read and is left out: line 1: `-- rotated --`"
    );
}

#[test]
fn unusable_files_and_options_are_refused_with_a_reason() {
    let refuse = |options: TrafficOptions| {
        let error = read_traffic(&data("elb_request_count_5min.csv"), &options).unwrap_err();
        (error.message.rsplit(": ").next().unwrap().to_owned(), error.hint.unwrap_or_default())
    };
    let default = TrafficOptions::default;
    let (message, hint) = refuse(TrafficOptions { format: Some("pcap".into()), ..default() });
    assert_eq!(message, "there is no format `pcap`");
    assert!(hint.contains("access-log"));
    assert!(refuse(TrafficOptions { scale: -1.0, ..default() }).0.contains("not a positive"));
    let (message, hint) = refuse(TrafficOptions { column: Some("x".into()), ..default() });
    assert_eq!(
        (message.as_str(), hint.as_str()),
        ("there is no column `x`", "the columns are timestamp, value")
    );
    let options = TrafficOptions { format: Some("access-log".into()), ..default() };
    let error = read_traffic(&data("elb_request_count_5min.csv"), &options).unwrap_err();
    assert_eq!(error.line, Some(1));
}

proptest! {
    #[test]
    fn no_text_and_no_option_panics(
        rows in proptest::collection::vec(
            "[0-9]{1,19}|[0-9]{4}-[01][0-9]-[0-3][0-9] 1[0-9]:00:0[0-9]|.{0,12}", 1..12),
        values in proptest::collection::vec("-?[0-9]{1,9}|[a-z]{0,3}", 1..12),
        interval in proptest::option::of(0u64..),
        place in
            proptest::option::of("[0-9]{1,6}[smhd]|[0-2][0-9]:[0-5][0-9]|20[0-9]{2}-0[1-9]-11"),
        scale in 0.01f64..50.0,
        repeat: bool,
    ) {
        let lines: Vec<String> =
            rows.iter().zip(&values).map(|(row, value)| format!("{row},{value}")).collect();
        let options = TrafficOptions {
            interval: interval.map(Span),
            at: place.clone(),
            window: place.map(|place| ("0s".to_owned(), place)),
            scale,
            repeat,
            ..Default::default()
        };
        if let Ok(Recorded { profile: Profile::Instants { at, period }, .. }) =
            from_text(&lines.join("\n"), &options)
        {
            prop_assert!(at.is_sorted() && period > Span::ZERO);
        }
    }
}
