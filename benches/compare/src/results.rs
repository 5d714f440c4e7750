//! What a run has found: for each figure and peer the best and the median, and how candor stands.
//!
//! The record is the best sample of any peer in this run, and candor's best sample is held against it: the best is
//! what a machine that others use disturbs least. The medians are told as well.
//!
//! Knows nothing of files and of how results are shown.

use crate::peers::{CANDOR, CANDOR_IN_REACTOR, Entry};
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
        let candor = self.candor_in(line)?;
        let bystander = match line.figure.target {
            Target::TimesTheRecordBut { peer, .. } => peer,
            _ => "",
        };
        let (place, record) = line
            .cells
            .iter()
            .enumerate()
            .filter(|&(place, _)| {
                self.peers[place].is_a_peer() && self.peers[place].id != bystander
            })
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
        let candor = || self.candor_in(line)?.best();
        match line.figure.target {
            Target::Stated => None,
            Target::TimesTheRecord(times) | Target::TimesTheRecordBut { times, .. } => {
                Some(self.standing(line)?.ratio <= times)
            }
            Target::AtMost(most) => Some(candor()? <= most),
            Target::TimesThatOf { peer, times } => {
                Some(candor()? <= times * self.best_of(line, peer)?)
            }
        }
    }

    /// candor's figure: in the rows of sockets that of the build with a reactor, elsewhere that of the usual one.
    pub fn candor_in<'a>(&self, line: &'a Line) -> Option<&'a Cell> {
        let cells = [CANDOR, CANDOR_IN_REACTOR]
            .into_iter()
            .filter_map(|id| Some(&line.cells[self.place_of(id)?]));
        cells
            .into_iter()
            .find(|cell| !matches!(cell, Cell::Impossible))
    }

    fn best_of(&self, line: &Line, id: &str) -> Option<f64> {
        line.cells[self.place_of(id)?].best()
    }

    /// The rows in which a peer's workload found its count wrong, or its process died.
    pub fn failures_of(&self, id: &str) -> Vec<String> {
        let Some(place) = self.place_of(id) else {
            return Vec::new();
        };
        let failed = |line: &&Line| matches!(line.cells[place], Cell::Failed(_));
        let mut rows: Vec<_> = self
            .lines
            .iter()
            .filter(failed)
            .map(|line| line.row.clone())
            .collect();
        rows.dedup();
        rows
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::REFERENCE;

    fn cell(numbers: &[f64]) -> Cell {
        cell_of(&Samples::Taken(vec![numbers.to_vec()]), 0)
    }

    #[test]
    fn best_is_the_least_and_the_median_lies_in_the_middle() {
        assert_eq!(cell(&[3.0, 1.0, 2.0]).best(), Some(1.0));
        assert_eq!(cell(&[3.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(cell(&[4.0, 1.0, 2.0, 3.0]).median(), Some(2.5));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn the_reference_holds_no_record_and_nor_does_who_failed() {
        let peers = crate::peers::all();
        let cells = peers.iter().map(|peer| match peer.id {
            CANDOR => cell(&[6.0]),
            REFERENCE => cell(&[1.0]),
            "tokio-localset" => cell(&[3.0]),
            "tokio-spawn" => cell(&[4.0, 5.0]),
            _ => Cell::Failed("it dropped work".to_owned()),
        });
        let line = Line {
            row: String::new(),
            needs: Need::Tasks,
            point: None,
            figure: Figure::new("", "ns", Target::TimesTheRecord(2.0)),
            cells: cells.collect(),
        };
        let all = Comparison {
            peers,
            lines: Vec::new(),
        };
        let standing = all.standing(&line).expect("tokio is there to compare with");
        assert_eq!(
            (standing.holder.id, standing.ratio),
            ("tokio-localset", 2.0)
        );
        assert_eq!(all.is_target_met(&line), Some(true));
    }
}
