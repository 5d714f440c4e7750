//! The run queue: which slots are waiting for a poll, oldest first.
//!
//! It is a list that runs through the slots themselves: each has a link to the one behind it. So the queue needs no
//! memory of its own and cannot overflow. A poll finds the link beside the task, which it has to load anyway.
//!
//! ```text
//!           first                    last
//!             ▼                       ▼
//! slot        5 ──link──► 1 ──link──► 7         next out: 5, then 1, then 7
//! ```
//!
//! Knows nothing of candor. The owner of the slots keeps the links.
//!
//! Lesson 5 of the course builds a small one.

/// No slot has this number.
const NONE: u32 = u32::MAX;

/// Slots waiting for a poll, oldest first.
///
/// A slot has one link, so it can be queued only once. The owner of the slots ensures that with a flag. The link
/// of the last slot means nothing.
#[derive(Debug)]
pub(crate) struct RunQueue {
    first: u32,
    /// Means nothing while the queue is empty.
    last: u32,
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        RunQueue {
            first: NONE,
            last: NONE,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Adds a slot. If another slot is returned, the caller has to make the link of that one lead to the new one.
    #[must_use]
    pub(crate) fn push(&mut self, slot: u32) -> Option<u32> {
        let last = std::mem::replace(&mut self.last, slot);
        if self.is_empty() {
            self.first = slot;
            return None;
        }
        Some(last)
    }

    /// The oldest slot. It stays in the queue.
    pub(crate) fn first(&self) -> Option<u32> {
        (!self.is_empty()).then_some(self.first)
    }

    /// Takes the oldest slot out. `link` is the link of that slot.
    pub(crate) fn drop_first(&mut self, link: u32) {
        self.first = if self.first == self.last { NONE } else { link };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Links([u32; 8]);

    impl Links {
        fn push(&mut self, queue: &mut RunQueue, slot: u32) {
            if let Some(last) = queue.push(slot) {
                self.0[last as usize] = slot;
            }
        }

        fn pop(&self, queue: &mut RunQueue) -> Option<u32> {
            let slot = queue.first()?;
            queue.drop_first(self.0[slot as usize]);
            Some(slot)
        }
    }

    #[test]
    fn what_came_first_leaves_first() {
        let (mut queue, mut links) = (RunQueue::new(), Links::default());
        for round in 0..3 {
            for slot in [5, 1, 7] {
                links.push(&mut queue, slot);
            }
            let left: Vec<_> = std::iter::from_fn(|| links.pop(&mut queue)).collect();
            assert_eq!(left, [5, 1, 7], "in round {round}");
            assert!(queue.is_empty());
        }
    }

    #[test]
    fn a_slot_may_come_back_as_soon_as_it_has_left() {
        let (mut queue, mut links) = (RunQueue::new(), Links::default());
        links.push(&mut queue, 0);
        links.push(&mut queue, 1);
        for _ in 0..3 {
            for slot in [0, 1] {
                assert_eq!(links.pop(&mut queue), Some(slot));
                links.push(&mut queue, slot);
            }
        }
    }
}
