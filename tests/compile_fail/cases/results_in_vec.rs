fn main() {
    candor::spawn(async {
        let fields = "1, 2, three".split(", ");
        fields.map(|field| field.parse::<u32>()).collect::<Vec<_>>()
    });
}
