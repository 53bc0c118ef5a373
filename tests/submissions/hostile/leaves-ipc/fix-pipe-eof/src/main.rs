//! Hostile: leaves objects of every kind behind.
fn main() {
    let script = "ipcmk -Q; ipcmk -M 4096; ipcmk -S 3; touch /dev/shm/litter /dev/mqueue/litter /tmp/litter /var/tmp/litter;
        mkfifo /tmp/litter.fifo litter.fifo";
    let _ = std::process::Command::new("sh").args(["-c", script]).status();
}
