//! What is varied: `KEY=LIST`, with ranges for whole numbers and for quantities.

use crate::units::{Bytes, Rate, Share, Span};

/// More values than this on one axis are a slip.
const MOST: usize = 10_000;

/// A key with the values that it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Dotted.
    pub key: String,
    items: Vec<Item>,
}

/// What stands between two commas.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    One(String),
    Range { low: Quantity, high: Quantity, by: By },
}

/// How a range is gone through.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    /// Whole numbers: one by one. Quantities: not said.
    Default,
    Step(f64),
    Points(u32),
    Log(Option<u32>),
}

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quantity {
    value: f64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Whole,
    Number,
    Seconds,
    Share,
    Rate,
    Bytes,
}

impl Quantity {
    fn read(text: &str) -> Option<Self> {
        let of = |value, unit| Some(Self { value, unit });
        if let Ok(whole) = text.parse::<i64>() {
            of(whole as f64, Unit::Whole)
        } else if let Ok(number) = text.parse::<f64>() {
            number.is_finite().then_some(())?;
            of(number, Unit::Number)
        } else if let Ok(share) = text.parse::<Share>() {
            of(share.0, Unit::Share)
        } else if let Ok(rate) = text.parse::<Rate>() {
            of(rate.0, Unit::Rate)
        } else if let Ok(span) = text.parse::<Span>() {
            of(span.as_secs_f64(), Unit::Seconds)
        } else {
            of(text.parse::<Bytes>().ok()?.0 as f64, Unit::Bytes)
        }
    }

    /// As one would write it, with four significant digits where it was worked out.
    fn write(value: f64, unit: Unit) -> String {
        let digits = 3 - value.abs().max(1e-300).log10().floor() as i32;
        let scale = 10f64.powi(digits);
        let near = (value * scale).round() / scale;
        match unit {
            Unit::Whole => format!("{}", value.round()),
            Unit::Number => format!("{near}"),
            Unit::Seconds => Span::from_secs_f64(near).to_string(),
            Unit::Share => Share(near).to_string(),
            Unit::Rate => Rate(near).to_string(),
            // Powers of two are round, too.
            Unit::Bytes => Bytes(value.round() as u64).to_string(),
        }
    }
}

impl Axis {
    /// Reads `KEY=LIST`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read(text: &str) -> Result<Self, String> {
        let (key, list) =
            text.split_once('=').ok_or("write KEY=LIST, such as strategy.generic.batch=1..6,12")?;
        let items = split(list).into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
        if key.trim().is_empty() || items.is_empty() {
            return Err("write KEY=LIST, such as strategy.generic.batch=1..6,12".to_owned());
        }
        Ok(Self { key: key.trim().to_owned(), items })
    }

    /// All values, in the order written.
    ///
    /// # Errors
    /// If a range does not say how many values it means, or there are too many.
    pub fn values(&self) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for item in &self.items {
            match item {
                Item::One(value) => all.push(value.clone()),
                Item::Range { low, high, by } => all.extend(go_through(*low, *high, *by)?),
            }
            if all.len() > MOST {
                return Err(format!("more than {MOST} values"));
            }
        }
        Ok(all)
    }

    /// The value at a place of the axis, 0 up to 1: inside of the range if it is one, else one
    /// of the values.
    ///
    /// # Errors
    /// As [`Axis::values`].
    pub fn at(&self, place: f64) -> Result<String, String> {
        if let [Item::Range { low, high, by }] = &self.items[..]
            && matches!(by, By::Default | By::Log(None))
        {
            let value = match (low.unit, by) {
                (Unit::Whole, _) => {
                    (low.value + place * (high.value - low.value + 1.0)).floor().min(high.value)
                }
                (_, By::Log(_)) => between_logs(low.value, high.value, place),
                _ => low.value + place * (high.value - low.value),
            };
            return Ok(Quantity::write(value, low.unit));
        }
        let all = self.values()?;
        let index = (place * all.len() as f64).floor() as usize;
        Ok(all[index.min(all.len() - 1)].clone())
    }
}

fn between_logs(low: f64, high: f64, place: f64) -> f64 {
    libm::exp(libm::log(low) + place * (libm::log(high) - libm::log(low)))
}

