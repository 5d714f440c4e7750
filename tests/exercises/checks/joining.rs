use std::future::ready;

use candor::{sleep, spawn, time};

use super::join;
use crate::support::{Bell, SECOND, on_virtual_time, polls_of_tasks, settle};

/// Exercise 3.
pub fn check() {
    on_virtual_time(async {
        assert_eq!(join(ready(1), ready(2)).await, (1, 2), "both at once");
        joins_what_is_woken().await;
        let start = time::now();
        // An async block panics when it is polled after it was ready.
        let after = |seconds| async move {
            sleep(seconds * SECOND).await;
            seconds
        };
        assert_eq!(join(after(2), after(1)).await, (2, 1));
        assert_eq!(
            time::now() - start,
            2 * SECOND,
            "they sleep at the same time"
        );
        assert_eq!(join(after(1), after(2)).await, (1, 2));
    });
}

async fn joins_what_is_woken() {
    for order in [[0, 1], [1, 0]] {
        let bells = [Bell::default(), Bell::default()];
        let joining = spawn(join(bells[0].clone(), bells[1].clone()));
        settle().await;
        assert_eq!(polls_of_tasks(), 1, "nobody has woken it yet");
        for bell in order {
            assert!(!joining.is_finished(), "one of the two is not ready");
            bells[bell].ring();
            settle().await;
        }
        assert!(
            joining.is_finished(),
            "both are ready, but the task that joins them was not woken"
        );
    }
}
