//! The closed loop: each client sends its next request when the one before is answered.

use crate::connection::Connection;
use crate::target::Target;
use crate::{Failure, cpu};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Writes,
    Reads,
}

/// When a run ends.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Time(Duration),
    /// Over all clients.
    Requests(u64),
}

struct Run {
    target: Target,
    kind: Kind,
    length: Length,
    begin: Instant,
    sent: AtomicU64,
}

/// Runs all clients and prints one line.
pub(crate) async fn run(
    target: Target,
    kind: Kind,
    clients: usize,
    length: Length,
    servers: &[u32],
) -> Result<(), Failure> {
    let mut connections = Vec::new();
    for client in 0..clients {
        let mut connection = target.connect(client).await?;
        connection.exchange(&target.write(client, 0)).await?;
        connections.push(connection);
    }
    let own = [std::process::id()];
    let (servers_before, own_before) = (cpu::of(servers)?, cpu::of(&own)?);
    let begin = Instant::now();
    let run = Arc::new(Run { target, kind, length, begin, sent: AtomicU64::new(0) });
    let tasks: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(client, connection)| tokio::spawn(one(Arc::clone(&run), client, connection)))
        .collect();
    let (mut latencies, mut errors) = (Vec::new(), 0);
    for task in tasks {
        let (own, failed) = task.await??;
        latencies.extend(own);
        errors += failed;
    }
    let elapsed = begin.elapsed().as_secs_f64();
    let per_request = |used: Duration| used.as_secs_f64() * 1e6 / latencies.len().max(1) as f64;
    let servers_cpu = per_request(cpu::of(servers)?.saturating_sub(servers_before));
    let own_cpu = per_request(cpu::of(&own)?.saturating_sub(own_before));
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = ((latencies.len() as f64 - 1.0) * share).max(0.0) as usize;
        latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    };
    println!(
        r#"{{"clients":{clients},"per_second":{:.1},"p50_ms":{:.3},"p99_ms":{:.3},"max_ms":{:.3},"errors":{errors},"server_cpu_us_per_op":{servers_cpu:.1},"client_cpu_us_per_op":{own_cpu:.1}}}"#,
        latencies.len() as f64 / elapsed,
        at(0.5),
        at(0.99),
        at(1.0),
    );
    Ok(())
}

/// One client's loop. Answers its latencies, and how many of its requests failed.
async fn one(
    run: Arc<Run>,
    client: usize,
    mut connection: Connection,
) -> Result<(Vec<Duration>, u64), Failure> {
    let (mut latencies, mut errors) = (Vec::new(), 0);
    while run.goes_on() {
        let request = match run.kind {
            Kind::Writes => run.target.write(client, latencies.len() as u64),
            Kind::Reads => run.target.read(client),
        };
        let sent = Instant::now();
        match connection.exchange(&request).await {
            Ok(()) => latencies.push(sent.elapsed()),
            Err(_) => {
                errors += 1;
                connection = run.target.connect(client).await?;
            }
        }
    }
    Ok((latencies, errors))
}

impl Run {
    fn goes_on(&self) -> bool {
        match self.length {
            Length::Time(length) => self.begin.elapsed() < length,
            Length::Requests(requests) => self.sent.fetch_add(1, Ordering::Relaxed) < requests,
        }
    }
}
