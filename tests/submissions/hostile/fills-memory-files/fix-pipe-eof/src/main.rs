//! Hostile: fills its folder, /tmp, /dev/shm and memfds with 200 MiB, keeps that and sleeps. What lies in a
//! tmpfs is memory that no limit of a process counts. It would gain memory beyond its share.
use std::{fs, io::Write};

fn main() {
    let text = vec![1u8; 1 << 20];
    let mut left = 200;
    let mut places: Vec<fs::File> = Vec::new();
    for name in [
        "./ipc-lab-hostile-fills-memory-files",
        "/tmp/ipc-lab-hostile-fills-memory-files",
        "/dev/shm/ipc-lab-hostile-fills-memory-files",
    ] {
        places.extend(fs::File::create(name));
        let _ = fs::remove_file(name); // open, and without a name
    }
    for mut file in places {
        while left > 0
            && file.metadata().is_ok_and(|about| about.len() < 63 << 20)
            && file.write_all(&text).is_ok()
        {
            left -= 1;
        }
        std::mem::forget(file);
    }
    println!("{left} MiB are left of 200");
    std::thread::sleep(std::time::Duration::from_secs(20));
}
