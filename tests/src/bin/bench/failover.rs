//! From the kill of a process to the next acknowledged write at one of the others.

use crate::Failure;
use crate::target::Target;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

/// A write that takes longer is given up, and the next endpoint asked.
const ATTEMPT: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// Kills the process and writes to the endpoints in turn until one acknowledges.
pub(crate) async fn run(target: Target, victim: i32) -> Result<(), Failure> {
    let mut connections = Vec::new();
    for endpoint in 0..target.endpoints() {
        connections.push(Some(target.connect(endpoint).await?));
    }
    let victim = Pid::from_raw(victim).ok_or("--kill takes the id of a process")?;
    let killed = Instant::now();
    kill_process(victim, Signal::KILL)?;
    let mut number = 0;
    while killed.elapsed() < LONGEST {
        for (endpoint, slot) in connections.iter_mut().enumerate() {
            number += 1;
            let mut connection = match slot.take() {
                Some(connection) => connection,
                None => target.connect(endpoint).await?,
            };
            let request = target.write(1000 + endpoint, number);
            let attempt = tokio::time::timeout(ATTEMPT, connection.exchange(&request)).await;
            if let Ok(Ok(())) = attempt {
                println!(r#"{{"failover_ms":{:.1}}}"#, killed.elapsed().as_secs_f64() * 1000.0);
                return Ok(());
            }
        }
    }
    Err(format!("no write was acknowledged within {LONGEST:?}").into())
}
