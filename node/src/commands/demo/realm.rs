//! What the demonstration's realm is made of: its configuration, its people, and one profile that is registered from
//! the start, so that a forgotten password can be tried at once.

use crate::commands::Failure;
use crate::env::SystemEntropy;
use crate::keyring::Keyring;
use crate::starter;
use passquorum_ad_sync::demo::{self, DemoDirectory, Seed};
use passquorum_domain::config::{
    DirectoryEndpoint, DomainConnection, ManagementPolicy, MirrorSettings, RealmConfig,
};
use passquorum_domain::directory::{DistinguishedName, LoginName};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{Directory as _, Entropy as _, Found, fresh_uuid};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::qa::{AskedQuestion, HashCost, NewAnswer, QaProfile, QuestionOrigin};
use passquorum_domain::scope::{RoleScope, UserScope};
use passquorum_domain::secret::Answer;
use passquorum_sites::Registered;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Whose profile is registered from the start.
const REGISTERED: &str = "alice";
/// The answers of that profile, by question of the starter policy.
const ANSWERS: [(&str, &str); 3] = [
    ("What was the name of your first school?", "Northside Primary"),
    ("In which town did your parents meet?", "Lakeford"),
    ("What was the name of your first pet?", "Biscuit the cat"),
];

/// A person to sign in as.
#[derive(Serialize)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) password: String,
    /// By question; empty where no profile is registered.
    pub(super) answers: BTreeMap<&'static str, &'static str>,
    #[serde(skip)]
    pub(super) display_name: String,
    #[serde(skip)]
    pub(super) groups: Vec<String>,
}

/// The people, as they are at the start.
pub(super) fn accounts() -> Vec<Account> {
    let people = Seed::demo().people.into_iter().filter(|person| !person.disabled);
    people
        .map(|person| Account {
            answers: if person.account == REGISTERED { ANSWERS.into() } else { BTreeMap::new() },
            user: person.account,
            password: person.password.expose_secret().to_owned(),
            display_name: person.display_name,
            groups: person.groups,
        })
        .collect()
}

/// Makes the embedded directory unless it is there.
pub(super) fn seed_directory(path: &Path) -> Result<(), Failure> {
    demo::seed(path, &Seed::demo())?;
    Ok(())
}

/// The configuration, and the one policy in it.
pub(super) fn config() -> Result<(RealmConfig, ManagementPolicy), Failure> {
    let connection = DomainConnection {
        id: ConnectionId(fresh_uuid(&SystemEntropy)),
        alias: "DEMO".to_owned(),
        endpoint: DirectoryEndpoint::Embedded,
        profile_attribute: "comment".to_owned(),
        former_profile_attribute: None,
    };
    let everyone = UserScope {
        connection: connection.id,
        allowed_groups: Vec::new(),
        allowed_ous: vec![DistinguishedName::parse(demo::BASE)?],
        denied_groups: Vec::new(),
        denied_ous: Vec::new(),
    };
    let policy = starter::policy("Everyone", everyone, FeatureLevel::CURRENT);
    let group = |dn: &str| {
        Ok::<_, Failure>(RoleScope { connection: connection.id, group: DistinguishedName::parse(dn)? })
    };
    let mut config = RealmConfig::empty();
    "Demo Organisation".clone_into(&mut config.general.organisation);
    config.administrators = vec![group(demo::ADMINISTRATORS)?];
    config.helpdesk = vec![group(demo::HELPDESK)?];
    config.general.mirror = Some(MirrorSettings {
        connection: connection.id,
        container: DistinguishedName::parse(&format!("CN=_QPMStorageContainer,CN=System,{}", demo::BASE))?,
    });
    config.connections.push(connection);
    config.policies.push(policy.clone());
    Ok((config, policy))
}

/// Registers the one profile.
pub(super) async fn register(
    path: &Path,
    keyring: &Keyring,
    policy: &ManagementPolicy,
) -> Result<(), Failure> {
    let connection = policy.scope.first().map(|scope| scope.connection);
    let connection = connection.ok_or_else(|| Failure::not_now("the demo's policy has no scope"))?;
    let directory = DemoDirectory::open(path, connection);
    let Found::One(user) = directory.find(&LoginName::parse(REGISTERED)?).await? else {
        return Err(Failure::not_now("the embedded directory does not know its first user"));
    };
    let answers = BTreeMap::from(ANSWERS);
    let given = policy.qa.questions.iter().filter_map(|question| {
        let answer = *answers.get(question.text.as_str())?;
        let origin = QuestionOrigin::Listed(question.id);
        let question = AskedQuestion { origin, text: question.text.clone() };
        Some(Answer::parse(answer.to_owned()).map(|answer| NewAnswer { question, answer }))
    });
    let given = given.collect::<Result<Vec<_>, _>>()?;
    let salt = || {
        let mut salt = [0; 16];
        SystemEntropy.fill(&mut salt);
        salt
    };
    let profile = QaProfile::register(given, HashCost::STANDARD, salt)?;
    let held = directory.read_profile(&user.user).await?;
    let registered = Registered { profile, made_under: Some(RequirementsDigest::of(&policy.qa)) };
    let (level, guid) = (FeatureLevel::CURRENT, user.user.guid);
    let sealed = passquorum_sites::seal_profile(keyring, level, guid, registered, &held)?;
    directory.write_profile(&user.user, &held, Some(&sealed)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_valid_and_its_answers_make_a_whole_profile() {
        let (config, policy) = config().unwrap_or_else(|failure| panic!("{}", failure.message));
        assert_eq!(config.problems(), Vec::new());
        let asked = policy.qa.questions.iter().map(|question| question.text.as_str());
        let answered = asked.filter(|text| ANSWERS.iter().any(|(question, _)| question == text)).count();
        assert_eq!(answered, policy.qa.answers_to_register());
        let registered = accounts().into_iter().filter(|account| !account.answers.is_empty()).count();
        assert_eq!(registered, 1);
    }
}
