//! Other people's sockets, threads, processes and HTTP, used as programs use them.
//!
//! The continuation of `tests/interop.rs` in the crate itself, for crates with many dependencies: async-net,
//! blocking, async-process and hyper. Each works as its users know it, and where something fails along the way,
//! candor reports it like any other failure: once, and with the cause.
//!
//! All of them wake from threads of their own. No task waits for candor's clock here, so a lost wake hangs;
//! nothing is measured in time.

use std::cell::RefCell;
use std::rc::Rc;

use candor::{Executor, TaskGroup, spawn};
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};

/// Runs a program that fails along the way, and gives the reports.
#[track_caller]
fn reports_of(program: impl Future<Output = candor::Result>) -> Vec<String> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let kept = reports.clone();
    let executor = Executor::builder()
        .on_failure(move |failure| kept.borrow_mut().push(failure.report()))
        .build();
    let _ = executor.run(program);
    assert_eq!(executor.failures() as usize, reports.borrow().len());
    drop(executor);
    reports.take()
}

/// The one report there is.
#[track_caller]
fn only_report_of(program: impl Future<Output = candor::Result>) -> String {
    let reports = reports_of(program);
    let [report] = &reports[..] else {
        panic!("one report was expected: {reports:#?}");
    };
    report.clone()
}

#[track_caller]
fn assert_contains(report: &str, part: &str) {
    assert!(report.contains(part), "{part:?} is missing in:\n{report}");
}

mod sockets_of_async_net {
    use super::*;
    use async_net::{TcpListener, TcpStream, UdpSocket, resolve};

    async fn echo(mut stream: TcpStream) -> candor::Result<usize> {
        let mut total = 0;
        let mut buffer = [0; 16];
        loop {
            let count = stream.read(&mut buffer).await?;
            if count == 0 {
                return Ok(total);
            }
            if buffer[..count].contains(&b'!') {
                Err("somebody shouts")?;
            }
            stream.write_all(&buffer[..count]).await?;
            total += count;
        }
    }

    /// Sends pieces that are larger and smaller than the server's buffer, and receives them back.
    async fn converse(address: std::net::SocketAddr, number: usize) -> candor::Result {
        let mut stream = TcpStream::connect(address).await?;
        for length in [1, 16, 17, 1000] {
            let said = vec![number as u8; length];
            let mut heard = vec![0; length];
            stream.write_all(&said).await?;
            stream.read_exact(&mut heard).await?;
            assert_eq!(heard, said);
        }
        Ok(())
    }

    #[test]
    fn several_clients_talk_to_an_echo_server_at_once() {
        const CLIENTS: usize = 20;
        candor::test(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let server = spawn(async move {
                let mut connections = Vec::new();
                for stream in listener.incoming().take(CLIENTS).collect::<Vec<_>>().await {
                    connections.push(spawn(echo(stream?)));
                }
                let mut total = 0;
                for connection in connections {
                    total += connection.await?;
                }
                candor::Ok(total)
            });
            let clients = TaskGroup::new();
            for number in 0..CLIENTS {
                clients.spawn(converse(address, number));
            }
            clients.join().await?;
            assert_eq!(server.await?, CLIENTS * 1034);
            candor::Ok(())
        });
    }

    #[test]
    fn a_connection_that_fails_is_reported_and_the_others_are_served() {
        let report = only_report_of(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let mut quiet = TcpStream::connect(address).await?;
            let mut loud = TcpStream::connect(address).await?;
            let connections = TaskGroup::independent();
            for _ in 0..2 {
                let (stream, _) = listener.accept().await?;
                connections.spawn(echo(stream));
            }
            loud.write_all(b"hey!").await?;
            assert_eq!(loud.read(&mut [0; 4]).await?, 0, "it is hung up on");
            quiet.write_all(b"hey").await?;
            let mut heard = [0; 3];
            quiet.read_exact(&mut heard).await?;
            assert_eq!(&heard, b"hey");
            drop(quiet);
            let summary = connections.join().await;
            assert_eq!((summary.succeeded, summary.failed), (1, 1));
            candor::Ok(())
        });
        assert_contains(&report, " failed: somebody shouts\n");
        assert_contains(&report, "   at tests/interop.rs:");
    }

    #[test]
    fn names_are_resolved_and_datagrams_arrive() {
        candor::test(async {
            let addresses = resolve("localhost:80").await?;
            assert!(addresses.iter().all(|address| address.ip().is_loopback()));
            assert!(!addresses.is_empty());

            let one = UdpSocket::bind("127.0.0.1:0").await?;
            let other = UdpSocket::bind("127.0.0.1:0").await?;
            let address = other.local_addr()?;
            let answering = spawn(async move {
                let mut buffer = [0; 16];
                let (length, asker) = other.recv_from(&mut buffer).await?;
                other.send_to(&buffer[..length], asker).await?;
                candor::Ok(())
            });
            one.send_to(b"ping", address).await?;
            let mut buffer = [0; 16];
            let (length, _) = one.recv_from(&mut buffer).await?;
            assert_eq!(&buffer[..length], b"ping");
            answering.await?;
            candor::Ok(())
        });
    }
}

