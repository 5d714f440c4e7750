//! Failures that wait for an awaiter.
//!
//! A task that fails while its handle is held is not reported: its awaiter gets the failure. But if nobody awaits it
//! within the grace period, it is reported.
//!
//! ```text
//! fails ─► fresh ──end of the pass──► aging ──grace is over──► reported
//!            └──── read meanwhile: dropped ────┘
//! ```
//!
//! Most failures are read within the same pass, and cost no look at the clock. The grace is the same for all, so the
//! queue of the aging ones is always sorted.
//!
//! Knows nothing of candor.

use std::collections::VecDeque;
use std::time::Instant;

/// Failures that nobody has read yet, and some that have been read since.
#[derive(Debug)]
pub(crate) struct Unread<T> {
    fresh: Vec<T>,
    /// Each with the end of its grace; `None` means never.
    aging: VecDeque<(Option<Instant>, T)>,
    /// The length of `aging` at which those that were read are swept out.
    sweep_at: usize,
}

impl<T> Unread<T> {
    pub(crate) const fn new() -> Self {
        Unread {
            fresh: Vec::new(),
            aging: VecDeque::new(),
            sweep_at: 64,
        }
    }

    /// Adds a failure. If the one before it has been read by now, the new one replaces it, and the caller gets the old one
    /// to drop. When many errors come in a row, most are read before the next one comes.
    pub(crate) fn push(&mut self, failure: T, is_unread: impl Fn(&T) -> bool) -> Option<T> {
        if let Some(last) = self.fresh.last_mut().filter(|last| !is_unread(last)) {
            return Some(std::mem::replace(last, failure));
        }
        self.fresh.push(failure);
        None
    }

    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Starts the grace of those that were not read within the pass.
    ///
    /// The list at most doubles before those that were read are swept out of it. So its memory is in proportion to
    /// what is unread, and each failure is checked twice on average.
    pub(crate) fn end_pass(
        &mut self,
        is_unread: impl Fn(&T) -> bool,
        deadline: impl FnOnce() -> Option<Instant>,
    ) {
        self.fresh.retain(&is_unread);
        if self.fresh.is_empty() {
            return;
        }
        let deadline = deadline();
        for failure in self.fresh.drain(..) {
            self.aging.push_back((deadline, failure));
        }
        if self.aging.len() >= self.sweep_at {
            self.aging.retain(|(_, failure)| is_unread(failure));
            self.sweep_at = (self.aging.len() * 2).max(64);
        }
    }

    /// When the next grace is over.
    pub(crate) fn next_deadline(&mut self, is_unread: impl Fn(&T) -> bool) -> Option<Instant> {
        while let Some((deadline, failure)) = self.aging.front() {
            if is_unread(failure) {
                return *deadline;
            }
            self.aging.pop_front();
        }
        None
    }

    /// Takes the next failure whose grace is over.
    pub(crate) fn pop_overdue(&mut self, now: Instant) -> Option<T> {
        let is_overdue = self
            .aging
            .front()?
            .0
            .is_some_and(|deadline| deadline <= now);
        if is_overdue {
            self.aging.pop_front().map(|(_, failure)| failure)
        } else {
            None
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.aging
            .iter()
            .map(|(_, failure)| failure)
            .chain(&self.fresh)
    }

    /// Takes everything, in the order in which it failed.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        let Unread { fresh, aging, .. } = std::mem::replace(self, Unread::new());
        let mut all = Vec::with_capacity(aging.len() + fresh.len());
        for (_, failure) in aging {
            all.push(failure);
        }
        for failure in fresh {
            all.push(failure);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_read_within_the_pass_costs_no_look_at_the_clock() {
        let mut unread = Unread::new();
        unread.push("read", |_| true);
        unread.end_pass(|_| false, || unreachable!("the clock was read"));
        assert_eq!(unread.next_deadline(|_| true), None);
    }

    #[test]
    fn what_was_read_makes_place_for_the_next() {
        let mut unread = Unread::new();
        assert_eq!(unread.push("a", |_| true), None);
        assert_eq!(unread.push("b", |_| true), None);
        assert_eq!(unread.push("c", |_| false), Some("b"));
        assert_eq!(unread.take_all(), ["a", "c"]);
    }

    #[test]
    fn what_nobody_reads_is_overdue_after_its_grace() {
        let mut unread = Unread::new();
        let start = Instant::now();
        let end = start + Duration::from_secs(1);
        unread.push("a", |_| true);
        unread.end_pass(|_| true, || Some(end));
        assert_eq!(unread.next_deadline(|_| true), Some(end));
        assert_eq!(unread.pop_overdue(start), None);
        assert_eq!(unread.pop_overdue(end), Some("a"));
    }

    #[test]
    fn a_million_failures_read_late_are_not_all_kept() {
        let mut unread = Unread::new();
        let mut most = 0;
        for number in 0..1_000_000_u32 {
            unread.push(number, |_| true);
            unread.end_pass(|&failure| failure + 10 > number, || Some(Instant::now()));
            most = most.max(unread.aging.len());
        }
        assert!(most <= 64, "{most}");
    }
}
