//! Plants small bugs in candor, one at a time, and sees which tests notice. `.ci/mutants` says how to use it.
//!
//! The files in the order of what happens: `find` (and `values`) looks for places to change, `plant` writes the changed source,
//! `build` makes test binaries of it, `try_one` runs them with one mutant alive, and `promises` says which of them.

mod build;
mod find;
mod plant;
mod promises;
mod try_one;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use plant::{Mutant, Source};
use try_one::{Healthy, Verdict};

const EQUIVALENT: &str = "tests/mutants/equivalent.txt";

/// The mutants of `--sample`.
const SAMPLE: usize = 40;

/// What the command line asks for.
struct Wish {
    sample: bool,
    only: Option<String>,
    paths: Vec<String>,
}

fn main() -> ExitCode {
    let start = Instant::now();
    let wish = wish();
    let mut sources = sources();
    let paths: Vec<_> = sources.iter().map(|source| source.path.clone()).collect();
    let equivalent = equivalent();
    let mut mistakes = promises::mistakes(&paths);
    let names: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| &source.mutants)
        .map(|mutant| &mutant.name[..])
        .collect();
    let unknown = equivalent.iter().filter(|name| !names.contains(&name[..]));
    mistakes.extend(
        unknown.map(|name| format!("no mutant is named like this in {EQUIVALENT}: {name}")),
    );
    if !mistakes.is_empty() {
        println!("{}", mistakes.join("\n"));
        return ExitCode::FAILURE;
    }
    choose(&mut sources, &wish, &equivalent);
    build::copy_package();
    build::leave_out_what_does_not_compile(&mut sources);
    let mut chosen: Vec<&Mutant> = sources
        .iter()
        .flat_map(|source| &source.mutants)
        .filter(|mutant| mutant.is_planted)
        .collect();
    if wish.sample {
        chosen.sort_by_key(|mutant| hash(&mutant.name));
        chosen.truncate(SAMPLE);
        chosen.sort_by_key(|mutant| mutant.number);
    }
    let tests: BTreeSet<_> = chosen
        .iter()
        .flat_map(|mutant| promises::tests_of(&mutant.file).unwrap_or_default())
        .collect();
    let binaries = build::build_tests(&tests.into_iter().collect::<Vec<_>>());
    println!(
        "{} mutants, built after {} s",
        chosen.len(),
        start.elapsed().as_secs()
    );
    let is_good = try_all(&chosen, &binaries);
    println!("{} s", start.elapsed().as_secs());
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn wish() -> Wish {
    let mut wish = Wish {
        sample: false,
        only: None,
        paths: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--sample" => wish.sample = true,
            "--only" => wish.only = arguments.next(),
            _ => wish.paths.push(argument),
        }
    }
    if wish.paths.is_empty() {
        wish.paths.push("src/".to_owned());
    }
    wish
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(Path::new("src"), &mut paths);
    paths.sort();
    let mut last_number = 0;
    let read = |path: &String| {
        Source::new(
            path,
            fs::read_to_string(path).expect("a file of the source"),
            &mut last_number,
        )
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry of a folder").path();
        match path.is_dir() {
            true => collect(&path, found),
            false => found.push(path.to_str().expect("a name in ASCII").to_owned()),
        }
    }
}

/// The names of the mutants that nobody can see.
fn equivalent() -> BTreeSet<String> {
    let text = fs::read_to_string(EQUIVALENT).expect("the list of equivalent mutants");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            line.split_once(" # ")
                .expect("each line has a reason, after ` # `")
                .0
                .trim()
                .to_owned()
        })
        .collect()
}

/// Plants only what the command line asks for.
fn choose(sources: &mut [Source], wish: &Wish, equivalent: &BTreeSet<String>) {
    let mut all: Vec<&mut Mutant> = sources
        .iter_mut()
        .flat_map(|source| &mut source.mutants)
        .collect();
    // Some of the sample will not compile.
    all.sort_by_key(|mutant| hash(&mutant.name));
    let mut room = if wish.sample { SAMPLE * 2 } else { usize::MAX };
    for mutant in all {
        let is_in_path = wish
            .paths
            .iter()
            .any(|path| mutant.file.starts_with(path.as_str()));
        let is_named = wish
            .only
            .as_ref()
            .is_none_or(|part| mutant.name.contains(part.as_str()));
        mutant.is_planted =
            room > 0 && is_in_path && is_named && !equivalent.contains(&mutant.name);
        room -= usize::from(mutant.is_planted);
    }
}

/// The same on every machine, so that the sample stays the same.
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn try_all(chosen: &[&Mutant], binaries: &build::Binaries) -> bool {
    let mut by_folder: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut healthy = Healthy::default();
    for mutant in chosen {
        let mut tests = vec!["lib"];
        tests.extend(promises::tests_of(&mutant.file).unwrap_or_default());
        let with_paths: Vec<_> = tests
            .iter()
            .map(|&test| (test, &binaries[test][..]))
            .collect();
        // If a test fails without a mutant, it catches nothing.
        let control = healthy.measure(&with_paths);
        if control != Verdict::Survived {
            println!("without a mutant: {control:?}");
            return false;
        }
        let verdict = healthy.try_one(mutant.number, &with_paths);
        let folder = mutant
            .file
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let counts = by_folder.entry(folder).or_default();
        match &verdict {
            Verdict::Caught(by) => {
                counts[0] += 1;
                println!("caught    {} [{by}]", mutant.name);
            }
            Verdict::TimedOut(tests) => {
                counts[1] += 1;
                println!("TIMED OUT {} (line {}) [{tests}]", mutant.name, mutant.line);
            }
            Verdict::Survived => {
                counts[2] += 1;
                println!("SURVIVED  {} (line {})", mutant.name, mutant.line);
            }
        }
    }
    for (folder, [caught, timed_out, survived]) in &by_folder {
        println!("{folder}: {caught} caught, {timed_out} timed out, {survived} survived");
    }
    by_folder.values().all(|counts| counts[2] == 0)
}
