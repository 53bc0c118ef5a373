//! Hostile: makes system calls with long texts in a loop for 30 s, so that a trace of them grows without
//! end: each line holds 64 KiB, printed as escapes. It would gain a full disk outside of its box.
fn main() {
    let text = [0xffu8; 60_000];
    let started = std::time::Instant::now();
    let mut total = 0usize;
    // Each line of the trace has four times these bytes: at most some 200 MiB.
    while started.elapsed().as_secs() < 30 && total < 50 << 20 {
        // SAFETY: a buffer of that length; the descriptor is closed, and the text is traced all the same.
        unsafe { nix::libc::write(777, text.as_ptr().cast(), text.len()) };
        total += text.len();
    }
    std::thread::sleep(std::time::Duration::from_secs(30).saturating_sub(started.elapsed()));
}
