//! The command line, read by name: what the verbs have in common.

use crate::ldaps::Controller;
use crate::target::{System, Target};
use crate::visitor::Site;
use crate::{Failure, USAGE, crowd};
use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) struct Options(Vec<String>);

impl Options {
    pub(crate) fn of_this_process() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub(crate) fn verb(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The last one counts, so that a script can override its defaults.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let position = self.0.iter().rposition(|argument| argument == name)?;
        self.0.get(position + 1).cloned()
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, Failure> {
        self.get(name).ok_or_else(|| format!("{name} is missing; {USAGE}").into())
    }

    pub(crate) fn number(&self, name: &str) -> Result<usize, Failure> {
        Ok(self.required(name)?.parse()?)
    }

    pub(crate) fn seconds(&self) -> Result<Duration, Failure> {
        Ok(Duration::from_secs(self.required("--seconds")?.parse()?))
    }

    pub(crate) fn pids(&self) -> Result<Vec<u32>, Failure> {
        let pids = self.get("--pids").unwrap_or_default();
        Ok(pids.split_terminator(',').map(str::parse).collect::<Result<_, _>>()?)
    }

    pub(crate) fn people(&self) -> Result<RangeInclusive<usize>, Failure> {
        crowd::range(&self.required("--people")?)
    }

    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let system = match self.required("--system")?.as_str() {
            "passquorum" => System::Passquorum,
            "etcd" => System::Etcd,
            other => return Err(format!("--system {other}: {USAGE}").into()),
        };
        Target::new(system, &self.required("--endpoints")?, self.get("--token"), &self.required("--ca")?)
    }

    pub(crate) fn site(&self) -> Result<Site, Failure> {
        Site::new(self.required("--site")?, &self.required("--ca")?)
    }

    pub(crate) fn controller(&self) -> Result<Option<Controller>, Failure> {
        let Some(host) = self.get("--controller") else { return Ok(None) };
        Ok(Some(Controller {
            host,
            authority: self.required("--controller-ca")?,
            user: self.required("--bind-name")?,
            password: self.required("--bind-password")?,
        }))
    }
}
