//! One curve of every peer: what an operation costs among one, ten, … ten million.

use std::error::Error;

use plotters::prelude::*;

use super::{Area, colour_of};
use crate::peers::CANDOR;
use crate::results::Comparison;
use crate::row::Curve;

pub fn draw(area: &Area<'_>, comparison: &Comparison, curve: Curve) -> Result<(), Box<dyn Error>> {
    let curves: Vec<Vec<(f64, f64)>> = (0..comparison.peers.len())
        .map(|place| curve_of(comparison, place, curve))
        .collect();
    let points = || curves.iter().flatten();
    let (Some(most_x), Some(least), Some(most)) = (
        points().map(|point| point.0).reduce(f64::max),
        points().map(|point| point.1).reduce(f64::min),
        points().map(|point| point.1).reduce(f64::max),
    ) else {
        return Ok(());
    };
    let mut chart = ChartBuilder::on(area)
        .caption(curve.title().replace('`', ""), ("sans-serif", 16))
        .margin(15)
        .x_label_area_size(30)
        .y_label_area_size(50)
        .build_cartesian_2d(
            (1.0..most_x * 1.2).log_scale(),
            (power_of_ten(least, f64::floor)..power_of_ten(most, f64::ceil)).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|ns| short(*ns))
        .x_labels(8)
        .y_labels(8)
        .y_desc("ns")
        .label_style(("sans-serif", 12))
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    for (place, (peer, points)) in comparison.peers.iter().zip(curves).enumerate() {
        let width = if peer.id == CANDOR { 4 } else { 2 };
        let style = colour_of(place, peer).stroke_width(width);
        chart.draw_series(LineSeries::new(points, style))?;
    }
    Ok(())
}

/// The one next to a number: whole decades have labels at both their ends.
fn power_of_ten(number: f64, round: fn(f64) -> f64) -> f64 {
    10_f64.powf(round(number.log10()))
}

/// The medians of one peer, in the order of x.
fn curve_of(comparison: &Comparison, peer: usize, curve: Curve) -> Vec<(f64, f64)> {
    let lines = comparison.lines.iter();
    lines
        .filter_map(|line| {
            let point = line.point.filter(|point| point.curve == curve)?;
            Some((point.x as f64, line.cells[peer].median()?))
        })
        .collect()
}

/// A number in as few letters as a label has room for.
pub fn short(number: f64) -> String {
    match number {
        _ if number >= 1e9 => format!("{}G", number / 1e9),
        _ if number >= 1e6 => format!("{}M", number / 1e6),
        _ if number >= 1e3 => format!("{}k", number / 1e3),
        _ => format!("{number}"),
    }
}
