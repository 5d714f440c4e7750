//! Exercise 5.

use crate::assert_rejected;

#[test]
fn no_wrong_event_is_accepted() {
    assert_rejected([
        (
            keeps_the_first_waker::check::check,
            "the task that waits for it sleeps on",
        ),
        (the_list_grows::check::check, "makes the list longer"),
        (one_waiter_only::check::check, "one of two tasks"),
        (
            asks_again_and_again::check::check,
            "nobody has woken the two tasks yet",
        ),
        (forgets_that_it_is_set::check::check, "sleeps on"),
    ]);
}

/// The event as it was given: the flag says that *a* waker is in the list, but not that it is that of the last poll.
mod keeps_the_first_waker {
    use std::cell::{Cell, RefCell};
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    #[derive(Clone, Default)]
    pub struct Event(Rc<(Cell<bool>, RefCell<Vec<Waker>>)>);

    impl Event {
        pub fn set(&self) {
            self.0.0.set(true);
            self.0.1.take().into_iter().for_each(Waker::wake);
        }

        pub fn wait(&self) -> Wait {
            Wait(self.clone(), false)
        }
    }

    pub struct Wait(Event, bool);

    impl Future for Wait {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.0.0.0.get() {
                return Poll::Ready(());
            }
            if !self.1 {
                self.1 = true;
                self.0.0.1.borrow_mut().push(cx.waker().clone());
            }
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/an_event.rs");
    }
}

/// Each poll adds a waker, so a future that is polled often, for other reasons, makes the list longer and longer.
mod the_list_grows {
    use std::cell::{Cell, RefCell};
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    #[derive(Clone, Default)]
    pub struct Event(Rc<(Cell<bool>, RefCell<Vec<Waker>>)>);

    impl Event {
        pub fn set(&self) {
            self.0.0.set(true);
            self.0.1.take().into_iter().for_each(Waker::wake);
        }

        pub fn wait(&self) -> Wait {
            Wait(self.clone())
        }
    }

    pub struct Wait(Event);

    impl Future for Wait {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.0.0.0.get() {
                return Poll::Ready(());
            }
            self.0.0.1.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/an_event.rs");
    }
}

/// There is one place for a waker, so the second task that waits pushes out the first.
mod one_waiter_only {
    use std::cell::{Cell, RefCell};
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    #[derive(Clone, Default)]
    pub struct Event(Rc<(Cell<bool>, RefCell<Option<Waker>>)>);

    impl Event {
        pub fn set(&self) {
            self.0.0.set(true);
            self.0.1.take().into_iter().for_each(Waker::wake);
        }

        pub fn wait(&self) -> Wait {
            Wait(self.clone())
        }
    }

    pub struct Wait(Event);

    impl Future for Wait {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.0.0.0.get() {
                return Poll::Ready(());
            }
            *self.0.0.1.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/an_event.rs");
    }
}

/// It keeps no waker, and wakes itself in each poll instead: no wake is lost, and the processor never rests.
mod asks_again_and_again {
    use std::cell::Cell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    #[derive(Clone, Default)]
    pub struct Event(Rc<Cell<bool>>);

    impl Event {
        pub fn set(&self) {
            self.0.set(true);
        }

        pub fn wait(&self) -> Wait {
            Wait(self.clone())
        }
    }

    pub struct Wait(Event);

    impl Future for Wait {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.0.0.get() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/an_event.rs");
    }
}

/// The event is over when it has woken those who wait: the woken task asks, and finds that nothing has happened.
mod forgets_that_it_is_set {
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    #[derive(Clone, Default)]
    pub struct Event(Rc<RefCell<Vec<Waker>>>);

    impl Event {
        pub fn set(&self) {
            self.0.take().into_iter().for_each(Waker::wake);
        }

        pub fn wait(&self) -> Wait {
            Wait(self.clone())
        }
    }

    pub struct Wait(Event);

    impl Future for Wait {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.0.0.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/an_event.rs");
    }
}
