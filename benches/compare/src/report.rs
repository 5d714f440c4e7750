//! The results as a Markdown document.
//!
//! Two tables of the same lines: how candor stands against the record, and every peer's figures. A figure that is
//! missing has a footnote that says why.
//!
//! Knows results, and no files.

use std::fmt::Write;

use crate::machine;
use crate::peers::{CANDOR, Entry};
use crate::results::{Cell, Line};
use crate::row::Target;

pub struct Report<'a> {
    pub peers: &'a [Entry],
    pub lines: &'a [Line],
    pub samples: usize,
}

impl Report<'_> {
    pub fn to_markdown(&self) -> String {
        let mut footnotes = Footnotes::default();
        let mut text = self.head();
        text.push_str("\n## candor and the record\n\n");
        text.push_str(
            "The record is the best sample of any peer in this run. Ratios are candor's figure over the record \
             holder's, so less is better; the target is for the ratio of the best samples.\n\n",
        );
        text.push_str(&self.standings());
        text.push_str("\n## Every peer\n\n");
        text.push_str(
            "The best sample, and the median in parentheses. Nanoseconds an operation where nothing else is \
             said.\n\n",
        );
        text.push_str(&self.figures(&mut footnotes));
        text.push_str(&footnotes.0);
        text.push_str("\n## The peers\n\n");
        for peer in self.peers {
            let _ = writeln!(text, "- **{}**: {}", peer.title, peer.notes);
        }
        text
    }

    fn head(&self) -> String {
        let mut text = String::from("# candor beside its peers\n\n");
        let _ = writeln!(
            text,
            "Made by `cargo run --release --manifest-path benches/compare/Cargo.toml`, with {} samples a figure.\n\n\
             | | |\n|---|---|",
            self.samples,
        );
        for (what, value) in machine::facts() {
            let _ = writeln!(text, "| {what} | {value} |");
        }
        for peer in self.peers {
            for name in peer.crates {
                let line = format!("| {name} | {} |\n", machine::version_of(name));
                if !text.contains(&line) {
                    text.push_str(&line);
                }
            }
        }
        text
    }

    fn standings(&self) -> String {
        let mut text = String::from(
            "| | unit | candor | record | held by | ratio | of medians | target | met |\n\
             |---|---|---:|---:|---|---:|---:|---:|---|\n",
        );
        for line in self.lines {
            let candor = self.best_of(line, CANDOR);
            let standing = line.standing(self.peers);
            let (record, holder, ratio, of_medians) = match &standing {
                None => Default::default(),
                Some(standing) => (
                    line.cells[standing.record_holder]
                        .best()
                        .map(shown)
                        .unwrap_or_default(),
                    self.peers[standing.record_holder].title,
                    format!("{:.2}", standing.ratio_of_bests),
                    format!("{:.2}", standing.ratio_of_medians),
                ),
            };
            let met = match line.is_target_met(self.peers) {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            };
            let _ = writeln!(
                text,
                "| {} | {} | {candor} | {record} | {holder} | {ratio} | {of_medians} | {} | {met} |",
                line.figure.title,
                line.figure.unit,
                target(line.figure.target),
            );
        }
        text
    }

    fn figures(&self, footnotes: &mut Footnotes) -> String {
        let mut text = String::from("| |");
        for peer in self.peers {
            let _ = write!(text, " {} |", peer.title);
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(self.peers.len()));
        text.push('\n');
        for line in self.lines {
            let unit = match line.figure.unit {
                "ns" => String::new(),
                unit => format!(", {unit}"),
            };
            let _ = write!(text, "| {}{unit} |", line.figure.title);
            for (peer, cell) in self.peers.iter().zip(&line.cells) {
                let cell = match cell {
                    Cell::Measured { best, median } => {
                        format!("{} ({})", shown(*best), shown(*median))
                    }
                    Cell::Impossible => footnotes.dash(peer.id, "it has none; see the peers below"),
                    Cell::Failed(why) => footnotes.dash(&format!("{}-{}", line.row, peer.id), why),
                };
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
        text
    }

    fn best_of(&self, line: &Line, id: &str) -> String {
        let place = self.peers.iter().position(|peer| peer.id == id);
        place
            .and_then(|place| line.cells[place].best())
            .map(shown)
            .unwrap_or_default()
    }
}

/// Why there is no figure, below the table.
#[derive(Default)]
struct Footnotes(String);

impl Footnotes {
    fn dash(&mut self, name: &str, why: &str) -> String {
        let note = format!("\n[^{name}]: {why}\n");
        if !self.0.contains(&note) {
            self.0.push_str(&note);
        }
        format!("– [^{name}]")
    }
}

fn target(target: Target) -> String {
    match target {
        Target::Stated => "stated".to_owned(),
        Target::TimesTheRecord(times) => times.to_string(),
    }
}

/// Three digits that count: more would claim what a shared machine cannot hold.
fn shown(number: f64) -> String {
    let digits = match number.abs() {
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$}")
}
