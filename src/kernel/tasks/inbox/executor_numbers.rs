//! Which inbox has which number, and which numbers are free.
//!
//! An inbox is never freed, so its place in the table is set once.
//!
//! Knows nothing of what an inbox is for.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{OnceLock, PoisonError};

use crate::kernel::tasks::inbox::Inbox;

/// One level of the table below: the inboxes of 256 neighbouring numbers.
pub(super) type Page = [OnceLock<&'static Inbox>; 256];

/// All inboxes that were ever made, by number. Two levels, because only few of the 65,536 are ever needed.
pub(super) static TABLE: [OnceLock<Box<Page>>; 256] = [const { OnceLock::new() }; 256];

/// The numbers that can be given out. Std's lock even under loom: loom models only what wakes touch.
static NUMBERS: std::sync::Mutex<Numbers> = std::sync::Mutex::new(ALL_UNUSED);

pub(super) fn with_numbers<R>(f: impl FnOnce(&mut Numbers) -> R) -> R {
    f(&mut NUMBERS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The place of the inbox with this number, which may still be empty.
pub(super) fn place_of(number: u16) -> &'static OnceLock<&'static Inbox> {
    let [page, line] = number.to_be_bytes().map(usize::from);
    &TABLE[page].get_or_init(|| Box::new([const { OnceLock::new() }; 256]))[line]
}

/// The executor numbers that nobody uses.
pub(super) struct Numbers {
    /// Oldest first, so that a number is unused as long as possible before its stale wakers reach a
    /// new executor.
    returned: VecDeque<u16>,
    never_used: RangeInclusive<u16>,
}

const ALL_UNUSED: Numbers = Numbers {
    returned: VecDeque::new(),
    never_used: RangeInclusive::new(0, u16::MAX),
};

impl Numbers {
    pub(super) fn claim(&mut self) -> Option<u16> {
        self.returned.pop_front().or_else(|| self.never_used.next())
    }

    pub(super) fn give_back(&mut self, number: u16) {
        self.returned.push_back(number);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    impl Numbers {
        /// Whether this number was given back.
        pub(in crate::kernel::tasks::inbox) fn is_resting(&self, number: u16) -> bool {
            self.returned.contains(&number)
        }
    }

    #[test]
    fn numbers_are_recycled_oldest_first_and_before_new_ones() {
        let mut numbers = ALL_UNUSED;
        assert_eq!(
            [(); 3].map(|()| numbers.claim()),
            [Some(0), Some(1), Some(2)]
        );
        numbers.give_back(1);
        numbers.give_back(0);
        assert_eq!(
            [(); 3].map(|()| numbers.claim()),
            [Some(1), Some(0), Some(3)]
        );
    }

    #[test]
    fn there_are_65536_numbers_and_no_more() {
        let mut numbers = ALL_UNUSED;
        let claimed = std::iter::from_fn(|| numbers.claim()).count();
        assert_eq!((claimed, numbers.claim()), (65_536, None));
        numbers.give_back(7);
        assert_eq!(numbers.claim(), Some(7));
    }
}
