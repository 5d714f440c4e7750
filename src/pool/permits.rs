//! Permits to run, given out in order of arrival.
//!
//! ```text
//! arrivals   0    1    2    3    4    5
//!          given given waits left waits waits
//!                        └─ the next to be given
//! ```
//!
//! Each task has a number, which is in the queue as long as it waits. A number that is not there has its permit; a task that
//! gives up removes its number.
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
    pub(super) limit: usize,
    free: Cell<usize>,
    next_number: Cell<u64>,
    /// Those that wait, in order of arrival. There are some only while no permit is free.
    queue: RefCell<BTreeMap<u64, Rc<Waiting>>>,
}

/// A permit, or a place in the queue for one. Passes the permit on when it is dropped.
pub(super) struct Permit {
    permits: Rc<Permits>,
    number: u64,
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

    /// Gives a returned permit to the one that has waited longest.
    fn pass_on(&self) {
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
        match permits.free.get() {
            0 => drop(permits.queue.borrow_mut().insert(number, Rc::default())),
            free => permits.free.set(free - 1),
        }
        let permits = Rc::clone(permits);
        Permit { permits, number }
    }

    pub(super) fn poll_granted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let queue = &self.permits.queue;
        // Not while it is borrowed: a foreign waker is cloned.
        let waiting = queue.borrow().get(&self.number).cloned();
        match waiting {
            None => Poll::Ready(()),
            Some(waiting) => waiting.poll(cx, || !queue.borrow().contains_key(&self.number)),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let place = self.permits.queue.borrow_mut().remove(&self.number);
        if place.is_none() {
            self.permits.pass_on();
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
