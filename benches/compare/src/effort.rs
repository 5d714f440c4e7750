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
#[derive(Clone, Copy)]
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

    /// So long, or shorter.
    pub fn time(&self, full: Duration) -> Duration {
        full.div_f64((self.shrink as f64).sqrt())
    }

    /// Measures `batch(rounds)`, which says itself how long its rounds took, and of how many operations
    /// a round consists.
    pub fn ns_per_op(&self, ops_a_round: usize, mut batch: impl FnMut(u64) -> Duration) -> f64 {
        let mut filling = Filling::WarmingUp { rounds: 1 };
        loop {
            let took = batch(filling.rounds());
            match filling.after(took, self.sample) {
                Some(next) => filling = next,
                None => return filling.ns_per_op(took, ops_a_round),
            }
        }
    }

    /// As [`ns_per_op`](Effort::ns_per_op), for batches that await: what they find stays from one to the next.
    pub async fn ns_per_op_within(
        &self,
        ops_a_round: usize,
        mut batch: impl AsyncFnMut(u64) -> Duration,
    ) -> f64 {
        let mut filling = Filling::WarmingUp { rounds: 1 };
        loop {
            let took = batch(filling.rounds()).await;
            match filling.after(took, self.sample) {
                Some(next) => filling = next,
                None => return filling.ns_per_op(took, ops_a_round),
            }
        }
    }
}

/// How far the filling of a sample has come.
#[derive(Clone, Copy)]
enum Filling {
    WarmingUp { rounds: u64 },
    Measuring { rounds: u64 },
}

impl Filling {
    fn rounds(self) -> u64 {
        match self {
            Filling::WarmingUp { rounds } | Filling::Measuring { rounds } => rounds,
        }
    }

    /// `None` when the batch that took so long is the one that counts.
    fn after(self, took: Duration, sample: Duration) -> Option<Filling> {
        match self {
            Filling::WarmingUp { rounds } if took < sample / 4 => {
                Some(Filling::WarmingUp { rounds: rounds * 2 })
            }
            Filling::WarmingUp { rounds } => {
                let rounds = (rounds as f64 * sample.div_duration_f64(took)).ceil();
                Some(Filling::Measuring {
                    rounds: rounds as u64,
                })
            }
            Filling::Measuring { .. } => None,
        }
    }

    fn ns_per_op(self, took: Duration, ops_a_round: usize) -> f64 {
        took.as_nanos() as f64 / (self.rounds() as f64 * ops_a_round as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rounds each batch was asked for, if a round takes 1 ms.
    fn batches(sample: Duration) -> Vec<u64> {
        let mut asked_for = Vec::new();
        let effort = Effort { sample, shrink: 1 };
        let ns = effort.ns_per_op(10, |rounds| {
            asked_for.push(rounds);
            Duration::from_millis(rounds)
        });
        assert_eq!(ns, 100_000.0);
        asked_for
    }

    #[test]
    fn rounds_double_until_a_fourth_of_a_sample_and_then_fill_it() {
        assert_eq!(batches(Duration::from_millis(60)), [1, 2, 4, 8, 16, 60]);
    }

    #[test]
    fn a_round_longer_than_a_sample_is_still_warmed_up_to() {
        assert_eq!(batches(Duration::from_micros(100)), [1, 1]);
    }
}
