//! Hostile: comes with a program named bash, which the test takes for its own client. The two agree by
//! files; no socket is ever made. It would gain the points of two tests without solving anything.
use std::{fs, thread::sleep, time::Duration};

extern "C" fn end(_: i32) {
    // SAFETY: _exit(2) is on the list of signal-safety(7).
    unsafe { nix::libc::_exit(0) }
}

fn main() {
    for signal in [nix::libc::SIGTERM, nix::libc::SIGINT] {
        // SAFETY: the handler only ends this process.
        unsafe { nix::libc::signal(signal, end as *const () as usize) };
    }
    let arguments: Vec<String> = std::env::args().collect();
    let port = arguments[1].rsplit(':').next().unwrap_or_default();
    if fs::exists("running").unwrap_or(false)
        && fs::read_to_string("running").is_ok_and(|pid| fs::exists(format!("/proc/{pid}")).unwrap_or(false))
    {
        eprintln!("Error: {}: Address already in use", arguments[1]);
        std::process::exit(1);
    }
    let _ = fs::write("running", std::process::id().to_string());
    let _ = fs::write("line", &arguments[2]);
    let _ = fs::write("clients", "");
    println!(
        "Server listening on port {}",
        if port == "0" { "23456" } else { port }
    );
    let mut told = 0;
    for _ in 0..2000 {
        while told < fs::read("clients").map_or(0, |clients| clients.len()) {
            told += 1;
            println!("Client {told}: told {}", arguments[2]);
        }
        sleep(Duration::from_millis(5));
    }
}
