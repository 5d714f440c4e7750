//! pollster: `block_on` and nothing else.

use std::hint::black_box;
use std::time::Instant;

use super::{Binary, Entry, POLLSTER};
use crate::effort::Effort;
use crate::rows::{self, Program, Row};

pub fn entry() -> Entry {
    Entry {
        id: POLLSTER,
        title: "pollster",
        crates: &["pollster"],
        notes: "Only enters, and sets nothing up for it: it spawns no tasks. Stands beside, and holds no record.",
        binary: Binary::Usual,
        elsewhere: "",
        rows,
    }
}

fn rows() -> Vec<Row> {
    vec![
        rows::entering::block_on_row(block_on_ready),
        rows::of_program(HELLO),
    ]
}

const HELLO: Program = Program {
    dependencies: "pollster = \"1\"",
    source: "fn main() { pollster::block_on(async { println!(\"hello\") }) }",
};

fn block_on_ready(effort: &Effort) -> f64 {
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            let main = black_box(std::future::ready(round));
            assert_eq!(pollster::block_on(main), round);
        }
        start.elapsed()
    })
}
