//! The results as a Markdown document.
//!
//! The same lines twice, how candor stands against the record and every peer's figures; then how cost grows,
//! candor that somebody looks at, and the debug build. A figure that is missing has a footnote that says why.
//!
//! Knows results, and no files.

use std::fmt::Write;

use crate::machine;
use crate::peers::Entry;
use crate::results::{Cell, Comparison, Line};
use crate::row::{Curve, Target};
use crate::run::Findings;

/// A quick run gives no verdicts: its figures mean nothing.
pub fn to_markdown(findings: &Findings, samples: usize, is_quick: bool) -> String {
    let all = &findings.release;
    let table = || all.lines.iter().filter(|line| line.point.is_none());
    let mut footnotes = Footnotes::default();
    let mut text = head(&all.peers, samples);
    if is_quick {
        text.push_str(
            "\nA quick run: it shows that all of it works, and its figures mean nothing.\n",
        );
    } else {
        text.push_str(
            "\n## candor and the record\n\n\
             The record is the best sample of any peer in this run. Ratios are candor's figure over the record \
             holder's, so less is better; the target is for the ratio of the best samples.\n\n",
        );
        text.push_str(&standings(all, table()));
    }
    text.push_str(
        "\n## Every peer\n\n\
         The best sample, and the median in parentheses. Nanoseconds an operation where nothing else is \
         said.\n\n![chart](results.svg)\n\n",
    );
    text.push_str(&figures(&all.peers, table(), &mut footnotes));
    if all.lines.iter().any(|line| line.point.is_some()) {
        text.push_str("\n## How cost grows\n\nNanoseconds an operation, the median.\n");
    }
    for curve in Curve::ALL {
        let on_curve = |line: &&Line| line.point.is_some_and(|point| point.curve == curve);
        let mut points = all.lines.iter().filter(on_curve).peekable();
        if points.peek().is_some() {
            let _ = write!(text, "\n### {}\n\n", curve.title());
            text.push_str(&figures(&all.peers, points, &mut footnotes));
        }
    }
    if let Some(watched) = &findings.watched {
        text.push_str(
            "\n## candor that somebody looks at\n\nWith stall detection, as debug builds have it; and with an \
             instrument that does nothing with what it is told.\n\n",
        );
        text.push_str(&figures(
            &watched.peers,
            watched.lines.iter(),
            &mut footnotes,
        ));
    }
    if let Some(debug) = &findings.debug {
        text.push_str("\n## Debug build\n\ncargo's dev profile.\n\n");
        text.push_str(&figures(&debug.peers, debug.lines.iter(), &mut footnotes));
    }
    text.push_str("\n## The peers\n\n");
    for peer in &all.peers {
        let _ = writeln!(text, "- **{}**: {}", peer.title, peer.notes);
    }
    text.push_str(&footnotes.0);
    text
}

fn head(peers: &[Entry], samples: usize) -> String {
    let mut text = String::from("# candor beside its peers\n\n");
    let _ = writeln!(
        text,
        "Made by `cargo run --release --manifest-path benches/compare/Cargo.toml`, with {samples} samples of a \
         figure, or 3 where one takes seconds.\n\n| | |\n|---|---|",
    );
    for (what, value) in machine::facts() {
        let _ = writeln!(text, "| {what} | {value} |");
    }
    let mut crates: Vec<&str> = peers.iter().flat_map(|peer| peer.crates).copied().collect();
    crates.dedup();
    for name in crates {
        let _ = writeln!(text, "| {name} | {} |", machine::version_of(name));
    }
    text
}

fn standings<'a>(all: &Comparison, lines: impl Iterator<Item = &'a Line>) -> String {
    let mut text = String::from(
        "| | unit | candor | record | held by | ratio | of medians | target | met |\n\
         |---|---|---:|---:|---|---:|---:|---:|---|\n",
    );
    for line in lines {
        let candor = all.candor_in(line).and_then(|cell| cell.best());
        let candor = candor.map(shown).unwrap_or_default();
        let versus = match all.standing(line) {
            None => "| | |".to_owned(),
            Some(standing) => format!(
                "{} | {} | {:.2} | {:.2}",
                shown(standing.record),
                standing.holder.title,
                standing.ratio,
                standing.ratio_of_medians,
            ),
        };
        let met = match all.is_target_met(line) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {candor} | {versus} | {} | {met} |",
            line.figure.title,
            line.figure.unit,
            target(line.figure.target, &all.peers),
        );
    }
    text
}

fn figures<'a>(
    peers: &[Entry],
    lines: impl Iterator<Item = &'a Line>,
    footnotes: &mut Footnotes,
) -> String {
    let lines: Vec<&Line> = lines.collect();
    let columns = columns_of(&lines, peers.len());
    let mut text = String::from("| |");
    for &column in &columns {
        let _ = write!(text, " {} |", peers[column].title);
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(columns.len()));
    for line in lines {
        let unit = match line.figure.unit {
            "ns" | "" => String::new(),
            unit => format!(", {unit}"),
        };
        let _ = write!(text, "| {}{unit} |", line.figure.title);
        for &column in &columns {
            let peer = &peers[column];
            let cell = match &line.cells[column] {
                Cell::Measured { median, .. } if line.point.is_some() => shown(*median),
                Cell::Measured { best, median } => format!("{} ({})", shown(*best), shown(*median)),
                Cell::Impossible if !peer.elsewhere.is_empty() => {
                    footnotes.dash(peer.id, peer.elsewhere)
                }
                Cell::Impossible => footnotes.dash(line.needs.name(), line.needs.lack()),
                Cell::Failed(why) => footnotes.dash(&format!("{}-{}", peer.id, line.row), why),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// Those that have something in any of these lines: a table has no empty columns.
fn columns_of(lines: &[&Line], count: usize) -> Vec<usize> {
    let is_used = |&column: &usize| {
        let mut cells = lines.iter().map(|line| &line.cells[column]);
        cells.any(|cell| !matches!(cell, Cell::Impossible))
    };
    (0..count).filter(is_used).collect()
}

/// Why there is no figure, at the end of the document.
#[derive(Default)]
struct Footnotes(String);

impl Footnotes {
    fn dash(&mut self, name: &str, why: &str) -> String {
        let note = format!("\n[^{name}]: {why}\n");
        if !self.0.contains(&note) {
            self.0.push_str(&note);
        }
        format!("–[^{name}]")
    }
}

fn target(target: Target, peers: &[Entry]) -> String {
    let title_of = |id| {
        let peer = peers.iter().find(|peer| peer.id == id);
        peer.map_or(id, |peer| peer.title)
    };
    match target {
        Target::Stated => "stated".to_owned(),
        Target::TimesTheRecord(times) => times.to_string(),
        Target::AtMost(most) => format!("at most {most}"),
        Target::TimesTheRecordBut { peer, times } => {
            format!("{times} ({} beside it)", title_of(peer))
        }
        Target::TimesThatOf { peer, times } => format!("{times} of {}'s", title_of(peer)),
    }
}

/// Three digits that count: more would claim what a shared machine cannot hold.
fn shown(number: f64) -> String {
    let digits = match number.abs() {
        size if size == size.trunc() => 0,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$}")
}
