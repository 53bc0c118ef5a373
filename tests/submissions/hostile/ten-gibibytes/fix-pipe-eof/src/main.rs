//! Hostile: allocates 10 GiB and writes to all of it.
fn main() {
    let mut memory = vec![0u8; 10 << 30];
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    loop {}
}