mod threads_of_blocking {
    use super::*;
    use std::fs;
    use std::sync::mpsc;

    use blocking::{Unblock, unblock};

    /// A job that holds its thread until a task has run: if it held the executor's, nothing would go on.
    #[test]
    fn a_job_that_blocks_holds_up_no_task() {
        candor::test(async {
            let (task, job) = mpsc::channel::<u32>();
            let blocked = spawn(unblock(move || job.recv().unwrap() * 2));
            let free = spawn(async move { task.send(21) });
            assert_eq!(blocked.await?, 42);
            free.await?;
            candor::Ok(())
        });
    }

    #[test]
    fn a_panic_of_a_job_is_its_awaiter_s_and_is_reported_once() {
        let report = only_report_of(async {
            spawn(async {
                let sum: u32 = unblock(|| panic!("boom")).await;
                println!("{sum}");
            })
            .detach();
            let other = spawn(unblock(|| 1));
            assert_eq!(other.await?, 1);
            candor::Ok(())
        });
        assert_contains(&report, "task #1 panicked: boom\n");
        assert_contains(&report, "spawned at tests/interop.rs:");
    }

    #[test]
    fn a_panic_of_a_job_can_be_awaited_as_any_other() {
        candor::test(async {
            let task = spawn(async {
                unblock(|| panic!("boom")).await;
            });
            let error = task.await.unwrap_err();
            assert!(error.is_panic());
            assert_eq!(error.failure().unwrap().message(), "boom");
        });
    }

    #[test]
    fn an_error_of_a_job_knows_the_line_that_passed_it_on() {
        let report = only_report_of(async {
            let path = "no/such/file";
            spawn(async move {
                let text = unblock(move || fs::read_to_string(path)).await?;
                println!("{text}");
                candor::Ok(())
            })
            .detach();
            candor::Ok(())
        });
        let cause = fs::read_to_string("no/such/file").unwrap_err();
        assert_contains(
            &report,
            &format!("task #1 failed: {cause}\n   at tests/interop.rs:"),
        );
    }

    #[test]
    fn a_file_is_read_line_by_line() {
        candor::test(async {
            let file = unblock(|| fs::File::open("Cargo.toml")).await?;
            let lines = futures_lite::io::BufReader::new(Unblock::new(file)).lines();
            let lines: Vec<String> = lines.try_collect().await?;
            assert!(lines.contains(&"[package]".to_owned()));
            candor::Ok(())
        });
    }
}

#[cfg(unix)] // They are commands of a Unix shell.
mod processes_of_async_process {
    use super::*;
    use std::io::{Read, pipe};

    use async_process::{Command, Stdio};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_gives_its_output_and_its_exit_status() {
        candor::test(async {
            let output = shell("echo out; echo err >&2; exit 3").output().await?;
            assert_eq!(output.status.code(), Some(3));
            assert_eq!(output.stdout, b"out\n");
            assert_eq!(output.stderr, b"err\n");
            candor::Ok(())
        });
    }

    #[test]
    fn a_conversation_with_a_child_goes_both_ways() {
        candor::test(async {
            let mut child = shell("while read line; do echo \"<$line>\"; done")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let mut stdin = child.stdin.take().unwrap();
            let stdout = child.stdout.take().unwrap();
            let mut lines = futures_lite::io::BufReader::new(stdout).lines();
            for word in ["one", "two", "three"] {
                stdin.write_all(format!("{word}\n").as_bytes()).await?;
                assert_eq!(lines.next().await.unwrap()?, format!("<{word}>"));
            }
            drop(stdin);
            assert!(lines.next().await.is_none());
            assert!(child.status().await?.success());
            candor::Ok(())
        });
    }

    #[test]
    fn many_children_end_in_whatever_order_and_each_status_finds_its_task() {
        candor::test(async {
            let pool = candor::TaskPool::new(8);
            let codes = pool.map(0..40, async |code: i32| {
                let status = shell(&format!("exit {code}")).status().await?;
                candor::Ok(status.code())
            });
            let expected: Vec<_> = (0..40).map(Some).collect();
            assert_eq!(codes.collect().await?, expected);
            candor::Ok(())
        });
    }

