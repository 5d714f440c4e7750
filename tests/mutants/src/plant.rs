//! Writes a file of source in which each mutant sleeps until its number is called.
//!
//! ```text
//! now < deadline    (match crate::mutated::alive() { 7 => (now) == (deadline), _ => (now) < (deadline) })
//! ```
//!
//! Each piece begins with a comment, `/*m7*/` or `/*o*/`, by which an error of the compiler finds its mutant.

use std::ops::Range;

use crate::find::{Place, Shape, places};

/// One change of one place.
pub struct Mutant {
    /// What makes it alive. Never 0.
    pub number: u32,
    /// Its file, function and change. It stays the same while lines move.
    pub name: String,
    pub file: String,
    pub line: usize,
    change: String,
    place: usize,
    pub is_planted: bool,
}

pub struct Source {
    pub path: String,
    pub text: String,
    places: Vec<Place>,
    pub mutants: Vec<Mutant>,
}

/// The module through which the mutated code asks which mutant is alive.
pub const ALIVE: &str = "\
use std::sync::atomic::{AtomicU32, Ordering};
static ALIVE: AtomicU32 = AtomicU32::new(u32::MAX);
#[inline]
pub(crate) fn alive() -> u32 {
    match ALIVE.load(Ordering::Relaxed) {
        u32::MAX => first(),
        number => number,
    }
}
#[cold]
fn first() -> u32 {
    let number = std::env::var(\"CANDOR_MUTANT\").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
    ALIVE.store(number, Ordering::Relaxed);
    number
}
";

impl Source {
    pub fn new(path: &str, text: String, last_number: &mut u32) -> Self {
        let places = places(&text);
        let mut source = Source {
            path: path.to_owned(),
            text,
            places,
            mutants: Vec::new(),
        };
        for place in 0..source.places.len() {
            for (change, in_words) in source.changes(place) {
                *last_number += 1;
                source.add(*last_number, place, change, &in_words);
            }
        }
        source
    }

    fn add(&mut self, number: u32, place: usize, change: String, in_words: &str) {
        let Place {
            range, function, ..
        } = &self.places[place];
        let base = format!("{}: {function}: {in_words}", self.path);
        let is_same = |mutant: &&Mutant| mutant.name.split(" (no. ").next() == Some(&base);
        let name = match self.mutants.iter().filter(is_same).count() {
            0 => base,
            before => format!("{base} (no. {})", before + 1),
        };
        self.mutants.push(Mutant {
            number,
            name,
            file: self.path.clone(),
            line: self.text[..range.start].lines().count(),
            change,
            place,
            is_planted: true,
        });
    }

    /// What can stand in a place: the text of it, and the words for it.
    fn changes(&self, place: usize) -> Vec<(String, String)> {
        let Place { range, shape, .. } = &self.places[place];
        let short = |range: &Range<usize>| {
            let words: Vec<_> = self.text[range.clone()].split_whitespace().collect();
            words.join(" ").chars().take(70).collect::<String>()
        };
        let same = |changes: &[&str], words: &dyn Fn(&str) -> String| {
            let both = changes
                .iter()
                .map(|&change| (change.to_owned(), words(change)));
            both.collect()
        };
        match shape {
            Shape::Binary { others, .. } => {
                same(others, &|other| format!("`{}`: {other}", short(range)))
            }
            Shape::Unary { .. } => same(&[""], &|_| format!("`{}`: no operator", short(range))),
            Shape::Guard => same(&["true", "false"], &|value| {
                format!("guard `{}`: {value}", short(range))
            }),
            Shape::Arm { pattern } => same(&[""], &|_| format!("no arm `{}`", short(pattern))),
            Shape::Body { values } => {
                let values: Vec<_> = values.iter().map(String::as_str).collect();
                same(&values, &|value| {
                    format!("returns {value}").trim_end().to_owned()
                })
            }
        }
    }

    /// The file with all its planted mutants.
    pub fn planted(&self) -> String {
        self.render(0..self.text.len(), None)
    }

    /// The text of a range with the mutants inside, without those of the place itself.
    fn render(&self, range: Range<usize>, inside: Option<usize>) -> String {
        let is_within = |&place: &usize| {
            let at = &self.places[place].range;
            Some(place) != inside && range.start <= at.start && at.end <= range.end
        };
        let is_used = |&place: &usize| self.alive_at(place).next().is_some();
        let mut within: Vec<_> = (0..self.places.len())
            .filter(is_within)
            .filter(is_used)
            .collect();
        // The outer one of two that begin together comes first.
        within.sort_by_key(|&place| {
            let at = &self.places[place].range;
            (at.start, std::cmp::Reverse(at.end))
        });
        let mut written = String::new();
        let mut done = range.start;
        for place in within {
            let at = &self.places[place].range;
            if at.start < done {
                continue;
            }
            written.push_str(&self.text[done..at.start]);
            written.push_str(&self.render_place(place));
            done = at.end;
        }
        written.push_str(&self.text[done..range.end]);
        written
    }

    fn alive_at(&self, place: usize) -> impl Iterator<Item = &Mutant> {
        let of_place = move |mutant: &&Mutant| mutant.place == place && mutant.is_planted;
        self.mutants.iter().filter(of_place)
    }

    fn render_place(&self, place: usize) -> String {
        let Place { range, shape, .. } = &self.places[place];
        let choice = |changed: &dyn Fn(&str) -> String, original: String| {
            let arms: String = self
                .alive_at(place)
                .map(|m| {
                    format!(
                        "{} => /*m{}*/{{ {} }} ",
                        m.number,
                        m.number,
                        changed(&m.change)
                    )
                })
                .collect();
            format!("(match crate::mutated::alive() {{ {arms} _ => /*o*/{{ {original} }} }})")
        };
        match shape {
            Shape::Binary { left, right, .. } => {
                let (left_text, right_text) =
                    (self.render(left.clone(), Some(place)), self.render(right.clone(), Some(place)));
                let operator = self.text[left.end..right.start].trim();
                // On a line of its own: a comment may follow the operator.
                let with = |operator: &str| format!("({left_text}) {operator}\n({right_text})");
                choice(&|change| with(change), with(operator))
            }
            Shape::Unary { operand } => {
                let without = self.render(operand.clone(), Some(place));
                let operator = &self.text[range.start..operand.start];
                let original = format!("{operator}{without}");
                choice(&|_| without.clone(), original)
            }
            Shape::Guard => choice(&str::to_owned, self.render(range.clone(), Some(place))),
            Shape::Arm { .. } => self
                .alive_at(place)
                .map(|m| format!(" if /*m{}*/ crate::mutated::alive() != {}", m.number, m.number))
                .collect(),
            Shape::Body { .. } => self
                .alive_at(place)
                .map(|m| {
                    let (number, value) = (m.number, &m.change);
                    format!(" if crate::mutated::alive() == {number} {{ /*m{number}*/ return {value}; }}/*o*/")
                })
                .collect(),
        }
    }
}
