//! Hostile: comes with a build script and another manifest.
fn main() {
    println!("{}", include_str!("stolen.txt"));
}
