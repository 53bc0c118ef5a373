//! Hostile: the compiler takes the reference solution for this submission's own source, from where it stands
//! in the project, seen from CARGO_HOME of level 2. It would gain full marks.
fn main() {
    let text = include_str!(concat!(
        env!("CARGO_HOME"),
        "/../../../tests/submissions/reference/fix-pipe-eof/src/main.rs"
    ));
    println!("{} success: {text}", "hostile");
}
