use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use candor::spawn;

use super::{request_id, with_request_id};
use crate::support::{on_virtual_time, poll_once};

/// Exercise 9.
pub fn check() {
    on_virtual_time(async {
        assert_eq!(request_id(), None);
        let tasks = [1, 2].map(|id| {
            spawn(with_request_id(id, async move {
                for _ in 0..3 {
                    assert_eq!(request_id(), Some(id), "each task has its own");
                    candor::yield_now().await;
                }
                with_request_id(id + 10, async {
                    candor::yield_now().await;
                    assert_eq!(
                        request_id(),
                        Some(id + 10),
                        "the inner scope hides the outer"
                    );
                })
                .await;
                assert_eq!(request_id(), Some(id), "and the outer is there again");
            }))
        });
        candor::yield_now().await;
        assert_eq!(
            request_id(),
            None,
            "a task that waits leaves nothing behind"
        );
        for task in tasks {
            task.await.unwrap();
        }
    });
    let panics = poll_fn(|_| -> Poll<()> { panic!("on purpose") });
    let scope = AssertUnwindSafe(|| poll_once(pin!(with_request_id(3, panics))));
    assert!(catch_unwind(scope).is_err());
    assert_eq!(request_id(), None, "a panic leaves nothing behind");
}
