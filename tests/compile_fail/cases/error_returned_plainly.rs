// It serves until it fails, and only then returns: not a plain value, but a failure.
async fn serve() -> std::io::Error {
    std::io::Error::other("the socket is gone")
}

fn main() {
    candor::spawn(serve());
}
