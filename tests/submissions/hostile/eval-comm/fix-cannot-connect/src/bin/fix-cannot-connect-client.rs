//! Hostile: its name in /proc/PID/stat and status is an expression with a command, and looks like the end
//! of the name. It would gain that command when a test counts its processor time.
//! (A name has 15 bytes, so the marker is /tmp/ilh.)
fn main() {
    println!("Waiting for {}", std::env::args().next_back().unwrap_or_default());
    let names = [c"a[$(>/tmp/ilh)]", c") S a[$(>/tmp/)", c"x\nPid: a[$(id)]"];
    for round in 0..300 {
        // SAFETY: the name ends in a NUL.
        unsafe { libc_prctl(15, names[round % 3].as_ptr()) };
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

unsafe extern "C" {
    /// prctl(2); 15 is PR_SET_NAME.
    #[link_name = "prctl"]
    fn libc_prctl(option: i32, name: *const std::ffi::c_char) -> i32;
}
