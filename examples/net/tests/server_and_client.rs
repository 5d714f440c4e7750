//! The server under load, driven by the client, both as the processes that a user starts.
//!
//! A third connection, which was there before, requests a page now and then, and must not notice anything. What the
//! server has reported is read from its stderr and compared with what it counted and with what its clients
//! received.
//!
//! Nothing is measured in time. Each test waits for what it needs to see: a line of output, an answer, the
//! end of a process.

#![cfg(unix)] // It is stopped by a signal that only Unix can send to a child.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

#[test]
fn under_load_each_failure_is_reported_once_and_no_other_connection_notices() {
    let server = Server::start();
    let mut bystander = server.connect();
    let told = fetch_all(&server, &["/", "/panic", "/error", "/hang"]);
    assert_eq!(bystander.get("/"), (200, "hello\n".to_owned()));

    let client = String::from_utf8(told.stdout).unwrap();
    let (first_line, failures) = client.split_once('\n').unwrap();
    assert_eq!(first_line, "250 of 1000 pages, 1500 bytes");
    for failure in [
        "/panic: 500 Internal Server Error",
        "/error: 500 Internal Server Error",
        "/hang: 504 Gateway Timeout",
    ] {
        let line = format!("\n250 times {}{failure}\n", server.url);
        assert!(failures.contains(&line), "{line:?} in:\n{client}");
    }
    assert_eq!(told.status.code(), Some(1));
    assert_eq!(String::from_utf8(told.stderr).unwrap(), "");

    let ended = server.stop();
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.last_lines[1], "All 1001 connections are closed.");
    assert_eq!(ended.last_lines[2], "500 failures were reported.");
    ended.assert_each_reported_once(500);
    for (count, headline) in [
        (250, " panicked: the route /panic panics"),
        (250, " failed: invalid digit found in string"),
    ] {
        // All but the first go on: they say how often it has come.
        let reports = ended.reports.iter().filter(|line| line.contains(headline));
        assert_eq!(reports.count(), count, "{headline}");
    }
}

#[test]
fn a_client_that_is_killed_half_way_is_no_failure_and_harms_nobody() {
    let server = Server::start();
    let mut bystander = server.connect();
    let mut client = client(&server, &["/panic", "/", "/hang"]);
    let mut client = client.stdout(Stdio::null()).spawn().unwrap();
    let mut reports = server.wait_for_reports(20);
    client.kill().unwrap();
    client.wait().unwrap();
    assert_eq!(bystander.get("/"), (200, "hello\n".to_owned()));

    let told = fetch_all(&server, &["/"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told, "1000 of 1000 pages, 6000 bytes\n");

    let mut ended = server.stop();
    reports.append(&mut ended.reports);
    ended.reports = reports;
    let count = ended.reports.len();
    assert_eq!(
        ended.last_lines[2],
        format!("{count} failures were reported.")
    );
    ended.assert_each_reported_once(count);
    for report in &ended.reports {
        assert!(
            report.contains(" panicked: the route /panic panics"),
            "{report}"
        );
    }
}

#[test]
fn a_server_that_is_stopped_answers_what_it_has_begun() {
    let server = Server::start();
    let mut idle = server.connect();
    assert_eq!(idle.get("/"), (200, "hello\n".to_owned()));
    // In one piece, so that the second request is there when the first is answered.
    let mut busy = server.connect();
    busy.ask(&["/", "/hang"]);
    assert_eq!(busy.answer().0, 200);
    let ended = server.stop();
    assert_eq!(busy.answer().0, 504);
    for mut connection in [idle, busy] {
        assert_eq!(connection.0.read(&mut [0]).unwrap(), 0, "it is closed");
    }
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.last_lines,
        [
            "Stopping.",
            "All 2 connections are closed.",
            "0 failures were reported."
        ]
    );
    assert!(ended.reports.is_empty());
}

#[test]
fn a_server_without_an_address_says_so_and_ends() {
    let server = Server::start();
    let address = server.url.strip_prefix("http://").unwrap();
    let second = http_server(address).output().unwrap();
    let report = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(report.matches(" failed: ").count(), 1, "{report}");
    server.stop();
}

/// A server on a port that the system has chosen. It is killed if the test fails before it is stopped.
struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// The headlines of its reports, as they come.
    reports: Receiver<String>,
    url: String,
}

/// What a server leaves at its end.
struct Ended {
    code: Option<i32>,
    last_lines: Vec<String>,
    reports: Vec<String>,
}

impl Server {
    fn start() -> Self {
        let mut command = http_server("127.0.0.1:0");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, reports) = channel();
        // Reads all the time; else the server would wait for its own stderr.
        thread::spawn(move || {
            let lines = stderr.lines().map(Result::unwrap);
            for headline in lines.filter(|line| line.starts_with("task #")) {
                // A test that has failed does not receive any more.
                let _ = sender.send(headline);
            }
        });
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        Server {
            process,
            stdout,
            reports,
            url: url.trim_end().to_owned(),
        }
    }

    fn connect(&self) -> Connection {
        let address = self.url.strip_prefix("http://").unwrap();
        Connection(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// Waits until so many failures have been reported.
    fn wait_for_reports(&self, count: usize) -> Vec<String> {
        self.reports.iter().take(count).collect()
    }

    /// Stops it as a terminal does, and waits for its end.
    fn stop(mut self) -> Ended {
        kill_process(Pid::from_child(&self.process), Signal::INT).unwrap();
        let lines = self.stdout.by_ref().lines();
        let last_lines = lines.map(Result::unwrap).collect();
        let code = self.process.wait().unwrap().code();
        Ended {
            code,
            last_lines,
            reports: self.reports.iter().collect(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    /// A task fails once, so its number is in one headline.
    #[track_caller]
    fn assert_each_reported_once(&self, count: usize) {
        let task = |headline: &String| headline.split(' ').nth(1).unwrap().to_owned();
        let tasks: BTreeSet<String> = self.reports.iter().map(task).collect();
        assert_eq!((tasks.len(), self.reports.len()), (count, count));
    }
}

/// A client that keeps its connection, by hand.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn get(&mut self, path: &str) -> (u16, String) {
        self.ask(&[path]);
        self.answer()
    }

    fn ask(&mut self, paths: &[&str]) {
        let requests: Vec<_> = paths
            .iter()
            .map(|path| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
            .collect();
        let requests = requests.concat();
        self.0.get_mut().write_all(requests.as_bytes()).unwrap();
    }

    /// The status and the body.
    fn answer(&mut self) -> (u16, String) {
        let mut status = 0;
        let mut length = 0;
        for line in self.0.by_ref().lines() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

fn fetch_all(server: &Server, paths: &[&str]) -> Output {
    client(server, paths).output().unwrap()
}

fn client(server: &Server, paths: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetch_all"));
    command.args(paths.iter().map(|path| format!("{}{path}", server.url)));
    command
}

fn http_server(address: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_http_server"));
    command.arg(address);
    command
}
