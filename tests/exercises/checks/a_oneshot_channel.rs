use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use candor::{spawn, time};

use super::oneshot;
use crate::support::{SECOND, on_virtual_time, polls_of_tasks, settle};

/// Exercise 6.
pub fn check() {
    on_virtual_time(async {
        let (sender, receiver) = oneshot();
        sender.send("before it is awaited");
        let received = time::timeout(SECOND, receiver).await;
        assert_eq!(
            received,
            Ok(Some("before it is awaited")),
            "the value was sent before the receiver was polled"
        );

        let (sender, receiver) = oneshot();
        let receiving = spawn(receiver);
        settle().await;
        assert_eq!(polls_of_tasks(), 1, "nobody has woken it yet");
        sender.send("while it is awaited");
        let received = time::timeout(SECOND, receiving).await;
        let received = received.expect("a value was sent, but the receiver sleeps on");
        assert_eq!(received.unwrap(), Some("while it is awaited"));

        let (sender, receiver) = oneshot::<u32>();
        let receiving = spawn(receiver);
        settle().await;
        drop(sender);
        let received = time::timeout(SECOND, receiving).await;
        let received = received.expect("the sender is gone, but the receiver sleeps on");
        assert_eq!(received.unwrap(), None);

        let (sender, receiver) = oneshot();
        drop(receiver);
        sender.send("to nobody");
    });
    on_virtual_time(async {
        let (sender, mut receiver) = oneshot();
        let first = spawn(async move {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut receiver).poll(cx)));
            assert!(polled.await.is_pending());
            candor::Plain(receiver)
        });
        let receiving = spawn(first.await.unwrap());
        settle().await;
        sender.send("to another task");
        let received = time::timeout(SECOND, receiving).await;
        let received = received.expect("the task that polled the receiver last has to be woken");
        assert_eq!(received.unwrap(), Some("to another task"));
    });
}
