//! How much processor time processes have used, as the kernel counts it.

use crate::Failure;
use std::time::Duration;

/// `USER_HZ`, in which Linux counts processor time for everybody on every architecture that it is built for here.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processor time of these processes so far, in user and in kernel mode.
pub(crate) fn of(pids: &[u32]) -> Result<Duration, Failure> {
    let mut ticks = 0.0;
    for pid in pids {
        ticks += used(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
            .ok_or_else(|| format!("/proc/{pid}/stat has an unknown form"))?;
    }
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// Fields 14 and 15 of a line of `/proc/PID/stat`; the name before them may hold spaces and brackets.
fn used(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, kernel): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    #[test]
    fn user_and_kernel_time_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 40 3 4 20 0 1 0 9";
        assert_eq!(super::used(stat), Some(290.0));
        assert_eq!(super::used("7 (a) S 1"), None);
    }
}
