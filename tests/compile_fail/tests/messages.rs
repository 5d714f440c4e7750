//! A task whose failure candor could not see does not compile, and the message says what to do.
//!
//! Each case is a file in `cases/`, with the compiler's message beside it. To write these again after a change:
//! `TRYBUILD=overwrite cargo test --manifest-path tests/compile_fail/Cargo.toml`.

use std::env;
use std::io::{self, Write};
use std::process::Command;

/// The compiler that wrote the `.stderr` files. Others use other words.
const WRITTEN_BY: &str = "rustc 1.95.";

#[test]
fn every_accepted_outcome_can_be_spawned() {
    trybuild::TestCases::new().pass("cases/pass.rs");
}

#[test]
fn a_refused_outcome_is_answered_with_advice() {
    let compiler = compiler_version();
    if !compiler.starts_with(WRITTEN_BY) {
        // Not `eprintln!`, which the harness does not show when a test passes.
        let _ = writeln!(
            io::stderr(),
            "skipped: the messages were written by {WRITTEN_BY}x, and this is {compiler}"
        );
        return;
    }

    let cases = trybuild::TestCases::new();
    cases.compile_fail("cases/box_without_send.rs");
    cases.compile_fail("cases/error_without_debug.rs");
    cases.compile_fail("cases/error_returned_plainly.rs");
    cases.compile_fail("cases/forgotten_await.rs");
    cases.compile_fail("cases/foreign_type.rs");
    cases.compile_fail("cases/own_type.rs");
    cases.compile_fail("cases/result_in_option.rs");
    cases.compile_fail("cases/result_in_tuple.rs");
    cases.compile_fail("cases/results_in_vec.rs");
    cases.compile_fail("cases/value_bound.rs");
}

fn compiler_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output
        .expect("cargo, which runs this test, needs rustc too")
        .stdout;
    String::from_utf8_lossy(&version).trim().to_owned()
}
