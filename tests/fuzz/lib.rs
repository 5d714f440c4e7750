//! What candor does with arbitrary input.
//!
//! | file | the input is | what must hold |
//! |---|---|---|
//! | `wheel` | inserts, cancels, resets, and jumps through time | a sorted map does the same |
//! | `texts` | a text that a report quotes | it stays text, and its lines stay lines |
//! | `errors` | errors, panics and what they do when they are asked | a report is a report, whatever is in it |
//! | `programs` | a program of the model test | the law of that test |
//!
//! `fuzz.rs` runs each of them on random input. `corpus` holds input that once broke something, or that random bytes find late.

#[allow(
    dead_code,
    unused_imports,
    reason = "a part of candor, of which few things are used here"
)]
#[path = "../../src/kernel/mod.rs"]
mod kernel;
#[allow(dead_code, reason = "a part of candor")]
#[path = "../../src/outcome.rs"]
mod outcome;
#[allow(dead_code, reason = "a part of candor")]
#[path = "../../src/report/quoting.rs"]
mod quoting;

pub mod bytes;
pub mod errors;
mod odd;
pub mod programs;
pub mod texts;
pub mod wheel;

/// Takes the warnings and reports that would be printed: there are very many. The tests read what they need from callbacks.
pub fn print_nothing() {
    struct Silent;
    impl log::Log for Silent {
        fn enabled(&self, about: &log::Metadata<'_>) -> bool {
            about.level() <= log::Level::Warn
        }

        fn log(&self, _: &log::Record<'_>) {}

        fn flush(&self) {}
    }
    // Another test may have done it already.
    if log::set_logger(&Silent).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
}
