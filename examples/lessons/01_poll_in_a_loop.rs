//! Lesson 1: poll in a loop.
//!
//! ```sh
//! cargo run --example lesson_01_poll_in_a_loop
//! ```
//!
//! A future is a value that can be asked "are you done?". To ask is to *poll* it. It answers `Ready`, with
//! its result, or `Pending`. Between two polls it does nothing at all.
//!
//! An `async fn` makes such a value. A poll runs it to the first `.await` that answers `Pending`; the next
//! poll goes on from there. Code that polls a future until it is ready is an *executor*. This file holds
//! the smallest one: it asks again and again.
//!
//! ```text
//! block_on ──poll──► make_tea ──poll──► Countdown
//!          ◄─Pending─         ◄─Pending─
//! ```
//!
//! # What changed
//!
//! Nothing: this is where it starts.
//!
//! # Predict before you run it
//!
//! 1. `main` calls `make_tea` before it calls `block_on`. Which of the two prints "the kettle is on"?
//! 2. One countdown answers `Pending` twice, the other once. How many polls does the tea need?

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

fn main() {
    let tea = make_tea();
    println!("main has a future");
    println!("main has {}", block_on(tea));
}

async fn make_tea() -> &'static str {
    println!("    tea: the kettle is on");
    Countdown(2).await;
    println!("    tea: the water boils, now it steeps");
    Countdown(1).await;
    println!("    tea: done");
    "tea"
}

/// A future made by hand: it answers `Pending` this many times before it is ready.
struct Countdown(u32);

impl Future for Countdown {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

/// Runs a future on this thread until it is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    // What an async fn keeps between two polls may point into itself, so from its first poll on it must
    // not be moved. `pin!` promises that.
    let mut future = pin!(future);
    // A poll gives the future a waker, by which it can ask for the next poll. This loop polls without
    // being asked, so its waker does nothing.
    let mut cx = Context::from_waker(Waker::noop());
    let mut polls = 0;
    loop {
        polls += 1;
        println!("poll {polls}");
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

// # It prints
//
// ```text
// main has a future
// poll 1
//     tea: the kettle is on
// poll 2
// poll 3
//     tea: the water boils, now it steeps
// poll 4
//     tea: done
// main has tea
// ```
//
// Calling `make_tea` ran nothing of it. And four polls are enough, not five: when the first countdown is
// ready, poll 3 does not stop there but runs on to the second.
//
// # Try
//
// 1. Drop `tea` instead of running it. What is printed?
// 2. Print something in `Countdown::poll`. Which polls reach it, and which of the two countdowns?
// 3. Let the first countdown start at 4,000,000,000, take out the line that prints each poll, and watch the
//    load of your processor. It is busy with asking. Lesson 3 fixes that.
//
// # In candor
//
// `src/kernel/tasks/run_loop.rs` polls the future of `block_on` in such a loop; but it asks only when it has been woken.
//
// # Answers
//
// 1. Nothing of the tea. It has never run, so there is nothing to stop.
//
// ```diff
// -    println!("main has {}", block_on(tea));
// +    drop(tea);
// ```
//
// ```text
// main has a future
// ```
//
// 2. Polls 1 to 3 reach the first one: twice it says `Pending`, then it is ready. Poll 3 goes on to the second one, and
//    poll 4 finds it ready.
//
// ```diff
//      fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
// +        println!("    countdown: {}", self.0);
// ```
//
// ```text
// main has a future
// poll 1
//     tea: the kettle is on
//     countdown: 2
// poll 2
//     countdown: 1
// poll 3
//     countdown: 0
//     tea: the water boils, now it steeps
//     countdown: 1
// poll 4
//     countdown: 0
//     tea: done
// main has tea
// ```
//
// 3. One core is fully busy for as long as the countdown takes, and nothing is done.
