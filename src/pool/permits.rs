//! Permits to run, given out in order of arrival.
//!
//! ```text
//! arrivals   0    1    2    3    4    5
//!          given given  [ waits, left, waits, waits ]
//!                         └─ first_waiting = 2
//! ```
//!
//! Who waits has a number. Numbers are served in order, so one below `first_waiting` has its permit, and
//! one that leaves the queue marks its place, which is passed over when its turn comes.
//!
//! Knows nothing of candor but how it keeps a waker.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::waker::Waiter;

/// So many permits there are, and those who wait for one.
pub(super) struct Permits {
    limit: usize,
    free: Cell<usize>,
    /// The number of the front of the queue.
    first_waiting: Cell<u64>,
    queue: RefCell<VecDeque<Place>>,
}

enum Place {
    Waits(Option<Waiter>),
    Left,
}

/// The right to run, or a place in the queue for it. Dropping it lets the next one run.
pub(super) struct Permit {
    /// `None` once it was handed over.
    permits: Option<Rc<Permits>>,
    /// `None` for one that was there at once.
    number: Option<u64>,
}

impl Permits {
    pub(super) fn new(limit: usize) -> Self {
        Permits {
            limit,
            free: Cell::new(limit),
            first_waiting: Cell::new(0),
            queue: RefCell::new(VecDeque::new()),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Hands a permit to the first in the queue, or keeps it.
    pub(super) fn pass_on(&self) {
        loop {
            let place = self.queue.borrow_mut().pop_front();
            let Some(place) = place else {
                self.free.set(self.free.get() + 1);
                return;
            };
            self.first_waiting.set(self.first_waiting.get() + 1);
            if let Place::Waits(waker) = place {
                if let Some(waker) = waker {
                    waker.wake();
                }
                return;
            }
        }
    }
}

impl Permit {
    /// Takes a permit, or the last place in the queue.
    pub(super) fn ask(permits: &Rc<Permits>) -> Self {
        let mut queue = permits.queue.borrow_mut();
        let number = if permits.free.get() > 0 {
            debug_assert!(queue.is_empty(), "nobody waits while a permit is free");
            permits.free.set(permits.free.get() - 1);
            None
        } else {
            queue.push_back(Place::Waits(None));
            Some(permits.first_waiting.get() + queue.len() as u64 - 1)
        };
        drop(queue);
        Permit {
            permits: Some(Rc::clone(permits)),
            number,
        }
    }

    pub(super) fn poll_granted(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.place() {
            None => Poll::Ready(()),
            Some(place) => {
                let waker = Waiter::of(cx.waker());
                let permits = self
                    .permits
                    .as_ref()
                    .expect("who waits has handed nothing over");
                permits.queue.borrow_mut()[place] = Place::Waits(Some(waker));
                Poll::Pending
            }
        }
    }

    /// Gives the permit to somebody who will pass it on.
    pub(super) fn hand_over(mut self) {
        self.permits = None;
    }

    /// The place in the queue; `None` for who has the permit.
    fn place(&self) -> Option<usize> {
        let permits = self.permits.as_ref()?;
        let ahead = self.number?.checked_sub(permits.first_waiting.get())?;
        Some(ahead as usize)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permits) = &self.permits else { return };
        match self.place() {
            None => permits.pass_on(),
            Some(place) => {
                let left = Place::Left;
                let waker = std::mem::replace(&mut permits.queue.borrow_mut()[place], left);
                drop(waker);
            }
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
    fn who_leaves_the_queue_is_passed_over() {
        let permits = Rc::new(Permits::new(1));
        let [a, b, c, d] = [(); 4].map(|()| Permit::ask(&permits));
        drop((b, c));
        drop(a);
        assert!(is_granted(&d));
        drop(d);
        assert_eq!(permits.free.get(), 1);
    }

    #[test]
    fn who_has_a_permit_and_was_never_polled_passes_it_on_as_well() {
        let permits = Rc::new(Permits::new(1));
        let [a, b, c] = [(); 3].map(|()| Permit::ask(&permits));
        drop(a);
        drop(b);
        assert!(is_granted(&c));
    }
}
