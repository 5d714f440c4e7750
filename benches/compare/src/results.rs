//! What a run has found: for each figure and peer the best and the median, and how candor stands.
//!
//! The record is the best sample of any peer in this run, and candor's best sample is held against it: the best is
//! what a machine that others use disturbs least. The medians are told as well.
//!
//! Knows nothing of files and of how results are shown.

use crate::peers::{CANDOR, Entry, REFERENCE};
use crate::row::{Figure, Need, Point, Row, Target};
use crate::sampling::Samples;

/// Figures of several peers, taken in one go.
pub struct Comparison {
    pub peers: Vec<Entry>,
    pub lines: Vec<Line>,
}

/// One figure, by every peer.
pub struct Line {
    /// The id of the row that it comes from.
    pub row: String,
    pub needs: Need,
    pub point: Option<Point>,
    pub figure: Figure,
    /// In the order of the peers.
    pub cells: Vec<Cell>,
}

pub enum Cell {
    Measured { best: f64, median: f64 },
    Impossible,
    Failed(String),
}

impl Cell {
    pub fn best(&self) -> Option<f64> {
        match self {
            Cell::Measured { best, .. } => Some(*best),
            Cell::Impossible | Cell::Failed(_) => None,
        }
    }

    pub fn median(&self) -> Option<f64> {
        match self {
            Cell::Measured { median, .. } => Some(*median),
            Cell::Impossible | Cell::Failed(_) => None,
        }
    }
}

/// candor against the best of the others.
pub struct Standing {
    pub holder: Entry,
    pub record: f64,
    pub ratio: f64,
    /// candor's median over the holder's.
    pub ratio_of_medians: f64,
}

impl Comparison {
    pub fn add(&mut self, row: &Row, samples: &[Samples]) {
        for (number, figure) in row.figures.iter().enumerate() {
            self.lines.push(Line {
                row: row.id.clone(),
                needs: row.needs,
                point: row.point,
                figure: figure.clone(),
                cells: samples.iter().map(|taken| cell_of(taken, number)).collect(),
            });
        }
    }

    /// `None` where there is nobody to compare with.
    pub fn standing(&self, line: &Line) -> Option<Standing> {
        let candor = &line.cells[self.place_of(CANDOR)?];
        let (place, record) = line
            .cells
            .iter()
            .enumerate()
            .filter(|&(place, _)| self.peers[place].is_a_peer())
            .filter_map(|(place, cell)| Some((place, cell.best()?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(Standing {
            holder: self.peers[place],
            record,
            ratio: candor.best()? / record,
            ratio_of_medians: candor.median()? / line.cells[place].median()?,
        })
    }

    /// Whether candor is where it is to be; `None` if nothing is asked of it, or it cannot be told.
    pub fn is_target_met(&self, line: &Line) -> Option<bool> {
        let best_of = |id| self.best_of(line, id);
        match line.figure.target {
            Target::Stated => None,
            Target::TimesTheRecord(times) => Some(self.standing(line)?.ratio <= times),
            Target::AtMost(most) => Some(best_of(CANDOR)? <= most),
            Target::AboveTheReference(more) => Some(best_of(CANDOR)? <= best_of(REFERENCE)? + more),
            Target::NoMoreThan(peer) => Some(best_of(CANDOR)? <= best_of(peer)?),
        }
    }

    pub fn best_of(&self, line: &Line, id: &str) -> Option<f64> {
        line.cells[self.place_of(id)?].best()
    }

    fn place_of(&self, id: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }
}

fn cell_of(samples: &Samples, figure: usize) -> Cell {
    match samples {
        Samples::Impossible => Cell::Impossible,
        Samples::Failed(why) => Cell::Failed(why.clone()),
        Samples::Taken(figures) => {
            let mut numbers = figures[figure].clone();
            numbers.sort_by(f64::total_cmp);
            Cell::Measured {
                best: numbers[0],
                median: median_of(&numbers),
            }
        }
    }
}

fn median_of(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}
