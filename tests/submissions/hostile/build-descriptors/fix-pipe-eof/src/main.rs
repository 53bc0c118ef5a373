//! Hostile: the compiler reads what it was born with, by /proc/self/fd and its parent's. It would gain the
//! file that the grader's caller had open as descriptor 57, or the grader's own.
fn main() {
    println!("{}", include_str!("/proc/self/fd/57"));
}