    #[test]
    fn a_child_that_fails_fails_its_task_and_no_other() {
        let report = only_report_of(async {
            let children = TaskGroup::independent();
            for script in ["exit 0", "exit 7", "exit 0"] {
                children.spawn(async move {
                    let status = shell(script).status().await?;
                    if !status.success() {
                        Err(format!("`{script}` ended with {status}"))?;
                    }
                    candor::Ok(())
                });
            }
            let summary = children.join().await;
            assert_eq!((summary.succeeded, summary.failed), (2, 1));
            candor::Ok(())
        });
        assert_contains(
            &report,
            "task #2 failed: `exit 7` ended with exit status: 7\n",
        );
    }

    /// Only the child has the pipe, so the reader ends when the child does.
    #[test]
    fn a_child_whose_task_is_aborted_is_killed_if_it_was_asked_for() {
        let (mut reader, writer) = pipe().unwrap();
        candor::test(async {
            let (started, is_started) = async_channel::bounded(1);
            let task = spawn(async move {
                let mut command = shell("exec sleep 100000");
                command.stdout(writer).kill_on_drop(true);
                let mut child = command.spawn()?;
                drop(command);
                started.send(()).await?;
                child.status().await?;
                candor::Ok(())
            });
            is_started.recv().await?;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            candor::Ok(())
        });
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_of_its_task() {
        let report = only_report_of(async {
            spawn(async {
                Command::new("no-such-program").status().await?;
                candor::Ok(())
            })
            .detach();
            candor::Ok(())
        });
        assert_contains(&report, "task #1 failed: No such file or directory");
    }
}

mod http_of_hyper {
    use super::*;
    use std::net::SocketAddr;

    use async_net::{TcpListener, TcpStream};
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    use hyper::client::conn::http1::{SendRequest, handshake};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use smol_hyper::rt::FuturesIo;

    /// Sends back the body, reversed. A body that is no text is an error.
    async fn reversed(request: Request<Incoming>) -> candor::Result<Response<Full<Bytes>>> {
        let body = request.into_body().collect().await?.to_bytes();
        let text: String = str::from_utf8(&body)?.chars().rev().collect();
        Ok(Response::new(Full::new(text.into())))
    }

    /// Takes one connection, and serves it in the same task.
    async fn serve_one(listener: TcpListener) -> candor::Result {
        let (stream, _) = listener.accept().await?;
        // hyper asks for an error that converts into a box, and `candor::Error` keeps its place in it.
        let service =
            service_fn(async |request| reversed(request).await.map_err(candor::Error::into_boxed));
        http1::Builder::new()
            .serve_connection(FuturesIo::new(stream), service)
            .await?;
        Ok(())
    }

    /// A client whose connection is driven by a task.
    async fn connect(address: SocketAddr) -> candor::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(address).await?;
        let (sender, connection) = handshake(FuturesIo::new(stream)).await?;
        spawn(connection).detach();
        Ok(sender)
    }

    fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let request = Request::post("/").header("host", "localhost");
        request.body(Full::new(body.into())).unwrap()
    }

    #[test]
    fn requests_make_their_round_trip_on_one_connection() {
        candor::test(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let server = spawn(serve_one(listener));
            let mut client = connect(address).await?;
            // The last one is more than fits into the buffers of a socket.
            for length in [0, 1, 100_000, 8 << 20] {
                let response = client.send_request(post(vec![b'x'; length])).await?;
                assert!(response.status().is_success());
                let body = response.into_body().collect().await?.to_bytes();
                assert_eq!(body.len(), length);
            }
            let response = client.send_request(post("stressed")).await?;
            let body = response.into_body().collect().await?.to_bytes();
            assert_eq!(body, "desserts");
            drop(client);
            server.await?;
            candor::Ok(())
        });
    }

    #[test]
    fn a_service_that_fails_is_reported_with_its_cause_and_its_client_gets_an_error() {
        let report = only_report_of(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            spawn(serve_one(listener)).detach();
            let mut client = connect(address).await?;
            let answer = client.send_request(post(vec![0xFF])).await;
            assert!(answer.unwrap_err().is_incomplete_message());
            candor::Ok(())
        });
        assert_contains(&report, "task #1 failed: error from user's Service");
        assert_contains(&report, "invalid utf-8 sequence of 1 bytes from index 0");
    }

    #[test]
    fn a_server_that_is_aborted_hangs_up_on_its_client() {
        candor::test(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let server = spawn(serve_one(listener));
            let mut client = connect(address).await?;
            client
                .send_request(post("x"))
                .await?
                .into_body()
                .collect()
                .await?;
            server.abort();
            assert!(server.await.unwrap_err().is_cancelled());
            let answer = client.send_request(post("x")).await.unwrap_err();
            assert!(answer.is_canceled() || answer.is_closed() || answer.is_incomplete_message());
            candor::Ok(())
        });
    }
}
