//! The ids of the tasks of a group that have ended, for `next`.
//!
//! Most groups are joined, and nobody asks which task ended when. So until the first `next`, only the newest ids are kept: as
//! many as there were tasks at once, and at least 1,024. A program that spawns all tasks and then asks misses none, and a
//! server whose group sees a million tasks come and go does not collect a million ids. From the first `next` on, all are
//! kept: more calls are expected.
//!
//! Knows ids of tasks.

use std::collections::VecDeque;

use crate::kernel::failure::TaskId;

/// How many ids are kept before the first `next`, if there were fewer members at once.
const KEPT: usize = 1024;

/// The ids of the members that have ended, the first one first.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) ids: VecDeque<TaskId>,
    /// There was a first `next`. From now on all ids are kept.
    pub(super) is_asked: bool,
}

impl Ended {
    /// Notes that a member has ended, in a group that had up to `most` members at once.
    pub(super) fn push(&mut self, id: TaskId, most: usize) {
        if !self.is_asked && self.ids.len() >= most.max(KEPT) {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(ended: &Ended) -> Vec<u64> {
        ended.ids.iter().map(|id| id.0).collect()
    }

    #[test]
    fn a_million_ends_that_nobody_asks_for_take_a_bounded_place() {
        let mut ended = Ended::default();
        for number in 1..=1_000_000 {
            ended.push(TaskId(number), 1);
        }
        let ids = numbers(&ended);
        assert_eq!((ids.len(), ids[0], ids[1_023]), (KEPT, 998_977, 1_000_000));
        assert!(ended.ids.capacity() <= 2 * KEPT);
    }

    #[test]
    fn of_members_that_were_there_at_once_all_are_kept() {
        let mut ended = Ended::default();
        (1..=5_000).for_each(|number| ended.push(TaskId(number), 5_000));
        assert_eq!(numbers(&ended), (1..=5_000).collect::<Vec<_>>());
    }

    #[test]
    fn once_somebody_asks_all_are_kept() {
        let mut ended = Ended {
            is_asked: true,
            ..Ended::default()
        };
        (1..=5_000).for_each(|number| ended.push(TaskId(number), 1));
        assert_eq!(numbers(&ended).len(), 5_000);
    }
}
