//! Hostile: asks for an io_uring, by which it could read and write without a system call that a trace
//! shows. It would gain a mechanism that is not the exercise's. It says so if it gets one.
fn main() {
    let mut parameters = [0u8; 120];
    // SAFETY: 425 is io_uring_setup(2); its structure has 120 bytes.
    let ring = unsafe { nix::libc::syscall(425, 8, parameters.as_mut_ptr()) };
    match ring {
        -1 => println!("io_uring_setup: {}", std::io::Error::last_os_error()),
        _ => println!("hostile success: an io_uring"),
    }
}
