//! Random input for each part, as long as `BOLERO_RANDOM_TEST_TIME_MS` says, or a second. `.ci/fuzz` sets it.
//!
//! Input that breaks something is made small and printed, with the seed that repeats it: `BOLERO_RANDOM_SEED=… cargo test`.
//! `corpus` keeps what has broken something once, and what random bytes hardly ever are.

use std::fs;
use std::path::Path;

use bolero::ValueGenerator;
use fuzz::{errors, programs, texts, wheel};

#[test]
fn the_wheel_agrees_with_a_sorted_map() {
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| wheel::agrees_with_a_map(input));
    corpus("wheel").for_each(|input| wheel::agrees_with_a_map(&input));
}

#[test]
fn a_quoted_text_stays_text() {
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| texts::stay_text(input));
    corpus("texts").for_each(|input| texts::stay_text(&input));
}

#[test]
fn whatever_an_error_does_its_report_is_a_report() {
    fuzz::print_nothing();
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| errors::are_reported(input));
    corpus("errors").for_each(|input| errors::are_reported(&input));
}

#[test]
fn a_program_obeys_the_law() {
    fuzz::print_nothing();
    bolero::check!()
        .with_generator(bytes())
        .for_each(|input| programs::obey_the_law(input));
    corpus("programs").for_each(|input| programs::obey_the_law(&input));
}

/// Without a length, bolero makes at most 64 bytes.
fn bytes() -> impl ValueGenerator<Output = Vec<u8>> {
    bolero::produce::<Vec<u8>>().with().len(0..1500_usize)
}

/// What is kept for one part. It is tried after the random input: bolero's panic hook must be there before candor's, which
/// hands on to it.
fn corpus(folder: &str) -> impl Iterator<Item = Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(folder);
    let files = fs::read_dir(folder).expect("each part has a folder");
    files.map(|file| {
        let path = file.expect("it can be listed").path();
        println!("{}", path.display());
        fs::read(path).expect("it can be read")
    })
}
