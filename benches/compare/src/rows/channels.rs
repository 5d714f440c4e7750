//! Two tasks that answer each other, over channels that are the same for every peer.
//!
//! local-channel's is `!Send`, a queue and a waker behind an `Rc`; async-channel's is for any thread.

use std::time::{Duration, Instant};

use local_channel::mpsc;

use super::in_a_task;
use crate::peers::Peer;
use crate::row::Row;
use crate::row::Target::TimesTheRecord;

pub fn rows<P: Peer>() -> Vec<Row> {
    vec![
        Row::new(
            "ping-pong-local",
            "ping-pong over local-channel, a round trip",
            TimesTheRecord(0.6),
            |effort| in_a_task(effort, 1, over_local_channel::<P>),
        )
        .in_debug_too(),
        Row::new(
            "ping-pong-async-channel",
            "ping-pong over async-channel, a round trip",
            TimesTheRecord(0.95),
            |effort| in_a_task(effort, 1, over_async_channel::<P>),
        ),
    ]
}

async fn over_local_channel<P: Peer>(peer: P, rounds: u64) -> Duration {
    let (ping, mut pinged) = mpsc::channel();
    let (pong, mut ponged) = mpsc::channel();
    let other = peer.spawn(async move {
        let mut answers = 0;
        while let Some(ball) = pinged.recv().await {
            answers += 1;
            pong.send(ball).expect("who asks waits for the answer");
        }
        answers
    });
    let start = Instant::now();
    for round in 0..rounds {
        ping.send(round).expect("the other task listens");
        assert_eq!(ponged.recv().await, Some(round));
    }
    let took = start.elapsed();
    drop(ping);
    assert_eq!(P::join(other).await, rounds);
    took
}

async fn over_async_channel<P: Peer>(peer: P, rounds: u64) -> Duration {
    let (ping, pinged) = async_channel::bounded(1);
    let (pong, ponged) = async_channel::bounded(1);
    let other = peer.spawn(async move {
        let mut answers = 0;
        while let Ok(ball) = pinged.recv().await {
            answers += 1;
            pong.send(ball)
                .await
                .expect("who asks waits for the answer");
        }
        answers
    });
    let start = Instant::now();
    for round in 0..rounds {
        ping.send(round).await.expect("the other task listens");
        assert_eq!(ponged.recv().await, Ok(round));
    }
    let took = start.elapsed();
    drop(ping);
    assert_eq!(P::join(other).await, rounds);
    took
}
