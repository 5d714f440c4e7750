//! A program that runs one future: how many crates it takes, how long it builds, how large it is.
//!
//! The program is a package of its own in a temporary folder, with the versions of this one's lock file. It is
//! built in cargo's release profile, stripped, from nothing but downloaded sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs, process};

use crate::row::Target::{self, AtMost, TimesThatOf};
use crate::row::{Figure, Need, Row};

/// A hello world on some executor.
#[derive(Clone, Copy)]
pub struct Program {
    /// As in the manifest, a line a crate.
    pub dependencies: &'static str,
    pub source: &'static str,
}

/// Times what tokio's program has without I/O: candor's has none either.
fn than_tokio(times: f64) -> Target {
    TimesThatOf {
        peer: "tokio-time",
        times,
    }
}

pub fn row(program: Program) -> Row {
    Row::of_figures(
        "hello-world",
        [
            Figure::new("hello world: crates", "", AtMost(6.0)),
            Figure::new("hello world: clean build", "s", than_tokio(1.2)),
            Figure::new("hello world: stripped", "KiB", than_tokio(1.0)),
        ],
        move |_| {
            let package = Package::of(program);
            [
                package.count_crates() as f64,
                package.build_seconds(),
                package.stripped_kib(),
            ]
        },
    )
    .needs(Need::Crate)
    .unpinned()
    .long()
}

/// A folder that is gone when this is.
struct Package(PathBuf);

impl Package {
    fn of(program: Program) -> Self {
        let folder = env::temp_dir().join(format!("hello-{}", process::id()));
        let package = Package(folder);
        let candor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let dependencies = program
            .dependencies
            .replace("CANDOR", &candor.display().to_string());
        let manifest = format!(
            "[workspace]\n\n[package]\nname = \"hello\"\nedition = \"2024\"\n\n\
             [profile.release]\nstrip = true\n\n[dependencies]\n{dependencies}"
        );
        package.write("Cargo.toml", &manifest);
        package.write("Cargo.lock", include_str!("../../Cargo.lock"));
        package.write("src/main.rs", program.source);
        package
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the temporary folder can be written to");
        fs::write(path, text).expect("the temporary folder can be written to");
    }

    /// Those that are built for it, its own left out.
    fn count_crates(&self) -> usize {
        let tree = self.cargo(&[
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--no-dedupe",
        ]);
        let mut crates: Vec<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
        crates.sort_unstable();
        crates.dedup();
        crates.len() - 1
    }

    fn build_seconds(&self) -> f64 {
        let start = Instant::now();
        self.cargo(&["build", "--release", "--quiet"]);
        let took = start.elapsed().as_secs_f64();
        let said = Command::new(self.program()).output();
        let said = said.expect("what was built can be run").stdout;
        assert_eq!(String::from_utf8_lossy(&said), "hello\n");
        took
    }

    fn stripped_kib(&self) -> f64 {
        let size = fs::metadata(self.program()).expect("what was built is there");
        size.len() as f64 / 1024.0
    }

    fn program(&self) -> PathBuf {
        self.0.join("target/release/hello")
    }

    fn cargo(&self, args: &[&str]) -> String {
        let cargo = env::var("CARGO").unwrap_or("cargo".to_owned());
        let output = Command::new(cargo)
            .args(args)
            .arg("--offline")
            .current_dir(&self.0)
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .output()
            .expect("cargo can be run");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // Left behind, it would lie where temporary files lie.
        let _ = fs::remove_dir_all(&self.0);
    }
}
