//! How long a sample takes, and how it is filled.
//!
//! ```text
//! 1 round, 2, 4, … until a batch takes a fourth of a sample      warms the caches, finds the rounds
//! then one batch as long as a sample                             is what counts
//! ```
//!
//! Knows batches, whatever they do.

use std::time::Duration;

/// How much is done for one sample.
pub struct Effort {
    sample: Duration,
    /// By how much less of everything there is in a workload whose size is its point.
    shrink: usize,
}

impl Effort {
    /// For figures that count.
    pub const FULL: Effort = Effort {
        sample: Duration::from_millis(60),
        shrink: 1,
    };

    /// To see that everything works.
    pub const QUICK: Effort = Effort {
        sample: Duration::from_millis(4),
        shrink: 100,
    };

    /// So many, or fewer if the run has to be short.
    pub fn count(&self, full: usize) -> usize {
        full.div_ceil(self.shrink)
    }

    /// Measures `batch(rounds)`, which says itself how long its rounds took, and of how many operations
    /// a round consists.
    pub fn ns_per_op(&self, ops_a_round: usize, mut batch: impl FnMut(u64) -> Duration) -> f64 {
        let mut rounds = 1;
        let mut took = batch(rounds);
        while took < self.sample / 4 {
            rounds *= 2;
            took = batch(rounds);
        }
        let rounds = (rounds as f64 * self.sample.div_duration_f64(took)).ceil() as u64;
        let took = batch(rounds);
        took.as_nanos() as f64 / (rounds as f64 * ops_a_round as f64)
    }
}
