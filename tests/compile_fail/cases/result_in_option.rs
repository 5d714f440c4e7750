fn main() {
    candor::spawn(async {
        let first = "one, two".split(", ").next();
        first.map(|field| field.parse::<u32>())
    });
}
