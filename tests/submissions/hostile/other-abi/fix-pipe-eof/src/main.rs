//! Hostile: makes system calls by `int 0x80` (i386) and by x32 numbers, which a filter for x86_64 takes for
//! others. It would gain calls that are denied or not traced. It says so if the kernel answers them.
fn main() {
    #[cfg(target_arch = "x86_64")]
    {
        let (old, x32): (i64, i64);
        // SAFETY: 20 is getpid(2) of i386, without arguments.
        unsafe {
            core::arch::asm!("int 0x80", inlateout("rax") 20i64 => old, out("r8") _, out("r9") _, out("r10") _, out("r11") _)
        };
        if old == i64::from(std::process::id()) {
            println!("hostile success: int 0x80");
        }
        // SAFETY: the bit 30 says x32; 39 is getpid(2).
        unsafe {
            core::arch::asm!("syscall", inlateout("rax") 0x4000_0027i64 => x32, out("rcx") _, out("r11") _)
        };
        if x32 == i64::from(std::process::id()) {
            println!("hostile success: x32");
        }
    }
}