/// At commas outside of brackets and quotes.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut from) = (0, false, 0);
    let mut parts = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn item(text: &str) -> Result<Item, String> {
    let plain = !text.starts_with(['"', '{', '[', '\'']);
    let Some((low, rest)) = text.split_once("..").filter(|_| plain) else {
        return Ok(Item::One(text.to_owned()));
    };
    let (high, by) = rest.split_once(':').map_or((rest, None), |(high, by)| (high, Some(by)));
    let bad = || {
        format!("`{text}` is not a range: write 1..6, 10s..60s:10s, 10s..60s:6pts or 1s..60s:5log")
    };
    let low = Quantity::read(low.trim()).ok_or_else(bad)?;
    let high = Quantity::read(high.trim()).ok_or_else(bad)?;
    let unit = match (low.unit, high.unit) {
        (a, b) if a == b => a,
        (Unit::Whole | Unit::Number, Unit::Whole | Unit::Number) => Unit::Number,
        // `0..60s`: nothing is nothing in every unit.
        (Unit::Whole, unit) if low.value == 0.0 => unit,
        _ => return Err(format!("`{text}` has two units")),
    };
    if low.value > high.value {
        return Err(format!("`{text}` goes backwards"));
    }
    let by = match by.map(str::trim) {
        None => By::Default,
        Some("log") => By::Log(None),
        Some(by) => match (by.strip_suffix("pts"), by.strip_suffix("log")) {
            (Some(points), _) => By::Points(points.parse().map_err(|_| bad())?),
            (_, Some(points)) => By::Log(Some(points.parse().map_err(|_| bad())?)),
            _ => {
                let step = Quantity::read(by).filter(|s| s.value > 0.0).ok_or_else(bad)?;
                if step.unit != unit && step.unit != Unit::Whole {
                    return Err(format!("`{text}` has two units"));
                }
                By::Step(step.value)
            }
        },
    };
    if matches!(by, By::Log(_)) && low.value <= 0.0 {
        return Err(format!("`{text}`: logarithms need values above 0"));
    }
    Ok(Item::Range { low: Quantity { unit, ..low }, high: Quantity { unit, ..high }, by })
}

fn go_through(low: Quantity, high: Quantity, by: By) -> Result<Vec<String>, String> {
    let unit = low.unit;
    let (low, high) = (low.value, high.value);
    let points = |n: u32, at: &dyn Fn(f64) -> f64| -> Vec<f64> {
        (0..n).map(|i| at(f64::from(i) / f64::from(n.max(2) - 1))).collect()
    };
    let steps = |step: f64| -> Vec<f64> {
        let n = ((high - low) / step + 1e-9).floor().min(MOST as f64) as u32;
        (0..=n).map(|i| low + f64::from(i) * step).collect()
    };
    let values = match by {
        By::Default if unit == Unit::Whole => steps(1.0),
        By::Default | By::Log(None) => {
            let (low, high) = (Quantity::write(low, unit), Quantity::write(high, unit));
            return Err(format!(
                "how many values from {low} to {high}? write {low}..{high}:5pts, or with a step"
            ));
        }
        By::Step(step) => steps(step),
        By::Points(n) => points(n.max(1), &|place| low + place * (high - low)),
        By::Log(Some(n)) => points(n.max(1), &|place| between_logs(low, high, place)),
    };
    let mut written: Vec<String> =
        values.into_iter().map(|value| Quantity::write(value, unit)).collect();
    written.dedup();
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn values(text: &str) -> String {
        let axis = Axis::read(&format!("a.b={text}"));
        axis.and_then(|axis| axis.values()).map_or_else(|e| format!("! {e}"), |v| v.join(" "))
    }

    #[test]
    fn lists_and_ranges() {
        assert_eq!(values("1..6,12"), "1 2 3 4 5 6 12");
        assert_eq!(values("2..10:4"), "2 6 10");
        assert_eq!(values("800/s,1000/s"), "800/s 1000/s");
        assert_eq!(values("10s..1m:20s"), "10s 30s 50s");
        assert_eq!(values("10s..60s:6pts"), "10s 20s 30s 40s 50s 1m");
        assert_eq!(values("0..20s:10s"), "0s 10s 20s");
        assert_eq!(values("100/s..1600/s:5log"), "100/s 200/s 400/s 800/s 1600/s");
        assert_eq!(values("10%..50%:20%"), "10% 30% 50%");
        assert_eq!(values("0.5..2:0.5"), "0.5 1 1.5 2");
        assert_eq!(values("64MiB..128MiB:2pts"), "64MiB 128MiB");
        assert_eq!(values("stop-first, start-first"), "stop-first start-first");
        let laws = "{ p50 = \"5s\", p95 = \"9s\" },\"7s\"";
        assert_eq!(values(laws), "{ p50 = \"5s\", p95 = \"9s\" } \"7s\"");
    }

    #[test]
    fn what_is_no_range_is_told() {
        assert!(values("10s..60s").contains("10s..1m:5pts"), "{}", values("10s..60s"));
        assert!(values("6..1").contains("backwards"));
        assert!(values("1s..5%:2pts").contains("two units"));
        assert!(values("0..9:3log").contains("above 0"));
        assert!(values("one..two").contains("not a range"));
        assert!(values("1..100000").contains("more than"));
        assert!(Axis::read("batch").is_err() && Axis::read("=1").is_err());
    }

    #[test]
    fn places_inside_of_ranges() {
        let at = |text: &str, place| Axis::read(&format!("k={text}")).unwrap().at(place).unwrap();
        assert_eq!([at("1..6", 0.0), at("1..6", 0.51), at("1..6", 0.999)], ["1", "4", "6"]);
        assert_eq!(at("10s..60s", 0.25), "22s500ms".replace("22s500ms", "22.5s"));
        assert_eq!(at("1s..100s:log", 0.5), "10s");
        assert_eq!([at("a,b", 0.1), at("a,b", 0.6)], ["a", "b"]);
    }
}
