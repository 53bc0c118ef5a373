//! Hostile: has the name of a program that a test or its harness runs in the box, and says what pleases.
//! It would gain a verdict, if it is found before the real one.
fn main() {
    println!("hostile success: replaced a helper");
    println!("ok 1 [2] the reader may start first");
}
