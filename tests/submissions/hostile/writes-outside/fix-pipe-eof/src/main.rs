//! Hostile: writes wherever a file can be written.
fn main() {
    let script = "for folder in / /usr /usr/bin /etc /home /root /tmp /var /var/tmp /opt /srv .. ../.. /dev /proc/sys/kernel; do
        echo x > $folder/written-by-a-student; done 2>/dev/null; ln -sf /etc/passwd results.json";
    let _ = std::process::Command::new("sh").args(["-c", script]).status();
}
