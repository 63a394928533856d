//! Looking users up: by the name that was typed, or again by `objectGUID`.

use crate::connection::{Connection, Entry, dn_of};
use crate::error::Fault;
use crate::filter;
use ldap3::Scope;
use passquorum_domain::directory::{
    AccountStatus, DistinguishedName, LoginName, ObjectGuid, UserRecord, UserRef,
};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{DirectoryReason, Found};

const ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "mail",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "pwdLastSet",
];

/// ADS_UF_ACCOUNTDISABLE (MS-ADTS 2.2.16).
pub(crate) const DISABLED: i64 = 0x2;
/// ADS_UF_LOCKOUT, in the computed attribute.
const LOCKED_OUT: i64 = 0x10;
/// ADS_UF_PASSWORD_EXPIRED, in the computed attribute.
const PASSWORD_EXPIRED: i64 = 0x80_0000;

/// Where the answer comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) dc: &'a str,
}

/// Looks a name up below `base`.
pub(crate) async fn find(
    connection: &Connection,
    origin: Origin<'_>,
    base: &DistinguishedName,
    name: &LoginName,
) -> Result<Found, Fault> {
    let filter = filter::user_named(name);
    let entries = connection.search(base.as_str(), Scope::Subtree, &filter, ATTRIBUTES, 2).await?;
    match entries.as_slice() {
        [] => Ok(Found::Nobody),
        [entry] => Ok(Found::One(Box::new(record(connection, origin, entry).await?))),
        _ => Ok(Found::Several),
    }
}

/// Reads a user again.
pub(crate) async fn read(
    connection: &Connection,
    origin: Origin<'_>,
    guid: ObjectGuid,
) -> Result<UserRecord, Fault> {
    let entry = connection.read(&dn_of(guid), filter::USER, ATTRIBUTES).await?;
    record(connection, origin, &entry.ok_or(Fault::Because(DirectoryReason::NotFound))?).await
}

async fn record(connection: &Connection, origin: Origin<'_>, entry: &Entry) -> Result<UserRecord, Fault> {
    let unreadable = || Fault::Because(DirectoryReason::AccessDenied);
    let text = |attribute| entry.text(attribute).filter(|text| !text.is_empty()).map(str::to_owned);
    let account = text("sAMAccountName").ok_or_else(unreadable)?;
    let has = |attribute, flag| entry.number(attribute).is_some_and(|bits| bits & flag != 0);
    let computed = "msDS-User-Account-Control-Computed";
    let status = AccountStatus {
        locked: has(computed, LOCKED_OUT),
        disabled: has("userAccountControl", DISABLED),
        expired: has_expired(connection, entry.number("accountExpires")).await?,
        must_change_password: has(computed, PASSWORD_EXPIRED) || entry.number("pwdLastSet") == Some(0),
    };
    let guid = entry.guid().ok_or_else(unreadable)?;
    Ok(UserRecord {
        user: UserRef { connection: origin.connection, guid, dc: origin.dc.to_owned() },
        dn: DistinguishedName::parse(entry.dn()).map_err(|_| Fault::Because(DirectoryReason::Refused))?,
        display_name: text("displayName").unwrap_or_else(|| account.clone()),
        account,
        upn: text("userPrincipalName"),
        mail: text("mail"),
        status,
    })
}

/// Whether `accountExpires` (100 ns since 1601; 0 and the largest number mean never) is past, by the controller's own
/// clock, which is the one that decides.
async fn has_expired(connection: &Connection, expires: Option<i64>) -> Result<bool, Fault> {
    let Some(expires) = expires.filter(|ticks| *ticks != 0 && *ticks != i64::MAX) else { return Ok(false) };
    let root = connection.read("", filter::ANY, &["currentTime"]).await?;
    let now = root.as_ref().and_then(|root| root.text("currentTime")).and_then(file_time);
    Ok(now.is_some_and(|now| expires <= now))
}

/// A generalized time such as `20260102030405.0Z`, as 100 ns since 1601-01-01 (a Windows FILETIME).
fn file_time(text: &str) -> Option<i64> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    // Days from civil date: years are counted from March, so that the leap day is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_from_0000_03_01 = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    let days_to_1601 = 584_694;
    let seconds = ((days_from_0000_03_01 - days_to_1601) * 24 + hour) * 3600 + minute * 60 + second;
    Some(seconds * 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controllers_clock_reads_as_file_time() {
        assert_eq!(file_time("16010101000000.0Z"), Some(0));
        assert_eq!(file_time("19700101000000.0Z"), Some(116_444_736_000_000_000));
        assert_eq!(file_time("20240229123456.0Z"), Some(133_536_836_960_000_000));
        assert_eq!(file_time("2024"), None);
        assert_eq!(file_time("é"), None);
    }
}
