//! Exercise 10.

use crate::assert_rejected;

#[test]
fn no_wrong_semaphore_is_accepted() {
    assert_rejected([
        (everybody_tries::check::check, "a newcomer does not push in"),
        (a_dropped_turn_is_lost::check::check, "the permit is lost"),
        (each_poll_queues::check::check, "the permit is lost"),
        (
            the_newest_is_served::check::check,
            "first come, first served",
        ),
    ]);
}

/// A permit that is given back is free for whoever is polled next, and that may be one who has just come.
mod everybody_tries {
    use std::cell::{Cell, RefCell};
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    #[derive(Clone)]
    pub struct Semaphore(Rc<(Cell<usize>, RefCell<Vec<Waker>>)>);

    impl Semaphore {
        pub fn new(permits: usize) -> Self {
            Semaphore(Rc::new((Cell::new(permits), RefCell::default())))
        }

        pub fn acquire(&self) -> Acquire {
            Acquire(self.clone())
        }
    }

    pub struct Acquire(Semaphore);

    impl Future for Acquire {
        type Output = Permit;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
            let (free, waiting) = &*self.0.0;
            if free.get() == 0 {
                waiting.borrow_mut().push(cx.waker().clone());
                return Poll::Pending;
            }
            free.set(free.get() - 1);
            Poll::Ready(Permit(self.0.clone()))
        }
    }

    pub struct Permit(Semaphore);

    impl Drop for Permit {
        fn drop(&mut self) {
            let (free, waiting) = &*self.0.0;
            free.set(free.get() + 1);
            waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    pub mod check {
        include!("../checks/a_semaphore.rs");
    }
}

/// What the others share: a place in the queue, which turns from a waker into a permit.
struct Permits {
    free: usize,
    waiting: std::collections::VecDeque<std::rc::Rc<std::cell::RefCell<Place>>>,
}

#[derive(Clone)]
enum Place {
    Waits(std::task::Waker),
    IsServed,
    HasGone,
}

type SharedPermits = std::rc::Rc<std::cell::RefCell<Permits>>;

fn permits(free: usize) -> SharedPermits {
    let waiting = Default::default();
    std::rc::Rc::new(std::cell::RefCell::new(Permits { free, waiting }))
}

fn serve(permits: &SharedPermits, newest_first: bool) {
    loop {
        let mut borrowed = permits.borrow_mut();
        let next = match newest_first {
            true => borrowed.waiting.pop_back(),
            false => borrowed.waiting.pop_front(),
        };
        let Some(next) = next else {
            borrowed.free += 1;
            return;
        };
        drop(borrowed);
        if let Place::Waits(waker) = next.replace(Place::IsServed) {
            return waker.wake();
        }
    }
}

fn asked(
    permits: &SharedPermits,
    place: &mut Option<std::rc::Rc<std::cell::RefCell<Place>>>,
    waker: std::task::Waker,
) -> bool {
    if let Some(place) = place {
        if let Place::Waits(kept) = &mut *place.borrow_mut() {
            *kept = waker;
            return false;
        }
        return true;
    }
    let mut permits = permits.borrow_mut();
    if permits.free > 0 {
        permits.free -= 1;
        return true;
    }
    let new = std::rc::Rc::new(std::cell::RefCell::new(Place::Waits(waker)));
    permits.waiting.push_back(new.clone());
    *place = Some(new);
    false
}

/// It is dropped after it was handed the permit, and takes the permit with it.
mod a_dropped_turn_is_lost {
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::{Place, SharedPermits, asked, permits, serve};

    #[derive(Clone)]
    pub struct Semaphore(SharedPermits);

    impl Semaphore {
        pub fn new(free: usize) -> Self {
            Semaphore(permits(free))
        }

        pub fn acquire(&self) -> Acquire {
            Acquire(self.0.clone(), None)
        }
    }

    pub struct Acquire(SharedPermits, Option<Rc<RefCell<Place>>>);

    impl Future for Acquire {
        type Output = Permit;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
            let Acquire(permits, place) = &mut *self;
            match asked(permits, place, cx.waker().clone()) {
                true => Poll::Ready(Permit(permits.clone())),
                false => Poll::Pending,
            }
        }
    }

    impl Drop for Acquire {
        fn drop(&mut self) {
            if let Some(place) = &self.1 {
                place.replace(Place::HasGone);
            }
        }
    }

    pub struct Permit(SharedPermits);

    impl Drop for Permit {
        fn drop(&mut self) {
            serve(&self.0, false);
        }
    }

    pub mod check {
        include!("../checks/a_semaphore.rs");
    }
}

/// Each poll takes one more place in the queue, and a permit that is handed to such a place is lost.
mod each_poll_queues {
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::{Place, SharedPermits, asked, permits, serve};

    #[derive(Clone)]
    pub struct Semaphore(SharedPermits);

    impl Semaphore {
        pub fn new(free: usize) -> Self {
            Semaphore(permits(free))
        }

        pub fn acquire(&self) -> Acquire {
            Acquire(self.0.clone(), None)
        }
    }

    pub struct Acquire(SharedPermits, Option<Rc<RefCell<Place>>>);

    impl Future for Acquire {
        type Output = Permit;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
            let Acquire(permits, place) = &mut *self;
            if asked(permits, place, cx.waker().clone()) {
                place.take();
                return Poll::Ready(Permit(permits.clone()));
            }
            let again = Rc::new(RefCell::new(Place::Waits(cx.waker().clone())));
            permits.borrow_mut().waiting.push_back(again);
            Poll::Pending
        }
    }

    impl Drop for Acquire {
        fn drop(&mut self) {
            if let Some(place) = self.1.take()
                && let Place::IsServed = place.replace(Place::HasGone)
            {
                serve(&self.0, false);
            }
        }
    }

    pub struct Permit(SharedPermits);

    impl Drop for Permit {
        fn drop(&mut self) {
            serve(&self.0, false);
        }
    }

    pub mod check {
        include!("../checks/a_semaphore.rs");
    }
}

/// The queue is a stack: who came first may wait for ever.
mod the_newest_is_served {
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::{Place, SharedPermits, asked, permits, serve};

    #[derive(Clone)]
    pub struct Semaphore(SharedPermits);

    impl Semaphore {
        pub fn new(free: usize) -> Self {
            Semaphore(permits(free))
        }

        pub fn acquire(&self) -> Acquire {
            Acquire(self.0.clone(), None)
        }
    }

    pub struct Acquire(SharedPermits, Option<Rc<RefCell<Place>>>);

    impl Future for Acquire {
        type Output = Permit;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
            let Acquire(permits, place) = &mut *self;
            if !asked(permits, place, cx.waker().clone()) {
                return Poll::Pending;
            }
            place.take();
            Poll::Ready(Permit(permits.clone()))
        }
    }

    impl Drop for Acquire {
        fn drop(&mut self) {
            if let Some(place) = self.1.take()
                && let Place::IsServed = place.replace(Place::HasGone)
            {
                serve(&self.0, true);
            }
        }
    }

    pub struct Permit(SharedPermits);

    impl Drop for Permit {
        fn drop(&mut self) {
            serve(&self.0, true);
        }
    }

    pub mod check {
        include!("../checks/a_semaphore.rs");
    }
}
