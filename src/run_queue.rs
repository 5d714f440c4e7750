//! The run queue: which slots are waiting for a poll, oldest first.
//!
//! A ring of slot numbers. A slot is in it at most once, so a ring with room for every slot there is
//! can never overflow; it grows when the table of tasks grows, and `push` need not check.
//!
//! ```text
//! ring   [ 7 | 2 | . | . | . | . | 5 | 1 ]
//!              ▲               ▲
//!            tail            head          next out: 5, then 1, 7, 2
//! ```
//!
//! Knows nothing of candor.

/// Slots waiting for a poll, oldest first.
///
/// Holds at most one entry a slot; its owner sees to that with the slot's `queued` flag.
#[derive(Debug, Default)]
pub(crate) struct RunQueue {
    /// Its length is zero or a power of two, so that a position wraps with a mask.
    ring: Vec<u32>,
    /// How many entries were ever taken out; the position of the oldest, before wrapping.
    head: usize,
    /// How many entries were ever put in.
    tail: usize,
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        RunQueue {
            ring: Vec::new(),
            head: 0,
            tail: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Makes room for `slots` entries in all.
    pub(crate) fn reserve(&mut self, slots: usize) {
        if slots > self.ring.len() {
            let waiting: Vec<u32> = std::iter::from_fn(|| self.pop()).collect();
            self.ring = vec![0; slots.next_power_of_two()];
            (self.head, self.tail) = (0, waiting.len());
            self.ring[..waiting.len()].copy_from_slice(&waiting);
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, slot: u32) {
        debug_assert!(
            self.len() < self.ring.len(),
            "the ring has room for every slot, each once"
        );
        let position = self.tail & self.ring.len().wrapping_sub(1);
        self.ring[position] = slot;
        self.tail = self.tail.wrapping_add(1);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let position = self.head & self.ring.len().wrapping_sub(1);
        self.head = self.head.wrapping_add(1);
        Some(self.ring[position])
    }

    /// Moves the `n`th oldest entry to the front, and the front to its place.
    pub(crate) fn bring_to_front(&mut self, n: usize) {
        debug_assert!(n < self.len(), "only what is waiting can come first");
        let mask = self.ring.len().wrapping_sub(1);
        self.ring
            .swap(self.head & mask, self.head.wrapping_add(n) & mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_leaves_first_also_round_the_corner() {
        let mut queue = RunQueue::new();
        queue.reserve(4);
        for lap in 0..10 {
            for slot in 0..3 {
                queue.push(lap * 3 + slot);
            }
            assert_eq!(
                [queue.pop(), queue.pop(), queue.pop()],
                [0, 1, 2].map(|slot| Some(lap * 3 + slot))
            );
        }
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn growing_keeps_the_order_of_a_ring_that_has_wrapped() {
        let mut queue = RunQueue::new();
        queue.reserve(4);
        for slot in [1, 2, 3] {
            queue.push(slot);
        }
        queue.pop();
        queue.push(4);
        queue.push(5);
        queue.reserve(5);
        assert_eq!(
            std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(),
            [2, 3, 4, 5]
        );
    }

    #[test]
    fn bringing_one_to_the_front_loses_none() {
        let mut queue = RunQueue::new();
        queue.reserve(4);
        for slot in [1, 2, 3] {
            queue.push(slot);
        }
        queue.bring_to_front(2);
        assert_eq!(
            std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(),
            [3, 2, 1]
        );
    }
}
