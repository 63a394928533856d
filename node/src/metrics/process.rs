//! The process as Linux sees it, under the names that Prometheus's own libraries use. What cannot be read is left out.

use std::fs;

/// Resident memory in bytes, from `/proc/self/status`.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Open file descriptors, and how many there may be.
pub(super) fn descriptors() -> Option<(u64, u64)> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    Some((open, line.split_whitespace().next()?.parse().ok()?))
}

/// Bytes that are free on the disk of a directory, for a process without privileges, and all there are.
pub(super) fn disk(path: &std::path::Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some((disk.f_bavail.checked_mul(disk.f_frsize)?, disk.f_blocks.checked_mul(disk.f_frsize)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_there_and_make_sense() {
        assert!(resident_bytes().unwrap() > 1 << 20);
        let (open, most) = descriptors().unwrap();
        assert!(open > 0 && open < most);
        let (free, all) = disk(std::path::Path::new("/")).unwrap();
        assert!(free <= all && all > 0);
    }
}
