//! The form of a Q&A profile in the directory: a format byte, then JSON, sealed with the user's `objectGUID` and the format
//! as context, so that one user's profile does not open as another's.
//!
//! Format 1 is the profile alone. Format 2, from the third feature level on, is the profile with the requirements that it
//! was made under and the stamp of where it was written over what: an earlier value that somebody puts back opens, but is
//! told as such ([`Stored::Rewritten`]) and used by nobody. Where the directory tells no versions, that cannot be seen.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ports::{Purpose, Vault};
use passquorum_domain::profile::{HeldProfile, ProfileValue, RequirementsDigest, Stamp};
use passquorum_domain::qa::QaProfile;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const ALONE: u8 = 1;
const STAMPED: u8 = 2;

/// A profile, and under which requirements it was made where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The profile.
    pub profile: QaProfile,
    /// The requirements that it was made under.
    pub made_under: Option<RequirementsDigest>,
}

impl Registered {
    /// Whether the helpdesk wants it made anew.
    pub(crate) fn is_outdated(&self) -> bool {
        self.made_under == Some(RequirementsDigest::OUTDATED)
    }
}

/// What is inside the seal of format 2.
#[derive(Serialize, Deserialize)]
struct Inside {
    digest: RequirementsDigest,
    stamp: Stamp,
    profile: QaProfile,
}

/// What a user's attribute holds.
pub(crate) enum Stored {
    /// Nothing.
    Nothing,
    /// A profile of this user sealed in this realm.
    Profile(Registered),
    /// One that was not written last: another hand put it there.
    Rewritten(Registered),
    /// Something else.
    Foreign,
}

impl Stored {
    /// The profile that counts: to everyone but administrators, all else is as if there were none.
    pub(crate) fn profile(self) -> Option<QaProfile> {
        match self {
            Self::Profile(registered) => Some(registered.profile),
            Self::Nothing | Self::Rewritten(_) | Self::Foreign => None,
        }
    }
}

fn context(guid: ObjectGuid, format: u8) -> Vec<u8> {
    [guid.0.as_slice(), &[format]].concat()
}

/// Seals a profile for one user, in the form in which the directory keeps it at this level, to be written over what is held.
///
/// # Errors
/// This node does not hold the realm key.
pub fn seal(
    vault: &dyn Vault,
    level: FeatureLevel,
    guid: ObjectGuid,
    registered: Registered,
    held: &HeldProfile,
) -> Result<ProfileValue, Failure> {
    let Registered { profile, made_under } = registered;
    let (format, clear, digest) = if level < FeatureLevel::THIRD {
        (ALONE, serde_json::to_vec(&profile), None)
    } else {
        let digest = made_under.unwrap_or(RequirementsDigest::NONE);
        let inside = Inside { digest, stamp: held.stamp(), profile };
        (STAMPED, serde_json::to_vec(&inside), Some(digest))
    };
    let clear = Zeroizing::new(clear.map_err(Failure::internal)?);
    let Sealed(sealed) = vault.seal(Purpose::Profile, &context(guid, format), &clear)?;
    Ok(ProfileValue { sealed: Blob::from([&[format], sealed.as_bytes()].concat()), digest })
}

/// Whether a value is not in the form that is written now: sealed under this generation of the realm's data key, and
/// stamped from the third level on.
pub(crate) fn is_older(value: &ProfileValue, sealing: Option<u32>, level: FeatureLevel) -> bool {
    let format = if level < FeatureLevel::THIRD { ALONE } else { STAMPED };
    let Some((found, sealed)) = value.sealed.as_bytes().split_first() else { return true };
    *found < format || Sealed(Blob::from(sealed)).generation() != sealing
}

/// Opens what the attribute holds.
pub(crate) fn open(ports: &Ports, guid: ObjectGuid, held: &HeldProfile) -> Stored {
    let Some(value) = &held.value else { return Stored::Nothing };
    let stored = opened(&*ports.vault, guid, value).map_or(Stored::Foreign, |(registered, stamp)| {
        if stamp.is_none_or(|stamp| stamp.fits(&held.at)) {
            Stored::Profile(registered)
        } else {
            Stored::Rewritten(registered)
        }
    });
    match stored {
        Stored::Foreign => {
            tracing::warn!(%guid, "a stored profile does not open: it is of another realm or key, or was changed");
        }
        Stored::Rewritten(_) => {
            tracing::warn!(%guid, "a stored profile is not the one that was written last: another hand put it there");
        }
        Stored::Nothing | Stored::Profile(_) => {}
    }
    stored
}

fn opened(vault: &dyn Vault, guid: ObjectGuid, value: &ProfileValue) -> Option<(Registered, Option<Stamp>)> {
    let (format, sealed) = value.sealed.as_bytes().split_first()?;
    let clear = vault.open(Purpose::Profile, &context(guid, *format), &Sealed(Blob::from(sealed))).ok()?;
    match *format {
        ALONE => {
            let profile = serde_json::from_slice(&clear).ok()?;
            Some((Registered { profile, made_under: None }, None))
        }
        STAMPED => {
            let Inside { digest, stamp, profile } = serde_json::from_slice(&clear).ok()?;
            Some((Registered { profile, made_under: Some(digest) }, Some(stamp)))
        }
        _ => None,
    }
}
