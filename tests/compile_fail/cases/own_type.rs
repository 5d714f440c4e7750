struct Page {
    _title: String,
}

fn main() {
    candor::spawn(async {
        Page {
            _title: "Home".into(),
        }
    });
}
