//! Does nothing; the programs beside it are the attack.
fn main() {
    std::thread::sleep(std::time::Duration::from_millis(300));
}
