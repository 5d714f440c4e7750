//! What was asked for.
//!
//! Knows words, and no peers or rows.

use std::ffi::OsString;
use std::fmt::Display;

use lexopt::prelude::*;

pub const USAGE: &str = "\
Measures candor and its peers side by side, and writes a table and a chart.

usage: compare [--quick] [--samples N] [--rows PATTERNS] [--peers IDS]
       compare list
       compare sample PEER ROW [--quick]

  --quick          small workloads and one sample, to see that everything works; the
                   results go to target/quick instead of the checked-in files
  --samples N      so many samples of every figure, each a process of its own (8)
  --rows PATTERNS  only rows whose id contains one of these, separated by commas;
                   the results are printed, and no file is written
  --peers IDS      only these peers, separated by commas; as --rows else

  list             the ids of peers and rows
  sample           one sample, in this process: what a profiler wants
";

#[derive(Debug, PartialEq)]
pub enum Asked {
    Help,
    List,
    Sample {
        peer: String,
        row: String,
        is_quick: bool,
    },
    Run(Run),
}

/// A whole run, or a part of it.
#[derive(Debug, PartialEq)]
pub struct Run {
    pub is_quick: bool,
    pub samples: usize,
    /// Empty for all.
    pub rows: Vec<String>,
    /// Empty for all.
    pub peers: Vec<String>,
}

impl Run {
    pub fn has_row(&self, id: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| id.contains(part.as_str()))
    }

    pub fn has_peer(&self, id: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peer| peer == id)
    }

    pub fn is_whole(&self) -> bool {
        self.rows.is_empty() && self.peers.is_empty()
    }
}

/// Reads the arguments, the program's own name left out.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut words, mut rows, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_quick, mut samples) = (false, None);
    while let Some(arg) = parser.next().map_err(text)? {
        match arg {
            Short('h') | Long("help") => return Ok(Asked::Help),
            Long("quick") => is_quick = true,
            Long("samples") => {
                samples = Some(parser.value().and_then(|n| n.parse()).map_err(text)?)
            }
            Long("rows") => rows = list(parser.value().map_err(text)?)?,
            Long("peers") => peers = list(parser.value().map_err(text)?)?,
            Value(word) => words.push(word.string().map_err(text)?),
            other => return Err(text(other.unexpected())),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Asked::Run(Run {
            is_quick,
            samples: samples.unwrap_or(if is_quick { 1 } else { 8 }).max(1),
            rows,
            peers,
        })),
        ["list"] => Ok(Asked::List),
        ["sample", peer, row] => Ok(Asked::Sample {
            peer: peer.to_owned(),
            row: row.to_owned(),
            is_quick,
        }),
        _ => Err(format!("not understood: {}", words.join(" "))),
    }
}

fn list(value: OsString) -> Result<Vec<String>, String> {
    let value = value.string().map_err(text)?;
    Ok(value.split(',').map(str::to_owned).collect())
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn no_words_ask_for_all_of_it() {
        let Ok(Asked::Run(run)) = parsed("") else {
            panic!("a run is what is done by default");
        };
        assert!(run.is_whole() && !run.is_quick);
        assert_eq!(run.samples, 8);
        assert!(run.has_row("yield-1") && run.has_peer("candor"));
    }

    #[test]
    fn rows_are_chosen_by_parts_and_peers_by_name() {
        let Ok(Asked::Run(run)) = parsed("--quick --rows yield,spawn --peers candor") else {
            panic!("these are options of a run");
        };
        assert!(run.has_row("yield-1e3") && run.has_row("spawn-await") && !run.has_row("sleep"));
        assert!(run.has_peer("candor") && !run.has_peer("candor-2"));
        assert!(!run.is_whole());
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(
            parsed("sample candor")
                .unwrap_err()
                .contains("sample candor")
        );
        assert!(parsed("--samples many").is_err());
    }
}
