//! What other threads ask an executor to do: a queue that can be closed.
//!
//! ```text
//! any thread: push ──► [ errand, errand, … ] ──► take, all at once     the owner
//!             push ──► closed ──► refused, and given back
//! ```
//!
//! A wake may be lost when its executor has ended. An errand may not: its sender waits for an answer. So the end is
//! exact. A push comes either before the close, and the owner gets the errand, or after it, and the sender gets it
//! back. A lock ensures that. It is held for a few instructions, in which no user code runs.
//!
//! Knows nothing of what an errand is.

use std::sync::PoisonError;

use crate::kernel::tasks::inbox::std_or_loom::Mutex;

/// Errands that the owner has not taken yet, oldest first.
pub(crate) struct Errands<T> {
    /// `None` once it is closed.
    waiting: Mutex<Option<Vec<T>>>,
}

impl<T> Errands<T> {
    pub(crate) fn new() -> Self {
        Errands {
            waiting: Mutex::new(Some(Vec::new())),
        }
    }

    /// Adds an errand, or gives it back if the queue is closed.
    pub(crate) fn push(&self, errand: T) -> Result<(), T> {
        match &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(waiting) => {
                waiting.push(errand);
                Ok(())
            }
            None => Err(errand),
        }
    }

    /// Whether there is no errand to take.
    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_ref().is_none_or(Vec::is_empty)
    }

    /// Takes all errands that wait, in exchange for an empty list, whose memory is used again.
    pub(crate) fn take(&self, empty: Vec<T>) -> Vec<T> {
        debug_assert!(empty.is_empty(), "what is given here would be an errand");
        match &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(waiting) => std::mem::replace(waiting, empty),
            None => empty,
        }
    }

    /// Refuses every errand from now on, and returns those that came before.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.take().unwrap_or_default()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn errands_are_taken_all_at_once_and_in_order() {
        let errands = Errands::new();
        assert!(errands.is_empty());
        for number in 1..=3 {
            assert_eq!(errands.push(number), Ok(()));
        }
        assert!(!errands.is_empty());
        assert_eq!(errands.take(Vec::new()), [1, 2, 3]);
        assert!(errands.is_empty() && errands.take(Vec::new()).is_empty());
    }

    #[test]
    fn the_memory_of_a_list_that_is_given_back_is_used_again() {
        let errands = Errands::new();
        errands.take(Vec::with_capacity(100));
        errands.push(1).unwrap();
        assert!(errands.take(Vec::new()).capacity() >= 100);
    }

    #[test]
    fn what_came_before_the_close_is_given_out_and_what_comes_after_is_given_back() {
        let errands = Errands::new();
        errands.push(1).unwrap();
        assert_eq!(errands.close(), [1]);
        assert_eq!(errands.push(2), Err(2));
        assert!(errands.is_empty());
        assert!(errands.take(Vec::new()).is_empty() && errands.close().is_empty());
    }
}
