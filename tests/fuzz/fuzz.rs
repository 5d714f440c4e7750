//! Random input for each part, as long as `BOLERO_RANDOM_TEST_TIME_MS` says, or a second. `.ci/fuzz` sets it.
//!
//! Input that breaks something is made small and printed, with the seed that repeats it: `BOLERO_RANDOM_SEED=… cargo test`.
//! `corpus` keeps what has broken something once, and what random bytes hardly ever are.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use bolero::ValueGenerator;
use fuzz::{errors, programs, texts, wheel};

#[test]
fn the_wheel_agrees_with_a_sorted_map() {
    if !try_the_same_each_time(wheel::agrees_with_a_map) {
        bolero::check!()
            .with_generator(bytes())
            .for_each(|input| wheel::agrees_with_a_map(input));
    }
    corpus("wheel").for_each(|input| wheel::agrees_with_a_map(&input));
}

#[test]
fn a_quoted_text_stays_text() {
    if !try_the_same_each_time(texts::stay_text) {
        bolero::check!()
            .with_generator(bytes())
            .for_each(|input| texts::stay_text(input));
    }
    corpus("texts").for_each(|input| texts::stay_text(&input));
}

#[test]
fn whatever_an_error_does_its_report_is_a_report() {
    fuzz::print_nothing();
    if !try_the_same_each_time(errors::are_reported) {
        bolero::check!()
            .with_generator(bytes())
            .for_each(|input| errors::are_reported(input));
    }
    corpus("errors").for_each(|input| errors::are_reported(&input));
}

#[test]
fn a_program_obeys_the_law() {
    fuzz::print_nothing();
    if !try_the_same_each_time(programs::obey_the_law) {
        bolero::check!()
            .with_generator(bytes())
            .for_each(|input| programs::obey_the_law(input));
    }
    corpus("programs").for_each(|input| programs::obey_the_law(&input));
}

/// Whether the environment has a seed, and so all input was made of it. `.ci/run` gives one: there a change is judged by what it
/// breaks, and not by what nobody has found before.
fn try_the_same_each_time(try_one: impl Fn(&[u8])) -> bool {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let Some(mut state) = number("CANDOR_FUZZ_SEED") else {
        return false;
    };
    let time = number("BOLERO_RANDOM_TEST_TIME_MS").expect("`.ci/fuzz` says how long");
    let end = Instant::now() + Duration::from_millis(time);
    // splitmix64
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut tried = 0;
    while Instant::now() < end {
        let length = random() % 1500;
        let input: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        try_one(&input);
        tried += 1;
    }
    println!("{tried} inputs");
    true
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
