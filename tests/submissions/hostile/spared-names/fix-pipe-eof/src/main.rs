//! Hostile: leaves folders and files whose names look like the grader's own, which its sweep spares:
//! /tmp/ipc-lab.hostile, /tmp/ipc-grade.hostile. It would gain a place that outlives it.
fn main() {
    for folder in ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"] {
        for name in ["ipc-lab.hostile", "ipc-grade.hostile"] {
            let path = format!("{folder}/{name}");
            let _ = std::fs::create_dir_all(format!("{path}/below"));
            let _ = std::fs::write(format!("{path}/below/text"), "for the next one");
            let _ = std::fs::write(format!("{path}.file"), "for the next one");
        }
    }
}
