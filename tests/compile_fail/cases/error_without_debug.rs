struct Refused;

async fn connect() -> Result<(), Refused> {
    Err(Refused)
}

fn main() {
    candor::spawn(connect());
}
