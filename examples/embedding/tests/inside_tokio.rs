//! The example runs as a newcomer would run it. One bad connection is reported and disturbs no other.

use std::process::Command;

#[test]
fn a_failure_inside_of_tokio_is_reported_once_and_the_other_connections_go_on() {
    let example = Command::new(env!("CARGO_BIN_EXE_inside_tokio"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&example.stdout);
    let stderr = String::from_utf8_lossy(&example.stderr);
    assert!(example.status.success(), "{stdout}{stderr}");
    let expected =
        "21: 42\ntwenty-one: no answer (the connection was closed)\n4: 8\nfailures reported: 1\n";
    assert_eq!(stdout, expected);
    assert_eq!(stderr.matches("`connection` failed").count(), 1, "{stderr}");
    assert!(
        stderr.contains("last await: sleep at src/bin/inside_tokio.rs:"),
        "{stderr}"
    );
}
