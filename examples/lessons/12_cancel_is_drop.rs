//! Lesson 12: cancel is drop.
//!
//! ```sh
//! cargo run --example lesson_12_cancel_is_drop
//! ```
//!
//! A future that is not polled does nothing. So to cancel it, you stop polling it, and drop it. It is not
//! asked, and it does not notice: the `.await` at which it stands never returns. Only the destructors of its
//! local variables run.
//!
//! `select` polls two futures until one of them is ready, and drops the other one. A *timeout* is a `select` with a
//! sleep.
//!
//! ```text
//! timeout ─ select ─┬─ toast ──Pending──Pending──┐
//!                   └─ sleep ──Pending──Ready────┼─► None; the toast is dropped where it stands
//!                                                ┘
//! ```
//!
//! What the future has done stays done, and what it was about to do is not done. So ask at each `.await`: what
//! if this is the last line that runs? Clean up in a destructor, and keep what must not be lost somewhere else.
//!
//! # What changed
//!
//! No task and no queue: `block_on` is that of lesson 1, and each of its polls is one minute.
//!
//! # Predict before you run it
//!
//! 1. The toast takes three minutes, and is cancelled after one. Does `wrong::toast` switch the toaster off?
//! 2. `wrong::serve` takes an order from the list, and then needs three minutes. It is cancelled after one. Which order is
//!    served next?
//! 3. Two guards are dropped with a cancelled future. In which order?

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn main() {
    let is_on = Cell::new(false);
    block_on(timeout(1, wrong::toast(&is_on)));
    println!("wrong: the toaster is on: {}", is_on.replace(false));
    block_on(timeout(1, right::toast(&is_on)));
    println!("right: the toaster is on: {}", is_on.get());

    let orders = || RefCell::new(VecDeque::from(["tea", "egg"]));
    let (list, too) = (orders(), orders());
    block_on(timeout(1, wrong::serve(&list)));
    println!("wrong: next is {:?}", block_on(wrong::serve(&list)));
    block_on(timeout(1, right::serve(&too)));
    println!("right: next is {:?}", block_on(right::serve(&too)));

    block_on(timeout(1, async {
        let _first = Guard("first");
        let _second = Guard("second");
        sleep(3).await;
        println!("    this line does not run");
    }));
}

mod wrong {
    use super::*;

    pub async fn toast(is_on: &Cell<bool>) {
        is_on.set(true);
        sleep(3).await;
        is_on.set(false);
    }

    pub async fn serve(orders: &RefCell<VecDeque<&'static str>>) -> Option<&'static str> {
        let order = orders.borrow_mut().pop_front()?;
        sleep(3).await;
        Some(order)
    }
}

mod right {
    use super::*;

    /// The destructor runs in both cases: at the end, and when the future is dropped.
    struct SwitchOff<'a>(&'a Cell<bool>);

    impl Drop for SwitchOff<'_> {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }

    pub async fn toast(is_on: &Cell<bool>) {
        is_on.set(true);
        let _switch_off = SwitchOff(is_on);
        sleep(3).await;
    }

    /// Takes the order from the list at the end, when no `.await` follows.
    pub async fn serve(orders: &RefCell<VecDeque<&'static str>>) -> Option<&'static str> {
        orders.borrow().front()?;
        sleep(3).await;
        orders.borrow_mut().pop_front()
    }
}

/// Says when it is dropped.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        println!("    drop: {}", self.0);
    }
}

/// What became ready first.
enum Either<A, B> {
    First(A),
    Second(B),
}

/// Polls both until one is ready. The other one is dropped at the end of this function.
async fn select<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> Either<A, B> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

async fn timeout<T>(minutes: u32, future: impl Future<Output = T>) -> Option<T> {
    match select(future, sleep(minutes)).await {
        Either::First(output) => Some(output),
        Either::Second(()) => None,
    }
}

fn sleep(minutes: u32) -> impl Future<Output = ()> {
    let mut left = minutes;
    poll_fn(move |_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

// # It prints
//
// ```text
// wrong: the toaster is on: true
// right: the toaster is on: false
// wrong: next is Some("egg")
// right: next is Some("tea")
//     drop: second
//     drop: first
// ```
//
// The wrong toast is dropped at its `.await`, before the line that switches off. The wrong order is lost: it is no
// longer in the list, and the future that had it is gone. The guards are dropped as at the end of any block, the last one
// first.
//
// # What a dropped future leaves behind
//
// - *What it has changed*, as above.
// - *Its wakers*, wherever it left them. They are called some day, and the task gets a spurious poll. A future that keeps
//   its waker in a list should take it out in its destructor.
// - *Other tasks.* A task that it has spawned goes on: the future had the handle, not the task. To cancel the task as well, a
//   guard has to abort it.
// - *What runs elsewhere.* A thread, or a request that the kernel has been given, does not notice. It has to be asked to stop, and
//   must not write into memory of the future that is gone.
//
// A destructor cannot `.await`. If the clean-up has to wait, give it to a task that lives on, or do it before the
// last `.await`.
//
// A task is cancelled in the same way. `abort` drops the future that the table of tasks owns. In lesson 6 that is
// `slots[index].future = None`.
//
// # Try
//
// 1. Let `select` poll the second future first. A toast of three minutes has a timeout of three minutes: what changes?
// 2. Call `right::serve` twice at the same time, each with the same list. Which order is lost now, and which one is
//    served twice?
// 3. Give the timeout `&mut future` of a pinned future instead of the future itself. What happens with the toast, when
//    the timeout is over?
//
// # In candor
//
// `src/entry/ending.rs` cancels what is left when an executor ends. `src/kernel/time/sleep.rs` has the destructor that takes
// its timer out of the wheel. `src/time/timeout.rs` is the timeout; it polls the future before the deadline.
//
// # Answers
//
// 1. Both are ready at the same poll. Now the timeout wins, and the toast is thrown away though it is done. So a timeout
//    should ask its future first.
// 2. Both look at the tea. The first one takes it off the list, and the second one takes the egg off, though it has
//    prepared tea. It needs an order that is taken and can be given back: a guard, whose destructor puts it back to the front.
//
// ```diff
// -        orders.borrow().front()?;
// -        sleep(3).await;
// -        orders.borrow_mut().pop_front()
// +        struct Taken<'a>(&'a RefCell<VecDeque<&'static str>>, Option<&'static str>);
// +
// +        impl Drop for Taken<'_> {
// +            fn drop(&mut self) {
// +                if let Some(order) = self.1.take() {
// +                    self.0.borrow_mut().push_front(order);
// +                }
// +            }
// +        }
// +
// +        let order = orders.borrow_mut().pop_front()?;
// +        let mut taken = Taken(orders, Some(order));
// +        sleep(3).await;
// +        taken.1.take()
// ```
//
// ```text
// wrong: the toaster is on: true
// right: the toaster is on: false
// wrong: next is Some("egg")
// right: next is Some("tea")
// ```
//
// 3. It is not dropped, since only the reference is. It stands still, and goes on when it is polled again: the timeout
//    becomes a "not yet".
//
// ```diff
// -    block_on(timeout(1, right::toast(&is_on)));
// +    let mut toast = pin!(right::toast(&is_on));
// +    block_on(timeout(1, toast.as_mut()));
// +    println!("not yet: the toaster is on: {}", is_on.get());
// +    block_on(toast);
// ```
//
// ```text
// wrong: the toaster is on: true
// not yet: the toaster is on: true
// right: the toaster is on: false
// ```
