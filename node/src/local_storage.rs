//! `Local.storage`, the status file of the replaced product, for scripts that read it: what the instance is called and
//! whether it is the Primary. Nothing reads it back: roles are not edited here.

use crate::stop::Stop;
use passquorum_domain::ports::{ClusterStatus, Consensus};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(1);

/// Keeps the file as things are, until the word to stop; then the instance is no Primary any more.
pub(crate) async fn keep(path: PathBuf, name: String, consensus: Arc<dyn Consensus>, mut stop: Stop) {
    let mut written = None;
    loop {
        let primary = !stop.is_stopped() && is_primary(&consensus.status());
        if written != Some(primary) {
            match write(&path, &document(&name, primary)) {
                Ok(()) => written = Some(primary),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "Local.storage cannot be written")
                }
            }
        }
        if stop.is_stopped() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.stopped() => {}
        }
    }
}

/// Only with a majority behind it, so that two of them never say so of themselves for longer than a look.
fn is_primary(status: &ClusterStatus) -> bool {
    status.leader == Some(status.node) && status.quorum
}

fn document(name: &str, primary: bool) -> String {
    let role = if primary { "Primary" } else { "Secondary" };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <!-- Written by passquorum whenever it changes; to edit it changes nothing. -->\n\
         <settings>\n  <setting name=\"instanceName\" value=\"{}\" />\n  <setting name=\"role\" value=\"{role}\" />\n\
         </settings>\n",
        escaped(name)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {
                // Writing to a text cannot fail.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Beside its place, then renamed into it, so that a reader finds all of it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::stop;

    #[tokio::test]
    async fn the_file_says_who_is_the_primary_and_at_the_end_that_this_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Local.storage");
        let (stopper, stop) = stop::channel();
        let kept = tokio::spawn(keep(path.clone(), "n<1>".into(), Arc::new(Alone::default()), stop));
        let says = |role: &str| {
            let line = format!("<setting name=\"role\" value=\"{role}\" />");
            fs::read_to_string(&path).is_ok_and(|text| text.contains(&line) && text.contains("\"n&lt;1>\""))
        };
        let written = async {
            while !says("Primary") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), written).await.unwrap();
        stopper.stop();
        kept.await.unwrap();
        assert!(says("Secondary"));
    }
}
