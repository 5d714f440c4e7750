//! Measures a round trip of one byte over async-io's sockets on loopback, one connection, both ends in one executor.
//!
//! ```text
//! cargo run --release --manifest-path examples/embedding/Cargo.toml --bin round_trip
//! cargo run --release --manifest-path examples/embedding/Cargo.toml --bin round_trip --features async-io
//! ```
//!
//! The shortest of nine rounds counts, since other work on the machine can only add to it.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

const TRIPS: u32 = 2_000;

fn main() {
    let how = if cfg!(feature = "async-io") {
        "in the reactor"
    } else {
        "plain"
    };
    let candor = least_of(|sockets| {
        candor::block_on(async {
            let (ours, theirs) = sockets;
            let server = candor::TaskBuilder::new().daemon();
            server.spawn(echo(theirs)).detach();
            trips(ours).await
        })
    });
    let smol = least_of(|sockets| {
        let executor = async_executor::LocalExecutor::new();
        async_io::block_on(executor.run(async {
            let (ours, theirs) = sockets;
            executor.spawn(echo(theirs)).detach();
            trips(ours).await
        }))
    });
    let ratio = candor.as_secs_f64() / smol.as_secs_f64();
    println!("candor, {how}: {candor:.1?} a round trip; smol: {smol:.1?}; ratio {ratio:.2}");
}

type Socket = Async<TcpStream>;

fn least_of(measure: impl Fn((Socket, Socket)) -> Duration) -> Duration {
    let rounds = (0..9).map(|_| measure(connected()));
    rounds.min().expect("there are rounds") / TRIPS
}

fn connected() -> (Socket, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    for socket in [&ours, &theirs] {
        socket.set_nodelay(true).unwrap();
    }
    (Async::new(ours).unwrap(), Async::new(theirs).unwrap())
}

async fn trips(mut socket: Socket) -> Duration {
    let start = Instant::now();
    for trip in 0..TRIPS {
        socket.write_all(&[trip as u8]).await.unwrap();
        let mut answer = [0];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [trip as u8]);
    }
    start.elapsed()
}

async fn echo(mut socket: Socket) {
    let mut byte = [0];
    while socket.read_exact(&mut byte).await.is_ok() {
        socket.write_all(&byte).await.unwrap();
    }
}
