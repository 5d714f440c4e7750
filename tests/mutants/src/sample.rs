//! A fixed sample of all mutants, each with a test that sees it, in `tests/mutants/sample.txt`.
//!
//! Only that test is run. So the sample is quick, and says whether the tests still see what they saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::build::Binaries;
use crate::plant::Mutant;
use crate::try_one::{self, Verdict};

const FILE: &str = "tests/mutants/sample.txt";

/// How many mutants it has.
pub const SIZE: usize = 40;

const HEAD: &str = "\
# The mutants of `.ci/mutants --sample`, one a line: the name, ` # `, and the test that sees it. `.ci/mutants --new-sample` chooses
# them anew.
";

/// A test of a binary.
pub struct SeenBy {
    pub binary: String,
    test: String,
}

/// The sample, by the names of the mutants.
pub type Sample = BTreeMap<String, SeenBy>;

pub fn read() -> Sample {
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let entry = |line: &str| {
        let (name, test) = line.rsplit_once(" # ").expect("a name, and its test");
        let (binary, test) = test.split_once(": ").expect("a binary, and a test of it");
        let (binary, test) = (binary.to_owned(), test.to_owned());
        (name.to_owned(), SeenBy { binary, test })
    };
    lines.map(entry).collect()
}

/// Writes the first mutants of these, by hash, each with what has seen it.
pub fn write(mut seen: Vec<(&str, String)>) {
    // A test that took its process with it has no name.
    seen.retain(|(_, by)| !by.ends_with("has died"));
    seen.sort_by_key(|(name, _)| hash(name));
    seen.truncate(SIZE);
    seen.sort();
    let lines = seen.iter().map(|(name, by)| format!("{name} # {by}\n"));
    fs::write(FILE, HEAD.to_owned() + &lines.collect::<String>()).expect("room for the sample");
}

pub fn mistakes(sample: &Sample, known: &BTreeSet<&str>) -> Vec<String> {
    let unknown = sample.keys().filter(|name| !known.contains(&name[..]));
    let mut mistakes: Vec<_> = unknown
        .map(|name| format!("no mutant is named like this in {FILE}: {name}"))
        .collect();
    if sample.len() != SIZE {
        mistakes.push(format!(
            "{FILE} has {} mutants instead of {SIZE}",
            sample.len()
        ));
    }
    mistakes
}

/// Runs the test of each mutant, without it and with it.
pub fn try_all(sample: &Sample, chosen: &[&Mutant], binaries: &Binaries) -> bool {
    let mut healthy = BTreeMap::new();
    let mut survived = 0;
    for mutant in chosen {
        let SeenBy { binary, test } = &sample[&mutant.name];
        let path = &binaries[&binary[..]];
        let control = healthy
            .entry((binary, test))
            .or_insert_with(|| try_one::run_test(0, path, test));
        if *control != Verdict::Survived {
            println!("without a mutant: {control:?}");
            return false;
        }
        let verdict = try_one::run_test(mutant.number, path, test);
        if !matches!(verdict, Verdict::Caught(_)) {
            println!(
                "{verdict:?}: {} (line {}) by {binary}: {test}",
                mutant.name, mutant.line
            );
            survived += 1;
        }
    }
    println!("{} of {SIZE} caught", chosen.len() - survived);
    chosen.len() == SIZE && survived == 0
}

/// The same on every machine, so that the choice stays the same.
pub fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
