//! Runs on the grader's machine, if anybody lets it.
fn main() {
    let _ = std::fs::write("/tmp/built-by-a-student", "x");
}
