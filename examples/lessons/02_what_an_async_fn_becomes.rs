//! Lesson 2: what an async fn becomes.
//!
//! ```sh
//! cargo run --example lesson_02_what_an_async_fn_becomes
//! ```
//!
//! The compiler turns an `async fn` into an enum with a `poll`. There is one state for each `.await` at which
//! it can stand, and one for the start. A state holds what is needed after its `.await`: the future that is
//! awaited, and the local variables that are still in use.
//!
//! ```text
//! Start ──► Heating(Countdown) ──► Steeping(Countdown) ──► Done
//!             Pending: stay here     Pending: stay here
//! ```
//!
//! A local variable may be a reference to another local variable. Then a state holds a reference *into
//! itself*. If the state is moved, that reference still points to the old place. So such a future must not be
//! moved after its first poll. This is what `Pin` is for: a `Pin` gives nobody a `&mut` to its value, and
//! without a `&mut` nobody can move the value away. A type without such references does not mind. It is
//! `Unpin`, and then the `Pin` gives the `&mut` out.
//!
//! # What changed
//!
//! The tea of lesson 1 is an enum that is written by hand. `block_on` is the same, and calls the same `poll`.
//! After that, `Pinned` is a small `Pin`.
//!
//! # Predict before you run it
//!
//! 1. What does `block_on` print for the enum that it did not print for the `async fn` of lesson 1?
//! 2. `Recipe` keeps the address of one of its own steps. Is the address still right when the recipe has been
//!    moved into a box? And if it is pinned in a box, and the box is moved?
//! 3. At the end of this file is a program that does not compile. Which line is refused, and why?

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::mem;
use std::pin::{Pin, pin};
use std::ptr;
use std::task::{Context, Poll, Waker, ready};

fn main() {
    let tea = MakeTea::Start;
    println!("main has a future");
    println!("main has {}", block_on(tea));

    let recipe = Recipe::begin();
    recipe.find_first_step();
    println!("not pinned: {}", recipe.points_into_itself());
    let moved = Box::new(recipe);
    println!("not pinned, moved: {}", moved.points_into_itself());

    let recipe = Pinned::new(Recipe::begin());
    recipe.get().find_first_step();
    println!("pinned: {}", recipe.get().points_into_itself());
    let moved = Box::new(recipe);
    println!("pinned, pin moved: {}", moved.get().points_into_itself());

    let mut countdown = Pinned::new(Countdown(3));
    let taken = mem::replace(countdown.get_mut(), Countdown(0));
    println!("a countdown is Unpin: {} is moved out", taken.0);
}

/// What the compiler makes of `make_tea` in lesson 1, as far as one can write it by hand.
enum MakeTea {
    Start,
    Heating(Countdown),
    Steeping(Countdown),
    Done,
}

impl Future for MakeTea {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            *self = match &mut *self {
                MakeTea::Start => {
                    println!("    tea: the kettle is on");
                    MakeTea::Heating(Countdown(2))
                }
                MakeTea::Heating(countdown) => {
                    // `ready!` returns from here while it is `Pending`. This is what `.await` does.
                    ready!(Pin::new(countdown).poll(cx));
                    println!("    tea: the water boils, now it steeps");
                    MakeTea::Steeping(Countdown(1))
                }
                MakeTea::Steeping(countdown) => {
                    ready!(Pin::new(countdown).poll(cx));
                    println!("    tea: done");
                    *self = MakeTea::Done;
                    return Poll::Ready("tea");
                }
                MakeTea::Done => panic!("it has been ready already"),
            };
        }
    }
}

/// The state of an `async fn` that walks along a list of its own: it borrows from itself.
struct Recipe {
    steps: [u32; 2],
    /// A reference to a field beside it cannot be written by hand, so this is a bare address.
    current: Cell<*const u32>,
    /// Takes `Unpin` away from this type. The compiler does the same to what it makes of an `async fn`.
    _pinned: PhantomPinned,
}

impl Recipe {
    fn begin() -> Self {
        Recipe {
            steps: [2, 1],
            current: Cell::new(ptr::null()),
            _pinned: PhantomPinned,
        }
    }

    fn find_first_step(&self) {
        self.current.set(self.steps.as_ptr());
    }

    fn points_into_itself(&self) -> bool {
        self.steps.as_ptr_range().contains(&self.current.get())
    }
}

/// `Pin` in ten lines: a value that nobody can move any more. It lies in a box, and only a `&T` leads to it.
struct Pinned<T>(Box<T>);

impl<T> Pinned<T> {
    fn new(value: T) -> Self {
        Pinned(Box::new(value))
    }

    fn get(&self) -> &T {
        &self.0
    }
}

impl<T: Unpin> Pinned<T> {
    /// With a `&mut T`, `mem::replace` can move the value out. A type that is `Unpin` does not mind that.
    fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
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

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
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
// not pinned: true
// not pinned, moved: false
// pinned: true
// pinned, pin moved: true
// a countdown is Unpin: 3 is moved out
// ```
//
// The enum prints what the `async fn` printed. A recipe that is moved still has the address of its old place,
// where there is no recipe any more. To read through that address would be undefined behaviour. If it is
// pinned, only the pointer to it moves, and the recipe stays where it is.
//
// # It does not compile
//
// ```rust
// fn main() {
//     let mut tea = Box::pin(make_tea());
//     let inside = tea.as_mut().get_mut();
//     let moved = std::mem::replace(inside, make_tea());
//     drop(moved);
// }
//
// async fn make_tea() {}
// ```
//
// ```text
// error[E0277]: `{async fn body of make_tea()}` cannot be unpinned
//  3 |     let inside = tea.as_mut().get_mut();
// ```
//
// The third line asks the `Pin` of std for a `&mut`. With it, the fourth line would move a future that may
// have been polled. "Cannot be unpinned" means that the future is not `Unpin`: the compiler cannot know
// whether a reference into itself is alive. `MakeTea` is `Unpin`, since all that it holds is. So its `poll`
// may assign to `*self`, and may make a `Pin` of a `&mut Countdown` with `Pin::new`.
//
// # Try
//
// 1. How large is the enum? And the `async fn` of lesson 1? Let `main` print `size_of_val` of both.
// 2. Poll the enum once more after it was ready. What would an `async fn` do?
// 3. `MakeTea::Start` has no `Countdown` yet, and `MakeTea::Steeping` has no longer the first one. When is the
//    first `Countdown` dropped?
//
// # In candor
//
// `src/kernel/tasks/task.rs` pins each task: its future is in an allocation that never moves, and the
// executor only moves the pointer to it.
//
// # Answers
//
// 1. Both have eight bytes: four for the number of the state, and four for a countdown. All states share the
//    place for their countdown, as only one of them is alive.
//
// ```diff
//      let tea = MakeTea::Start;
// +    println!("{} and {} bytes", size_of_val(&tea), size_of_val(&make_tea()));
// @@
// +async fn make_tea() -> &'static str {
// +    Countdown(2).await;
// +    Countdown(1).await;
// +    "tea"
// +}
// +
//  /// What the compiler makes of `make_tea` in lesson 1, as far as one can write it by hand.
// ```
//
// ```text
// 8 and 8 bytes
// main has a future
// ```
//
// 2. It panics as well: "`async fn` resumed after completion". There is no state left to go on from.
// 3. When the next state is assigned: an assignment drops the old value. In an `async fn`, what is awaited is
//    dropped at the end of its `.await`.
