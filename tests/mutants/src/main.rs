//! Plants small bugs in candor, one at a time, and sees which tests notice. `.ci/mutants` says how to use it.
//!
//! The files in the order of what happens: `find` (and `values`) looks for places to change, `plant` writes the changed source,
//! `build` makes test binaries of it, `try_one` runs them with one mutant alive, and `promises` says which of them. `sample`
//! has some mutants and the test that sees each.

mod build;
mod find;
mod plant;
mod promises;
mod sample;
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

/// What the command line asks for.
struct Wish {
    sample: bool,
    new_sample: bool,
    only: Option<String>,
    /// What this has printed before. Its survivors are tried again.
    before: Option<String>,
    /// A part of them, which depends on nothing but their names.
    one_in: u64,
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
    let sample = sample::read();
    if wish.sample {
        mistakes.extend(sample::mistakes(&sample, &names));
    }
    if !mistakes.is_empty() {
        println!("{}", mistakes.join("\n"));
        return ExitCode::FAILURE;
    }
    if wish.sample {
        choose(&mut sources, |mutant| sample.contains_key(&mutant.name));
    } else {
        choose(&mut sources, |mutant| {
            wish.asks_for(mutant) && !equivalent.contains(&mutant.name)
        });
    }
    if wish.new_sample {
        let most = 2 * sample::SIZE; // Some will not compile, and some will survive.
        let mut all = planted(&mut sources);
        all.sort_by_key(|mutant| sample::hash(&mutant.name));
        all.into_iter()
            .skip(most)
            .for_each(|mutant| mutant.is_planted = false);
    }
    build::copy_package();
    build::leave_out_what_does_not_compile(&mut sources);
    let chosen: Vec<&Mutant> = planted(&mut sources)
        .into_iter()
        .map(|mutant| &*mutant)
        .collect();
    let tests: BTreeSet<&str> = match wish.sample {
        true => sample.values().map(|seen| &seen.binary[..]).collect(),
        false => chosen
            .iter()
            .flat_map(|mutant| promises::tests_of(&mutant.file).unwrap_or_default())
            .chain(["lib"])
            .collect(),
    };
    let binaries = build::build_tests(&tests.into_iter().collect::<Vec<_>>());
    println!(
        "{} mutants, built after {} s",
        chosen.len(),
        start.elapsed().as_secs()
    );
    let is_good = match wish.sample {
        true => sample::try_all(&sample, &chosen, &binaries),
        false => try_all(&chosen, &binaries, wish.new_sample),
    };
    println!("{} s", start.elapsed().as_secs());
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Wish {
    fn asks_for(&self, mutant: &Mutant) -> bool {
        let mut paths = self.paths.iter();
        let is_in_path = paths.any(|path| mutant.file.starts_with(path.as_str()));
        let is_named = |part: &String| mutant.name.contains(part.as_str());
        // Or nothing but the limit of time has seen it.
        let has_survived = |before: &String| {
            let name = format!("{} (line ", mutant.name);
            let marks = ["SURVIVED  ", "TIMED OUT "];
            let names = |line: &str| {
                marks
                    .iter()
                    .filter_map(|mark| line.strip_prefix(mark))
                    .any(|rest| rest.starts_with(&name))
            };
            before.lines().any(names)
        };
        is_in_path
            && self.only.as_ref().is_none_or(is_named)
            && self.before.as_ref().is_none_or(has_survived)
            && sample::hash(&mutant.name).is_multiple_of(self.one_in)
    }
}

fn wish() -> Wish {
    let mut wish = Wish {
        sample: false,
        new_sample: false,
        only: None,
        before: None,
        one_in: 1,
        paths: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--sample" => wish.sample = true,
            "--new-sample" => wish.new_sample = true,
            "--only" => wish.only = arguments.next(),
            "--again" => {
                let file = arguments.next().expect("a file, after `--again`");
                wish.before = Some(fs::read_to_string(file).expect("what was printed before"));
            }
            "--one-in" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                wish.one_in = number.expect("a number, after `--one-in`");
            }
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

/// Plants only some.
fn choose(sources: &mut [Source], is_chosen: impl Fn(&Mutant) -> bool) {
    for mutant in sources.iter_mut().flat_map(|source| &mut source.mutants) {
        mutant.is_planted = is_chosen(mutant);
    }
}

fn planted(sources: &mut [Source]) -> Vec<&mut Mutant> {
    let all = sources.iter_mut().flat_map(|source| &mut source.mutants);
    all.filter(|mutant| mutant.is_planted).collect()
}

/// Tries each mutant with the tests of its file.
fn try_all(chosen: &[&Mutant], binaries: &build::Binaries, new_sample: bool) -> bool {
    let mut seen = Vec::new();
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
                seen.push((&mutant.name[..], by.clone()));
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
    if new_sample {
        sample::write(seen);
    }
    by_folder.values().all(|counts| counts[2] == 0)
}
