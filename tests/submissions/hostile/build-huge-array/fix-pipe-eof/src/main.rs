//! Hostile: a constant array of 2 GiB, which the compiler would hold in memory and write to the disk. It would
//! gain memory or a full disk.
static HUGE: [u8; 2 << 30] = [1; 2 << 30];

fn main() {
    println!("{}", HUGE[std::process::id() as usize]);
}
