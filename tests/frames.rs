//! A report shows the user's frames and no others, however the program was built.
//!
//! A small program is built under profiles with different debug information. With all of it each frame has a path and a
//! place. With line tables an inlined function has lost its path. Without any, only functions that were not inlined
//! have a name, and in a stripped binary none.
//!
//! `cargo test` tries the two that differ most, which takes some twenty seconds once; the others take a minute, and are
//! run by `cargo test --test frames -- --ignored`.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = r#"
use std::time::Duration;

// Names that candor has as well.
#[inline(never)]
fn poll_task(arguments: usize) {
    if arguments < 99 {
        panic!("boom")
    }
}

async fn step() {
    poll_task(std::env::args().count())
}

#[inline(never)]
fn fails() -> candor::Result {
    std::hint::black_box("x").parse::<u8>()?;
    candor::Ok(())
}

struct Grenade;
impl Drop for Grenade {
    #[inline(never)]
    fn drop(&mut self) {
        poll_task(1)
    }
}

fn main() {
    let second = Duration::from_secs(1);
    let executor = candor::Executor::new();
    let _code = executor.run(async move {
        candor::spawn(async move { candor::time::timeout(second, step()).await.ok() }).detach();
        candor::spawn(async move {
            let group = candor::TaskGroup::new();
            group.spawn(async { fails() });
            group.join().await?;
            candor::Ok(())
        }).detach();
        candor::spawn(async { let _grenade = Grenade; std::future::pending::<()>().await }).abort();
        let aborted = candor::spawn(async { let _grenade = Grenade; std::future::pending::<()>().await });
        candor::yield_now().await;
        aborted.abort();
        drop(aborted);
        candor::sleep(Duration::from_millis(1)).await;
        step().await
    });
}
"#;

/// A profile, and how many frames at least have a name in it.
struct Profile {
    name: &'static str,
    settings: &'static str,
    names_frames: bool,
}

const PROFILES: [Profile; 9] = [
    Profile {
        name: "dev-full",
        settings: "inherits = \"dev\"",
        names_frames: true,
    },
    Profile {
        name: "release-lines",
        settings: "inherits = \"release\"\ndebug = \"line-tables-only\"",
        names_frames: true,
    },
    Profile {
        name: "dev-lines",
        settings: "inherits = \"dev\"\ndebug = \"line-tables-only\"",
        names_frames: true,
    },
    Profile {
        name: "dev-none",
        settings: "inherits = \"dev\"\ndebug = false",
        names_frames: true,
    },
    Profile {
        name: "release-none",
        settings: "inherits = \"release\"",
        names_frames: true,
    },
    Profile {
        name: "release-limited",
        settings: "inherits = \"release\"\ndebug = \"limited\"",
        names_frames: true,
    },
    Profile {
        name: "release-full",
        settings: "inherits = \"release\"\ndebug = \"full\"",
        names_frames: true,
    },
    Profile {
        name: "release-lto",
        settings: "inherits = \"release\"\ndebug = \"line-tables-only\"\nlto = \"fat\"\ncodegen-units = 1",
        names_frames: true,
    },
    Profile {
        name: "release-stripped",
        settings: "inherits = \"release\"\nstrip = true\nopt-level = \"s\"",
        names_frames: false,
    },
];

#[test]
fn with_full_debug_information_and_with_line_tables_alone_only_the_users_frames_are_shown() {
    PROFILES[..2].iter().for_each(assert_shows_only_the_users);
}

#[test]
#[ignore = "it builds seven times"]
fn whatever_the_profile_only_the_users_frames_are_shown() {
    PROFILES[2..].iter().for_each(assert_shows_only_the_users);
}

fn assert_shows_only_the_users(profile: &Profile) {
    let said = output_of(profile);
    assert!(said.contains("panicked: boom"), "{said}");
    let mut frames = 0;
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        let Some((number, symbol)) = line.split_once(": ") else {
            continue;
        };
        if number.parse::<u32>().is_err() {
            continue;
        }
        frames += 1;
        let place = lines
            .peek()
            .and_then(|next| next.trim_start().strip_prefix("at "));
        let is_users = match place {
            Some(place) => place.starts_with("src/main.rs:"),
            None => symbol.contains("app"),
        };
        assert!(is_users, "{}: {symbol} {place:?} in\n{said}", profile.name);
    }
    assert_eq!(frames > 0, profile.names_frames, "{}: {said}", profile.name);
}

/// Builds the program and runs it.
fn output_of(profile: &Profile) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frames");
    fs::create_dir_all(folder.join("src")).unwrap();
    let profiles = PROFILES
        .iter()
        .map(|Profile { name, settings, .. }| format!("[profile.{name}]\n{settings}\n"));
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\ncandor = {{ path = {root:?} }}\n\
         [workspace]\n{}",
        profiles.collect::<String>()
    );
    write_if_new(&folder.join("Cargo.toml"), &manifest);
    write_if_new(&folder.join("src/main.rs"), PROGRAM);
    // The same versions, so that nothing has to be fetched.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--profile", profile.name]);
    build
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    let built = build.output().unwrap();
    assert!(built.status.success(), "{built:#?}");
    let program = folder
        .join("target")
        .join(profile.name)
        .join(format!("app{}", std::env::consts::EXE_SUFFIX));
    let ran = Command::new(program)
        .current_dir(&folder)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    String::from_utf8(ran.stderr).unwrap()
}

fn write_if_new(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).unwrap();
    }
}
