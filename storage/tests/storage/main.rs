//! The storage contract, on the disk engine and on its twin in memory.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod founding;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod leader;
#[cfg(test)]
mod lingering;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod member;
#[cfg(test)]
mod records;
#[cfg(test)]
mod reopen;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod torn;
