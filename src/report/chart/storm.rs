//! Where a retry storm outlives its rollout: batch size by load, without and with a budget.

use super::canvas::{Anchor, Canvas, Pen, Type};
use super::frame::{Drawing, Words, document};
use super::palette::{FAINT, INK, OLD, RED};
use crate::study::storm::{Cell, Clients, Map, boundary};

const LEFT: f64 = 130.0;
const WIDTH: f64 = 660.0;
const APART: f64 = 760.0;
const TOP: f64 = 234.0;
const BOTTOM: f64 = 820.0;
/// Fails only while instances are out.
const PASSING: &str = "#f5b041";

/// Draws it.
pub(super) fn draw(map: &Map) -> Drawing {
    let canvas = Canvas::default();
    for (i, clients) in Clients::ALL.into_iter().enumerate() {
        let cells: Vec<&Cell> = map.cells.iter().filter(|c| c.clients == clients).collect();
        panel(&canvas, map.instances, clients, &cells, LEFT + APART * i as f64);
    }
    legend(&canvas);
    let words = Words {
        title: "A retry storm outlives its rollout where the load is high and batches are large"
            .to_owned(),
        subtitle: format!(
            "{} instances, three attempts with a timeout of ten service times each",
            map.instances
        ),
        caption:
            "One rollout a cell. Dashed: the border in the mean field of many instances. Above \
                  it those that are left have no healthy state while instances are out, and the \
                  last batch that comes back cannot carry what the others fail."
                .to_owned(),
        x: String::new(),
        y: String::new(),
        right: None,
    };
    document(&canvas, &words)
}

/// Values that occur, ascending.
fn values(cells: &[&Cell], of: impl Fn(&Cell) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = cells.iter().map(|cell| of(cell)).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

fn panel(canvas: &Canvas, instances: u32, clients: Clients, cells: &[&Cell], left: f64) {
    let batches = values(cells, |cell| f64::from(cell.batch));
    let loads = values(cells, |cell| cell.load);
    let (width, height) =
        (WIDTH / batches.len().max(1) as f64, (BOTTOM - TOP) / loads.len().max(1) as f64);
    let place = |all: &[f64], value: f64| all.partition_point(|other| *other < value) as f64;
    for cell in cells {
        let x = left + width * place(&batches, f64::from(cell.batch));
        let y = BOTTOM - height * (place(&loads, cell.load) + 1.0);
        let fill = if cell.outlives() {
            RED
        } else if cell.failed_during > 0.01 {
            PASSING
        } else {
            OLD
        };
        canvas.rect((x + 2.0, y + 2.0), (width - 4.0, height - 4.0), fill);
    }
    let look = Type { bold: true, ..Type::plain(28.0, INK, Anchor::Start) };
    let heading = match clients {
        Clients::Naive => "naive retries",
        Clients::Budget => "retries for at most a tenth of the requests",
    };
    canvas.text((left, TOP - 24.0), look, heading);
    for (i, batch) in batches.iter().enumerate() {
        let look = Type::plain(24.0, FAINT, Anchor::Middle);
        canvas.text((left + width * (i as f64 + 0.5), BOTTOM + 30.0), look, &format!("{batch:.0}"));
    }
    for (i, load) in loads.iter().enumerate() {
        let y = BOTTOM - height * (i as f64 + 0.5) + 8.0;
        let look = Type::plain(24.0, FAINT, Anchor::End);
        canvas.text((left - 12.0, y), look, &format!("{:.0}%", load * 100.0));
    }
    let look = Type::plain(24.0, FAINT, Anchor::Start);
    canvas.text((left, BOTTOM + 62.0), look, "instances restarted at a time; upwards: load");
    if clients == Clients::Naive && loads.len() > 1 {
        let step = (loads[loads.len() - 1] - loads[0]) / (loads.len() - 1) as f64;
        let y = |load: f64| BOTTOM - height * ((load - loads[0]) / step + 0.5);
        let points: Vec<(f64, f64)> = batches
            .iter()
            .enumerate()
            .flat_map(|(i, batch)| {
                let at = y(boundary(instances, *batch as u32));
                let x = left + width * i as f64;
                [(x, at), (x + width, at)]
            })
            .collect();
        canvas.line(&points, Pen { color: "#ffffff", width: 9.0, dash: &[] });
        canvas.line(&points, Pen { color: INK, width: 4.0, dash: &[14.0, 9.0] });
    }
}

fn legend(canvas: &Canvas) {
    let entries = [
        (RED, "most requests still fail a minute after the rollout"),
        (PASSING, "more than 1% fail, but only during it"),
        (OLD, "neither"),
    ];
    let mut x = LEFT;
    for (fill, text) in entries {
        canvas.rect((x, 138.0), (26.0, 22.0), fill);
        canvas.text((x + 36.0, 157.0), Type::plain(24.0, INK, Anchor::Start), text);
        x += 36.0 + super::canvas::text_width(text, 24.0) + 40.0;
    }
}
