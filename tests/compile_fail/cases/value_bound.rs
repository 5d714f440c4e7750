struct Page;

fn keep<V: candor::Value>(_: V) {}

fn main() {
    keep(Page);
}
