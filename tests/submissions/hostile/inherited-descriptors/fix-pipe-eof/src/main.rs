//! Hostile: reads every descriptor that it was born with beyond the three, also by /proc/self/fd, and
//! prints where they lead and what stands there. It would gain what the grader's caller had open.
use std::{fs, io::Read};

fn main() {
    for descriptor in 3..1024 {
        let path = format!("/proc/self/fd/{descriptor}");
        let Ok(link) = fs::read_link(&path) else { continue };
        println!("hostile success: descriptor {descriptor} is {}", link.display());
        let mut bytes = [0; 200];
        if let Ok(length) = fs::File::open(&path).and_then(|mut file| file.read(&mut bytes)) {
            println!("it holds {}", String::from_utf8_lossy(&bytes[..length]));
        }
    }
    let own = fs::read_dir("/proc/self/fdinfo").into_iter().flatten().count();
    println!("{own} descriptors in all");
}
