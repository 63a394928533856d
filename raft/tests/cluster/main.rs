//! The cluster as its users see it: several members in one process over real sockets and real TLS.

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod consensus;
#[cfg(test)]
mod divergence;
#[cfg(test)]
mod elections;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod members;
#[cfg(test)]
mod old_disk;
#[cfg(test)]
mod perimeter;
#[cfg(test)]
mod removals;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod stranger;
#[cfg(test)]
mod unsynced;
#[cfg(test)]
mod upgrade;
