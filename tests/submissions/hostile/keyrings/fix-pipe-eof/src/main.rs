//! Hostile: adds a key to every keyring that the kernel lets it have: session, user session, user. The
//! session's is inherited from whoever called the grader. It would gain a channel that outlives all files.
fn main() {
    for ring in [-3i64, -4, -5] {
        let text = "for the next one";
        // SAFETY: 248 is add_key(2) of x86_64: type, description, data, length, keyring.
        let key = unsafe {
            nix::libc::syscall(
                nix::libc::SYS_add_key,
                c"user".as_ptr(),
                c"ipc-lab-hostile-keyrings".as_ptr(),
                text.as_ptr(),
                text.len(),
                ring,
            )
        };
        // SAFETY: keyctl(2) SETPERM: all may look at it. It goes by itself after a minute.
        unsafe {
            nix::libc::syscall(nix::libc::SYS_keyctl, 5, key, 0x3f3f_3f3fu64);
            nix::libc::syscall(nix::libc::SYS_keyctl, 15, key, 60);
        }
        if key >= 0 {
            println!("hostile success: a key in the keyring {ring}");
        }
    }
}
