//! Every row that is a time, with a dot for each peer: the further left, the faster.

use std::error::Error;

use plotters::prelude::*;

use super::{Area, colour_of, radius_of};
use crate::peers::{CANDOR, CANDOR_IN_REACTOR};
use crate::results::{Comparison, Line};

const LINE_HEIGHT: u32 = 22;
const MARGINS: u32 = 70;

/// The rows, with how many nanoseconds their unit is.
fn times(comparison: &Comparison) -> Vec<(&Line, f64)> {
    let in_table = comparison.lines.iter().filter(|line| line.point.is_none());
    in_table
        .filter_map(|line| Some((line, nanoseconds_in(line.figure.unit)?)))
        .collect()
}

fn nanoseconds_in(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1.0),
        "µs" => Some(1e3),
        "ms" => Some(1e6),
        "s" => Some(1e9),
        _ => None,
    }
}

pub fn height(comparison: &Comparison) -> u32 {
    MARGINS + LINE_HEIGHT * times(comparison).len() as u32
}

pub fn draw(area: &Area<'_>, comparison: &Comparison) -> Result<(), Box<dyn Error>> {
    let lines = times(comparison);
    let bests = |&(line, scale): &(&Line, f64)| {
        let bests = line.cells.iter().filter_map(|cell| cell.best());
        bests.map(|best| best * scale).collect::<Vec<_>>()
    };
    let all: Vec<f64> = lines.iter().flat_map(bests).collect();
    let (Some(least), Some(most)) = (
        all.iter().copied().reduce(f64::min),
        all.iter().copied().reduce(f64::max),
    ) else {
        return Ok(());
    };
    // The first row is to be at the top, where the axis ends.
    let from_top = |place: usize| lines.len() - 1 - place;
    let mut chart = ChartBuilder::on(area)
        .caption("best sample, nanoseconds", ("sans-serif", 16))
        .margin_right(20)
        .x_label_area_size(30)
        .y_label_area_size(400)
        .build_cartesian_2d(
            (least / 1.5..most * 1.5).log_scale(),
            (0..lines.len() - 1).into_segmented(),
        )?;
    chart
        .configure_mesh()
        .y_labels(lines.len())
        .x_labels(12)
        .x_label_formatter(&|ns| super::growth::short(*ns))
        .y_label_formatter(&|place| match place {
            SegmentValue::CenterOf(place) if from_top(*place) < lines.len() => {
                lines[from_top(*place)].0.figure.title.replace('`', "")
            }
            _ => String::new(),
        })
        .label_style(("sans-serif", 13))
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    for (place, (line, scale)) in lines.iter().enumerate() {
        let peers = comparison.peers.iter().zip(&line.cells).enumerate();
        let mut dots: Vec<_> = peers
            .filter_map(|(number, (peer, cell))| Some((number, peer, cell.best()?)))
            .collect();
        // candor's is drawn last, so that no other covers it.
        dots.sort_by_key(|(_, peer, _)| match peer.id {
            CANDOR => 2,
            CANDOR_IN_REACTOR => 1,
            _ => 0,
        });
        chart.draw_series(dots.into_iter().map(|(number, peer, best)| {
            let at = (best * scale, SegmentValue::CenterOf(from_top(place)));
            Circle::new(at, radius_of(peer), colour_of(number, peer).filled())
        }))?;
    }
    Ok(())
}
