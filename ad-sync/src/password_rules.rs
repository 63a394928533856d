//! Which password rules the domain sets for a user: its default policy (on the domain's head), or the fine-grained
//! password settings object that `msDS-ResultantPSO` names (MS-ADTS 3.1.1.4.5.36).

use crate::connection::{Connection, Entry, dn_of};
use crate::error::Fault;
use crate::filter;
use passquorum_domain::directory::{DistinguishedName, DomainPasswordRules, ObjectGuid, RulesSource};
use passquorum_domain::ports::DirectoryReason;

/// DOMAIN_PASSWORD_COMPLEX (MS-SAMR 2.2.3.5).
const COMPLEX: i64 = 0x1;

pub(crate) async fn read(connection: &Connection, guid: ObjectGuid) -> Result<DomainPasswordRules, Fault> {
    let user = connection.read(&dn_of(guid), filter::USER, &["msDS-ResultantPSO"]).await?;
    let user = user.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let pso = user.text("msDS-ResultantPSO").and_then(|dn| DistinguishedName::parse(dn).ok());
    let Some(pso) = pso else { return of_domain(connection, RulesSource::Domain).await };
    let attributes =
        ["msDS-MinimumPasswordLength", "msDS-PasswordComplexityEnabled", "msDS-PasswordHistoryLength"];
    // Who may not read the object sees none; who may not read its attributes sees an empty one.
    let entry = connection.read(pso.as_str(), filter::ANY, &attributes).await?;
    match entry.as_ref().and_then(|entry| of_pso(entry, &pso)) {
        Some(rules) => Ok(rules),
        None => of_domain(connection, RulesSource::UnreadablePso(pso)).await,
    }
}

fn of_pso(entry: &Entry, pso: &DistinguishedName) -> Option<DomainPasswordRules> {
    Some(DomainPasswordRules {
        source: RulesSource::Pso(pso.clone()),
        min_length: count(entry, "msDS-MinimumPasswordLength")?,
        complexity: entry.text("msDS-PasswordComplexityEnabled")?.eq_ignore_ascii_case("TRUE"),
        history: count(entry, "msDS-PasswordHistoryLength")?,
    })
}

async fn of_domain(connection: &Connection, source: RulesSource) -> Result<DomainPasswordRules, Fault> {
    let attributes = ["minPwdLength", "pwdProperties", "pwdHistoryLength"];
    let head = connection.read(connection.domain(), filter::ANY, &attributes).await?;
    let head = head.ok_or(Fault::Because(DirectoryReason::AccessDenied))?;
    Ok(DomainPasswordRules {
        source,
        min_length: count(&head, "minPwdLength").unwrap_or(0),
        complexity: head.number("pwdProperties").is_some_and(|bits| bits & COMPLEX != 0),
        history: count(&head, "pwdHistoryLength").unwrap_or(0),
    })
}

fn count(entry: &Entry, attribute: &str) -> Option<u32> {
    entry.number(attribute)?.try_into().ok()
}
