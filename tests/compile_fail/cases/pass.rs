//! Everything that a task may return. It is run as well, so that no kind only compiles.

use candor::{Outcome, Plain, Value, block_on, spawn};
use std::any::Any;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::num::ParseIntError;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn main() {
    block_on(async {
        std_values().await;
        containers_of_values().await;
        results().await;
        types_of_a_user().await;
        generic_tasks().await;
    });

    // These would end the program, or never end: compiling them is enough.
    let _: fn() = tasks_that_never_return;
}

async fn std_values() {
    spawn(async {}).await.unwrap();
    assert_eq!(spawn(async { 1 }).await.unwrap() + 1, 2);
    assert!(spawn(async { true }).await.unwrap());
    assert_eq!(spawn(async { 'x' }).await.unwrap(), 'x');
    assert_eq!(spawn(async { "text" }).await.unwrap(), "text");
    assert_eq!(spawn(async { Cow::from("text") }).await.unwrap(), "text");
    spawn(async { PathBuf::from("/") }).await.unwrap();
    spawn(async { Duration::ZERO }).await.unwrap();
}

async fn containers_of_values() {
    spawn(async { vec![Some((1, "one"))] }).await.unwrap();
    spawn(async { [1.5; 3] }).await.unwrap();
    spawn(async { HashMap::from([("one", 1)]) }).await.unwrap();
    spawn(async { BTreeMap::from([(1, [(); 2])]) })
        .await
        .unwrap();
    spawn(async { Rc::<str>::from("text") }).await.unwrap();
    spawn(async { Box::<[u8]>::from([1, 2]) }).await.unwrap();
    spawn(async { Arc::new(Mutex::new(String::new())) })
        .await
        .unwrap();
    spawn(async { (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) })
        .await
        .unwrap();
}

async fn results() {
    let one = spawn(async { Ok::<_, ParseIntError>(1) });
    assert_eq!(one.await.unwrap(), 1);

    let parsed = spawn(async { "seven".parse::<u32>() });
    assert!(parsed.await.is_err());

    let boxed = spawn(async { Ok::<_, Box<dyn std::error::Error>>("7".parse::<u32>()?) });
    assert_eq!(boxed.await.unwrap(), 7);
}

struct Page;
impl Value for Page {}

struct Cached<T>(T);
impl<T: Value> Value for Cached<T> {}

struct Answer(Option<u32>);
impl Outcome for Answer {
    type Ok = u32;
    type Err = &'static str;

    fn into_result(self) -> Result<u32, &'static str> {
        self.0.ok_or("no answer")
    }
}

async fn types_of_a_user() {
    spawn(async { vec![Page] }).await.unwrap();
    assert_eq!(spawn(async { Cached(7) }).await.unwrap().0, 7);
    assert_eq!(spawn(async { Answer(Some(7)) }).await.unwrap(), 7);
    assert!(spawn(async { Answer(None) }).await.is_err());

    let erased: Box<dyn Any> = Box::new(7);
    let erased = spawn(async { Plain(erased) }).await.unwrap();
    assert!(erased.is::<i32>());
}

async fn generic_tasks() {
    async fn returns<T: Value + 'static>(value: T) -> T {
        spawn(async { value }).await.unwrap()
    }
    async fn succeeds<T: Outcome + 'static>(outcome: T) -> bool {
        spawn(async { outcome }).await.is_ok()
    }

    assert_eq!(returns("text").await, "text");
    assert!(succeeds("7".parse::<u32>()).await);
    assert!(succeeds(Plain(())).await);
}

fn tasks_that_never_return() {
    spawn(async { loop {} });
    spawn(async { todo!() });
    spawn(async { panic!("on purpose") });
    spawn(async { std::process::exit(0) });

    async fn fails_or_goes_on() -> Result<std::convert::Infallible, String> {
        Err("it has to end somehow".into())
    }
    spawn(fails_or_goes_on());

    // A function that never returns fits any type.
    async fn forever() -> ! {
        loop {}
    }
    async fn stands_for_a_number() -> u32 {
        match spawn(forever()).await {
            Ok(never) => never,
            Err(_) => 0,
        }
    }
    spawn(stands_for_a_number());
}
