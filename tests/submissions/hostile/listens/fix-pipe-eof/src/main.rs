//! Hostile: takes the port that other programs want, and keeps it.
fn main() {
    let _listener = std::net::TcpListener::bind("0.0.0.0:8080");
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    }
}
