use std::any::Any;

fn main() {
    candor::spawn(async {
        let erased: Box<dyn Any> = Box::new(7);
        erased
    });
}
