async fn fetch() -> u32 {
    7
}

fn main() {
    candor::spawn(async { fetch() });
}
