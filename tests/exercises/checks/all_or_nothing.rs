use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use candor::{Executor, JoinError, sleep, spawn, time};

use super::try_all;
use crate::support::{SECOND, SetOnDrop, on_virtual_time};

/// Exercise 11.
pub fn check() {
    on_virtual_time(async {
        let start = time::now();
        let tasks = [3, 1, 2].map(|seconds| {
            spawn(async move {
                sleep(seconds * SECOND).await;
                Ok::<_, &str>(seconds)
            })
        });
        assert_eq!(try_all(tasks.into()).await.unwrap(), [3, 1, 2]);
        assert_eq!(time::now() - start, 3 * SECOND);
    });
    on_virtual_time(async {
        let start = time::now();
        let is_gone = Rc::new(Cell::new(false));
        let flag = SetOnDrop(is_gone.clone());
        let endless = spawn(async move {
            let _flag = flag;
            pending().await
        });
        let quick = spawn(async { Ok::<(), &str>(()) });
        let fails = spawn(async {
            sleep(2 * SECOND).await;
            Err("failed after two seconds")
        });
        let joined = time::timeout(60 * SECOND, try_all(vec![endless, quick, fails])).await;
        let error = joined
            .expect("try_all waits for a task that never ends")
            .unwrap_err();
        assert!(matches!(error, JoinError::Failed(..)), "{error}");
        assert_eq!(
            time::now() - start,
            2 * SECOND,
            "it returns with the first failure"
        );
        assert!(is_gone.get(), "a task runs on that was to be aborted");
    });
    a_second_failure_is_reported();
}

/// Its awaiter would be the only one who could tell, and `try_all` returns one error.
fn a_second_failure_is_reported() {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let kept = reports.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| kept.borrow_mut().push(failure.message().to_owned()))
        .build();
    let error = executor.block_on(async {
        let tasks =
            ["the first", "the second"].map(|text| spawn(async move { Err::<(), _>(text) }));
        sleep(SECOND / 2).await;
        try_all(tasks.into()).await.unwrap_err()
    });
    drop(executor);
    assert!(
        matches!(error, JoinError::Failed("the first", _)),
        "{error}"
    );
    assert_eq!(
        *reports.borrow(),
        ["the second"],
        "an error that you take and drop is lost: leave it in its handle, and it is reported"
    );
}
