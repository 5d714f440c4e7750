//! Step 6: tests that candor has to pass, on your executor.
//!
//! They are the very files of candor's own tests `waking` and `joining`. Here `candor` is another name for your crate.

extern crate your_own_executor as candor;

#[path = "../../../tests/any_executor/joining.rs"]
mod joining;
#[path = "../../../tests/any_executor/waking.rs"]
mod waking;

/// In candor's tests this is an executor on virtual time.
fn executor() -> candor::Executor {
    candor::Executor::new()
}
