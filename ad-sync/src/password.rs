//! Passwords: try, reset, change; unlock; enable; must-change.
//!
//! `unicodePwd` takes the password in quotes, in UTF-16LE, over an encrypted connection only (MS-ADTS 3.1.1.3.1.5).
//! Replacing it is a reset; deleting the old and adding the new value in one modification is a change.

use crate::connection::{Change, Connection, POLICY_HINTS, dn_of};
use crate::error::{self, Fault};
use crate::filter;
use crate::find::DISABLED;
use crate::pool::Site;
use ldap3::controls::RawControl;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::{DirectoryReason, PasswordCheck, ResetOptions};
use passquorum_domain::secret::Password;

const CONTROL: &str = "userAccountControl";

/// `SEQUENCE { INTEGER 1 }`: obey the history and the minimum age too.
const ENFORCE: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x01];

/// Tries a password by a bind as the user, under the DN that the object has now.
///
/// For an hour after a reset or a change a controller may take the password before as well
/// (`OldPasswordAllowedPeriod`): right means "known to the domain", not "the latest".
pub(crate) async fn check(
    site: &Site<'_>,
    guid: ObjectGuid,
    password: &Password,
) -> Result<PasswordCheck, Fault> {
    let entry = site.connection.read(&dn_of(guid), filter::USER, &["objectGUID"]).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let answer = site.try_bind(entry.dn(), password.expose()).await?;
    error::password_verdict(&answer).ok_or(Fault::Refused(answer))
}

/// Sets a new password, and what else was asked, in one modification: all of it happens or none.
pub(crate) async fn reset(
    connection: &Connection,
    guid: ObjectGuid,
    new: &Password,
    options: ResetOptions,
) -> Result<(), Fault> {
    let mut changes = vec![Change::Set("unicodePwd", encode(new))];
    if options.unlock {
        changes.push(unlocked());
    }
    if options.must_change {
        changes.push(must_be_changed());
    }
    let hints = RawControl { ctype: POLICY_HINTS.to_owned(), crit: true, val: Some(ENFORCE.to_vec()) };
    let controls = if connection.offers_policy_hints() { vec![hints] } else { Vec::new() };
    connection.modify(&dn_of(guid), changes, controls).await
}

/// Changes the password; the controller checks the old one and every rule.
pub(crate) async fn change(
    connection: &Connection,
    guid: ObjectGuid,
    old: &Password,
    new: &Password,
) -> Result<(), Fault> {
    let changes = vec![Change::Delete("unicodePwd", encode(old)), Change::Add("unicodePwd", encode(new))];
    connection.modify(&dn_of(guid), changes, Vec::new()).await
}

/// Ends a lockout.
pub(crate) async fn unlock(connection: &Connection, guid: ObjectGuid) -> Result<(), Fault> {
    connection.modify(&dn_of(guid), vec![unlocked()], Vec::new()).await
}

/// Enables a disabled account. The bits that were read are deleted and the new ones added in one modification, so that what
/// an administrator changes in between is not undone.
pub(crate) async fn enable(connection: &Connection, guid: ObjectGuid) -> Result<(), Fault> {
    let entry = connection.read(&dn_of(guid), filter::USER, &[CONTROL]).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let bits = entry.number(CONTROL).ok_or(Fault::Because(DirectoryReason::AccessDenied))?;
    if bits & DISABLED == 0 {
        return Ok(());
    }
    let value = |bits: i64| bits.to_string().into_bytes();
    let changes = vec![Change::Delete(CONTROL, value(bits)), Change::Add(CONTROL, value(bits & !DISABLED))];
    connection.modify(&dn_of(guid), changes, Vec::new()).await
}

/// Makes the user change the password at the next logon.
pub(crate) async fn set_must_change(connection: &Connection, guid: ObjectGuid) -> Result<(), Fault> {
    connection.modify(&dn_of(guid), vec![must_be_changed()], Vec::new()).await
}

fn unlocked() -> Change<'static> {
    Change::Set("lockoutTime", b"0".to_vec())
}

fn must_be_changed() -> Change<'static> {
    Change::Set("pwdLastSet", b"0".to_vec())
}

fn encode(password: &Password) -> Vec<u8> {
    let quote = std::iter::once(u16::from(b'"'));
    quote.clone().chain(password.expose().encode_utf16()).chain(quote).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_quoted_utf_16_little_endian() {
        let password = Password::parse("né\"🔑".to_owned()).unwrap();
        let expected = [0x22, 0, 0x6e, 0, 0xe9, 0, 0x22, 0, 0x3d, 0xd8, 0x11, 0xdd, 0x22, 0];
        assert_eq!(encode(&password), expected);
    }
}
