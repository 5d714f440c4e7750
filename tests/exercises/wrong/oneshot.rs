//! Exercise 6.

use crate::assert_rejected;

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
