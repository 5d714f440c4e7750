//! Permits to run, given out in order of arrival.
//!
//! ```text
//! arrivals   0    1    2    3    4    5
//!          given given waits left waits waits
//!                        └─ the next to be given
//! ```
//!
//! Each waiting task has a number, which is in the queue as long as it waits. A number that is not there has its
//! permit; a task that gives up removes its number.
//!
//! Of candor, it knows only how to keep a waker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::group::waiting::Waiting;

/// At most `limit` permits are out at any time.
pub(super) struct Permits {
    limit: usize,
    free: Cell<usize>,
    next_number: Cell<u64>,
    /// Those that wait, in order of arrival. There are some only while no permit is free.
    queue: RefCell<BTreeMap<u64, Rc<Waiting>>>,
}

/// A permit, or a place in the queue for one. Passes the permit on when it is dropped.
pub(super) struct Permit {
    /// `None` once it was handed over.
    permits: Option<Rc<Permits>>,
    number: u64,
    waiting: Rc<Waiting>,
}

impl Permits {
    pub(super) fn new(limit: usize) -> Self {
        Permits {
            limit,
            free: Cell::new(limit),
            next_number: Cell::new(0),
            queue: RefCell::default(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Gives a returned permit to the one that has waited longest.
    pub(super) fn pass_on(&self) {
        let first = self.queue.borrow_mut().pop_first();
        match first {
            None => self.free.set(self.free.get() + 1),
            Some((_, waiting)) => waiting.wake(),
        }
    }
}

impl Permit {
    /// Takes a free permit, or the last place in the queue.
    pub(super) fn ask(permits: &Rc<Permits>) -> Self {
        let number = permits.next_number.get();
        permits.next_number.set(number + 1);
        let waiting = Rc::new(Waiting::default());
        match permits.free.get() {
            0 => {
                let waiting = Rc::clone(&waiting);
                permits.queue.borrow_mut().insert(number, waiting);
            }
            free => permits.free.set(free - 1),
        }
        Permit {
            permits: Some(Rc::clone(permits)),
            number,
            waiting,
        }
    }

    pub(super) fn poll_granted(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.poll_uncounted(cx, || !self.is_waiting())
    }

    /// Gives the permit to an owner that will pass it on.
    pub(super) fn hand_over(mut self) {
        debug_assert!(
            !self.is_waiting(),
            "only what was granted can be handed over"
        );
        self.permits = None;
    }

    fn is_waiting(&self) -> bool {
        let is_in = |permits: &Rc<Permits>| permits.queue.borrow().contains_key(&self.number);
        self.permits.as_ref().is_some_and(is_in)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permits) = &self.permits else { return };
        let place = permits.queue.borrow_mut().remove(&self.number);
        if place.is_none() {
            permits.pass_on();
        }
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.limit - self.free.get();
        write!(f, "{running} of {} running", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn is_granted(permit: &Permit) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        permit.poll_granted(cx).is_ready()
    }

    #[test]
    fn permits_are_given_in_order_of_arrival() {
        let permits = Rc::new(Permits::new(1));
        let [a, b, c] = [(); 3].map(|()| Permit::ask(&permits));
        assert_eq!([&a, &b, &c].map(is_granted), [true, false, false]);
        drop(a);
        assert_eq!([&b, &c].map(is_granted), [true, false]);
        drop((b, c));
        assert!(is_granted(&Permit::ask(&permits)));
    }

    #[test]
    fn a_place_that_is_given_up_is_passed_over_and_leaves_nothing() {
        let permits = Rc::new(Permits::new(1));
        let [a, b, c, d] = [(); 4].map(|()| Permit::ask(&permits));
        drop((b, c));
        assert_eq!(permits.queue.borrow().len(), 1);
        drop(a);
        assert!(is_granted(&d));
        drop(d);
        assert_eq!(permits.free.get(), 1);
    }

    #[test]
    fn a_permit_that_was_never_polled_is_passed_on_as_well() {
        let permits = Rc::new(Permits::new(1));
        let [a, b, c] = [(); 3].map(|()| Permit::ask(&permits));
        drop(a);
        drop(b);
        assert!(is_granted(&c));
    }
}
