//! A program that stands still says where, when it is asked by a signal.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The program, which is killed in the end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The line of the program that begins with this code.
fn line_of(code: &str) -> usize {
    let program = include_str!("../src/bin/dump_on_signal.rs");
    let mut lines = program.lines();
    1 + lines
        .position(|line| line.trim_start().starts_with(code))
        .unwrap()
}

#[test]
fn a_signal_makes_it_print_the_line_of_each_wait_as_often_as_it_comes() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_dump_on_signal"));
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(program.spawn().unwrap());
    let mut first_line = String::new();
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    stdout.read_line(&mut first_line).unwrap();
    let pid = running.0.id();
    assert_eq!(first_line, format!("kill -USR1 {pid}\n"));
    let stderr = BufReader::new(running.0.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    for _ in 0..2 {
        let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
        kill_process(pid, Signal::USR1).unwrap();
        let is_last = |line: &String| line.contains("`Kant`");
        let mut dump: Vec<String> = lines.by_ref().take_while(|line| !is_last(line)).collect();
        dump.extend(lines.by_ref().take(2));
        let dump = dump.join("\n");
        assert!(dump.contains("`dump on signal`: waiting"), "{dump}");
        assert!(dump.contains("`Plato`: waiting"), "{dump}");
        if cfg!(debug_assertions) {
            let line = line_of("let second = second.lock().await");
            let place = format!("dump_on_signal.rs:{line}:");
            assert_eq!(dump.matches(&place).count(), 2, "{dump}");
            assert_eq!(dump.matches("async_lock::").count(), 2, "{dump}");
        }
    }
}
