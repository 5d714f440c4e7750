//! The results as one picture: every peer in every row, and how cost grows.
//!
//! ```text
//! ┌ who is who ──────────────────────┐
//! │ every row, a dot a peer          │  dots
//! │                                  │
//! ├────────────────┬─────────────────┤
//! │ tasks alive    │ timers alive    │  growth
//! ├────────────────┼─────────────────┤
//! │ queue depth    │ wakes a pass    │
//! └────────────────┴─────────────────┘
//! ```
//!
//! Knows results and plotters.

mod dots;
mod growth;

use std::error::Error;
use std::io;
use std::path::Path;

use plotters::prelude::*;

use crate::peers::{CANDOR, CANDOR_IN_REACTOR, Entry, REFERENCE};
use crate::results::Comparison;
use crate::row::Curve;

const WIDTH: u32 = 1_200;
/// How many peers a line of the legend has.
const A_LINE: usize = 7;
const GROWTH_HEIGHT: u32 = 380;

/// Told apart by most eyes, on white.
const COLOURS: [RGBColor; 10] = [
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(0, 60, 110),
    RGBColor(0, 158, 115),
    RGBColor(230, 159, 0),
    RGBColor(204, 121, 167),
    RGBColor(150, 80, 140),
    RGBColor(120, 94, 30),
    RGBColor(140, 190, 60),
    RGBColor(90, 90, 200),
];

pub fn write(comparison: &Comparison, path: &Path) -> io::Result<()> {
    draw(comparison, path).map_err(|error| io::Error::other(error.to_string()))
}

fn draw(comparison: &Comparison, path: &Path) -> Result<(), Box<dyn Error>> {
    let dots_height = dots::height(comparison);
    let legend_height = 20 + 25 * comparison.peers.len().div_ceil(A_LINE) as u32;
    let size = (WIDTH, legend_height + dots_height + 2 * GROWTH_HEIGHT);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (legend, rest) = area.split_vertically(legend_height);
    let (every_row, growing) = rest.split_vertically(dots_height);
    draw_legend(&legend, &comparison.peers)?;
    dots::draw(&every_row, comparison)?;
    for (panel, curve) in growing.split_evenly((2, 2)).iter().zip(Curve::ALL) {
        growth::draw(panel, comparison, curve)?;
    }
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_legend(area: &Area<'_>, peers: &[Entry]) -> Result<(), Box<dyn Error>> {
    let column = WIDTH as i32 / A_LINE as i32;
    for (place, peer) in peers.iter().enumerate() {
        let x = 20 + column * (place % A_LINE) as i32;
        let y = 20 + 25 * (place / A_LINE) as i32;
        area.draw(&Circle::new(
            (x, y),
            radius_of(peer),
            colour_of(place, peer).filled(),
        ))?;
        let name = Text::new(peer.title, (x + 10, y - 6), ("sans-serif", 14));
        area.draw(&name)?;
    }
    Ok(())
}

/// candor's stands out, and the reference stands back.
fn colour_of(place: usize, peer: &Entry) -> RGBAColor {
    match peer.id {
        CANDOR => RED.to_rgba(),
        CANDOR_IN_REACTOR => RED.mix(0.5),
        REFERENCE => BLACK.mix(0.35),
        _ => COLOURS[place % COLOURS.len()].mix(0.85),
    }
}

fn radius_of(peer: &Entry) -> i32 {
    match peer.id {
        CANDOR | CANDOR_IN_REACTOR => 6,
        _ => 4,
    }
}
