//! What a run has found: for each figure and peer the best and the median, and how candor stands.
//!
//! The record is the best sample of any peer in this run, and candor's best sample is held against it: the best is
//! what a machine that others use disturbs least. The medians are told as well.
//!
//! Knows nothing of files and of how results are shown.

use crate::peers::{CANDOR, Entry, REFERENCE};
use crate::row::{Figure, Target};
use crate::sampling::Samples;

/// One figure, by every peer.
pub struct Line {
    pub row: String,
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
            _ => None,
        }
    }

    pub fn median(&self) -> Option<f64> {
        match self {
            Cell::Measured { median, .. } => Some(*median),
            _ => None,
        }
    }
}

/// candor against the best of the others.
pub struct Standing {
    /// The place of the peer that holds the record.
    pub record_holder: usize,
    pub ratio_of_bests: f64,
    pub ratio_of_medians: f64,
}

impl Line {
    /// The lines of one row.
    pub fn all_of(row: &str, figures: Vec<Figure>, samples: &[Samples]) -> Vec<Line> {
        figures
            .into_iter()
            .enumerate()
            .map(|(number, figure)| Line {
                row: row.to_owned(),
                figure,
                cells: samples.iter().map(|taken| cell_of(taken, number)).collect(),
            })
            .collect()
    }

    /// `None` where there is nobody to compare with.
    pub fn standing(&self, peers: &[Entry]) -> Option<Standing> {
        let candor = &self.cells[peers.iter().position(|peer| peer.id == CANDOR)?];
        let (record_holder, record) = self
            .cells
            .iter()
            .enumerate()
            .filter(|&(place, _)| !matches!(peers[place].id, CANDOR | REFERENCE))
            .filter_map(|(place, cell)| Some((place, cell.best()?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let best_median = self.cells[record_holder].median()?;
        Some(Standing {
            record_holder,
            ratio_of_bests: candor.best()? / record,
            ratio_of_medians: candor.median()? / best_median,
        })
    }

    /// Whether candor is where it is to be; `None` if nothing is asked of it, or it cannot be told.
    pub fn is_target_met(&self, peers: &[Entry]) -> Option<bool> {
        let standing = self.standing(peers)?;
        match self.figure.target {
            Target::Stated => None,
            Target::TimesTheRecord(times) => Some(standing.ratio_of_bests <= times),
        }
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
