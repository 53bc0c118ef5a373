//! Hostile: makes empty files and folders by the thousand, at most 200,000 and for at most 20 s, in its
//! folder, /tmp and /dev/shm. It would gain a disk without inodes, and a sweep that takes minutes.
fn main() {
    let started = std::time::Instant::now();
    for folder in [".", "/dev/shm", "/tmp"] {
        let _ = std::fs::create_dir(format!("{folder}/ipc-lab-hostile-empty-files"));
    }
    for number in 0..200_000 {
        let folder = [".", "/dev/shm", "/tmp"][number % 3];
        let made = std::fs::File::create(format!("{folder}/ipc-lab-hostile-empty-files/{number}"));
        if started.elapsed().as_secs() > 20 || made.is_err() && folder == "." {
            println!("{number} files");
            return;
        }
    }
}
