//! The example runs in a terminal, as with a user, and every picture that it draws is checked.
//!
//! ```text
//! the test ──► keys ──► pseudo-terminal ──► host_loop
//!     ▲                                         │
//!     └── pictures ◄── a terminal in memory ◄───┘
//! ```

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use portable_pty::{CommandBuilder, ExitStatus, PtyPair, PtySize, native_pty_system};

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(150).unwrap();

/// The end of a picture: the terminal may show it now. Its last byte is where the output is cut.
const END_OF_PICTURE: &[u8] = b"\x1b[?2026l";

/// Only a program that hangs is waited for this long.
const HANG: Duration = Duration::from_secs(60);

#[test]
fn failures_reach_the_panel_once_and_the_keys_are_heard_while_jobs_run() {
    let mut terminal = Terminal::start();
    terminal.wait_for(&["keys: 0   tasks: 0", "failures: 0"]);

    terminal.press("f");
    let failed = terminal.wait_for(&["failures: 1"]);
    let headline = "`parse` failed: invalid digit found in string, at src/bin/host_loop.rs:";
    assert_eq!(failed.matches(headline).count(), 1, "{failed}");

    terminal.press("p");
    terminal.wait_for(&["failures: 2", "`shelf` panicked: index out of bounds"]);

    // No timer is set, so nothing but the thread's wake can end the wait for events.
    terminal.press("t");
    terminal.wait_for(&["keys: 3   tasks: 0", "words: 1"]);

    // The second key is handled while the job of the first one goes on.
    terminal.press("sx");
    terminal.wait_for(&["keys: 5   tasks: 1", "slow job 4: ["]);
    let late = terminal.wait_for(&["slow job 4: [#"]);
    assert_eq!(late.matches("`parse` failed").count(), 1, "{late}");
    assert_eq!(late.matches("`shelf` panicked").count(), 1, "{late}");
    assert!(late.contains("failures: 2"), "{late}");

    terminal.press("q");
    let (status, screen) = terminal.wait_for_the_end();
    assert_eq!(status.exit_code(), 0, "{}", screen.contents());
    assert_eq!(screen.contents().trim(), "failures reported: 2");
    assert!(!screen.alternate_screen(), "the screen is given back");
    assert!(!screen.hide_cursor(), "the cursor is given back");
}

/// A program, and the terminal that it runs in.
///
/// When a test fails, its process ends and the terminal with it, and that ends the program.
struct Terminal {
    pair: PtyPair,
    keys: Box<dyn Write + Send>,
    pictures: Receiver<vt100::Screen>,
    end: Receiver<ExitStatus>,
    modes_at_the_start: String,
}

impl Terminal {
    fn start() -> Self {
        let size = PtySize {
            rows: ROWS.get(),
            cols: COLUMNS.get(),
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes_at_the_start = modes(&pair);
        let output = BufReader::new(pair.master.try_clone_reader().unwrap());
        let keys = pair.master.take_writer().unwrap();
        let example = CommandBuilder::new(env!("CARGO_BIN_EXE_host_loop"));
        let mut example = pair.slave.spawn_command(example).unwrap();
        let (show, pictures) = mpsc::channel();
        thread::spawn(move || {
            let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
            for_each_picture(output, |bytes| {
                parser.process(bytes);
                let _ = show.send(parser.screen().clone());
            });
        });
        let (tell, end) = mpsc::channel();
        thread::spawn(move || tell.send(example.wait().unwrap()));
        Terminal {
            pair,
            keys,
            pictures,
            end,
            modes_at_the_start,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Looks at one picture after the other, and returns the first that shows all of `texts`.
    fn wait_for(&self, texts: &[&str]) -> String {
        let mut picture = String::from("there was none");
        while !texts.iter().all(|text| picture.contains(text)) {
            picture = match self.pictures.recv_timeout(HANG) {
                Ok(screen) => screen.contents(),
                Err(_) => panic!("no picture shows {texts:?}; the last one:\n{picture}"),
            };
        }
        picture
    }

    /// Waits until the program has ended, and returns what it leaves on the screen.
    fn wait_for_the_end(self) -> (ExitStatus, vt100::Screen) {
        let status = self.end.recv_timeout(HANG).expect("the program ends");
        assert_eq!(modes(&self.pair), self.modes_at_the_start);
        // This side has no other owner, so the output ends as well.
        drop(self.pair.slave);
        (status, self.pictures.iter().last().expect("a last picture"))
    }
}

/// Whether the terminal echoes, buffers lines and so on.
fn modes(pair: &PtyPair) -> String {
    format!("{:?}", pair.master.get_termios().unwrap())
}

/// Cuts the output behind each picture, so that none is missed; what follows the last is one more.
fn for_each_picture(mut output: impl BufRead, mut show: impl FnMut(&[u8])) {
    let mut bytes = Vec::new();
    // A closed terminal is an end on some systems and an error on others.
    while output.read_until(b'l', &mut bytes).is_ok_and(|n| n > 0) {
        if bytes.ends_with(END_OF_PICTURE) {
            show(&bytes);
            bytes.clear();
        }
    }
    show(&bytes);
}
