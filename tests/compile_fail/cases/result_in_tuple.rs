fn main() {
    candor::spawn(async { ("seven", "seven".parse::<u32>()) });
}
