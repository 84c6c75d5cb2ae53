//! The table of judges on noisy hosts, for spreadsheets and for people.

use std::fmt::Write;

use crate::study::judge::Interval;
use crate::study::judge::noise::{Row, Tail};

/// A row a case.
pub fn csv(rows: &[Row]) -> String {
    let mut text = "new,old,scrapes,between,memory,within,tail,slower,robust,robust_low,\
                    robust_high,passed,kayenta,kayenta_low,kayenta_high\n"
        .to_owned();
    for Row { case, robust, passed, kayenta } in rows {
        let tail = tail(case.tail);
        let _ = writeln!(
            text,
            "{},{},{},{},{},{:.4},{tail},{},{},{},{},{},{},{},{}",
            case.hosts.0,
            case.hosts.1,
            case.scrapes,
            case.between,
            case.memory,
            case.within,
            case.slower,
            robust.value,
            robust.low,
            robust.high,
            passed.value,
            kayenta.value,
            kayenta.low,
            kayenta.high
        );
    }
    text
}

fn tail(of: Tail) -> &'static str {
    match of {
        Tail::Normal => "normal",
        Tail::Heavy => "heavy",
    }
}

/// The same as a page.
pub fn markdown(rows: &[Row], runs: u32) -> String {
    let mut text = format!(
        "# Judges on noisy hosts\n\nWritten by `rollcast validate --only judges`. \
         Made-up series of latency, {runs} canaries a row; hosts of the new and of the old \
         version, scrapes, coefficients of variation between hosts and within one, correlation \
         of a scrape with the next. Stops of releases that are not slower are false. The default \
         judge is asked at every scrape, Kayenta's rule once, on the means over hosts. Intervals \
         are 95 %.\n\n\
         | hosts | scrapes | between | within | memory | tail | slower | robust stops \
         | robust passes | Kayenta stops |\n\
         |---|--:|--:|--:|--:|---|--:|---|--:|---|\n"
    );
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let interval = |of: Interval| {
        format!("{} ({:.1}–{:.1})", percent(of.value), of.low * 100.0, of.high * 100.0)
    };
    for Row { case, robust, passed, kayenta } in rows {
        let _ = writeln!(
            text,
            "| {} v {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            case.hosts.0,
            case.hosts.1,
            case.scrapes,
            percent(case.between),
            percent(case.within),
            case.memory,
            tail(case.tail),
            percent(case.slower),
            interval(*robust),
            percent(passed.value),
            interval(*kayenta)
        );
    }
    let good = rows.iter().filter(|row| row.case.slower == 0.0);
    let most = good.map(|row| row.robust.value).fold(0.0, f64::max);
    let _ = writeln!(text, "\nThe most false stops of the default judge: {}.", percent(most));
    text
}
