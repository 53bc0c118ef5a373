//! Hostile: makes folders within folders, 3,000 deep, so that their path is longer than PATH_MAX, and takes
//! its own rights to the outermost. It would gain a cleaning that fails, and litter that stays.
use std::os::unix::fs::PermissionsExt;
use std::{env, fs};

fn main() {
    let here = env::current_dir().unwrap_or_default();
    for top in ["outermost", "/tmp/ipc-lab-hostile-deep-folders"] {
        let _ = env::set_current_dir(&here);
        if fs::create_dir(top).is_err() || env::set_current_dir(top).is_err() {
            continue;
        }
        for _ in 0..3000 {
            if fs::create_dir("a-name-of-some-length").is_err()
                || env::set_current_dir("a-name-of-some-length").is_err()
            {
                break;
            }
        }
        let _ = env::set_current_dir(&here);
        let _ = fs::set_permissions(top, fs::Permissions::from_mode(0o000));
    }
}
