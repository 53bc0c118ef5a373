//! Hostile: each of its processes makes as many threads as it can, at most 2,000 in all, and all are busy for
//! ten seconds. It would gain a processor that has no time for the grader.
fn main() {
    for _ in 0..7 {
        // SAFETY: this process has one thread so far.
        if unsafe { nix::libc::fork() } == 0 {
            break;
        }
    }
    let started = std::time::Instant::now();
    for _ in 0..250 {
        let busy = move || while started.elapsed().as_secs() < 10 {};
        if std::thread::Builder::new()
            .stack_size(16 << 10)
            .spawn(busy)
            .is_err()
        {
            break;
        }
    }
    while started.elapsed().as_secs() < 10 {}
}
