fn old() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {
    let _code = candor::run(async {
        old()?;
        candor::Ok(())
    });
}
