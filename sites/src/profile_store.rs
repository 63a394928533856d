//! The form of a Q&A profile in the directory: a format byte, then the profile as JSON, sealed with the user's
//! `objectGUID` and the format as context, so that one user's profile does not open as another's.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::{Purpose, Vault};
use passquorum_domain::qa::QaProfile;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;

fn context(guid: ObjectGuid) -> Vec<u8> {
    [guid.0.as_slice(), &[FORMAT]].concat()
}

/// Seals a profile for one user, in the form in which the directory keeps it.
///
/// # Errors
/// This node does not hold the realm key.
pub fn seal(vault: &dyn Vault, guid: ObjectGuid, profile: &QaProfile) -> Result<Blob, Failure> {
    let clear = Zeroizing::new(serde_json::to_vec(profile).map_err(Failure::internal)?);
    let Sealed(sealed) = vault.seal(Purpose::Profile, &context(guid), &clear)?;
    Ok(Blob::from([&[FORMAT], sealed.as_bytes()].concat()))
}

/// Under which generation of the realm's data key a profile is sealed; none when it is of no form that is known.
pub(crate) fn generation(stored: &Blob) -> Option<u32> {
    Sealed(Blob::from(stored.as_bytes().strip_prefix(&[FORMAT])?)).generation()
}

/// Opens what the attribute holds; none when it is not a profile of this user sealed in this realm.
pub(crate) fn open(ports: &Ports, guid: ObjectGuid, stored: &Blob) -> Option<QaProfile> {
    let sealed = stored.as_bytes().strip_prefix(&[FORMAT])?;
    let opened = ports.vault.open(Purpose::Profile, &context(guid), &Sealed(Blob::from(sealed)));
    let profile = opened.ok().and_then(|clear| serde_json::from_slice(&clear).ok());
    if profile.is_none() {
        tracing::warn!(%guid, "a stored profile does not open: it is of another realm or key, or was changed");
    }
    profile
}
