//! What the README says of figures and files is what is measured and what is there.

use std::path::Path;

const README: &str = include_str!("../README.md");
const RESULTS: &str = include_str!("../benches/compare/RESULTS.md");

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// The rows of the table below a heading.
fn table_below<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, below) = text.split_once(heading).unwrap();
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.skip(2).map(cells).collect()
}

#[test]
fn each_figure_of_the_readme_stands_in_the_checked_in_results() {
    let results = table_below(RESULTS, "\n## candor and the record\n");
    let quoted = table_below(README, "\n## Benchmarks\n");
    assert_eq!(quoted.len(), 5, "five rows for somebody who chooses");
    for row in quoted {
        let is_same = |result: &Vec<&str>| result[..5] == row[..];
        assert!(results.iter().any(is_same), "{row:?}");
    }
}

#[test]
fn one_of_the_five_rows_at_least_is_a_loss() {
    let number = |text: &str| text.parse::<f64>().unwrap();
    let quoted = table_below(README, "\n## Benchmarks\n");
    let is_lost = |row: &Vec<&str>| number(row[2]) > number(row[3]);
    assert!(quoted.iter().any(is_lost));
}

#[test]
fn each_file_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_path = |part: &&str| {
        let starts = ["src/", "examples/", "benches/", "tests/"];
        starts.iter().any(|start| part.starts_with(start))
    };
    let separators = |c: char| c.is_whitespace() || "`()[],;:".contains(c);
    let paths: Vec<&str> = README.split(separators).filter(is_path).collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        assert!(root.join(path.trim_end_matches('.')).exists(), "{path}");
    }
}

#[test]
fn the_readme_is_read_in_some_minutes() {
    assert!(README.lines().count() < 200);
}

/// The page on the design does not leave out what is lost.
#[test]
fn each_row_that_candor_loses_stands_in_the_design_with_what_bounds_it() {
    const DESIGN: &str = include_str!("../src/guide/design.rs");
    let design = DESIGN.replace("//! ", "");
    let heading = "\n# Where candor is not the fastest, and what bounds it\n";
    let quoted = table_below(&design, heading);
    let results = table_below(RESULTS, "\n## candor and the record\n");
    let is_lost = |row: &&Vec<&str>| row[5].parse::<f64>().is_ok_and(|ratio| ratio > 1.0);
    let lost: Vec<_> = results
        .iter()
        .filter(is_lost)
        .map(|row| &row[..5])
        .collect();
    let named: Vec<_> = quoted.iter().map(|row| &row[..5]).collect();
    assert_eq!(named, lost);
    assert!(quoted.iter().all(|row| row[5].len() > 10));
}
