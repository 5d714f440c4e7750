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
use std::mem;
use std::time::Instant;

/// The length at which a short queue is swept.
const SHORT: usize = 64;

/// Failures that nobody has read yet, and some that have been read since.
pub(crate) struct Unread<T> {
    is_unread: fn(&T) -> bool,
    fresh: Vec<T>,
    /// Each with the end of its grace; `None` means never.
    aging: VecDeque<(Option<Instant>, T)>,
    /// The length of `aging` at which those that were read are swept out.
    sweep_at: usize,
}

impl<T> Unread<T> {
    pub(crate) const fn new(is_unread: fn(&T) -> bool) -> Self {
        Unread {
            is_unread,
            fresh: Vec::new(),
            aging: VecDeque::new(),
            sweep_at: SHORT,
        }
    }

    /// Adds a failure. If the one before it has been read by now, the new one replaces it, and the caller gets the old one
    /// to drop. When many errors come in a row, most are read before the next one comes.
    pub(crate) fn push(&mut self, failure: T) -> Option<T> {
        match self.fresh.last_mut() {
            Some(last) if !(self.is_unread)(last) => return Some(mem::replace(last, failure)),
            _ => self.fresh.push(failure),
        }
        None
    }

    /// Starts the grace of those that were not read within the pass.
    ///
    /// The list at most doubles before those that were read are swept out of it. So its memory is in proportion to
    /// what is unread, and each failure is checked twice on average.
    pub(crate) fn end_pass(&mut self, deadline: impl FnOnce() -> Option<Instant>) {
        // If all were read, there is no look at the clock.
        if !self.fresh.iter().any(self.is_unread) {
            return self.fresh.clear();
        }
        let deadline = deadline();
        let fresh = self.fresh.drain(..).map(|failure| (deadline, failure));
        self.aging.extend(fresh);
        if self.aging.len() >= self.sweep_at {
            self.aging.retain(|(_, failure)| (self.is_unread)(failure));
            self.sweep_at = (self.aging.len() * 2).max(SHORT);
        }
    }

    /// When the next grace is over.
    pub(crate) fn next_deadline(&mut self) -> Option<Instant> {
        while let Some((deadline, failure)) = self.aging.front() {
            if (self.is_unread)(failure) {
                return *deadline;
            }
            self.aging.pop_front();
        }
        None
    }

    /// Takes the next failure whose grace is over.
    pub(crate) fn pop_overdue(&mut self, now: Instant) -> Option<T> {
        match self.aging.front()? {
            (Some(deadline), _) if *deadline <= now => Some(self.aging.pop_front()?.1),
            _ => None,
        }
    }

    /// What is unread, in the order in which it failed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let aging = self.aging.iter().map(|(_, failure)| failure);
        let all = aging.chain(&self.fresh);
        all.filter(|failure| (self.is_unread)(failure))
    }

    /// Takes everything, in the order in which it failed.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        let Unread { aging, fresh, .. } = mem::replace(self, Unread::new(self.is_unread));
        let aging = aging.into_iter().map(|(_, failure)| failure);
        aging.chain(fresh).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    /// A failure with a name, which may have been read.
    type Failure = Rc<(&'static str, Cell<bool>)>;

    fn unread() -> Unread<Failure> {
        Unread::new(|failure| !failure.1.get())
    }

    fn failure(name: &'static str) -> Failure {
        Rc::new((name, Cell::new(false)))
    }

    #[test]
    fn what_is_read_within_the_pass_costs_no_look_at_the_clock() {
        let mut unread = unread();
        let read = failure("read");
        unread.push(Rc::clone(&read));
        read.1.set(true);
        unread.end_pass(|| unreachable!("the clock was read"));
        assert_eq!(unread.next_deadline(), None);
    }

    #[test]
    fn what_was_read_is_swept_out_so_that_the_list_is_in_proportion_to_what_is_unread() {
        let mut unread = unread();
        let kept: Vec<_> = (0..100).map(|_| failure("kept")).collect();
        kept.iter()
            .for_each(|kept| drop(unread.push(Rc::clone(kept))));
        unread.end_pass(|| None);
        for _ in 0..10_000 {
            let read = failure("read");
            unread.push(Rc::clone(&read));
            // Still unread at the end of its pass.
            unread.end_pass(|| None);
            read.1.set(true);
            assert!(
                unread.aging.len() <= 210,
                "{} in the list",
                unread.aging.len()
            );
        }
        assert_eq!(unread.iter().count(), 100);
    }

    #[test]
    fn what_was_read_makes_place_for_the_next() {
        let mut unread = unread();
        let [a, b, c] = ["a", "b", "c"].map(failure);
        assert_eq!(unread.push(Rc::clone(&a)), None);
        assert_eq!(unread.push(Rc::clone(&b)), None);
        b.1.set(true);
        assert_eq!(unread.push(Rc::clone(&c)), Some(b));
        assert_eq!(unread.take_all(), [a, c]);
    }

    #[test]
    fn what_nobody_reads_is_overdue_after_its_grace() {
        let mut unread = unread();
        let start = Instant::now();
        let end = start + Duration::from_secs(1);
        unread.push(failure("a"));
        unread.end_pass(|| Some(end));
        assert_eq!(unread.next_deadline(), Some(end));
        assert_eq!(unread.pop_overdue(start), None);
        assert_eq!(unread.pop_overdue(end), Some(failure("a")));
    }

    #[test]
    fn a_million_failures_read_late_are_not_all_kept() {
        let mut unread = unread();
        let mut most = 0;
        let mut late: VecDeque<Failure> = (0..10).map(|_| failure("late")).collect();
        for _ in 0..1_000_000_u32 {
            late.push_back(failure("late"));
            unread.push(Rc::clone(&late[10]));
            late.pop_front().unwrap().1.set(true);
            unread.end_pass(|| Some(Instant::now()));
            most = most.max(unread.aging.len());
        }
        assert!(most <= 64, "{most}");
    }
}
