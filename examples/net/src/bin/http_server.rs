//! A web server: hyper over async-net, a task for each connection, and no failure that disturbs another one.
//!
//! ```sh
//! cargo run --manifest-path examples/net/Cargo.toml --bin http_server
//! curl --include http://127.0.0.1:8000/panic
//! ```
//!
//! | route | what it does | what its client gets |
//! |---|---|---|
//! | `/` | answers | 200 |
//! | `/panic` | panics | 500 |
//! | `/error` | returns an `Err` | 500 |
//! | `/hang` | waits for what never comes, but not for long | 504 |
//!
//! The first two failures are reported on stderr as they happen, with the line where they arose. Nothing here
//! does that: no wrapper, no handle, no `catch_unwind`. The other requests and connections go on.
//!
//! ```text
//! run ─► serve ─► connections, an independent group
//!                   ├─ connection ─► its requests, an independent group
//!                   │                  └─ request: it fails alone, and is reported
//!                   └─ connection
//! ```
//!
//! No task outlives its group. When a client goes away, its connection ends, and with it the work for that
//! client. On ctrl-c the server takes no more connections, answers the requests that have begun, and ends. The
//! exit code is 1 if any failure was reported.
//!
//! The address may be given as an argument; with port 0 the system chooses one. The first line of the output
//! names it.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::future;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use async_channel::Receiver;
use async_net::{TcpListener, TcpStream};
use async_signal::{Signal, Signals};
use candor::time::timeout;
use candor::{Executor, TaskGroup, sleep};
use futures_lite::StreamExt;
use futures_lite::future::or;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use smol_hyper::rt::FuturesIo;

/// How long a request may wait for what it needs.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the server waits for its connections when it is stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long it waits after a failed accept: what was lacking may be there again.
const BACK_OFF: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let address = env::args().nth(1);
    let address = address.unwrap_or("127.0.0.1:8000".to_owned());
    let executor = Executor::new();
    let code = executor.run(serve(address));
    println!("{} failures were reported.", executor.failures());
    code
}

/// Accepts connections until a signal stops it.
async fn serve(address: String) -> candor::Result {
    let listener = TcpListener::bind(address).await?;
    let mut signals = Signals::new(STOPPING)?;
    println!("http://{}", listener.local_addr()?);

    // Nothing is ever sent. When this end is dropped, all the others know.
    let (running, stop) = async_channel::bounded::<Infallible>(1);
    let connections = TaskGroup::independent();
    let mut accepted = 0;
    loop {
        let next_connection = async { Some(listener.accept().await) };
        let stopped = async {
            signals.next().await;
            None
        };
        match or(next_connection, stopped).await {
            None => break,
            Some(Ok((stream, _))) => {
                accepted += 1;
                connections.spawn(serve_connection(stream, stop.clone()));
            }
            // Out of descriptors, for example. A task that fails is a way to get it reported.
            Some(Err(error)) => {
                connections.spawn(async { Err::<(), _>(error) });
                sleep(BACK_OFF).await;
            }
        }
    }
    drop((running, listener));
    println!("Stopping.");
    // A connection that takes longer is cancelled with the group.
    match timeout(LAST_ANSWERS, connections.join()).await {
        Ok(_summary) => println!("All {accepted} connections are closed."),
        Err(_elapsed) => println!("Some of {accepted} connections had to be cut."),
    }
    candor::Ok(())
}

#[cfg(unix)]
const STOPPING: [Signal; 2] = [Signal::Int, Signal::Term];
#[cfg(not(unix))]
const STOPPING: [Signal; 1] = [Signal::Int];

/// Answers the requests of one client until it leaves or the server stops.
async fn serve_connection(stream: TcpStream, stop: Receiver<Infallible>) -> candor::Result {
    let requests = TaskGroup::independent();
    let service = service_fn(|request| {
        let response = requests.spawn(answer(request));
        // `None` is a task that failed, which has been reported. The client need not know more than this.
        async {
            let response = response.await;
            Ok::<_, Infallible>(
                response.unwrap_or_else(|| text(StatusCode::INTERNAL_SERVER_ERROR, "sorry\n")),
            )
        }
    });
    let http = http1::Builder::new();
    let mut connection = pin!(http.serve_connection(FuturesIo::new(stream), service));
    let ended = async { Some(connection.as_mut().await) };
    let stopped = async {
        let _closed = stop.recv().await;
        None
    };
    let result = match or(ended, stopped).await {
        Some(result) => result,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    match result {
        Err(error) if has_left(&error) => candor::Ok(()),
        result => candor::Ok(result?),
    }
}

/// One request. It is written as if nothing could go wrong.
async fn answer(request: Request<Incoming>) -> candor::Result<Response<Full<Bytes>>> {
    let response = match request.uri().path() {
        "/" => text(StatusCode::OK, "hello\n"),
        "/panic" => panic!("the route /panic panics"),
        "/error" => {
            let answer: u32 = "forty-two".parse()?;
            text(StatusCode::OK, answer.to_string())
        }
        "/hang" => match timeout(PATIENCE, what_never_comes()).await {
            Ok(news) => text(StatusCode::OK, news),
            Err(elapsed) => text(StatusCode::GATEWAY_TIMEOUT, format!("{elapsed}\n")),
        },
        path => text(StatusCode::NOT_FOUND, format!("there is no {path}\n")),
    };
    Ok(response)
}

/// A database that does not answer.
async fn what_never_comes() -> String {
    future::pending().await
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}

/// Whether it only says that the client is gone. A client may leave at any time; that is no failure of
/// this server.
fn has_left(error: &hyper::Error) -> bool {
    let of_the_socket = error.source().and_then(|source| source.downcast_ref());
    let kind = of_the_socket.map(io::Error::kind);
    error.is_incomplete_message()
        || matches!(
            kind,
            Some(
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
            )
        )
}
