//! Sockets over async-io, for the peers whose users take them from there.
//!
//! Knows no peer.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use smol_hyper::rt::FuturesIo;

pub type Listener = Async<TcpListener>;
pub type Stream = FuturesIo<Async<TcpStream>>;

pub async fn listen() -> io::Result<(Listener, SocketAddr)> {
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.get_ref().local_addr()?;
    Ok((listener, address))
}

pub async fn accept(listener: &Listener) -> io::Result<Stream> {
    let (stream, _) = listener.accept().await?;
    without_delay(stream)
}

pub async fn connect(address: SocketAddr) -> io::Result<Stream> {
    without_delay(Async::<TcpStream>::connect(address).await?)
}

/// From whatever has the traits of futures-io.
pub async fn read<S: AsyncRead + Unpin>(
    stream: &mut FuturesIo<S>,
    mut buffer: Vec<u8>,
) -> (io::Result<usize>, Vec<u8>) {
    let socket = stream.get_mut();
    let count = poll_fn(|cx| Pin::new(&mut *socket).poll_read(cx, &mut buffer)).await;
    (count, buffer)
}

/// To whatever has the traits of futures-io.
pub async fn write<S: AsyncWrite + Unpin>(
    stream: &mut FuturesIo<S>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
) -> (io::Result<usize>, Vec<u8>) {
    let socket = stream.get_mut();
    let count = poll_fn(|cx| Pin::new(&mut *socket).poll_write(cx, &buffer[from..to])).await;
    (count, buffer)
}

fn without_delay(stream: Async<TcpStream>) -> io::Result<Stream> {
    stream.get_ref().set_nodelay(true)?;
    Ok(FuturesIo::new(stream))
}
