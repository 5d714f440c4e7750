//! Exercises 5 and 6.

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

#[test]
fn no_wrong_oneshot_channel_is_accepted() {
    assert_rejected([
        (
            never_wakes::check::check,
            "a value was sent, but the receiver sleeps on",
        ),
        (
            a_lost_sender_is_silent::check::check,
            "the sender is gone, but the receiver sleeps on",
        ),
        (
            the_drop_takes_the_value::check::check,
            "before the receiver was polled",
        ),
        (
            the_first_waker_stays::check::check,
            "polled the receiver last",
        ),
    ]);
}

/// A channel with what most wrong answers share: the value, the waker, and whether there is a sender.
struct Shared<T> {
    value: std::cell::Cell<Option<T>>,
    receiver: std::cell::RefCell<Option<std::task::Waker>>,
    has_sender: std::cell::Cell<bool>,
}

impl<T> Shared<T> {
    fn new() -> std::rc::Rc<Self> {
        std::rc::Rc::new(Shared {
            value: Default::default(),
            receiver: Default::default(),
            has_sender: std::cell::Cell::new(true),
        })
    }

    fn wake(&self) {
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }

    fn received(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<T>> {
        let value = self.value.take();
        if value.is_some() || !self.has_sender.get() {
            return std::task::Poll::Ready(value);
        }
        self.receiver.replace(Some(cx.waker().clone()));
        std::task::Poll::Pending
    }
}

/// The value is there, but the task that waits for it does not hear of it.
mod never_wakes {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::Shared;

    pub struct Sender<T>(Rc<Shared<T>>);
    pub struct Receiver<T>(Rc<Shared<T>>);

    pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
        let shared = Shared::new();
        (Sender(shared.clone()), Receiver(shared))
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) {
            self.0.value.set(Some(value));
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Option<T>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            self.0.received(cx)
        }
    }

    pub mod check {
        include!("../checks/a_oneshot_channel.rs");
    }
}

/// Only `send` wakes. A sender that is dropped leaves the receiver waiting.
mod a_lost_sender_is_silent {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::Shared;

    pub struct Sender<T>(Rc<Shared<T>>);
    pub struct Receiver<T>(Rc<Shared<T>>);

    pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
        let shared = Shared::new();
        (Sender(shared.clone()), Receiver(shared))
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) {
            self.0.value.set(Some(value));
            self.0.wake();
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Option<T>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            self.0.received(cx)
        }
    }

    pub mod check {
        include!("../checks/a_oneshot_channel.rs");
    }
}

/// `send` takes the sender, so its destructor runs as well, and says that there is no value.
mod the_drop_takes_the_value {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::Shared;

    pub struct Sender<T>(Rc<Shared<T>>);
    pub struct Receiver<T>(Rc<Shared<T>>);

    pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
        let shared = Shared::new();
        (Sender(shared.clone()), Receiver(shared))
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) {
            self.0.value.set(Some(value));
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.value.set(None);
            self.0.has_sender.set(false);
            self.0.wake();
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Option<T>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            self.0.received(cx)
        }
    }

    pub mod check {
        include!("../checks/a_oneshot_channel.rs");
    }
}

/// The receiver was polled by one task and then moved to another, but the first one is woken.
mod the_first_waker_stays {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll};

    use super::Shared;

    pub struct Sender<T>(Rc<Shared<T>>);
    pub struct Receiver<T>(Rc<Shared<T>>);

    pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
        let shared = Shared::new();
        (Sender(shared.clone()), Receiver(shared))
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) {
            self.0.value.set(Some(value));
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.has_sender.set(false);
            self.0.wake();
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Option<T>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            if !self.0.has_sender.get() {
                return Poll::Ready(self.0.value.take());
            }
            let mut receiver = self.0.receiver.borrow_mut();
            receiver.get_or_insert_with(|| cx.waker().clone());
            Poll::Pending
        }
    }

    pub mod check {
        include!("../checks/a_oneshot_channel.rs");
    }
}
