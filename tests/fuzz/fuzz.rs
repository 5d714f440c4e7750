//! Random input, a second for each test, or as long as it is told:
//!
//! ```sh
//! BOLERO_RANDOM_TEST_TIME_MS=15000 cargo test --manifest-path tests/fuzz/Cargo.toml -- --nocapture
//! ```
//!
//! Input that breaks something is made small and printed, with the seed that repeats it: `BOLERO_RANDOM_SEED=… cargo test`.
//! Before the random input comes the one in `__fuzz__`, by the name of the test.

use bolero::ValueGenerator;
use fuzz::{errors, programs, texts, wheel};

#[test]
fn the_wheel_agrees_with_a_sorted_map() {
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| wheel::agrees_with_a_map(input));
}

#[test]
fn a_quoted_text_stays_text() {
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| texts::stay_text(input));
}

#[test]
fn whatever_an_error_does_its_report_is_a_report() {
    fuzz::print_nothing();
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| errors::are_reported(input));
}

#[test]
fn a_program_obeys_the_law() {
    fuzz::print_nothing();
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| programs::obey_the_law(input));
}

/// Without a length, bolero makes at most 64 bytes.
fn bytes() -> impl ValueGenerator<Output = Vec<u8>> {
    bolero::produce::<Vec<u8>>().with().len(0..1500_usize)
}
