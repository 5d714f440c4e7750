use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    candor::run(async {
        candor::spawn(async {
            candor::sleep(Duration::from_millis(10)).await;
            let answer: i32 = "forty-two".parse()?;
            println!("{answer}");
            candor::Ok(())
        });
        println!("This goes on, and the exit code will be 1.");
    })
}
